"""What CMIP calls the means of a run: names, units, levels, and how they convert.

Names, units and cell methods are those of the CMIP6 data request 01.00.33, as the
diagnostics declare them. AIMIP Phase 1 (https://github.com/ai2cm/AIMIP) uses the tables
Amon and day for all variables, also for those that CMIP6 has in another table: zg500 in
AERday, daily prw in Eday.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from ngcm_cli.diagnostics import DIAGNOSTICS, Diagnostic

DATA_SPECS_VERSION = "01.00.33"
MISSING = np.float32(1e20)
"""Missing value of CMIP's files; no value is missing in ours."""

LEVELS = (1000, 850, 700, 500, 250, 100, 50)
"""Pressure levels of AIMIP Phase 1, in hPa, in the order of CMIP's files."""

EXPERIMENTS: Mapping[str, str] = MappingProxyType(
    {
        "aimip": "atmosphere only, with prescribed sea-surface temperature and sea ice",
        "aimip-p2k": "as aimip, with 2 K added to sea-surface temperature",
        "aimip-p4k": "as aimip, with 4 K added to sea-surface temperature",
    }
)
"""Experiments of AIMIP Phase 1 and their descriptions."""

EXPERIMENT_OF_OFFSET: Mapping[float, str] = MappingProxyType(
    {0.0: "aimip", 2.0: "aimip-p2k", 4.0: "aimip-p4k"}
)
"""Experiments by the offset that they add to sea-surface temperature, in K."""

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
        levels: in hPa, from the ground up; empty at the surface.
        is_layered: whether the file has a dimension of levels; a variable on one level
            has a scalar coordinate instead.
        comment: what the name leaves open.
        convert: from the units of the run, float64 to float64; None where the values
            are the same.
    """

    name: str
    source: str
    standard_name: str
    long_name: str
    units: str
    levels: tuple[int, ...] = ()
    is_layered: bool = False
    comment: str = ""
    convert: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def cell_methods(self) -> str:
        """CMIP cell methods: without the area of a layer that the ground may cut."""
        return "time: mean" if self.is_layered else "area: time: mean"

    def converted(self, field: np.ndarray) -> np.ndarray:
        """Return a field of the run in CMIP units, float32, rounded once."""
        if self.convert is None:
            return np.asarray(field, np.float32)
        return self.convert(np.asarray(field, np.float64)).astype(np.float32)


def _variables(diagnostic: Diagnostic) -> Iterator[CmorVariable]:
    """The variables that are made of a diagnostic."""
    cmip = diagnostic.cmip
    if cmip is None:
        return
    variable = CmorVariable(
        name=cmip.name,
        source=diagnostic.name,
        standard_name=cmip.standard_name or diagnostic.standard_name,
        long_name=cmip.long_name,
        units=cmip.units or diagnostic.units,
        levels=LEVELS if diagnostic.on_levels else (),
        is_layered=diagnostic.on_levels,
        comment="; ".join(filter(None, (cmip.comment, diagnostic.comment))),
        convert=cmip.convert,
    )
    yield variable
    if cmip.name == "zg":
        yield dataclasses.replace(
            variable,
            name="zg500",
            long_name="Geopotential Height at 500hPa",
            levels=(500,),
            is_layered=False,
        )


def _all_variables() -> tuple[CmorVariable, ...]:
    """Those that AIMIP asks for in its order, then the others in that of listings."""
    known = {v.name: v for d in DIAGNOSTICS.values() for v in _variables(d)}
    return tuple(known[name] for name in dict.fromkeys((*REQUESTED, *known)))


VARIABLES = _all_variables()
"""All that is exported, if a run has it; zg500 is what AIMIP evaluates of zg."""
