"""The fields that cyclones are searched in: which the data have, and one time of them.

What the data lack is refused, or replaced by the nearest thing, which is said.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import xarray as xr

from ngcm_cli.config.cyclone_criteria import CycloneCriteria
from ngcm_cli.config.tracks import TracksConfig
from ngcm_cli.errors import InputDataError
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid
from ngcm_cli.tracks.surface_height import find_surface_height
from ngcm_cli.tracks.vorticity import cyclonic, relative_vorticity

log = logging.getLogger(__name__)

_PRESSURE = "mean_sea_level_pressure"
_U, _V = "u_component_of_wind", "v_component_of_wind"
_THICKNESS_LEVELS = 300.0, 500.0
_VORTICITY_LEVEL = 850.0
_WIND_LEVELS = 1000.0, 925.0, 850.0
_NEAR_SURFACE = {
    "10m": ((f"10m_{_U}", f"10m_{_V}"), ("u10", "v10"), ("10u", "10v"), ("uas", "vas")),
    "lowest": ((f"lowest_level_{_U}", f"lowest_level_{_V}"),),
}
_WIND_TITLES = {"10m": "wind at 10 m", "lowest": "wind on the lowest model level"}
_BLOCK_BYTES = 2**26


@dataclasses.dataclass(frozen=True)
class Field:
    """A variable of a dataset, on one level of it.

    Attributes:
        name: of the variable.
        level: hPa; None for variables without levels.
    """

    name: str
    level: float | None = None

    def is_in(self, data: xr.Dataset) -> bool:
        """Return whether a dataset has it."""
        if self.name not in data:
            return False
        if self.level is None:
            return "level" not in data[self.name].dims
        return "level" in data[self.name].dims and bool(
            np.isclose(data["level"], self.level).any()
        )

    def select(self, data: xr.Dataset) -> xr.DataArray:
        """Return it, without the dimension of levels."""
        array = data[self.name]
        if self.level is None:
            return array
        index = int(np.argmin(np.abs(data["level"].values - self.level)))
        return array.isel(level=index)

    def __str__(self) -> str:
        at = "" if self.level is None else f" at {self.level:g} hPa"
        return f"{self.name}{at}"


@dataclasses.dataclass(frozen=True)
class CycloneFields:
    """What is searched, of one dataset.

    Attributes:
        data: dataset in the form of ``open_gridded``.
        criteria: of the search.
        grid: of the fields.
        fields: by their use: ``pressure``, ``upper`` and ``lower`` geopotential,
            ``vorticity``, or ``vorticity_u`` and ``vorticity_v``, ``wind_u`` and
            ``wind_v``.
        surface_height: m, (row, column); None if it is not known.
        notes: sentences on substitutions and on criteria that are left out.
        wind: which wind it is; empty if there is none.
    """

    data: xr.Dataset
    criteria: CycloneCriteria
    grid: HorizontalGrid
    fields: Mapping[str, Field]
    surface_height: np.ndarray | None
    notes: tuple[str, ...]
    wind: str

    def blocks(self, of: Mapping[str, int], axis: str) -> Iterator[dict]:
        """Yield the fields of one time after the other, each (row, column) float64.

        Values are read for several times at once, within a bound of memory.

        Args:
            of: index along each other dimension, such as of the member.
            axis: name of the dimension of time.
        """
        rows, columns = self.grid.shape
        arrays = {field: field.select(self.data) for field in self.fields.values()}
        count = max(1, _BLOCK_BYTES // (8 * rows * columns * len(arrays)))
        for start in range(0, self.data.sizes[axis], count):
            where = {**of, axis: slice(start, start + count)}
            block = {
                field: _values(array, where, axis) for field, array in arrays.items()
            }
            for k in range(len(next(iter(block.values())))):
                at = {name: block[field][k] for name, field in self.fields.items()}
                yield self._derived(at)

    def _derived(self, at: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the fields of detection from those that were read."""
        found = {name: at[name] for name in ("pressure",) if name in at}
        if self.criteria.thickness_fall:
            found["thickness"] = at["upper"] - at["lower"]
        if self.criteria.search == "vorticity":
            vorticity = at.get("vorticity")
            if vorticity is None:
                wind = at["vorticity_u"], at["vorticity_v"]
                vorticity = relative_vorticity(self.grid, *wind)
            found["vorticity"] = vorticity
            found["cyclonic_vorticity"] = cyclonic(self.grid, vorticity)
        if self.wind:
            found["wind"] = np.hypot(at["wind_u"], at["wind_v"])
        if self.surface_height is not None:
            found["surface_height"] = self.surface_height
        return found


def _values(array: xr.DataArray, where: Mapping, axis: str) -> np.ndarray:
    """Return values as float64, (time, row, column)."""
    present = {name: at for name, at in where.items() if name in array.dims}
    values = array.isel(present).transpose(axis, "latitude", "longitude").values
    return values.astype(np.float64)


def find_fields(
    data: xr.Dataset,
    config: TracksConfig,
    model_height: Callable[[xr.Dataset], np.ndarray | None] = lambda data: None,
) -> CycloneFields:
    """Return what is searched for cyclones in a dataset.

    Args:
        data: dataset in the form of ``open_gridded``.
        config: the settings.
        model_height: function that returns the height of the ground of the model that
            made the data, m (row, column), or None if it is not known.

    Raises:
        InputDataError: a field is missing that no other can replace.
    """
    notes = []
    preset = None
    winds = Field(_U, _VORTICITY_LEVEL), Field(_V, _VORTICITY_LEVEL)
    vorticity = Field("vorticity", _VORTICITY_LEVEL)
    has_vorticity = vorticity.is_in(data) or all(f.is_in(data) for f in winds)
    is_free = config.preset is None and config.search is None
    if is_free and not Field(_PRESSURE).is_in(data) and has_vorticity:
        preset = "neuralgcm-vorticity"
        notes.append(
            f"The data have no {_PRESSURE}: maxima of vorticity at "
            f"{_VORTICITY_LEVEL:g} hPa are searched, with the preset {preset}."
        )
    criteria = config.criteria(preset)
    needed: dict[str, Field] = {}
    if criteria.search == "pressure" or Field(_PRESSURE).is_in(data):
        needed["pressure"] = Field(_PRESSURE)
    if criteria.thickness_fall:
        upper, lower = _THICKNESS_LEVELS
        needed["upper"] = Field("geopotential", upper)
        needed["lower"] = Field("geopotential", lower)
    if criteria.search == "vorticity":
        if vorticity.is_in(data):
            needed["vorticity"] = vorticity
        else:
            needed["vorticity_u"], needed["vorticity_v"] = winds
            notes.append(
                f"Vorticity at {_VORTICITY_LEVEL:g} hPa is derived from the wind there."
            )
    missing = [field for field in needed.values() if not field.is_in(data)]
    if missing:
        raise _missing(data, missing, criteria, has_vorticity)
    for field in needed.values():
        if "mean" in str(data[field.name].attrs.get("cell_methods", "")):
            notes.append(f"{field.name} is a mean over time, which weakens cyclones.")
    wind, wind_fields = _find_wind(data, config)
    if wind_fields:
        needed["wind_u"], needed["wind_v"] = wind_fields
    if wind != _WIND_TITLES["10m"] and criteria.min_wind:
        if wind:
            notes.append(f"The data have no wind at 10 m: the {wind} takes its place.")
        elif config.min_wind is not None or config.wind_level is not None:
            raise InputDataError(
                f"{_name(data)} has no {config.wind_level or 'wind near the surface'}"
                " for the criterion of wind speed.",
                "Leave it out with --min-wind none.",
            )
        else:
            notes.append("The data have no wind: its criterion is left out.")
            criteria = dataclasses.replace(criteria, min_wind=0.0)
    height, note = find_surface_height(data)
    if np.isfinite(criteria.max_surface_height):
        if height is None:
            height, note = model_height(data), "Height of the ground: the model's."
        if height is None and config.max_surface_height is not None:
            raise InputDataError(
                f"{_name(data)} has no height of the ground for its criterion.",
                "Leave it out with --max-surface-height none, or add "
                "geopotential_at_surface to the file.",
            )
        if height is None:
            note = "The height of the ground is not known: its criterion is left out."
            criteria = dataclasses.replace(criteria, max_surface_height=float("inf"))
        notes.append(note)
    if "longitude" not in data.dims:
        raise InputDataError(
            f"{_name(data)} has no longitudes: it holds zonal means.",
            "Cyclones are found in fields.",
        )
    grid = HorizontalGrid(data["latitude"].values, data["longitude"].values)
    criteria, note = widen_for_grid(criteria, config, grid.spacing)
    notes += [note] if note else []
    for sentence in notes:
        log.info(sentence)
    return CycloneFields(data, criteria, grid, needed, height, tuple(notes), wind)


def widen_for_grid(
    criteria: CycloneCriteria, config: TracksConfig, spacing: float
) -> tuple[CycloneCriteria, str]:
    """Return criteria whose radii a grid resolves, and a sentence if they differ.

    A contour around a centre between two points needs two grid steps in every
    direction; the highest wind is not at the centre, but at a point beside it.

    Args:
        criteria: of the search.
        config: the settings; the radii that it has are not changed.
        spacing: of the grid, degrees.
    """
    needed = {"contour_radius": 2.5, "thickness_radius": 2.5, "wind_radius": 1.0}
    steps = needed | {"wind_radius": 1.5}
    wider = {
        name: round(steps[name] * spacing, 2)
        for name, count in needed.items()
        if getattr(config, name) is None
        and getattr(criteria, name) < round(count * spacing, 2)
    }
    if not wider:
        return criteria, ""
    listed = ", ".join(f"{name} {value:g}" for name, value in wider.items())
    note = (
        f"The grid of {spacing:.3g} degrees does not resolve the radii of the preset; "
        f"wider ones, in degrees: {listed}."
    )
    return dataclasses.replace(criteria, **wider), note


def _find_wind(
    data: xr.Dataset, config: TracksConfig
) -> tuple[str, tuple[Field, Field] | None]:
    """Return which wind is taken for that near the surface, and its components."""
    options: list[tuple[str, tuple[Field, Field]]] = []
    for source, pairs in _NEAR_SURFACE.items():
        if config.wind_level in (None, source):
            for u, v in pairs:
                options.append((_WIND_TITLES[source], (Field(u), Field(v))))
    levels: tuple[float, ...] = _WIND_LEVELS
    if config.wind_level is not None:
        is_source = config.wind_level in _NEAR_SURFACE
        levels = () if is_source else (float(config.wind_level),)
    for level in levels:
        fields = Field(_U, level), Field(_V, level)
        options.append((f"wind at {level:g} hPa", fields))
    for title, fields in options:
        if all(field.is_in(data) for field in fields):
            return title, fields
    if config.wind_level is not None:
        raise InputDataError(
            f"{_name(data)} has no {options[0][0]}.",
            "Name another with --wind-level, or leave the option out.",
        )
    return "", None


def _name(data: xr.Dataset) -> str:
    return str(data.attrs.get("location", "The dataset"))


def _missing(
    data: xr.Dataset,
    missing: list[Field],
    criteria: CycloneCriteria,
    has_vorticity: bool,
) -> InputDataError:
    """Return the error for data that lack fields."""
    listed = " and ".join(map(str, missing))
    hints = []
    if criteria.search == "pressure" and missing[0].name == _PRESSURE:
        way = "or search maxima of vorticity with --preset neuralgcm-vorticity"
        hints.append(
            f"Write them with --variables msl,z,u,v, {way}."
            if has_vorticity
            else "Write them with --variables msl,z,u,v."
        )
    if any(field.name == "geopotential" for field in missing):
        hints.append(
            "Geopotential at 300 and 500 hPa shows the warm core; "
            "--thickness-fall none does without."
        )
    if criteria.search == "vorticity" and missing[0].name == _U:
        hints.append("Vorticity needs both components of the wind at 850 hPa.")
    return InputDataError(
        f"{_name(data)} lacks {listed}, needed to find cyclones.", " ".join(hints)
    )
