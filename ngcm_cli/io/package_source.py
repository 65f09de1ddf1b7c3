"""The source of this package, as the running process has loaded it."""

import hashlib
import pathlib
import sys
from collections.abc import Iterable

import ngcm_cli


def source_digest(since: float = 0.0) -> str | None:
    """Return a digest of the source of the package, or None where that is not sure.

    It is not if a module was loaded from elsewhere, an archive perhaps, or a file has
    changed and may not be the one that was loaded.

    Args:
        since: when the process began to import the package, as ``time.time`` has it.
    """
    folder = pathlib.Path(ngcm_cli.__path__[0])
    files = sorted(folder.rglob("*.py"))
    names = {*map(str, files)}
    for name, module in list(sys.modules.items()):
        # Models have no code, and lie elsewhere in a checkout.
        is_own = name.split(".")[0] == "ngcm_cli" and name != "ngcm_cli.models"
        if is_own and getattr(module, "__file__", None) not in names:
            return None
    try:
        return digest_of(files, folder, since)
    except OSError:
        return None


def digest_of(
    files: Iterable[pathlib.Path], folder: pathlib.Path, since: float = 0.0
) -> str | None:
    """Return a digest of names and contents; None if a file is newer than a time.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        state, content = path.stat(), path.read_bytes()
        if since and max(state.st_mtime, state.st_ctime) > since:
            return None
        name = f"\n{path.relative_to(folder)} {len(content)}\n"
        digest.update(name.encode() + content)
    return digest.hexdigest()
