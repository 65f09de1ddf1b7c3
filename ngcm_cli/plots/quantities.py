"""The table of quantities: titles, units, colours and levels of pictures."""

import dataclasses
from collections.abc import Mapping

from ngcm_cli.inputs.unit_conversion import GRAVITY


@dataclasses.dataclass(frozen=True)
class Quantity:
    """How a variable is shown.

    Attributes:
        title: name in titles, without a capital.
        units: units in titles and on axes.
        unit_name: units on the colour bar, spelt out.
        factor: from SI units to these.
        offset: added to values, not to differences.
        difference_units: units of differences, where they are others.
        colours: name of the colour map.
        levels: first, last and step of colours, in ``units``; None chooses them by the
            values.
        at: the same by pressure level in hPa.
        step: between contours; None chooses it by the values.
        is_signed: whether colours are centred at zero.
        difference_colours: name of the colour map of differences.
    """

    title: str
    units: str
    unit_name: str
    factor: float = 1.0
    offset: float = 0.0
    difference_units: str = ""
    colours: str = "viridis"
    levels: tuple[float, float, float] | None = None
    at: Mapping[int, tuple[float, float, float]] = dataclasses.field(
        default_factory=dict
    )
    step: float | None = None
    is_signed: bool = False
    difference_colours: str = "difference"


_WIND = {
    **dict.fromkeys((1000, 925, 850), (0, 32, 4)),
    **dict.fromkeys((700, 600, 500), (0, 48, 6)),
    **dict.fromkeys((400, 300, 250, 200), (0, 80, 8)),
    **dict.fromkeys((100, 50, 30, 20, 10), (0, 64, 8)),
}
_COMPONENT = {
    **dict.fromkeys((1000, 925, 850), (-24, 24, 4)),
    **dict.fromkeys((700, 600, 500), (-36, 36, 6)),
    **dict.fromkeys((400, 300, 250, 200), (-64, 64, 8)),
    **dict.fromkeys((100, 50, 30, 20, 10), (-48, 48, 6)),
}
_METRES_PER_SECOND = ("m s⁻¹", "metres per second")
_MILLIMETRES = ("mm day⁻¹", "millimetres per day")
_COLUMN = ("kg m⁻²", "kilograms per square metre")
_CLOUD = ("mg kg⁻¹", "milligrams per kilogram")
_TEMPERATURE = {
    1000: (-32, 40, 4), 925: (-36, 36, 4), 850: (-40, 32, 4), 700: (-48, 20, 4),
    600: (-52, 8, 4), 500: (-56, 0, 4), 400: (-60, -12, 4), 300: (-70, -26, 4),
    250: (-74, -34, 4), 200: (-78, -42, 4), 100: (-92, -40, 4), 50: (-92, -40, 4),
    30: (-92, -36, 4), 20: (-92, -32, 4), 10: (-92, -20, 4),
}  # fmt: skip
_HEIGHT = {
    1000: (-32, 40, 4), 925: (32, 108, 4), 850: (108, 168, 4), 700: (252, 328, 4),
    500: (468, 600, 8), 300: (816, 984, 8), 250: (936, 1112, 8), 200: (1064, 1264, 8),
    100: (1504, 1696, 12), 50: (1896, 2088, 12),
}  # fmt: skip
HEIGHT_STEP = {1000: 4, 925: 4, 850: 4, 700: 6, 500: 8, 300: 12, 250: 12, 200: 12}
"""Between contours of geopotential height, dam, by pressure level in hPa."""
_CELSIUS = {
    "units": "°C", "unit_name": "degrees Celsius", "offset": -273.15,
    "difference_units": "K", "colours": "temperature",
}  # fmt: skip
# fmt: off
QUANTITIES: Mapping[str, Quantity] = {
    "temperature": Quantity("temperature", **_CELSIUS, levels=(-40, 32, 4),
                            at=_TEMPERATURE, step=4),
    "lowest_level_temperature": Quantity(
        "temperature on the lowest model level", **_CELSIUS, levels=(-40, 40, 4),
        step=4),
    "2m_temperature": Quantity("temperature at 2 m", **_CELSIUS, levels=(-40, 40, 4),
                               step=4),
    "skin_temperature": Quantity("skin temperature", **_CELSIUS, levels=(-48, 48, 4),
                                 step=4),
    "sea_surface_temperature": Quantity("sea-surface temperature", **_CELSIUS,
                                        levels=(-2, 32, 2), step=2),
    "potential_temperature": Quantity("potential temperature", "K", "kelvin",
                                      colours="temperature"),
    "geopotential": Quantity("geopotential height", "dam", "decametres",
                             factor=0.1 / GRAVITY, at=_HEIGHT),
    "zg": Quantity("geopotential height", "dam", "decametres", factor=0.1, at=_HEIGHT),
    "u_component_of_wind": Quantity("eastward wind", *_METRES_PER_SECOND,
                                    colours="difference", at=_COMPONENT,
                                    levels=(-48, 48, 6), is_signed=True),
    "zonal_wind": Quantity("eastward wind", *_METRES_PER_SECOND, colours="difference",
                           levels=(-48, 48, 6), is_signed=True),
    "zonal_temperature": Quantity("temperature", **_CELSIUS, levels=(-88, 36, 8)),
    "v_component_of_wind": Quantity("northward wind", *_METRES_PER_SECOND,
                                    colours="difference", at=_COMPONENT,
                                    levels=(-30, 30, 5), is_signed=True),
    "wind_speed": Quantity("wind speed", *_METRES_PER_SECOND, colours="wind", at=_WIND,
                           levels=(0, 64, 8)),
    "specific_humidity": Quantity("specific humidity", "g kg⁻¹", "grams per kilogram",
                                  factor=1e3, colours="water",
                                  at={1000: (0, 20, 2), 925: (0, 18, 2),
                                      850: (0, 16, 1), 700: (0, 10, 1),
                                      500: (0, 5, 0.5)},
                                  difference_colours="moisture_balance"),
    "relative_humidity": Quantity("relative humidity", "%", "per cent", factor=100,
                                  colours="water", levels=(0, 100, 10),
                                  difference_colours="moisture_balance"),
    "specific_cloud_ice_water_content": Quantity("cloud ice", *_CLOUD, factor=1e6,
                                                 colours="water"),
    "specific_cloud_liquid_water_content": Quantity("cloud liquid water", *_CLOUD,
                                                    factor=1e6, colours="water"),
    "mean_sea_level_pressure": Quantity("mean sea-level pressure", "hPa",
                                        "hectopascals", factor=0.01,
                                        levels=(960, 1048, 4), step=4),
    "surface_pressure": Quantity("surface pressure", "hPa", "hectopascals",
                                 factor=0.01, levels=(500, 1040, 40), step=20),
    "total_column_water_vapour": Quantity("water vapour in the column", *_COLUMN,
                                          colours="water", levels=(0, 70, 5),
                                          difference_colours="moisture_balance"),
    "sea_ice_cover": Quantity("sea ice", "%", "per cent of the area", factor=100,
                              colours="Blues_r", levels=(0, 100, 10)),
    "precipitation_rate": Quantity("precipitation", *_MILLIMETRES,
                                   factor=86400 * 1e3, colours="water",
                                   levels=(0, 40, 4),
                                   difference_colours="moisture_balance"),
    "precipitation_cumulative_mean": Quantity(
        "precipitation since the initial time", "mm", "millimetres", factor=1e3,
        colours="water", difference_colours="moisture_balance"),
    "total_precipitation_24hr": Quantity(
        "24-hour precipitation", "mm", "millimetres", factor=1e3,
        colours="water", difference_colours="moisture_balance"),
    "P_minus_E_rate": Quantity("precipitation minus evaporation", *_MILLIMETRES,
                               factor=86400, colours="moisture_balance",
                               levels=(-24, 24, 3), is_signed=True,
                               difference_colours="moisture_balance"),
    "P_minus_E_cumulative": Quantity(
        "precipitation minus evaporation since the initial time", "mm", "millimetres",
        colours="moisture_balance", is_signed=True,
        difference_colours="moisture_balance"),
    "evaporation": Quantity("evaporation", *_MILLIMETRES, factor=-86400,
                            colours="water", levels=(0, 10, 1)),
    "vorticity": Quantity("relative vorticity", "10⁻⁵ s⁻¹",
                          "hundred-thousandths per second", factor=1e5,
                          colours="difference", levels=(-16, 16, 2), is_signed=True),
    "divergence": Quantity("divergence of the wind", "10⁻⁵ s⁻¹",
                           "hundred-thousandths per second", factor=1e5,
                           colours="difference", levels=(-8, 8, 1), is_signed=True),
    "vertical_velocity": Quantity("vertical velocity", "Pa s⁻¹", "pascals per second",
                                  colours="difference", levels=(-1, 1, 0.125),
                                  is_signed=True),
    "water_vapour_transport": Quantity(
        "water vapour transport", "kg m⁻¹ s⁻¹", "kilograms per metre and second",
        colours="water", levels=(0, 1000, 100)),
    "strike_probability": Quantity("strike probability of tropical cyclones", "%",
                                   "per cent", factor=100, colours="water",
                                   levels=(0, 100, 10)),
    "mass_streamfunction": Quantity("mass streamfunction", "10⁹ kg s⁻¹",
                                    "thousand million kilograms per second",
                                    factor=1e-9, colours="difference", is_signed=True),
}
# fmt: on
