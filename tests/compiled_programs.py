"""One set of compiled programs for all processes of a test session.

JAX writes an entry of its cache in place: a process that reads it meanwhile finds half
of one, warns and compiles anew, and one that is killed while writing leaves half of one
for good. So processes do not share a cache. Each test process has its own, which the
commands that it starts use, too; ``exchange`` adds the entries of all others, as links,
which appear whole.
"""

import contextlib
import ctypes
import fcntl
import functools
import gc
import os
import pathlib
import tempfile
from collections.abc import Callable
from typing import ParamSpec, TextIO, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
SHARED = "NGCM_TEST_PROGRAMS"
"""Environment variable that names the folder from which processes take entries."""
OWN = "JAX_COMPILATION_CACHE_DIR"
SETTINGS = {
    # Seconds that a compilation takes at least to be kept.
    "jax_persistent_cache_min_compile_time_secs": 0.1,
    # Caches of GPU kernels, whose folder would become part of the key of every entry.
    "jax_persistent_cache_enable_xla_caches": "none",
}


def share() -> bool:
    """Make the shared folder; return whether this session has made it just now."""
    new = SHARED not in os.environ
    if new:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="ngcm-test-programs-")
    pathlib.Path(os.environ[SHARED]).mkdir(parents=True, exist_ok=True)
    return new


def own_folder() -> pathlib.Path:
    """Make a folder for this process, on the file system of the shared one."""
    folder = tempfile.mkdtemp(prefix="process-", dir=os.environ[SHARED])
    _folders[:] = [pathlib.Path(folder)]
    return _folders[0]


def exchange() -> None:
    """Add new entries of this process to the shared folder, and the other way."""
    from ngcm_cli.io.compilation_cache import is_whole

    for own in _folders:
        shared = pathlib.Path(os.environ[SHARED])
        link(own, shared, is_whole)
        link(shared, own)


def forget() -> None:
    """Free what JAX keeps of programs, and give it back to the system."""
    import jax

    jax.clear_caches()
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of the GNU library
        trim(0)


def link(
    source: pathlib.Path,
    target: pathlib.Path,
    accept: Callable[[pathlib.Path], bool] = lambda entry: True,
) -> None:
    """Add to one folder the accepted entries of another that it does not have."""
    have = {path.name for path in target.glob("*-cache")}
    for entry in source.glob("*-cache"):
        if entry.name not in have and accept(entry):
            with contextlib.suppress(FileExistsError):  # another process was first
                os.link(entry, target / entry.name)


def compiled_once(make: Callable[P, T]) -> Callable[P, T]:
    """Let one process at a time run a function that compiles what others need, too."""

    @functools.wraps(make)
    def run(*args: P.args, **settings: P.kwargs) -> T:
        if _held:  # by a function that calls this one
            return make(*args, **settings)
        with open(pathlib.Path(os.environ[SHARED]) / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _held.append(lock)
            try:
                exchange()
                made = make(*args, **settings)
                exchange()
                return made
            finally:
                _held.clear()

    return run


_held: list[TextIO] = []
_folders: list[pathlib.Path] = []  # that of this process, once it has one
