"""The cache of compiled programs, on disk between runs."""

import contextlib
import pathlib

import jax

from ngcm_cli.io.cache_dir import cache_dir

_CHECKED = "checked"
_SLACK = 60  # seconds by which the times of files may be late


def enable_compilation_cache() -> pathlib.Path | None:
    """Cache compiled programs on disk, unless JAX was told where already.

    Damaged entries are removed first, see `remove_damaged_entries`.

    Returns:
        The folder, or None if it was not chosen here or the cache is switched off.
    """
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return None
    folder = cache_dir() / "compiled"
    remove_damaged_entries(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    shortest = "jax_persistent_cache_min_compile_time_secs"
    if jax.config.values[shortest] == 1.0:  # as JAX has it, if nobody changed it
        jax.config.update(shortest, 0.0)
    return folder if jax.config.values["jax_enable_compilation_cache"] else None


def remove_damaged_entries(folder: pathlib.Path) -> None:
    """Remove entries that were not written whole.

    JAX writes an entry in place and never again: one that a killed process or a full
    disk cut short would be found, refused and compiled anew in every run. Entries are
    examined once, when they are new. One that another process is writing just now is
    lost with them; it is compiled once more.
    """
    mark = folder / _CHECKED
    with contextlib.suppress(OSError):  # a cache that cannot be read is of no use
        since = mark.stat().st_mtime - _SLACK if mark.exists() else 0.0
        for entry in folder.glob("*-cache"):
            if entry.stat().st_mtime >= since and not is_whole(entry):
                entry.unlink(missing_ok=True)
        if folder.is_dir():
            mark.touch()


def is_whole(entry: pathlib.Path) -> bool:
    """Return whether an entry of JAX's cache is complete.

    So is taken to be one that another library has compressed, which cannot be read.
    """
    from jax._src import compilation_cache

    content = entry.read_bytes()
    first = compilation_cache.compress_executable(b"")[:1]
    if content and content[:1] != first:
        return True
    try:
        compilation_cache.decompress_executable(content)
    except Exception:  # each of the three libraries has an error of its own
        return False
    return True
