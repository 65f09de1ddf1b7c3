"""What CMIP calls the means of a run: names, units, levels, and how they convert.

Names, units and cell methods are those of the CMIP6 data request 01.00.33. AIMIP Phase
1 (https://github.com/ai2cm/AIMIP) uses its tables Amon and day for all variables, also
for those that CMIP6 has in another table: zg500 in AERday, daily prw in Eday.
"""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from ngcm_cli.units import WATER_DENSITY_SI

DATA_SPECS_VERSION = "01.00.33"
MISSING = np.float32(1e20)
"""Value of what is missing in CMIP's files; ours miss nothing."""

STANDARD_GRAVITY = 9.80665  # m s-2
"""By which CF and CMIP divide geopotential to get geopotential height.

Not the model's own gravity, 9.80616 m s-2: a height here is a unit of geopotential, the
same for all models. The difference is 0.3 m at 500 hPa.
"""

LEVELS = (1000, 850, 700, 500, 250, 100, 50)
"""Pressure levels of AIMIP Phase 1, in hPa, in the order of CMIP's files."""

EXPERIMENTS: Mapping[str, str] = MappingProxyType(
    {
        "aimip": "atmosphere only, with prescribed sea-surface temperature and sea ice",
        "aimip-p2k": "as aimip, with 2 K added to sea-surface temperature",
        "aimip-p4k": "as aimip, with 4 K added to sea-surface temperature",
    }
)
"""Experiments of AIMIP Phase 1, in words."""

WARMING: Mapping[float, str] = MappingProxyType(
    {0.0: "aimip", 2.0: "aimip-p2k", 4.0: "aimip-p4k"}
)
"""Experiments by what they add to sea-surface temperature, in K."""


@dataclasses.dataclass(frozen=True)
class CmorVariable:
    """A variable as CMIP names it, and the variable of a run that it is made of.

    Attributes:
        name: CMIP's short name: of the variable in its file, and of the file.
        source: ERA5 long name, as in `data.variables.VARIABLES`.
        standard_name: of CF.
        long_name: CMIP's title.
        units: CMIP's, in UDUNITS notation.
        levels: in hPa, from the ground up; empty at the surface.
        is_layered: True where the file has a dimension of levels; a variable on one
            level has a scalar coordinate instead.
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
        """CMIP's: nothing is said of the area of a layer that the ground may cut."""
        return "time: mean" if self.is_layered else "area: time: mean"

    def converted(self, field: np.ndarray) -> np.ndarray:
        """A field of the run in CMIP's units, float32, rounded once."""
        if self.convert is None:
            return np.asarray(field, np.float32)
        return self.convert(np.asarray(field, np.float64)).astype(np.float32)


def _layered(name: str, source: str, standard_name: str, units: str) -> CmorVariable:
    title = standard_name.replace("_", " ").title()
    return CmorVariable(name, source, standard_name, title, units, LEVELS, True)


_HEIGHT = CmorVariable(
    name="zg",
    source="geopotential",
    standard_name="geopotential_height",
    long_name="Geopotential Height",
    units="m",
    levels=LEVELS,
    is_layered=True,
    comment=f"geopotential divided by standard gravity, {STANDARD_GRAVITY} m s-2",
    convert=lambda geopotential: geopotential / STANDARD_GRAVITY,
)

VARIABLES: tuple[CmorVariable, ...] = (
    _layered("ta", "temperature", "air_temperature", "K"),
    _layered("hus", "specific_humidity", "specific_humidity", "1"),
    _layered("ua", "u_component_of_wind", "eastward_wind", "m s-1"),
    _layered("va", "v_component_of_wind", "northward_wind", "m s-1"),
    _HEIGHT,
    dataclasses.replace(
        _HEIGHT,
        name="zg500",
        long_name="Geopotential Height at 500hPa",
        levels=(500,),
        is_layered=False,
    ),
    CmorVariable(
        name="ps",
        source="surface_pressure",
        standard_name="surface_air_pressure",
        long_name="Surface Air Pressure",
        units="Pa",
    ),
    CmorVariable(
        name="psl",
        source="mean_sea_level_pressure",
        standard_name="air_pressure_at_mean_sea_level",
        long_name="Sea Level Pressure",
        units="Pa",
    ),
    CmorVariable(
        name="prw",
        source="total_column_water_vapour",
        standard_name="atmosphere_mass_content_of_water_vapor",
        long_name="Water Vapor Path",
        units="kg m-2",
        comment="vertically integrated through the atmospheric column",
    ),
    CmorVariable(
        name="pr",
        source="precipitation_rate",
        standard_name="precipitation_flux",
        long_name="Precipitation",
        units="kg m-2 s-1",
        comment="includes both liquid and solid phases",
        convert=lambda depth_rate: depth_rate * WATER_DENSITY_SI,
    ),
    CmorVariable(
        name="evspsbl",
        source="evaporation",
        standard_name="water_evapotranspiration_flux",
        long_name="Evaporation Including Sublimation and Transpiration",
        units="kg m-2 s-1",
        comment="positive where water leaves the surface",
        # ECMWF's sign is the opposite. Not -x, which makes -0 of 0.
        convert=lambda downward: 0.0 - downward,
    ),
)
"""All that is exported, if a run has it; zg500 is AIMIP's, zg what it evaluates."""
