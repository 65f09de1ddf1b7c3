"""A file of bytes that knows when it is damaged, for caches."""

import contextlib
import hashlib
import pathlib

from ngcm_cli.io.atomic import complete_file

_SIZE = hashlib.sha256().digest_size


def read_checked(path: pathlib.Path) -> bytes | None:
    """Return what `write_checked` wrote; None if it cannot be read or is damaged."""
    with contextlib.suppress(OSError):
        whole = path.read_bytes()
        if whole[:_SIZE] == hashlib.sha256(whole[_SIZE:]).digest():
            return whole[_SIZE:]
    return None


def write_checked(path: pathlib.Path, content: bytes) -> None:
    """Write bytes behind their SHA-256, whole or, where that is impossible, not."""
    with contextlib.suppress(OSError):  # a cache that cannot be written is of no use
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete_file(path) as new:
            new.write_bytes(hashlib.sha256(content).digest() + content)
