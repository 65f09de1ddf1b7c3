"""Headers of the fields of a GRIB file: which fields are read, and which cannot be."""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.variables import VARIABLES

Header = Mapping[str, Any]

_GRID = (
    "Ni",
    "Nj",
    "latitudeOfFirstGridPointInDegrees",
    "latitudeOfLastGridPointInDegrees",
    "longitudeOfFirstGridPointInDegrees",
    "longitudeOfLastGridPointInDegrees",
)
# Of ecCodes, https://confluence.ecmwf.int/display/ECC/GRIB+keys
KEYS = (
    *("paramId", "shortName", "cfVarName", "typeOfLevel", "level:float", "stepType"),
    *("number", "dataDate", "dataTime", "validityDate", "validityTime"),
    *("gridType", "md5GridSection", *_GRID),
    *("iScansNegatively", "jPointsAreConsecutive"),
)
_PRESSURE = {"isobaricInhPa": 1.0, "isobaricInPa": 0.01}  # hPa per unit of the level
_SURFACE = ("surface", "meanSea", "oceanSurface", "iceTopOnWater")
_SHORT_NAMES = ("skt", "lsm")  # at the surface, in addition to `VARIABLES`
_REGULAR = ("regular_ll", "regular_gg")
_TOLERANCE = 2e-3  # degrees: edition 1 rounds to half of this
_UNSUPPORTED_GRIDS = {
    "reduced_gg": (
        "on a reduced Gaussian grid, with rows of different length",
        "Interpolate them, e.g. with `cdo setgridtype,regular IN OUT`",
    ),
    "sh": (
        "spherical harmonics, not on a grid",
        "Transform them, e.g. with `cdo sp2gpl IN OUT`",
    ),
}


def by_variable(headers: Mapping[Any, Header]) -> dict[str, dict[Any, Header]]:
    """Return the headers of fields that a model may read, by variable and offset.

    They are as cfgrib is to see them: levels in hPa, and no ensemble; of instantaneous
    values, or of means where there are no others, as in monthly data.
    """
    found: dict[str, dict[str, dict[Any, Header]]] = {}
    for offset, header in headers.items():
        name = _name(header)
        kind = "mean" if header["stepType"].startswith("avg") else header["stepType"]
        # No accumulations, no extremes.
        if name is not None and kind in ("instant", "mean"):
            kinds = found.setdefault(name, {"instant": {}, "mean": {}})
            kinds[kind][offset] = _canonical(header)
    return {name: kinds["instant"] or kinds["mean"] for name, kinds in found.items()}


def _name(header: Header) -> str | None:
    """Return the name of a variable in the dataset; None if no model reads it."""
    on_levels = header["typeOfLevel"] in _PRESSURE
    if not on_levels and header["typeOfLevel"] not in _SURFACE:
        return None
    names = header["cfVarName"], header["shortName"]
    if not on_levels and "t" in names:  # skin temperature in files of NCEP
        return "skt"
    candidates = [v for v in VARIABLES.values() if v.on_levels == on_levels]
    for name in names:
        # Cell methods mark what is accumulated.
        if any(v.is_called(name) and not v.cell_methods for v in candidates):
            return name
        if not on_levels and name in _SHORT_NAMES:
            return name
    return None


def _canonical(header: Header) -> Header:
    """Return a header as cfgrib is to see it: level in hPa, ensemble member hidden."""
    hidden = "number", "level:float"
    known = {key: value for key, value in header.items() if key not in hidden}
    known["member"] = header["number"]
    factor = _PRESSURE.get(header["typeOfLevel"])
    if factor is None:
        return {**known, "typeOfLevel": "surface"}
    level = round(header["level:float"] * factor, 6)
    return {**known, "typeOfLevel": "isobaricInhPa", "level:float": level}


def contents(headers: Mapping[Any, Header]) -> str:
    """Return short names by kind of level: ``2t, 2d (heightAboveGround)``."""
    names: dict[str, dict[str, None]] = collections.defaultdict(dict)
    for header in headers.values():
        names[header["typeOfLevel"]][header["shortName"]] = None
    return "; ".join(
        f"{', '.join(list(short)[:6])}{' …' if len(short) > 6 else ''} ({level})"
        for level, short in names.items()
    )


def check_grids(quoted: str, chosen: Mapping[str, Mapping[Any, Header]]) -> None:
    """Raise unless all fields that `by_variable` returned are on one regular grid."""
    pairs = [(v, header) for v, fields in chosen.items() for header in fields.values()]
    for variable, header in pairs:
        if header["gridType"] not in _REGULAR:
            raise _unsupported_grid(quoted, variable, header["gridType"])
        if header["iScansNegatively"] or header["jPointsAreConsecutive"]:
            raise InputDataError(  # cfgrib would flip or transpose them
                f"The fields of {variable} in {quoted} are stored from east to west, "
                "or by columns.",
                "Convert them to NetCDF, e.g. with `cdo -f nc4 copy IN OUT.nc`.",
            )
    first, reference = pairs[0]
    for variable, header in pairs:
        if header["gridType"] != reference["gridType"] or any(
            abs(header[key] - reference[key]) > _TOLERANCE for key in _GRID
        ):
            raise InputDataError(
                f"The fields in {quoted} are on different grids: {first} on "
                f"{_describe_grid(reference)}, {variable} on {_describe_grid(header)}.",
                "Remap them to one grid, e.g. with `cdo remapcon,GRID IN OUT`.",
            )


def _unsupported_grid(quoted: str, variable: str, kind: str) -> InputDataError:
    other = (
        f"on a grid of type {kind}, which is not supported",
        "Remap them, e.g. with `cdo remapcon,global_1 IN OUT`",
    )
    problem, hint = _UNSUPPORTED_GRIDS.get(kind, other)
    return InputDataError(
        f"The fields of {variable} in {quoted} are {problem}.",
        f"{hint}, or download them on a regular grid: `grid` in a request to MARS or "
        "the CDS.",
    )


def _describe_grid(header: Header) -> str:
    kind = "Gaussian" if header["gridType"] == "regular_gg" else "regular"
    south = header["latitudeOfFirstGridPointInDegrees"]
    west = header["longitudeOfFirstGridPointInDegrees"]
    return f"{header['Ni']}x{header['Nj']} ({kind}, from {south:g}°, {west:g}°)"


def check_unique(quoted: str, variable: str, fields: Mapping[Any, Header]) -> None:
    """Raise unless a variable has one field for each time and level."""
    parameters = sorted({header["paramId"] for header in fields.values()})
    if len(parameters) > 1:
        raise InputDataError(
            f"{quoted} holds {variable} as several parameters: "
            f"{', '.join(map(str, parameters))}.",
            f"Keep one, e.g. with `grib_copy -w paramId={parameters[0]} IN OUT`.",
        )
    same = collections.defaultdict(list)
    for header in fields.values():
        time = _format_date(header["validityDate"], header["validityTime"])
        level = header.get("level:float")
        same[time if level is None else f"{time} at {level:g} hPa"].append(header)
    for where, headers in same.items():
        if len(headers) > 1:
            reason, hint = _difference(headers)
            raise InputDataError(
                f"{quoted} holds {variable} for {where} {len(headers)} times: "
                f"{reason}.",
                hint,
            )


def _difference(headers: Sequence[Header]) -> tuple[str, str]:
    """Return why there are several fields for a time and level, and how to keep one."""
    members = {header["member"] for header in headers}
    starts = sorted({(header["dataDate"], header["dataTime"]) for header in headers})
    if len(members) > 1:
        member = min(number for number in members if number is not None)
        key, reason = f"number={member}", "members of an ensemble"
    elif len(starts) > 1:
        key = "dataDate={},dataTime={}".format(*starts[-1])
        reason = f"forecasts from {' and '.join(_format_date(*s) for s in starts)}"
    else:
        return "copies or versions of it", "Write a file that has each field once."
    return reason, f"Keep one, e.g. with `grib_copy -w {key} IN OUT`."


def _format_date(date: int, time: int) -> str:
    """Return a date and time of GRIB, 20200822 and 1230, as ``2020-08-22T12:30``."""
    year, month, day = date // 10000, date // 100 % 100, date % 100
    return f"{year:04}-{month:02}-{day:02}T{time // 100:02}:{time % 100:02}"
