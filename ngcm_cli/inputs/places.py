"""Where data are: here, far away, in several files, or under a name."""

import contextlib
import glob
import os
from collections.abc import Iterator

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.remote import is_url, public_name

ARCO = "gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3"
"""ERA5 for everyone, hourly since 1940, on 37 levels and 0.25 degrees."""


def location(name: str) -> str:
    """Where a source that has a name is: ``arco``; paths and URLs are themselves."""
    return ARCO if name.strip().lower() == "arco" else name


def shown(name: str) -> str:
    """A source as it may be written down: URLs without passwords and signatures."""
    return public_name(name) if "://" in name else name


def is_far(source: str) -> bool:
    """Whether a source is not on this computer, so that what is prepared is kept.

    Raises:
        InputDataError: it is an address of a kind that we do not read, or none.
    """
    return is_url(location(source))


def places(path: str) -> list[str]:
    """The files that a pattern means, in order; anything else is itself.

    Raises:
        InputDataError: there is no such file.
    """
    if "://" in path or not glob.has_magic(path) or os.path.exists(path):
        return [path]
    places = sorted(glob.glob(path))
    if not places:
        raise InputDataError(f"No file is called '{path}'.", "Check the pattern.")
    return places


@contextlib.contextmanager
def blamed_on(path: str) -> Iterator[None]:
    """Name the file in what is said about its contents."""
    try:
        yield
    except InputDataError as error:
        named = path in error.message or shown(path) in error.message
        message = error.message if named else f"In '{shown(path)}': {error.message}"
        raise InputDataError(message, error.hint) from error
