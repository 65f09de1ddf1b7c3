"""The fields of a GRIB file by their headers: which are read, and which cannot be."""

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
_PRESSURE = {"isobaricInhPa": 1.0, "isobaricInPa": 0.01}  # hPa in one unit of theirs
_SURFACE = ("surface", "meanSea", "oceanSurface", "iceTopOnWater")
_ALSO = ("skt", "lsm")  # at the surface, beside `VARIABLES`
_REGULAR = ("regular_ll", "regular_gg")
_SAME = 2e-3  # degrees: edition 1 rounds to half of this
_NO_GRID = {
    "reduced_gg": (
        "on a reduced Gaussian grid, whose rows differ in length",
        "Interpolate them, e.g. with `cdo setgridtype,regular IN OUT`",
    ),
    "sh": (
        "spherical harmonics, on no grid",
        "Transform them, e.g. with `cdo sp2gpl IN OUT`",
    ),
}


def by_variable(headers: Mapping[Any, Header]) -> dict[str, dict[Any, Header]]:
    """What a model may read, by the name of the variable.

    Args:
        headers: ``KEYS`` of every field.

    Returns:
        Headers as cfgrib is to see them: levels in hPa, and no ensemble. Values of the
        moment; means over a time where there are no others, as in monthly data.
    """
    found: dict[str, dict[str, dict[Any, Header]]] = {}
    for place, header in headers.items():
        name = _name(header)
        kind = "mean" if header["stepType"].startswith("avg") else header["stepType"]
        if name is not None and kind in ("instant", "mean"):  # no sum, no extreme
            kinds = found.setdefault(name, {"instant": {}, "mean": {}})
            kinds[kind][place] = _canonical(header)
    return {name: kinds["instant"] or kinds["mean"] for name, kinds in found.items()}


def _name(header: Header) -> str | None:
    """How a variable is called in the dataset; None if no model reads it."""
    on_levels = header["typeOfLevel"] in _PRESSURE
    if not on_levels and header["typeOfLevel"] not in _SURFACE:
        return None
    names = header["cfVarName"], header["shortName"]
    if not on_levels and "t" in names:  # so NCEP calls the temperature of the skin
        return "skt"
    candidates = [
        variable
        for variable in VARIABLES.values()
        if variable.on_levels == on_levels and not variable.cell_methods  # no amount
    ]
    for name in names:
        if any(v.is_called(name) for v in candidates):
            return name
        if not on_levels and name in _ALSO:
            return name
    return None


def _canonical(header: Header) -> Header:
    hidden = "number", "level:float"
    known = {key: value for key, value in header.items() if key not in hidden}
    known["member"] = header["number"]
    factor = _PRESSURE.get(header["typeOfLevel"])
    if factor is None:
        return {**known, "typeOfLevel": "surface"}
    level = round(header["level:float"] * factor, 6)
    return {**known, "typeOfLevel": "isobaricInhPa", "level:float": level}


def contents(headers: Mapping[Any, Header]) -> str:
    """Short names by kind of level: ``2t, 2d (heightAboveGround)``."""
    names: dict[str, dict[str, None]] = collections.defaultdict(dict)
    for header in headers.values():
        names[header["typeOfLevel"]][header["shortName"]] = None
    return "; ".join(
        f"{', '.join(list(short)[:6])}{' …' if len(short) > 6 else ''} ({level})"
        for level, short in names.items()
    )


def check_grids(called: str, chosen: Mapping[str, Mapping[Any, Header]]) -> None:
    """Raise unless all fields are on one regular grid.

    Args:
        called: the file, in a sentence.
        chosen: as ``by_variable`` returns it.
    """
    pairs = [(v, header) for v, fields in chosen.items() for header in fields.values()]
    for variable, header in pairs:
        if header["gridType"] not in _REGULAR:
            raise _no_grid(called, variable, header["gridType"])
        if header["iScansNegatively"] or header["jPointsAreConsecutive"]:
            raise InputDataError(  # cfgrib would mirror or turn them
                f"The fields of {variable} in {called} are stored from east to west, "
                "or by columns.",
                "Convert them to NetCDF, e.g. with `cdo -f nc4 copy IN OUT.nc`.",
            )
    first, reference = pairs[0]
    for variable, header in pairs:
        if header["gridType"] != reference["gridType"] or any(
            abs(header[key] - reference[key]) > _SAME for key in _GRID
        ):
            raise InputDataError(
                f"The fields in {called} are on different grids: {first} on "
                f"{_grid_words(reference)}, {variable} on {_grid_words(header)}.",
                "Put them on one, e.g. with `cdo remapcon,GRID IN OUT`.",
            )


def _no_grid(called: str, variable: str, kind: str) -> InputDataError:
    other = (
        f"on a grid of type {kind}, which is not read",
        "Remap them, e.g. with `cdo remapcon,global_1 IN OUT`",
    )
    words, hint = _NO_GRID.get(kind, other)
    return InputDataError(
        f"The fields of {variable} in {called} are {words}.",
        f"{hint}, or download them on a regular grid: `grid` in a request to MARS or "
        "the CDS.",
    )


def _grid_words(header: Header) -> str:
    kind = "Gaussian" if header["gridType"] == "regular_gg" else "regular"
    south = header["latitudeOfFirstGridPointInDegrees"]
    west = header["longitudeOfFirstGridPointInDegrees"]
    return f"{header['Ni']}x{header['Nj']} ({kind}, from {south:g}°, {west:g}°)"


def check_unique(called: str, variable: str, fields: Mapping[Any, Header]) -> None:
    """Raise unless a variable has one field for each time and level.

    Args:
        called: the file, in a sentence.
        variable: its name.
        fields: of the variable, as ``by_variable`` returns them.
    """
    parameters = sorted({header["paramId"] for header in fields.values()})
    if len(parameters) > 1:
        raise InputDataError(
            f"{called} holds {variable} as several parameters: "
            f"{', '.join(map(str, parameters))}.",
            f"Keep one, e.g. with `grib_copy -w paramId={parameters[0]} IN OUT`.",
        )
    same = collections.defaultdict(list)
    for header in fields.values():
        time = _word(header["validityDate"], header["validityTime"])
        level = header.get("level:float")
        same[time if level is None else f"{time} at {level:g} hPa"].append(header)
    for where, headers in same.items():
        if len(headers) > 1:
            why, hint = _difference(headers)
            raise InputDataError(
                f"{called} holds {variable} for {where} {len(headers)} times: {why}.",
                hint,
            )


def _difference(headers: Sequence[Header]) -> tuple[str, str]:
    """Why there are several fields for one time and level, and how to keep one."""
    members = {header["member"] for header in headers}
    starts = sorted({(header["dataDate"], header["dataTime"]) for header in headers})
    if len(members) > 1:
        member = min(number for number in members if number is not None)
        key, why = f"number={member}", "members of an ensemble"
    elif len(starts) > 1:
        key = "dataDate={},dataTime={}".format(*starts[-1])
        why = f"forecasts from {' and '.join(_word(*start) for start in starts)}"
    else:
        return "copies or versions of it", "Write a file that has each field once."
    return why, f"Keep one, e.g. with `grib_copy -w {key} IN OUT`."


def _word(date: int, time: int) -> str:
    """A date and time of GRIB, 20200822 and 1230, as ``2020-08-22T12:30``."""
    year, month, day = date // 10000, date // 100 % 100, date % 100
    return f"{year:04}-{month:02}-{day:02}T{time // 100:02}:{time % 100:02}"
