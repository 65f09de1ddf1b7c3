"""GRIB 2 as an export of a finished Zarr store, for tools of operational centres.

One message holds one field: of a variable, level, lead time, initial time and member or
statistic over members. Latitudes run from north to south, as these tools expect.
What GRIB has no place for, the global attributes of the output, is in a JSON file
beside it, whose name is that of the GRIB file with ``.json`` behind.
"""

import dataclasses
import itertools
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.io.atomic import atomic_file, write_text
from ngcm_cli.output.schema import EPOCH
from ngcm_cli.output.zarr import dimensions_of
from ngcm_cli.units import LENGTH

if TYPE_CHECKING:
    import zarr

SUFFIX = ".grib2"
MEMBERS = range(255)
"""Numbers of members that GRIB 2 has room for."""

_MISSING = 9.999e20
_SURFACE, _PRESSURE, _SEA_LEVEL, _COLUMN = (1, 255), (100, 255), (101, 255), (1, 8)


@dataclasses.dataclass(frozen=True)
class _Code:
    """The code of a variable in the tables of the WMO.

    Attributes:
        discipline: of the parameter, table 0.0.
        category: of the parameter, table 4.1.
        number: of the parameter, table 4.2.
        surfaces: types of the first and the second fixed surface, table 4.5.
        factor: from the units of the variable to those of the parameter.
        is_sum: whether it is an amount since the initial time.
    """

    discipline: int
    category: int
    number: int
    surfaces: tuple[int, int] = _PRESSURE
    factor: float = 1.0
    is_sum: bool = False


# The parameter of these is the evaporation rate, 1.79 of discipline 0. The WMO states
# no sign; ecCodes reads it as ECMWF's moisture flux, positive downwards, others as its
# name says, positive upwards.
_AMBIGUOUS = {"evaporation", "evaporation_cumulative"}
CODES: Mapping[str, _Code] = {
    "temperature": _Code(0, 0, 0),
    "potential_temperature": _Code(0, 0, 2),
    "specific_humidity": _Code(0, 1, 0),
    "relative_humidity": _Code(0, 1, 1, factor=100),
    "specific_cloud_liquid_water_content": _Code(0, 1, 83),
    "specific_cloud_ice_water_content": _Code(0, 1, 84),
    "wind_speed": _Code(0, 2, 1),
    "u_component_of_wind": _Code(0, 2, 2),
    "v_component_of_wind": _Code(0, 2, 3),
    "vertical_velocity": _Code(0, 2, 8),
    "vorticity": _Code(0, 2, 12),
    "divergence": _Code(0, 2, 13),
    "geopotential": _Code(0, 3, 4),
    "surface_pressure": _Code(0, 3, 0, _SURFACE),
    "mean_sea_level_pressure": _Code(0, 3, 0, _SEA_LEVEL),
    "total_column_water_vapour": _Code(0, 1, 64, _COLUMN),
    "eastward_water_vapour_transport": _Code(0, 1, 150, _COLUMN),
    "northward_water_vapour_transport": _Code(0, 1, 151, _COLUMN),
    # From metres of water to kg m-2.
    "precipitation_rate": _Code(0, 1, 52, _SURFACE, 1000),
    "precipitation_cumulative_mean": _Code(0, 1, 52, _SURFACE, 1000, is_sum=True),
    "sea_surface_temperature": _Code(10, 3, 0, _SURFACE),
    "sea_ice_cover": _Code(10, 2, 0, _SURFACE),
}
"""Codes of the variables that GRIB 2 has standard parameters for."""

_STATISTICS = {"mean": 0, "std": 4, "min": 8, "max": 9}  # table 4.7
# Templates of products, table 4.0: at an instant, and over an interval.
_FORECAST, _MEMBER, _DERIVED, _PERCENTILE = (0, 8), (1, 11), (2, 12), (6, 10)
_CLOCKS = {3600: 1, 60: 0, 1: 13}  # units of time of table 4.4, by their seconds
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_HEADER = {
    "centre": 255,  # none: a code would claim that a centre made it
    "subCentre": 255,
    "tablesVersion": 30,
    "productionStatusOfProcessedData": 2,  # research
    "packingType": "grid_simple",  # which every decoder knows
    "bitsPerValue": 24,
    "missingValue": _MISSING,
}


def why_left_out(names: Iterable[str]) -> str:
    """Return a sentence without its full stop on variables that are not in `CODES`."""
    names = tuple(names)
    coded = ", ".join(name for name in names if name in _AMBIGUOUS)
    others = ", ".join(name for name in names if name not in _AMBIGUOUS)
    reasons = [f"GRIB 2 has no code for {others}"] if others else []
    if coded:
        reasons.append(f"programs read the GRIB 2 code for {coded} with opposite signs")
    said = ", and ".join(reasons)
    return said[0].upper() + said[1:]


def sidecar(path: pathlib.Path) -> pathlib.Path:
    """Return the path of the file with the global attributes of a GRIB file."""
    return path.with_name(f"{path.name}.json")


def load_eccodes() -> ModuleType:
    """Return the library that writes GRIB.

    Raises:
        ConfigError: the extra is not installed.
    """
    try:
        import eccodes
    except (ImportError, RuntimeError) as error:  # the latter without the C library
        raise ConfigError(
            "The package that writes GRIB is not installed.",
            "Install it with `pip install 'ngcm[grib]'`, or name an output in .nc.",
        ) from error
    return eccodes


def export_grib(source: pathlib.Path, target: pathlib.Path) -> None:
    """Write a store as GRIB 2, one field in memory at a time.

    Values have 24 bits: they are exact to one part in 17 million of the range of their
    field. The file appears under its name when it is whole, and replaces what was
    there.

    Args:
        source: Zarr store of a forecast or an ensemble.
        target: file to write.

    Raises:
        ConfigError: the extra is not installed.
        OutputError: the file could not be written.
    """
    import zarr

    path, eccodes = target.resolve(), load_eccodes()
    try:
        group = zarr.open_group(source, mode="r")
        with atomic_file(path) as file:
            for settings, values in _fields(group):
                _write_message(eccodes, file, settings, values)
        text = json.dumps(dict(group.attrs), indent=1, ensure_ascii=False)
        write_text(sidecar(path), text)
    except (OSError, eccodes.CodesInternalError) as error:
        raise OutputError(
            f"{target} could not be written: {error}.",
            f"The whole output is in {source}, which opens as Zarr; convert that, or "
            "free some space and resume the run.",
        ) from error


def read_attributes(path: pathlib.Path) -> dict[str, Any]:
    """Return the global attributes of a GRIB file that `export_grib` wrote.

    Raises:
        OutputError: they are not beside it.
    """
    beside = sidecar(path)
    try:
        return dict(json.loads(beside.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(
            f"{beside} cannot be read: {error}.",
            "It belongs to the GRIB file and says how that was made: put it back.",
        ) from None


def _write_message(
    eccodes: ModuleType, file: Any, settings: Mapping[str, Any], values: np.ndarray
) -> None:
    """Append a message to a file; the order of the settings matters."""
    handle = eccodes.codes_new_from_samples("GRIB2", eccodes.CODES_PRODUCT_GRIB)
    try:
        for key, value in settings.items():
            if value is None:
                eccodes.codes_set_missing(handle, key)
            else:
                eccodes.codes_set(handle, key, value)
        eccodes.codes_set_values(handle, values)
        eccodes.codes_write(handle, file)
    finally:
        eccodes.codes_release(handle)


def _fields(group: "zarr.Group") -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Yield the settings and the values of all messages, in order of time."""
    coordinates = {
        name: np.asarray(array[...])
        for name, array in group.arrays()
        if "latitude" not in dimensions_of(array) or name == "latitude"
    }
    variables = [(n, a) for n, a in group.arrays() if n not in coordinates]
    seconds = 3600 if group["lead_time"].attrs["units"] == "hours" else 1
    inits, leads = (seconds * coordinates[n] for n in ("init_time", "lead_time"))
    clock = next(each for each in _CLOCKS if not (leads % each).any())
    members = coordinates.get("realization", np.array([], int)).tolist()
    always = {**_HEADER, **_grid(group, coordinates)}
    for (i, init), (j, lead) in itertools.product(enumerate(inits), enumerate(leads)):
        start = EPOCH + np.timedelta64(int(init), "s")
        for name, array in variables:
            code, product, keys = _product(name)
            is_member = "realization" in dimensions_of(array)
            for row in range(len(members)) if is_member else (None,):
                index = (i, j) if row is None else (row, i, j)
                if row is not None:
                    number = {"perturbationNumber": members[row]}
                    product, keys = _MEMBER, {"typeOfEnsembleForecast": 3, **number}
                if product in (_MEMBER, _DERIVED):
                    count = len(members) if len(members) in MEMBERS else None
                    keys = {**keys, "numberOfForecastsInEnsemble": count}
                settings = {
                    **always,
                    **_reference(start),
                    **_parameter(code, product),
                    **keys,
                    **_interval(code, start, int(lead), clock),
                }
                field = np.asarray(array[index], np.float64) * code.factor
                on_levels = (
                    zip(coordinates["level"], field, strict=True)
                    if field.ndim == 3
                    else ((None, field),)
                )
                for level, values in on_levels:
                    surface, is_whole = _surface(code, level), np.isfinite(values).all()
                    yield (
                        {**settings, **surface, "bitmapPresent": int(not is_whole)},
                        np.nan_to_num(values[::-1], nan=_MISSING).ravel(),
                    )


def _product(name: str) -> tuple[_Code, tuple[int, int], dict[str, Any]]:
    """Return the code of a variable, and template and keys of its statistic, if any."""
    if name in CODES:
        return CODES[name], _FORECAST, {}
    base, _, statistic = name.rpartition("_")
    if statistic in _STATISTICS:
        return CODES[base], _DERIVED, {"derivedForecast": _STATISTICS[statistic]}
    return CODES[base], _PERCENTILE, {"percentileValue": int(statistic[1:])}


def _grid(group: "zarr.Group", coordinates: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the settings of the horizontal grid, from north to south."""
    latitude, longitude = coordinates["latitude"], coordinates["longitude"]
    is_gaussian = group.attrs["latitude_spacing"] == "gauss"
    spacing = 360 / len(longitude)
    settings = {
        "gridType": "regular_gg" if is_gaussian else "regular_ll",
        "shapeOfTheEarth": 1,
        "scaleFactorOfRadiusOfSphericalEarth": 0,
        "scaledValueOfRadiusOfSphericalEarth": round(LENGTH),
        "Ni": len(longitude),
        "Nj": len(latitude),
        "iScansNegatively": 0,
        "jScansPositively": 0,
        "latitudeOfFirstGridPointInDegrees": float(latitude[-1]),
        "longitudeOfFirstGridPointInDegrees": float(longitude[0]),
        "latitudeOfLastGridPointInDegrees": float(latitude[0]),
        "longitudeOfLastGridPointInDegrees": float(longitude[-1]),
        "iDirectionIncrementInDegrees": spacing,
    }
    if is_gaussian:
        return {**settings, "N": len(latitude) // 2}
    return {**settings, "jDirectionIncrementInDegrees": spacing}


def _reference(start: np.datetime64) -> dict[str, Any]:
    """Return the settings of the initial time."""
    return {
        "significanceOfReferenceTime": 1,
        **dict(zip(_PARTS, _parts(start), strict=True)),
    }


def _parts(time: np.datetime64) -> tuple[int, ...]:
    """Return year, month, day, hour, minute and second."""
    return tuple(time.astype("datetime64[s]").item().timetuple()[:6])


def _parameter(code: _Code, product: tuple[int, int]) -> dict[str, Any]:
    """Return the settings of what the field is, and of which members."""
    return {
        "discipline": code.discipline,
        "typeOfProcessedData": 1 if product == _FORECAST else 5,
        "productDefinitionTemplateNumber": product[code.is_sum],
        "parameterCategory": code.category,
        "parameterNumber": code.number,
        "typeOfGeneratingProcess": 2 if product == _FORECAST else 4,
    }


def _interval(
    code: _Code, start: np.datetime64, lead: int, clock: int
) -> dict[str, Any]:
    """Return the settings of the lead time, or of the interval from the start to it.

    Args:
        code: of the variable.
        start: initial time.
        lead: lead time in seconds.
        clock: seconds of the unit of time, a key of `_CLOCKS`.
    """
    unit, steps = _CLOCKS[clock], lead // clock
    if not code.is_sum:
        return {"indicatorOfUnitForForecastTime": unit, "forecastTime": steps}
    end = _parts(start + np.timedelta64(lead, "s"))
    names = (f"{name}OfEndOfOverallTimeInterval" for name in _PARTS)
    return {
        "indicatorOfUnitForForecastTime": unit,
        "forecastTime": 0,
        **dict(zip(names, end, strict=True)),
        "numberOfTimeRanges": 1,
        "typeOfStatisticalProcessing": 1,
        "typeOfTimeIncrement": 2,
        "indicatorOfUnitForTimeRange": unit,
        "lengthOfTimeRange": steps,
    }


def _surface(code: _Code, level: float | None) -> dict[str, Any]:
    """Return the settings of the level, which is in hPa."""
    first, second = code.surfaces
    value = None if level is None else round(float(level) * 100)  # Pa
    return {
        "typeOfFirstFixedSurface": first,
        "typeOfSecondFixedSurface": second,
        "scaleFactorOfFirstFixedSurface": None if value is None else 0,
        "scaledValueOfFirstFixedSurface": value,
    }
