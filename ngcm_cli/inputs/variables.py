"""The variables that ngcm reads and writes: one table of names, units and ranges."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType


@dataclasses.dataclass(frozen=True)
class Variable:
    """A physical quantity, with its names in files and its units.

    Attributes:
        name: ERA5 long name, the only name used inside ngcm and in its output.
        units: SI units in UDUNITS notation; every array inside ngcm is in these.
        valid_range: Smallest and largest value in ``units`` that occur in the real
            atmosphere or ocean, with some margin; values outside are in other units, or
            mark missing values.
        standard_name: CF standard name; empty where CF has none of this sign.
        aliases: Other names in files, in lower case: of ECMWF, NCEP and CMIP.
        title: Name for plots and listings, where it is not the ERA5 name.
        on_levels: Whether it is on pressure levels, not at the surface.
        other_standard_names: CF names of quantities that convert to this one.
        cell_methods: CF cell methods of values that represent a period; empty where
            they are instantaneous or of one model step.
    """

    name: str
    standard_name: str
    long_name: str
    units: str
    aliases: tuple[str, ...]
    valid_range: tuple[float, float]
    on_levels: bool = True
    other_standard_names: tuple[str, ...] = ()
    cell_methods: str = ""

    def is_called(self, name: str) -> bool:
        """Return whether a name is its own or an alias, in any case."""
        return name.lower() in (self.name.lower(), *self.aliases)


_TABLE = (
    Variable(
        name="temperature",
        standard_name="air_temperature",
        long_name="Temperature",
        units="K",
        aliases=("t", "ta", "tmp", "temp", "air_temperature", "air"),
        valid_range=(120.0, 370.0),
    ),
    Variable(
        name="geopotential",
        standard_name="geopotential",
        long_name="Geopotential",
        units="m2 s-2",
        aliases=("z", "phi", "zg", "gh", "hgt", "h", "geopotential_height"),
        valid_range=(-15e3, 620e3),
        other_standard_names=("geopotential_height",),
    ),
    Variable(
        name="u_component_of_wind",
        standard_name="eastward_wind",
        long_name="U component of wind",
        units="m s-1",
        aliases=("u", "ua", "ugrd", "uwnd", "eastward_wind"),
        valid_range=(-250.0, 250.0),
    ),
    Variable(
        name="v_component_of_wind",
        standard_name="northward_wind",
        long_name="V component of wind",
        units="m s-1",
        aliases=("v", "va", "vgrd", "vwnd", "northward_wind"),
        valid_range=(-250.0, 250.0),
    ),
    Variable(
        name="specific_humidity",
        standard_name="specific_humidity",
        long_name="Specific humidity",
        units="kg kg-1",
        aliases=("q", "hus", "spfh", "shum", "qv"),
        valid_range=(-2e-3, 0.06),
    ),
    Variable(
        name="specific_cloud_ice_water_content",
        standard_name="mass_fraction_of_cloud_ice_in_air",
        long_name="Specific cloud ice water content",
        units="kg kg-1",
        aliases=("ciwc", "cli", "icmr", "qi"),
        valid_range=(-1e-3, 0.02),
    ),
    Variable(
        name="specific_cloud_liquid_water_content",
        standard_name="mass_fraction_of_cloud_liquid_water_in_air",
        long_name="Specific cloud liquid water content",
        units="kg kg-1",
        aliases=("clwc", "clw", "clwmr", "ql"),
        valid_range=(-1e-3, 0.02),
    ),
    Variable(
        name="sea_surface_temperature",
        standard_name="sea_surface_temperature",
        long_name="Sea surface temperature",
        units="K",
        aliases=("sst", "tos", "analysed_sst", "wtmp"),
        valid_range=(250.0, 320.0),
        on_levels=False,
    ),
    Variable(
        name="sea_ice_cover",
        standard_name="sea_ice_area_fraction",
        long_name="Sea ice area fraction",
        units="1",
        aliases=("siconc", "ci", "sic", "icec", "ice", "sea_ice_fraction", "siconca"),
        valid_range=(-0.05, 1.05),
        on_levels=False,
    ),
    Variable(
        name="skin_temperature",
        standard_name="surface_temperature",
        long_name="Skin temperature",
        units="K",
        aliases=("skt", "ts", "surface_temperature"),
        valid_range=(160.0, 370.0),
        on_levels=False,
    ),
    Variable(
        name="land_sea_mask",
        standard_name="land_area_fraction",
        long_name="Land area fraction",
        units="1",
        aliases=("lsm", "land", "sftlf"),
        valid_range=(-0.05, 1.05),
        on_levels=False,
        other_standard_names=("land_binary_mask",),
    ),
    Variable(
        name="surface_pressure",
        standard_name="surface_air_pressure",
        long_name="Surface pressure",
        units="Pa",
        aliases=("sp", "ps"),
        valid_range=(4e4, 1.1e5),
        on_levels=False,
    ),
    Variable(
        name="mean_sea_level_pressure",
        standard_name="air_pressure_at_mean_sea_level",
        long_name="Mean sea level pressure",
        units="Pa",
        aliases=("msl", "psl", "mslp"),
        valid_range=(8.5e4, 1.1e5),
        on_levels=False,
    ),
    Variable(
        name="total_column_water_vapour",
        standard_name="atmosphere_mass_content_of_water_vapor",
        long_name="Total column water vapour",
        units="kg m-2",
        aliases=("tcwv", "prw"),
        valid_range=(-5.0, 120.0),
        on_levels=False,
    ),
    Variable(
        name="P_minus_E_rate",
        standard_name="",
        long_name="Precipitation minus evaporation rate",
        units="kg m-2 s-1",
        aliases=(),
        valid_range=(-0.01, 0.05),
        on_levels=False,
    ),
    Variable(
        name="P_minus_E_cumulative",
        standard_name="",
        long_name="Precipitation minus evaporation since the initial time",
        units="kg m-2",
        aliases=(),
        valid_range=(-2e5, 1e6),
        on_levels=False,
        cell_methods="lead_time: sum (comment: since the initial time)",
    ),
    Variable(
        name="precipitation_rate",
        standard_name="lwe_precipitation_rate",
        long_name="Precipitation rate",
        units="m s-1",
        aliases=(),
        valid_range=(-1e-5, 5e-5),
        on_levels=False,
    ),
    Variable(
        name="precipitation_cumulative_mean",
        standard_name="lwe_thickness_of_precipitation_amount",
        long_name="Precipitation since the initial time",
        units="m",
        aliases=("total_precipitation", "tp"),
        valid_range=(-200.0, 1000.0),
        on_levels=False,
        cell_methods="lead_time: sum (comment: since the initial time)",
    ),
    Variable(
        name="evaporation",
        standard_name="",
        long_name="Evaporation rate, negative where water leaves the surface",
        units="kg m-2 s-1",
        aliases=("mean_evaporation_rate",),
        valid_range=(-0.01, 0.05),
        on_levels=False,
    ),
    Variable(
        name="evaporation_cumulative",
        standard_name="",
        long_name=(
            "Evaporation since the initial time, negative where water left the surface"
        ),
        units="m",
        aliases=(),
        valid_range=(-1000.0, 200.0),
        on_levels=False,
        cell_methods="lead_time: sum (comment: since the initial time)",
    ),
)

VARIABLES: Mapping[str, Variable] = MappingProxyType({v.name: v for v in _TABLE})

CLOUDS = ("specific_cloud_ice_water_content", "specific_cloud_liquid_water_content")
"""Set to zero where they are absent: a model soon forms its own cloud."""

SST, SEA_ICE = "sea_surface_temperature", "sea_ice_cover"
SKIN_TEMPERATURE, LAND_SEA_MASK = "skin_temperature", "land_sea_mask"
SURFACE_VARIABLES = (SST, SEA_ICE, SKIN_TEMPERATURE, LAND_SEA_MASK)
"""Variables of the surface forcing; the last two replace an absent SST."""
