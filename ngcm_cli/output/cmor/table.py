"""What CMIP calls the means of a run: names, units, tables, and how they convert.

Names, units, tables and cell methods are those of the CMIP6 data request 01.00.33, as
the diagnostics declare them. AIMIP Phase 1 (https://github.com/ai2cm/AIMIP) names its
files after the tables Amon and day for all variables, also for those that CMIP6 has in
another table, as daily ps in CFday.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ngcm_cli.diagnostics import DIAGNOSTICS, Diagnostic
from ngcm_cli.diagnostics.diagnostic import CMIP_NAME, CmipVariable

DATA_SPECS_VERSION = "01.00.33"
MISSING = np.float32(1e20)
"""Missing value of CMIP's files."""

_AIMIP = (1000, 850, 700, 500, 250, 100, 50)
_PLEV8 = (1000, 850, 700, 500, 250, 100, 50, 10)
_PLEV19 = (
    *(1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100),
    *(70, 50, 30, 20, 10, 5, 1),
)
LEVEL_SETS: Mapping[str, Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "aimip": {"mon": _AIMIP, "day": _AIMIP},
        "cmip6": {"mon": _PLEV19, "day": _PLEV8},
        "plev19": {"mon": _PLEV19, "day": _PLEV19},
        "plev8": {"mon": _PLEV8, "day": _PLEV8},
    }
)
"""Pressure levels in hPa by the frequency of the means, in the order of CMIP's files:
those of AIMIP Phase 1, those of CMIP6's tables Amon and day, and each of the latter."""

_SEA_OF_EXPERIMENT = {
    "": "",
    "-p2k": ", with 2 K added to sea-surface temperature",
    "-p4k": ", with 4 K added to sea-surface temperature",
}
EXPERIMENTS: Mapping[str, str] = MappingProxyType(
    {
        f"{name}{suffix}": "atmosphere only, with prescribed sea-surface temperature "
        f"and sea ice{added}"
        for name in ("aimip", "amip-style")
        for suffix, added in _SEA_OF_EXPERIMENT.items()
    }
)
"""Experiments of AIMIP Phase 1, and those like them, and their descriptions."""

REQUESTED = (
    *("ta", "hus", "ua", "va", "zg", "zg500"),
    *("ps", "psl", "prw", "pr", "evspsbl"),
)
"""Variables that AIMIP Phase 1 asks for or evaluates."""


@dataclasses.dataclass(frozen=True)
class CmorVariable:
    """A variable as CMIP names it, and the variable of a run that it is made of.

    Attributes:
        name: CMIP short name: of the variable in its file, and of the file.
        source: name of the diagnostic.
        standard_name: CF standard name.
        long_name: CMIP title.
        units: CMIP units, in UDUNITS notation.
        tables: CMIP tables by frequency, of those that have it.
        realm: CMIP modeling realm.
        positive: direction of a flux; empty for other quantities.
        where: CF area type that values are means of; empty for whole cells.
        area_type: CF area type of a fraction; empty for others.
        is_layered: whether the file has a dimension of levels.
        level: the one level of a field without this dimension, in hPa.
        comment: what the name leaves open.
        convert: from the units of the run, float64 to float64; None where the values
            are the same.
    """

    name: str
    source: str
    standard_name: str
    long_name: str
    units: str
    tables: Mapping[str, str]
    realm: str = "atmos"
    positive: str = ""
    where: str = ""
    area_type: str = ""
    is_layered: bool = False
    level: int | None = None
    comment: str = ""
    convert: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def cell_methods(self) -> str:
        """CMIP cell methods: without the area of a layer that the ground may cut."""
        if self.where:
            return f"area: mean where {self.where} time: mean"
        return "time: mean" if self.is_layered else "area: time: mean"

    def levels(self, names: str, frequency: str) -> tuple[int, ...]:
        """Return its levels in hPa from the ground up, of a key of ``LEVEL_SETS``."""
        if self.level is not None:
            return (self.level,)
        return LEVEL_SETS[names][frequency] if self.is_layered else ()

    def converted(self, field: np.ndarray) -> np.ndarray:
        """Return a field of the run in CMIP units, float32, rounded once."""
        if self.convert is None:
            return np.asarray(field, np.float32)
        return self.convert(np.asarray(field, np.float64)).astype(np.float32)


def _tables(cmip: CmipVariable) -> dict[str, str]:
    named = {"mon": cmip.monthly, "day": cmip.daily}
    return {frequency: table for frequency, table in named.items() if table}


def _variables(diagnostic: Diagnostic) -> Iterator[CmorVariable]:
    """The variables that are made of a diagnostic."""
    cmip = diagnostic.cmip
    if cmip is None:
        return
    # What a diagnostic says of land is not so of the file.
    comments = cmip.comment, "" if cmip.where else diagnostic.comment
    variable = CmorVariable(
        name=cmip.name,
        source=diagnostic.name,
        standard_name=cmip.standard_name or diagnostic.standard_name,
        long_name=cmip.long_name,
        units=cmip.units or diagnostic.units,
        tables=_tables(cmip),
        realm=cmip.realm,
        positive=cmip.positive,
        where=cmip.where,
        area_type=cmip.area_type,
        is_layered=diagnostic.on_levels,
        comment="; ".join(filter(None, comments)),
        convert=cmip.convert,
    )
    yield variable
    if cmip.name == "zg":
        yield dataclasses.replace(
            variable,
            name="zg500",
            long_name="Geopotential Height at 500hPa",
            tables={"day": "AERday"},  # of monthly means, zg has the level
            realm="aerosol",
            level=500,
            is_layered=False,
        )


def _all_variables() -> tuple[CmorVariable, ...]:
    """Those that AIMIP asks for in its order, then the others in that of listings."""
    known = {v.name: v for d in DIAGNOSTICS.values() for v in _variables(d)}
    return tuple(known[name] for name in dict.fromkeys((*REQUESTED, *known)))


VARIABLES = _all_variables()
"""All that is exported, if a run has it."""


def own_variable(source: str, attributes: Mapping[str, Any]) -> CmorVariable | None:
    """Return the CMIP variable of one that only some model has; None without a name.

    Args:
        source: its name in the run.
        attributes: its attributes there.
    """
    name = str(attributes.get(CMIP_NAME, ""))
    if not name or name in {variable.name for variable in VARIABLES}:
        return None
    return CmorVariable(
        name=name,
        source=source,
        standard_name=str(attributes.get("standard_name", "")),
        long_name=str(attributes.get("long_name", "")),
        units=str(attributes.get("units", "")),
        tables=_tables(CmipVariable(name, "")),
        comment=str(attributes.get("comment", "")),
    )


@dataclasses.dataclass(frozen=True)
class FixedVariable:
    """A field of CMIP's table fx, which does not change.

    Attributes:
        name: CMIP short name.
        standard_name: CF standard name.
        long_name: CMIP title.
        units: CMIP units.
        cell_methods: CMIP cell methods.
        realm: CMIP modeling realm.
        area_type: CF area type of a fraction; empty for others.
        comment: what the name leaves open.
    """

    name: str
    standard_name: str
    long_name: str
    units: str
    cell_methods: str = "area: mean"
    realm: str = "atmos"
    area_type: str = ""
    comment: str = ""


CELL_AREA = FixedVariable(
    "areacella",
    "cell_area",
    "Grid-Cell Area for Atmospheric Grid Variables",
    "m2",
    cell_methods="area: sum",
    realm="atmos land",
)
GROUND = (
    FixedVariable(
        "sftlf",
        "land_area_fraction",
        "Percentage of the Grid Cell Occupied by Land (Including Lakes)",
        "%",
        area_type="land",
        comment="as the parameterization of the model takes it",
    ),
    FixedVariable(
        "orog",
        "surface_altitude",
        "Surface Altitude",
        "m",
        realm="land",
        comment="ground of the model's dynamics and of its surface pressure",
    ),
)
"""What the model knows of the ground."""
