"""How quantities are shown: units, colours and levels by variable and pressure level.

`style_of` answers for any variable: from the table, or from its units and values.
"""

import dataclasses
import math
import re

import numpy as np

from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.plots.quantities import HEIGHT_STEP, QUANTITIES, Quantity

STATISTIC = re.compile("(.+)_(mean|std|min|max|p[0-9]{1,2})")
"""Name of a statistic over members: that of the variable, and the statistic."""
_OF_SENSITIVITY = (
    *(
        "sensitivity_of_",
        "gradient_of_",
        "singular_vector_",
        "evolved_singular_vector_",
    ),
)
"""What names of signed variables in files of ``ngcm sensitivity`` begin with."""
_STATISTIC_TITLES = {
    "mean": "ensemble mean of {}",
    "std": "ensemble spread of {}",
    "min": "ensemble minimum of {}",
    "max": "ensemble maximum of {}",
}


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
    match = STATISTIC.fullmatch(name)
    base, statistic = match.groups() if match else (name, "")
    is_bias = name.endswith("_bias")  # of a diagnosis, whose title says so
    is_difference = is_difference or is_bias
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
        title = title if is_bias else f"difference in {title}"
    elif is_spread:
        colours, levels, extend = "spread", _from_zero(shown), "max"
    elif fixed is not None:
        levels = np.arange(fixed[0], fixed[1] + fixed[2] / 2, fixed[2])
        if quantity.is_signed:  # what is nearly zero is white
            levels = levels[np.abs(levels) > fixed[2] / 2]
    elif quantity.is_signed:
        levels = _centred(shown)
    elif np.nanmin(shown, initial=np.inf) >= 0 and colours == "water":
        levels = _from_zero(shown)
    else:
        levels = nice_levels(*_range(shown))
    if levels[0] == 0 and not quantity.is_signed:
        extend = "max"
    step = HEIGHT_STEP.get(round(level or 0)) if base in ("geopotential", "zg") else 0
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
    unit = superscripts(units)
    if name.startswith(_OF_SENSITIVITY):
        return Quantity(title, unit, unit, colours="difference", is_signed=True)
    return Quantity(title, unit, unit)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def superscripts(units: str) -> str:
    """Return UDUNITS as printed: ``m s-1`` is ``m s⁻¹``."""
    if units.strip() == "1":
        return ""
    return re.sub(r"(?<=[A-Za-z)])-?[0-9]+", lambda m: m[0].translate(_RAISED), units)


def power_of_ten(exponent: int) -> str:
    """Return a power of ten as printed: ``10⁻³``."""
    return f"10{str(exponent).translate(_RAISED)}"


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
    step = nice_step((max(abs(low), abs(high)) or 1.0) / 8)
    half = np.arange(1, 9) * step
    return np.concatenate([-half[::-1], half])


def _from_zero(values: np.ndarray) -> np.ndarray:
    highest = max(_range(values)[1], 0.0)
    step = nice_step((highest or 1.0) / 10)
    return np.arange(11) * step
