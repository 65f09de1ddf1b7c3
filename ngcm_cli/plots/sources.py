"""What `ngcm plot` reads: fields, zonal means, series, scores, tracks, diagnoses."""

import contextlib
import os
import pathlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import xarray as xr

from ngcm_cli.errors import InputDataError, NgcmError, printable
from ngcm_cli.inputs.gridded import kind_of_results, open_gridded
from ngcm_cli.inputs.sources.checked_netcdf import open_netcdf
from ngcm_cli.inputs.sources.local_file import check_axes
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.inputs.sources.netcdf import shapes
from ngcm_cli.output.run_directory import RUN_FILE
from ngcm_cli.training.training_directory import METRICS

Content = Literal[
    "fields", "zonal", "series", "scores", "tracks", "diagnosis", "training"
]  # fmt: skip

_STORES = {
    "series": ("global", "monthly", "daily"),
    "section": ("monthly_zonal", "daily_zonal", "monthly", "daily"),
    "hovmoller": ("monthly_zonal", "daily_zonal", "monthly", "daily"),
}
"""Which store of a climate run a picture is of, best first."""
_OTHERS = ("monthly", "daily", "instantaneous")
_LONGEST = 100  # characters of a text on a picture
_OF_DAMAGE = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError)
_OF_DAMAGE += (TypeError, ValueError)


def open_source(
    location: str, what: str | None = None, *, offline: bool = False
) -> xr.Dataset:
    """Open what a picture shows, lazily; the attribute ``content`` says what it is.

    Args:
        location: as `open_gridded` takes it, or the directory of a climate run or of a
            training, or a file of scores, tracks or a diagnosis.
        what: kind of picture, which chooses the store of a climate run.
        offline: whether no network may be used.

    Raises:
        InputDataError: it cannot be read, or is nothing that can be drawn.
    """
    path = pathlib.Path(location)
    if (path / METRICS).is_file():
        from ngcm_cli.plots.training import open_training

        return _with(open_training(path), "training", location)
    if (path / RUN_FILE).is_file():
        path = _store_of_run(path, what)
    if not path.exists() or (path.is_file() and path.suffix not in (".nc", ".nc4")):
        return _with(open_gridded(location, offline=offline), "fields", location)
    content = peek(path)
    if content in ("fields", "zonal"):
        opened = open_gridded(str(path), offline=offline)
        content = "fields" if "longitude" in opened.dims else "zonal"
    else:
        opened = _open(path, decode=True)
    return _with(opened, content, str(path))


@contextlib.contextmanager
def derived_file(location: str, content: str) -> Iterator[None]:
    """Enter a context that uses a file of scores, tracks or a diagnosis.

    These are recognised by a few names: they may be damaged, or of other programs.

    Args:
        location: of the file.
        content: what it should hold.

    Raises:
        InputDataError: what a file of ngcm has is not there, or of another kind.
    """
    try:
        yield
    except NgcmError:
        raise
    except _OF_DAMAGE as e:
        raise InputDataError(
            f"{location} does not hold {content} as ngcm writes them: "
            f"{type(e).__name__}: {e}.",
            "Name a file of ngcm that is whole.",
        ) from e


def peek(path: pathlib.Path) -> Content:
    """Return what a local file or store holds; fields if that cannot be told."""
    try:
        with _open(path, decode=False) as opened:
            return _content_of(opened)
    except _OF_DAMAGE:
        return "fields"  # `open_gridded` says what is wrong, if anything is


def _with(dataset: xr.Dataset, content: Content, location: str) -> xr.Dataset:
    close = dataset.close
    result = _completed(dataset).copy()
    result.attrs = {**_shown(result.attrs), "content": content}
    result.attrs["location"] = str(dataset.attrs.get("location", location))
    for variable in result.variables.values():
        variable.attrs = _shown(variable.attrs)
    result.set_close(close)
    return result


def _completed(dataset: xr.Dataset) -> xr.Dataset:
    """Return the times that an unfinished run of ngcm has written; the rest is NaN.

    The attribute ``unfinished`` says how many of all they are.
    """
    for dim, counted in ("lead_time", "lead times"), ("time", "records"):
        count = int(dataset.attrs.get(f"completed_{counted.replace(' ', '_')}", 0))
        total = dataset.sizes.get(dim, 0)
        if 0 < count < total:
            found = dataset.isel({dim: slice(0, count)})
            return found.assign_attrs(unfinished=f"{count} of {total} {counted}")
    return dataset


def _shown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes of a file whose text fits on a picture, and numbers."""
    return {
        name: x if isinstance(x, int | float) else printable(str(x), _LONGEST)
        for name, x in attributes.items()
    }


def _open(path: pathlib.Path, decode: bool) -> xr.Dataset:
    how: Any = {"decode_times": decode, "decode_timedelta": decode}
    if not path.is_dir():
        check_axes(str(path), shapes(path))  # before coordinates are read
        return open_netcdf(path, str(path), **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of stores without consolidated metadata
        return xr.open_zarr(path, chunks=None, **how)


def _content_of(dataset: xr.Dataset) -> Content:
    results = kind_of_results(dataset)
    if results is not None:
        return results
    dims = {str(dim).lower() for dim in dataset.dims}
    is_on_latitudes = bool(dims & {"latitude", "lat"})
    if is_on_latitudes and not dims & {"longitude", "lon", "x"}:
        return "zonal"
    if "time" in dims and dims <= {"time", "bnds", "sigma", "realization"}:
        return "series"
    return "fields"


def _store_of_run(folder: pathlib.Path, what: str | None) -> pathlib.Path:
    """Return the store of a climate run that suits a picture.

    Raises:
        InputDataError: there is none.
    """
    stores = {path.stem: path for path in folder.glob("*.zarr")}
    if not stores:
        starts = sorted(folder.glob("starts/*/"))
        stores = (
            {path.stem: path for path in starts[0].glob("*.zarr")} if starts else {}
        )
    for name in _STORES.get(what or "series", _OTHERS):
        if name in stores:
            return stores[name]
    raise InputDataError(
        f"{folder} has no store for this picture, only "
        f"{', '.join(sorted(stores)) or 'none'}.",
        "Name another picture.",
    )


def stem_of(location: str) -> str:
    """Return the name of a file without its folder and ending, or of a URL."""
    name = os.path.basename(redacted(location).rstrip("/")) or "picture"
    for ending in (".zarr", ".nc", ".nc4", ".grib2", ".grib"):
        name = name.removesuffix(ending)
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name) or "picture"
