"""GRIB files, editions 1 and 2, as one dataset: the extra ``grib``.

cfgrib makes a dataset of messages that form one block, and only of those. Files mix
editions, the surface and pressure levels in Pa and hPa, analyses and forecasts, and
much that no model reads. So their headers are read here, once, and cfgrib is given the
messages of one variable at a time.
"""

import atexit
import functools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.grib_fields import (
    KEYS,
    Header,
    by_variable,
    check_grids,
    check_unique,
    contents,
)

_MAGIC = b"GRIB"


def is_grib(path: pathlib.Path) -> bool:
    """Whether a file begins as GRIB does; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def open_grib(path: pathlib.Path, name: str | None = None) -> xr.Dataset:
    """Open what a model may read in a GRIB file; values stay on disk until asked for.

    Args:
        path: of the file; nothing is written beside it.
        name: of the file in sentences, by default its path.

    Returns:
        The variables that ``VARIABLES`` knows, on pressure levels and at the surface,
        under their short names, and ``skt`` and ``lsm``. Dimensions ``valid_time``,
        ``isobaricInhPa`` (hPa), ``latitude`` and ``longitude``; units as in the file. A
        variable that has not all times or levels of the others is NaN there.

    Raises:
        InputDataError: the extra is not installed, the file is damaged, or its fields
            are on no grid that is read here, on several, or there more than once.
    """
    called = f"'{name or path}'"
    stream, headers = _headers(path, called)
    chosen = by_variable(headers)
    if not chosen:
        raise InputDataError(
            f"{called} holds no variable that ngcm reads, but {contents(headers)}.",
            "Needed: fields on pressure levels and at the surface of the sea.",
        )
    check_grids(called, chosen)
    for variable, fields in chosen.items():
        check_unique(called, variable, fields)
    return _merged(
        [_open(variable, _Messages(stream, f)) for variable, f in chosen.items()]
    )


class _Messages(Mapping[Any, Any]):
    """Messages of a file whose headers are known, as cfgrib takes them."""

    def __init__(self, stream: Mapping[Any, Any], headers: Mapping[Any, Header]):
        self._stream, self._headers = stream, headers

    def __getitem__(self, place: Any) -> Any:
        return self._stream[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def items(self):
        """Of the index: headers in place of whole messages, so that none is read."""
        return self._headers.items()


@functools.cache
def _eccodes() -> ModuleType:
    """The library, told not to print what its exceptions say as well."""
    import eccodes

    nowhere = open(os.devnull, "w")  # noqa: SIM115  # it keeps on writing there
    atexit.register(nowhere.close)
    eccodes.codes_context_set_logging(nowhere)
    return eccodes


def _headers(
    path: pathlib.Path, called: str
) -> tuple[Mapping[Any, Any], dict[Any, Header]]:
    """The messages of a file, and what they are, by their place in it."""
    try:
        eccodes = _eccodes()
        from cfgrib import messages
    except (ImportError, RuntimeError) as error:  # the latter without the C library
        raise InputDataError(
            f"{called} is a GRIB file, and what reads these is not installed.",
            "Install it with `pip install 'ngcm[grib]'`, or convert the file to "
            "NetCDF, e.g. with `cdo -f nc4 copy IN OUT.nc`.",
        ) from error
    stream = messages.FileStream(str(path), errors="raise")
    headers, end = {}, 0
    try:
        for place, message in stream.items():
            headers[place] = {
                key: message.message_get(bare, float if kind else None, None)
                for key in KEYS
                for bare, _, kind in [key.partition(":")]
            }
            # Of several fields in one message the place is its offset and a count.
            offset = place[0] if isinstance(place, tuple) else place
            end = offset + message["totalLength"]
        whole = _MAGIC not in _rest(path, end)
    except (eccodes.CodesInternalError, EOFError, KeyError):
        whole = False
    if not whole:
        last = f"after {len(headers)} whole fields" if headers else "from its start"
        raise InputDataError(
            f"{called} is a damaged GRIB file: it cannot be read {last}.",
            "It may be truncated: download or copy it again.",
        )
    return stream, headers


def _rest(path: pathlib.Path, end: int) -> bytes:
    """What follows the last message: ecCodes takes some broken ones for the end."""
    with path.open("rb") as file:
        file.seek(end)
        return file.read(2**20)


def _open(variable: str, fields: _Messages) -> xr.DataArray:
    """One variable, lazily."""
    dataset = xr.open_dataset(
        fields,  # pyright: ignore[reportArgumentType]  # what the engine knows
        engine="cfgrib",
        decode_timedelta=False,
        cache=False,
        time_dims=("valid_time",),
        squeeze=False,
        errors="raise",
    )
    (array,) = dataset.data_vars.values()
    if variable == "skt":  # or else, from NCEP, that of air
        array.attrs["standard_name"] = "surface_temperature"
    return array.rename(variable)


def _merged(arrays: Sequence[xr.DataArray]) -> xr.Dataset:
    """One dataset, on the grid of the first, from which others differ by rounding."""
    grid = {axis: arrays[0][axis] for axis in ("latitude", "longitude")}
    return xr.merge(
        [array.assign_coords(grid) for array in arrays],
        join="outer",
        combine_attrs="override",
    )
