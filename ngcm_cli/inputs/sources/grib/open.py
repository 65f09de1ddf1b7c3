"""Opening a GRIB file, edition 1 or 2, as one xarray dataset.

cfgrib makes a dataset only of messages that form one hypercube. Files mix editions, the
surface, pressure levels in Pa and hPa, analyses and forecasts, and variables that no
model reads. The headers are therefore read here, once, and cfgrib is given the messages
of one variable at a time.
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
from ngcm_cli.inputs.sources.grib.headers import (
    KEYS,
    Header,
    by_variable,
    check_grids,
    check_unique,
    contents,
)

_MAGIC = b"GRIB"


def is_grib(path: pathlib.Path) -> bool:
    """Return whether a file begins like GRIB; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def open_grib(path: pathlib.Path, name: str | None = None) -> xr.Dataset:
    """Open the variables of a GRIB file that a model may read, lazily.

    Returns:
        The variables in ``VARIABLES``, on pressure levels and at the surface, under
        their short names, and ``skt`` and ``lsm``. Dimensions ``valid_time``,
        ``isobaricInhPa`` (hPa), ``latitude`` and ``longitude``; units as in the file. A
        variable that lacks times or levels of the others is NaN there.

    Raises:
        InputDataError: The extra is not installed, the file is damaged, or its fields
            are on an unknown grid, on several grids, or occur more than once.
    """
    quoted = f"'{name or path}'"
    stream, headers = _headers(path, quoted)
    chosen = by_variable(headers)
    if not chosen:
        raise InputDataError(
            f"{quoted} holds no variable that ngcm reads; it holds "
            f"{contents(headers)}.",
            "Needed: fields on pressure levels, or sea-surface temperature.",
        )
    check_grids(quoted, chosen)
    for variable, fields in chosen.items():
        check_unique(quoted, variable, fields)
    return _merged(
        [_open(variable, _Messages(stream, f)) for variable, f in chosen.items()]
    )


class _Messages(Mapping[Any, Any]):
    """Messages of a file with known headers, as the mapping that cfgrib expects."""

    def __init__(self, stream: Mapping[Any, Any], headers: Mapping[Any, Header]):
        self._stream, self._headers = stream, headers

    def __getitem__(self, offset: Any) -> Any:
        return self._stream[offset]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def items(self):
        """Return headers in place of messages, so that cfgrib reads no message."""
        return self._headers.items()


@functools.cache
def _eccodes() -> ModuleType:
    """Return the library, with the messages that repeat its exceptions turned off."""
    import eccodes

    nowhere = open(os.devnull, "w")  # noqa: SIM115  # the library keeps it
    atexit.register(nowhere.close)
    eccodes.codes_context_set_logging(nowhere)
    return eccodes


def _headers(
    path: pathlib.Path, quoted: str
) -> tuple[Mapping[Any, Any], dict[Any, Header]]:
    """Return the messages of a file, and their headers, by their offset in it."""
    try:
        eccodes = _eccodes()
        from cfgrib import messages
    except (ImportError, RuntimeError) as error:  # the latter without the C library
        raise InputDataError(
            f"{quoted} is a GRIB file, and the packages that read GRIB are not "
            "installed.",
            "Install it with `pip install 'ngcm[grib]'`, or convert the file to "
            "NetCDF, e.g. with `cdo -f nc4 copy IN OUT.nc`.",
        ) from error
    stream = messages.FileStream(str(path), errors="raise")
    headers, end = {}, 0
    try:
        for offset, message in stream.items():
            headers[offset] = {
                key: message.message_get(bare, float if kind else None, None)
                for key in KEYS
                for bare, _, kind in [key.partition(":")]
            }
            # A message of several fields has the key (offset, index).
            start = offset[0] if isinstance(offset, tuple) else offset
            end = start + message["totalLength"]
        # ecCodes stops silently at a broken message.
        with path.open("rb") as file:
            file.seek(end)
            complete = _MAGIC not in file.read(2**20)
    except (eccodes.CodesInternalError, EOFError, KeyError):
        complete = False
    if not complete:
        count = f"{len(headers)} complete field{'s' if len(headers) > 1 else ''}"
        last = f"after {count}" if headers else "from its start"
        raise InputDataError(
            f"{quoted} is a damaged GRIB file: it cannot be read {last}.",
            "It may be truncated: download or copy it again.",
        )
    return stream, headers


def _open(variable: str, fields: _Messages) -> xr.DataArray:
    """Open one variable, lazily."""
    dataset = xr.open_dataset(
        fields,  # pyright: ignore[reportArgumentType]  # the engine accepts it
        engine="cfgrib",
        decode_timedelta=False,
        cache=False,
        time_dims=("valid_time",),
        squeeze=False,
        errors="raise",
    )
    (array,) = dataset.data_vars.values()
    if variable == "skt":  # NCEP has the name of air temperature
        array.attrs["standard_name"] = "surface_temperature"
    return array.rename(variable)


def _merged(arrays: Sequence[xr.DataArray]) -> xr.Dataset:
    """Merge variables on the grid of the first; the others differ by rounding."""
    grid = {axis: arrays[0][axis] for axis in ("latitude", "longitude")}
    return xr.merge(
        [array.assign_coords(grid) for array in arrays],
        join="outer",
        combine_attrs="override",
    )
