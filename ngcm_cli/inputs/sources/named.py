"""The table of named sources: names that users write in place of a path or URL.

To add a source, add an entry to ``_SOURCES``.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType


@dataclasses.dataclass(frozen=True)
class NamedSource:
    """A public data set with a short name.

    Attributes:
        name: Short name in lower case, as users write it with ``--data``.
        summary: What it holds, in a few words for help texts.
        url: Address of its Zarr store or file, under which fetched fields are cached.
    """

    name: str
    summary: str
    url: str


# Hourly ERA5 since 1940 on 37 pressure levels and a grid of 0.25 degrees: Carver &
# Merose (2023, ARCO-ERA5: An analysis-ready cloud-optimized reanalysis dataset, 22nd
# Conference on AI for Environmental Science, American Meteorological Society).
ARCO = NamedSource(
    name="arco",
    summary="ERA5 in the cloud",
    url="gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3",
)
_SOURCES = (ARCO,)

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
