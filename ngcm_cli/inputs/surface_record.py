"""A surface variable of any name in a record, read at its times on a model's grid."""

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.gridded import check_grid, open_gridded
from ngcm_cli.inputs.input_field import regridder
from ngcm_cli.inputs.source_grid import SourceGrid
from ngcm_cli.inputs.sources.location import naming_file
from ngcm_cli.inputs.sources.open import reading_error
from ngcm_cli.inputs.times import choose_time
from ngcm_cli.inputs.unit_conversion import CONVERSIONS, Conversion, canonical_units
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.time_format import format_time

_AXES = {"time", "latitude", "longitude"}


class SurfaceRecord:
    """Fields of one variable at the times of a record.

    Args:
        location: file, directory, URL, pattern of files or named source.
        names: of the variable, in the file or canonical; the first that is there.
        grid: on which it is read, regridded conservatively.
        units: of what is read; None are those that the record states.
        offline: whether no network may be used.
        progress: of bytes of files that must be downloaded whole.

    Attributes:
        found: name of the variable in the file.
        attributes: of the variable, with the units of what is read.
        times: of the record, ascending, datetime64[s].

    Raises:
        InputDataError: there are no such data, they lack the variable, it is not a
            surface field along time, or its units are others.
    """

    def __init__(
        self,
        location: str,
        names: Sequence[str],
        grid: Grid,
        units: str | None = None,
        *,
        offline: bool = False,
        progress: ByteProgress = no_progress,
    ):
        self.location, self._grid = location, grid
        self._dataset = open_gridded(location, offline=offline, progress=progress)
        try:
            with naming_file(location):
                self._variable = _find(self._dataset, names)
                _check_axes(self._dataset, self._variable.dims, names[0])
                self.attributes = dict(self._variable.attrs)
                self.found = str(self.attributes.pop("found", names[0]))
                stated = str(self.attributes.get("units", ""))
                self._conversion = _conversion(self.found, stated, units)
        except InputDataError:
            self._dataset.close()
            raise
        self.attributes["units"] = units or stated
        longitude, latitude = (
            self._dataset[name].values for name in ("longitude", "latitude")
        )
        self._source = SourceGrid.from_file_order(longitude, latitude)
        self._first: tuple[np.datetime64, np.ndarray] | None = None
        self.times = self._dataset["time"].values.astype("datetime64[s]")

    def close(self) -> None:
        """Close the files."""
        self._dataset.close()

    def check_time(self, time: np.datetime64) -> None:
        """Check that there is a field at a time.

        Raises:
            InputDataError: there is none.
        """
        with naming_file(self.location):
            choose_time(self.times, time)

    def read(self, time: np.datetime64) -> np.ndarray:
        """Return the field at a time, (1, longitude, latitude), float32.

        Cells without data are NaN, and left out of the means over cells of the grid.

        Raises:
            InputDataError: there is none, it cannot be read, or it has no data where
                another one, that was read before, has some.
        """
        self.check_time(time)
        index = int(np.searchsorted(self.times, time))
        with naming_file(self.location):
            try:
                field = self._variable.isel(time=index).compute()
            except (OSError, RuntimeError) as error:
                raise reading_error(f"'{self.found}'", error) from error
            field = field.transpose("longitude", "latitude").values.astype(np.float64)
            self._check_values(field, time)
        field = self._conversion.apply(field)
        if not self._source.is_on(self._grid):
            field = regridder(self._source, self._grid)(field)
        return field[None].astype(np.float32)

    def _check_values(self, field: np.ndarray, time: np.datetime64) -> None:
        missing, when = np.isnan(field), format_time(time)
        if np.isinf(field).any():
            raise InputDataError(
                f"'{self.found}' is infinite at {when}.",
                "Repair the values, or mark them as missing (NaN).",
            )
        if missing.all():
            raise InputDataError(
                f"'{self.found}' has no values at all at {when}.",
                "Leave out this time, or repair the data.",
            )
        if self._first is None:
            self._first = time, missing
        first, before = self._first
        if count := np.count_nonzero(missing != before):
            raise InputDataError(
                f"'{self.found}' is missing (NaN) in other cells at {when} than at "
                f"{format_time(first)}: {count} differ.",
                "Fill the gaps or leave out these times; only cells that never have a "
                "value, as those of the sea, may be missing.",
            )


def _find(dataset: xr.Dataset, names: Sequence[str]) -> xr.Variable:
    """Return the first variable that has one of the names, in any case."""
    known: dict[str, str] = {}
    for name in map(str, dataset.data_vars):
        known.setdefault(name.lower(), name)
    for name in map(str, dataset.data_vars):
        aliases = VARIABLES[name].aliases if name in VARIABLES else ()
        for other in (str(dataset[name].attrs.get("found", name)), *aliases):
            known.setdefault(other.lower(), name)
    for name in names:
        if name.lower() in known:
            return dataset.variables[known[name.lower()]]
    raise InputDataError(
        f"There is no variable '{names[0]}'"
        + (f", nor {' nor '.join(repr(x) for x in names[1:])}" if names[1:] else "")
        + ".",
        _nearest(names[0], known, list(map(str, dataset.data_vars))),
    )


def _nearest(name: str, known: Iterable[str], stored: Sequence[str]) -> str:
    near = [repr(x) for x in difflib.get_close_matches(name.lower(), known, n=2)]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Name one of them: {', '.join(stored[:20])}."


def _check_axes(dataset: xr.Dataset, dims: Sequence[object], name: str) -> None:
    """Check that a variable is a surface field along time."""
    if "lead_time" in dims:
        raise InputDataError(
            f"'{name}' is a forecast, which cannot be the truth.",
            "Give an analysis or a record.",
        )
    check_grid(dataset)
    missing = sorted(_AXES - set(map(str, dims)))
    if missing:
        raise InputDataError(
            f"'{name}' has no axis of {' and '.join(missing)}.",
            "Give fields of latitude and longitude at several times.",
        )
    if more := [str(dim) for dim in dims if dim not in _AXES]:
        raise InputDataError(
            f"'{name}' has the axis {' and '.join(more)}, too.",
            "Select one value along it first: needed is a surface field.",
        )


def _conversion(found: str, stated: str, wanted: str | None) -> Conversion:
    """Return what brings values to the units wanted."""
    if not stated.strip() and wanted is None:
        raise InputDataError(
            f"'{found}' has no units.", "State the units of the output, as units: K."
        )
    there = canonical_units(stated)
    if wanted is None or not there or there == canonical_units(wanted):
        return Conversion(stated)
    for conversion in CONVERSIONS.get(wanted, ()):
        if there in (canonical_units(conversion.units), *conversion.spellings):
            return conversion
    raise InputDataError(
        f"'{found}' has units '{stated}', and '{wanted}' are wanted.",
        "Convert the values, or give the output the units of its truth.",
    )
