"""The state of a file: its checksum and its size, as one word of text."""

import pathlib
from typing import Any

import google_crc32c


def state_of(content: Any) -> str:
    """Return the state of a file with some content: bytes, or an array of them."""
    return f"{google_crc32c.value(content):08x} {len(content)}"


def file_state(path: pathlib.Path) -> str:
    """Return the state of a file, which may be larger than the memory."""
    checksum, size = google_crc32c.Checksum(), 0
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            checksum.update(chunk)
            size += len(chunk)
    return f"{checksum.hexdigest().decode()} {size}"
