"""The table of named sources: names that users write in place of a path or URL.

To add a source, write a file like ``arco.py`` and add its source to ``_SOURCES``.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from ngcm_cli.inputs.sources.arco import ARCO
from ngcm_cli.io.progress import ByteProgress, no_progress

if TYPE_CHECKING:
    import xarray as xr


class NamedSource(Protocol):
    """A public data set with a short name."""

    @property
    def name(self) -> str:
        """Short name in lower case, as users write it with ``--data``."""
        ...

    @property
    def summary(self) -> str:
        """What it holds, in a few words for help texts."""
        ...

    @property
    def url(self) -> str:
        """Address that identifies it, under which fetched fields are cached."""
        ...

    def open(
        self, *, offline: bool = False, progress: ByteProgress = no_progress
    ) -> "xr.Dataset":
        """Open the data set; values are read when they are asked for.

        Args:
            offline: Refuse to use the network.
            progress: Called with the bytes that arrive.

        Raises:
            InputDataError: It cannot be opened.
        """
        ...


_SOURCES: tuple[NamedSource, ...] = (ARCO,)

NAMED_SOURCES: Mapping[str, NamedSource] = MappingProxyType(
    {source.name: source for source in _SOURCES}
)
"""All named sources, by name."""

DEFAULT_SOURCE = ARCO.name
"""Source of an analysis that is not bundled, where the user names no data."""


def find_source(name: str) -> NamedSource | None:
    """Return the source of this name, in capitals or not, or None if there is none."""
    return NAMED_SOURCES.get(name.strip().lower())


def metavar(*others: str) -> str:
    """Return the placeholder of an option that takes a named source, or others."""
    return "|".join((*others, *NAMED_SOURCES))


def summaries() -> str:
    """Return all named sources for help texts, as ``arco (ERA5 in the cloud)``."""
    return ", ".join(f"{s.name} ({s.summary})" for s in NAMED_SOURCES.values())
