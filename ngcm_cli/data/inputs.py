"""The state of the atmosphere and sea that a forecast starts from."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from ngcm_cli.data.conversion import (
    called,
    choose_conversion,
    conversion_note,
    stated_conversion,
)
from ngcm_cli.data.dataset import recognise
from ngcm_cli.data.opening import open_dataset, reading_error
from ngcm_cli.data.pressure_levels import (
    check_hydrostatic_order,
    nearest_level,
    select_levels,
)
from ngcm_cli.data.regrid import fill_nan_with_nearest
from ngcm_cli.data.source_grid import SourceGrid
from ngcm_cli.data.times import choose_time
from ngcm_cli.data.variables import VARIABLES
from ngcm_cli.errors import InputDataError
from ngcm_cli.spectral.grid import Grid

SST, SEA_ICE = "sea_surface_temperature", "sea_ice_cover"
# ERA5 holds the sea under ice at 271.46 K; the rest is the rounding of packed files.
ICE_BELOW = 271.47


@dataclasses.dataclass(frozen=True, eq=False)
class InitialState:
    """One time of the atmosphere and of the sea, on the model's grid and levels, in SI.

    Attributes:
        time: when the fields are valid, to the second.
        fields: by ERA5 name, (level, longitude, latitude) float32, levels from the top
            down, latitudes from south to north, no NaN.
        forcing: by ERA5 name, (1, longitude, latitude) float32, no NaN.
        source: the path it came from.
        notes: every conversion and substitution made, in words.
    """

    time: np.datetime64
    fields: dict[str, np.ndarray]
    forcing: dict[str, np.ndarray]
    source: str
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class InitialStateSelection:
    """What will be read, checked as far as that goes without reading a field.

    Attributes:
        source: the path.
        time: of the state.
        grid: the model's.
        source_grid: the data's.
        levels: the model's, in hPa.
        dataset: the variables at that time and on those levels, still on disk.
        fields: names of the atmospheric variables.
        forcings: names of the surface variables, with those that will be derived.
        notes: what was noticed so far, in words.
    """

    source: str
    time: np.datetime64
    grid: Grid
    source_grid: SourceGrid
    levels: tuple[float, ...]
    dataset: xr.Dataset
    fields: tuple[str, ...]
    forcings: tuple[str, ...]
    notes: tuple[str, ...]

    def read(self) -> InitialState:
        """Read, check, convert and regrid, one variable at a time.

        Raises:
            InputDataError: missing values in the atmosphere, values out of range.
        """
        notes = list(self.notes)
        with _blamed_on(self.source), contextlib.closing(self.dataset):
            fields = {name: self._field(name, notes) for name in self.fields}
            if "geopotential" in fields:
                check_hydrostatic_order(fields["geopotential"], self.levels)
            forcing = {name: self._forcing(name, notes) for name in self.forcings}
        return InitialState(self.time, fields, forcing, self.source, tuple(notes))

    def _values(self, name: str, notes: list[str]) -> np.ndarray:
        """In SI, (…, longitude, latitude), ordered as the model, on the data's grid."""
        array = self.dataset[name]
        found = array.attrs["found"]
        try:
            # Read first: transposing a lazy array makes xarray read point by point.
            stored = array.compute().transpose(..., "longitude", "latitude").values
        except (OSError, RuntimeError, ValueError) as error:
            raise reading_error(called(found, name), error) from error
        if not np.isfinite(stored).any():
            raise InputDataError(
                f"Variable {called(found, name)} has no data at {_when(self.time)}: "
                "every value is missing (NaN).",
                "Choose another time with --init, or other data.",
            )
        stated = stated_conversion(VARIABLES[name], found, array.attrs["units"])
        conversion = choose_conversion(
            VARIABLES[name], found, stated, stored, min(self.levels, default=1000.0)
        )
        if not conversion.is_identity:
            notes.append(conversion_note(VARIABLES[name], found, stated, conversion))
            stored = conversion.apply(stored.astype(np.float64))
        return self.source_grid.in_order(stored)

    def _on_model_grid(self, values: np.ndarray) -> np.ndarray:
        if not self.source_grid.is_on(self.grid):
            values = self.source_grid.regridder(self.grid)(values)
        return np.ascontiguousarray(values, dtype=np.float32)

    def _field(self, name: str, notes: list[str]) -> np.ndarray:
        values = self._values(name, notes)
        bad = ~np.isfinite(values)
        if bad.any():
            level, x, y = np.argwhere(bad)[0]
            grid = self.source_grid
            raise InputDataError(
                f"Variable {called(self.dataset[name].attrs['found'], name)} has "
                f"{bad.sum()} missing values (NaN) at {_when(self.time)}, the first at "
                f"{self.dataset['level'].values[level]:g} hPa, latitude "
                f"{grid.latitude[y]:g}, longitude {grid.longitude[x]:g}.",
                "The atmosphere must be complete: choose another time with --init, or "
                "fill the data first.",
            )
        order = [nearest_level(self.dataset["level"].values, p) for p in self.levels]
        if order != list(range(len(values))):
            values = values[order]
        return self._on_model_grid(values)

    def _forcing(self, name: str, notes: list[str]) -> np.ndarray:
        if name == SEA_ICE and name not in self.dataset:
            sst = self._values(SST, [])
            values = np.where(np.isnan(sst), np.nan, sst <= ICE_BELOW)
        else:
            values = self._values(name, notes)
        values = self._on_model_grid(values)
        missing = int(np.isnan(values).sum())
        if missing:
            notes.append(
                f"{name}: {missing} of {values.size} cells of the model's grid have no "
                "data (land), filled from the nearest cell that has."
            )
            values = fill_nan_with_nearest(values, self.grid)
        if name == SEA_ICE:
            values = np.clip(values, 0, 1)
        return values[None]


def select_initial_state(
    path: str,
    init: np.datetime64 | None,
    grid: Grid,
    levels: Sequence[float],
    fields: Sequence[str],
    forcings: Sequence[str],
) -> InitialStateSelection:
    """Find an initial state in a dataset; everything cheap is checked here.

    Args:
        path: NetCDF file or Zarr directory.
        init: the time to start from, or None for the only time in the data.
        grid: the model's grid.
        levels: the model's pressure levels in hPa.
        fields: ERA5 names of the atmospheric variables needed.
        forcings: ERA5 names of the surface variables needed.

    Raises:
        InputDataError: no dataset, or one without what is needed.
    """
    opened = open_dataset(path)
    with _blamed_on(path), contextlib.ExitStack() as on_failure:
        on_failure.callback(opened.close)
        dataset = recognise(opened, [*fields, *forcings])
        notes = _check_variables(opened, dataset, fields, forcings)
        longitude, latitude = dataset["longitude"].values, dataset["latitude"].values
        source_grid = SourceGrid.from_file_order(longitude, latitude)
        if not source_grid.is_on(grid):
            size = "x".join(map(str, grid.nodal_shape))
            notes.append(
                f"Regridded conservatively from {source_grid.words} to the model's "
                f"{size} Gaussian grid."
            )
        index, time = choose_time(dataset, init)
        if "time" not in dataset.coords:
            notes.append(f"The data have no time; taken as valid at {_when(time)}.")
        dataset = _at_time(dataset, index, fields, notes)
        dataset = select_levels(dataset, levels, notes) if fields else dataset
        on_failure.pop_all()
    dataset.set_close(opened.close)
    return InitialStateSelection(
        source=path,
        time=time,
        grid=grid,
        source_grid=source_grid,
        levels=tuple(levels),
        dataset=dataset,
        fields=tuple(fields),
        forcings=tuple(forcings),
        notes=tuple(notes),
    )


def read_initial_state(
    path: str,
    init: np.datetime64 | None,
    grid: Grid,
    levels: Sequence[float],
    fields: Sequence[str],
    forcings: Sequence[str],
) -> InitialState:
    """Read an initial state: ``select_initial_state`` and then ``read``."""
    return select_initial_state(path, init, grid, levels, fields, forcings).read()


@contextlib.contextmanager
def _blamed_on(path: str) -> Iterator[None]:
    """Name the file in what is said about its contents."""
    try:
        yield
    except InputDataError as error:
        raise InputDataError(f"In '{path}': {error.message}", error.hint) from error


def _when(time: np.datetime64) -> str:
    return str(np.datetime_as_string(time, unit="m"))


def _check_variables(
    opened: xr.Dataset,
    dataset: xr.Dataset,
    fields: Sequence[str],
    forcings: Sequence[str],
) -> list[str]:
    """Refuse what is missing or in unknown units; notes on what will be derived."""
    notes = []
    missing = [name for name in (*fields, *forcings) if name not in dataset]
    if SEA_ICE in missing and SST in dataset:
        missing.remove(SEA_ICE)
        notes.append(
            f"{SEA_ICE} is not in the data: taken as 1 where {SST} is at freezing "
            f"(at most {ICE_BELOW} K), 0 elsewhere; expect about a tenth too much ice, "
            "for want of leads."
        )
    if missing:
        wanted = ", ".join(f"{name} ({VARIABLES[name].aliases[0]})" for name in missing)
        there = ", ".join(map(str, opened.data_vars))
        levels = "" if "level" in dataset.coords or not fields else "no levels and "
        unfit = [
            f" ('{found}' does not count: it is on {', '.join(map(str, array.dims))})"
            for found, array in opened.data_vars.items()
            if any(VARIABLES[name].is_called(str(found)) for name in missing)
        ]
        raise InputDataError(
            f"Variables are missing: {wanted}. Found {levels}the variables {there}"
            f"{''.join(unfit)}.",
            "Add them, or give them these names or their CF standard_name.",
        )
    for name, array in dataset.data_vars.items():
        found, units = array.attrs["found"], array.attrs["units"]
        stated_conversion(VARIABLES[str(name)], found, units)
    return notes


def _at_time(
    dataset: xr.Dataset, index: int | None, fields: Sequence[str], notes: list[str]
) -> xr.Dataset:
    if index is None:
        return dataset
    for name, array in dataset.data_vars.items():
        if "time" in array.dims:
            continue
        if name in fields and dataset.sizes["time"] > 1:
            raise InputDataError(
                f"Variable {called(array.attrs['found'], str(name))} has no time axis, "
                f"but the data hold {dataset.sizes['time']} times.",
                "Give every atmospheric variable the time axis.",
            )
        if dataset.sizes["time"] > 1:
            notes.append(f"{name} has no time axis: its one field is used.")
    return dataset.isel(time=index)
