"""Digests by which numbers that were read or written before are known again."""

import hashlib
from collections.abc import Mapping

import numpy as np


def arrays_sha256(*arrays: np.ndarray) -> str:
    """Return the SHA-256 of the numbers of arrays in this order, hexadecimal."""
    digest = hashlib.sha256()
    for x in arrays:
        digest.update(x.tobytes())
    return digest.hexdigest()


def named_arrays_sha256(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """Return the SHA-256 of a text and of arrays, sorted by name, hexadecimal."""
    digest = hashlib.sha256(text.encode())
    for name, x in sorted(arrays.items()):
        digest.update(f"\n{name} {x.dtype.str} {x.shape} ".encode())
        digest.update(np.ascontiguousarray(x).data)
    return digest.hexdigest()
