"""Locations of data as users write them: paths, patterns of files, URLs and names."""

import contextlib
import glob
import os
from collections.abc import Iterator

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.named import find_source
from ngcm_cli.inputs.sources.object_store import is_url, redacted_url


def resolve_location(name: str) -> str:
    """Return the URL of a named source; paths and URLs are returned unchanged."""
    source = find_source(name)
    return name if source is None else source.url


def redacted(location: str) -> str:
    """Return a location that may be published: a URL without passwords, signatures."""
    return redacted_url(location) if "://" in location else location


def is_remote(location: str) -> bool:
    """Return whether data are on a server, so that fetched fields are worth caching.

    Raises:
        InputDataError: The URL is malformed or of a scheme that is not read.
    """
    return is_url(resolve_location(location))


def matching_files(pattern: str) -> list[str]:
    """Return the files that match a pattern, in order; a path or URL is returned alone.

    Raises:
        InputDataError: No file matches.
    """
    if "://" in pattern or not glob.has_magic(pattern) or os.path.exists(pattern):
        return [pattern]
    files = sorted(glob.glob(pattern))
    if not files:
        raise InputDataError(f"No file matches '{pattern}'.", "Check the pattern.")
    return files


@contextlib.contextmanager
def naming_file(path: str) -> Iterator[None]:
    """Name the file in input errors that do not name it yet."""
    try:
        yield
    except InputDataError as error:
        named = path in error.message or redacted(path) in error.message
        message = error.message if named else f"In '{redacted(path)}': {error.message}"
        raise InputDataError(message, error.hint) from error
