"""How quantities are shown: units, colours and levels by variable and pressure level.

`style_of` answers for any variable: from the table, or from its units and values.
"""

import dataclasses
import math
import re
from collections.abc import Mapping

import numpy as np

from ngcm_cli.inputs.variables import VARIABLES

STANDARD_GRAVITY = 9.80665  # m s-2
_STATISTIC = re.compile("(.+)_(mean|std|min|max|p[0-9]{1,2})")
_STATISTIC_TITLES = {
    "mean": "ensemble mean of {}",
    "std": "ensemble spread of {}",
    "min": "ensemble minimum of {}",
    "max": "ensemble maximum of {}",
}


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
        difference: greatest difference in colour; None chooses it by the values.
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
_HEIGHT_STEP = {1000: 4, 925: 4, 850: 4, 700: 6, 500: 8, 300: 12, 250: 12, 200: 12}
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
                             factor=0.1 / STANDARD_GRAVITY, at=_HEIGHT),
    "zg": Quantity("geopotential height", "dam", "decametres", factor=0.1, at=_HEIGHT),
    "u_component_of_wind": Quantity("eastward wind", *_METRES_PER_SECOND,
                                    colours="difference", at=_COMPONENT,
                                    levels=(-48, 48, 6), is_signed=True),
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
    "mass_streamfunction": Quantity("mass streamfunction", "10⁹ kg s⁻¹",
                                    "thousand million kilograms per second",
                                    factor=1e-9, colours="difference", is_signed=True),
}
# fmt: on


@dataclasses.dataclass(frozen=True)
class Style:
    """How one field is shown.

    Attributes:
        quantity: the variable.
        title: name and level, such as ``temperature at 850 hPa``.
        units: on axes.
        unit_name: on the colour bar, spelt out.
        colours: name of the colour map.
        levels: boundaries of the colours, in the units shown.
        step: between contours.
        extend: colours for values outside: ``both``, ``max``, ``min`` or ``neither``.
        is_difference: whether an offset of units does not matter.
    """

    quantity: Quantity
    title: str
    units: str
    unit_name: str
    colours: str
    levels: np.ndarray
    step: float
    extend: str
    is_difference: bool = False

    def shown(self, values: np.ndarray) -> np.ndarray:
        """Return values in the units shown, from SI units."""
        offset = 0.0 if self.is_difference else self.quantity.offset
        return np.asarray(values, np.float64) * self.quantity.factor + offset

    @property
    def label(self) -> str:
        """Title and units, spelt out: of colour bars."""
        units = f" ({self.unit_name})" if self.unit_name else ""
        return f"{capital(self.title)}{units}"

    @property
    def axis_label(self) -> str:
        """Title and units: of axes."""
        units = f" ({self.units})" if self.units else ""
        return f"{capital(self.title)}{units}"


def capital(text: str) -> str:
    """Return text whose first letter is a capital, the others as they are."""
    return text[:1].upper() + text[1:]


def style_of(
    name: str,
    values: np.ndarray,
    *,
    level: float | None = None,
    units: str = "",
    long_name: str = "",
    is_difference: bool = False,
    adapt: bool = False,
) -> Style:
    """Return how a field is shown.

    Args:
        name: of the variable: ERA5 long name, perhaps with a statistic over members.
        values: in SI units; levels that the table does not have follow from them.
        level: pressure, hPa.
        units: of a variable that the table does not have.
        long_name: of such a variable.
        is_difference: whether it is a difference, whose colours are centred at zero.
        adapt: whether levels follow from the values where they span less than half of
            those of the table.
    """
    match = _STATISTIC.fullmatch(name)
    base, statistic = match.groups() if match else (name, "")
    quantity = QUANTITIES.get(base) or _unknown(base, units, long_name)
    title = quantity.title
    if level is not None:
        title += f" at {level:g} hPa"
    if statistic:
        percentile = f"percentile {statistic[1:]} of {{}}"
        title = _STATISTIC_TITLES.get(statistic, percentile).format(title)
    is_spread = statistic == "std"
    is_relative = is_difference or is_spread
    unit, unit_name = quantity.units, quantity.unit_name
    if is_relative and quantity.difference_units:
        unit, unit_name = quantity.difference_units, "kelvin"
    shown = np.asarray(values, np.float64) * quantity.factor
    shown = shown + (0 if is_relative else quantity.offset)
    fixed = None
    if not is_relative:
        fixed = quantity.at.get(round(level or 0), quantity.levels)
        if (
            adapt
            and fixed is not None
            and np.ptp(_range(shown)) < np.ptp(fixed[:2]) / 2
        ):
            fixed = None
    colours, extend = quantity.colours, "both"
    if is_difference:
        colours, levels = quantity.difference_colours, _centred(shown)
        title = f"difference in {title}"
    elif is_spread:
        colours, levels, extend = "spread", _from_zero(shown), "max"
    elif fixed is not None:
        levels = np.arange(fixed[0], fixed[1] + fixed[2] / 2, fixed[2])
        if quantity.is_signed:  # what is nearly zero is white
            levels = levels[np.abs(levels) > fixed[2] / 2]
    elif quantity.is_signed:
        levels = _centred(shown)
    elif np.nanmin(shown, initial=np.inf) >= 0 > -1 and colours == "water":
        levels = _from_zero(shown)
    else:
        levels = nice_levels(*_range(shown))
    if levels[0] == 0 and not quantity.is_signed:
        extend = "max"
    step = _HEIGHT_STEP.get(round(level or 0)) if base in ("geopotential", "zg") else 0
    step = step or quantity.step or float(levels[1] - levels[0])
    if is_relative:
        step = float(levels[1] - levels[0])
    return Style(
        quantity, title, unit, unit_name, colours, levels, step, extend, is_relative
    )


def _unknown(name: str, units: str, long_name: str) -> Quantity:
    known = VARIABLES.get(name)
    title = long_name or (known.long_name if known else name.replace("_", " "))
    title = title if title[:2].isupper() else title[:1].lower() + title[1:]
    return Quantity(title, superscripts(units), superscripts(units))


def superscripts(units: str) -> str:
    """Return UDUNITS as printed: ``m s-1`` is ``m s⁻¹``."""
    if units.strip() == "1":
        return ""
    table = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return re.sub(r"(?<=[A-Za-z])-?[0-9]+", lambda m: m[0].translate(table), units)


def _range(values: np.ndarray) -> tuple[float, float]:
    """Return percentiles 1 and 99 of the finite values, 0 and 1 if there are none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, (1, 99))
    return float(low), float(high)


def nice_levels(low: float, high: float, count: int = 12) -> np.ndarray:
    """Return round, equally spaced levels that enclose an interval."""
    if not high > low:
        low, high = low - abs(low or 1) * 1e-3, high + abs(high or 1) * 1e-3
    step = nice_step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return np.arange(first, last + 1) * step


def nice_step(least: float) -> float:
    """Return the least of 1, 2, 2.5 and 5 times a power of ten above a number."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= least * 0.999)


def _centred(values: np.ndarray) -> np.ndarray:
    """Return levels symmetric about zero, which is not one of them."""
    low, high = _range(values)
    step = nice_step(max(abs(low), abs(high), 1e-30) / 8)
    half = np.arange(1, 9) * step
    return np.concatenate([-half[::-1], half])


def _from_zero(values: np.ndarray) -> np.ndarray:
    step = nice_step(max(_range(values)[1], 1e-30) / 10)
    return np.arange(11) * step
