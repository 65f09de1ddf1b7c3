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
    units: str
    valid_range: tuple[float, float]
    standard_name: str = ""
    title: str = ""
    aliases: tuple[str, ...] = ()
    on_levels: bool = False
    other_standard_names: tuple[str, ...] = ()
    cell_methods: str = ""

    @property
    def long_name(self) -> str:
        """Name for plots and listings."""
        return self.title or self.name.replace("_", " ").capitalize()

    def is_called(self, name: str) -> bool:
        """Return whether a name is its own or an alias, in any case."""
        return name.lower() in (self.name.lower(), *self.aliases)


_SUM = "lead_time: sum (comment: since the initial time)"
# fmt: off
_TABLE = (
    Variable("temperature", "K", (120.0, 350.0), standard_name="air_temperature",
             aliases=("t", "ta", "tmp", "temp", "air_temperature", "air"),
             on_levels=True),
    Variable("geopotential", "m2 s-2", (-15e3, 620e3),
             standard_name="geopotential",
             aliases=("z", "phi", "zg", "gh", "hgt", "h", "geopotential_height"),
             on_levels=True, other_standard_names=("geopotential_height",)),
    Variable("u_component_of_wind", "m s-1", (-250.0, 250.0),
             standard_name="eastward_wind",
             aliases=("u", "ua", "ugrd", "u_grd", "uwnd", "eastward_wind"),
             on_levels=True),
    Variable("v_component_of_wind", "m s-1", (-250.0, 250.0),
             standard_name="northward_wind",
             aliases=("v", "va", "vgrd", "v_grd", "vwnd", "northward_wind"),
             on_levels=True),
    Variable("specific_humidity", "kg kg-1", (-2e-3, 0.06),
             standard_name="specific_humidity",
             aliases=("q", "hus", "spfh", "spf_h", "shum", "qv"), on_levels=True),
    Variable("relative_humidity", "1", (-0.5, 3.0),
             standard_name="relative_humidity",
             aliases=("r", "rh", "hur", "r_h", "rhum", "relhum"), on_levels=True),
    Variable("humidity_mixing_ratio", "kg kg-1", (-2e-3, 0.06),
             standard_name="humidity_mixing_ratio",
             aliases=("mixr", "mixing_ratio", "qvapor"), on_levels=True),
    Variable("dew_point_temperature", "K", (100.0, 320.0),
             standard_name="dew_point_temperature",
             aliases=("td", "dpt", "dewpoint", "dewpoint_temperature"),
             on_levels=True),
    Variable("specific_cloud_ice_water_content", "kg kg-1", (-1e-3, 0.02),
             standard_name="mass_fraction_of_cloud_ice_in_air",
             aliases=("ciwc", "cli", "icmr", "icemr", "qi"), on_levels=True),
    Variable("specific_cloud_liquid_water_content", "kg kg-1", (-1e-3, 0.02),
             standard_name="mass_fraction_of_cloud_liquid_water_in_air",
             aliases=("clwc", "clw", "clwmr", "ql"), on_levels=True),
    Variable("sea_surface_temperature", "K", (250.0, 320.0),
             standard_name="sea_surface_temperature",
             aliases=("sst", "tos", "analysed_sst", "wtmp", "sstk", "tosbcs")),
    Variable("sea_ice_cover", "1", (-0.05, 1.05),
             standard_name="sea_ice_area_fraction", title="Sea ice area fraction",
             aliases=("siconc", "ci", "sic", "icec", "ice_c", "ice", "siconca",
                      "sea_ice_fraction", "siconcbcs", "aice", "icefrac", "fr_ice",
                      "ice_conc")),
    Variable("skin_temperature", "K", (160.0, 370.0),
             standard_name="surface_temperature",
             aliases=("skt", "ts", "surface_temperature")),
    Variable("land_sea_mask", "1", (-0.05, 1.05), standard_name="land_area_fraction",
             title="Land area fraction", aliases=("lsm", "land", "sftlf"),
             other_standard_names=("land_binary_mask",)),
    Variable("surface_pressure", "Pa", (4e4, 1.1e5),
             standard_name="surface_air_pressure", aliases=("sp", "ps")),
    Variable("mean_sea_level_pressure", "Pa", (8.5e4, 1.1e5),
             standard_name="air_pressure_at_mean_sea_level",
             aliases=("msl", "psl", "mslp")),
    Variable("total_column_water_vapour", "kg m-2", (-5.0, 120.0),
             standard_name="atmosphere_mass_content_of_water_vapor",
             aliases=("tcwv", "prw")),
    Variable("P_minus_E_rate", "kg m-2 s-1", (-0.01, 0.05),
             standard_name="surface_downward_water_flux",
             title="Precipitation minus evaporation rate"),
    Variable("P_minus_E_cumulative", "kg m-2", (-2e5, 1e6),
             title="Precipitation minus evaporation since the initial time",
             cell_methods=_SUM),
    Variable("precipitation_rate", "m s-1", (-1e-5, 5e-5),
             standard_name="lwe_precipitation_rate",
             aliases=("pr", "prate", "precipitation_flux"),
             other_standard_names=("precipitation_flux",)),
    Variable("precipitation_cumulative_mean", "m", (-200.0, 1000.0),
             standard_name="lwe_thickness_of_precipitation_amount",
             title="Precipitation since the initial time",
             aliases=("total_precipitation", "tp"), cell_methods=_SUM),
    Variable("total_precipitation_24hr", "m", (-0.05, 2.0),
             title="Precipitation in the 24 hours before", aliases=("tp24",),
             cell_methods="time: sum (interval: 24 hours)"),
    Variable("evaporation", "kg m-2 s-1", (-0.01, 0.05),
             title="Evaporation rate, negative where water leaves the surface",
             aliases=("mean_evaporation_rate",)),
    Variable("evaporation_cumulative", "m", (-1000.0, 200.0),
             title="Evaporation since the initial time, "
             "negative where water left the surface",
             cell_methods=_SUM),
)
# fmt: on

VARIABLES: Mapping[str, Variable] = MappingProxyType({v.name: v for v in _TABLE})

CLOUDS = ("specific_cloud_ice_water_content", "specific_cloud_liquid_water_content")
"""Set to zero where they are absent: a model soon forms its own cloud."""

PRECIPITATION_RATE = "precipitation_rate"
DAILY_PRECIPITATION = "total_precipitation_24hr"
"""As WeatherBench 2 calls it: at a time, the amount of the 24 hours before."""
SST, SEA_ICE = "sea_surface_temperature", "sea_ice_cover"
SKIN_TEMPERATURE, LAND_SEA_MASK = "skin_temperature", "land_sea_mask"
SURFACE_VARIABLES = (SST, SEA_ICE, SKIN_TEMPERATURE, LAND_SEA_MASK)
"""Variables of the surface forcing; the last two replace an absent SST."""
