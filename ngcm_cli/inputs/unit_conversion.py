"""Conversion to SI units, by the units attribute or else by the values."""

import dataclasses
import re

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.variables import PRECIPITATION_RATE, SEA_ICE, Variable
from ngcm_cli.units import WATER_DENSITY_SI

GRAVITY = 9.80665  # m s-2, by which geopotential height is defined
GAS_CONSTANT = 287.05  # J kg-1 K-1, dry air
_TERM = re.compile(r"([a-z%_]+)(?:\*\*|\^)?([-+]?\d+)?")
_DEGREES = re.compile(r"(?:degrees?|degs?\.?|°)[\s_.]*([ckf])[a-z]*")
_SCALED = ("1", "kg kg-1")  # SI units whose other units are mere powers of ten
_RELATIVE = "Relative humidity must be called 'relative_humidity': it is converted."
# From here down, air near the surface is somewhere as moist as this, hPa and kg kg-1.
_LOW_LEVEL, _MOIST_AIR = 850.0, 3e-3
_HIGH = 20.0  # hPa; above, the geopotential of a forecast may be far off
# Values labelled percent are fractions where the largest is between this and one.
_LARGEST_FRACTION = 0.5
_LEAST_PERCENT = 15  # of the largest sea-ice cover of the globe
_SPELLINGS = {
    "%": "percent percentage pct",
    "g": "gm gms gr gram grams",
    "h": "hr hrs hour hours",
    "j": "joule joules",
    "kg": "kilogram kilograms",
    "km": "kilometer kilometers kilometre kilometres",
    "kt": "knot knots kts kn",
    "m": "meter meters metre metres",
    "mg": "milligram milligrams",
    "s": "sec secs second seconds",
    "k": "kelvin kelvins",
    "c": "celsius celcius centigrade",
    "f": "fahrenheit",
}
_WORDS = {word: unit for unit, text in _SPELLINGS.items() for word in text.split()}


@dataclasses.dataclass(frozen=True)
class Conversion:
    """SI value = factor × value + offset.

    Attributes:
        units: Units of the values before the conversion.
        spellings: Other names of these units, as `canonical_units` returns them.
    """

    units: str
    spellings: tuple[str, ...] = ()
    factor: float = 1.0
    offset: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether the values are in SI units already."""
        return self.factor == 1 and self.offset == 0

    def apply(self, values):
        """Return values in SI units; an identity returns the same array."""
        return values if self.is_identity else self.factor * values + self.offset


# By SI units. The first of each is SI itself; without a units attribute the others are
# tried in this order.
CONVERSIONS: dict[str, tuple[Conversion, ...]] = {
    "K": (
        Conversion("K"),
        Conversion("degC", offset=273.15),
        Conversion("degF", factor=5 / 9, offset=459.67 * 5 / 9),
    ),
    "kg kg-1": (
        Conversion("kg kg-1", ("1", "g g-1", "dimensionless", "unitless")),
        Conversion("g kg-1", factor=1e-3),
        Conversion("mg kg-1", factor=1e-6),
    ),
    "m s-1": (
        Conversion("m s-1", ("mps", "ms-1")),
        Conversion("knots", factor=1852 / 3600),
        Conversion("km h-1", ("kmh", "kph", "kmph"), factor=1 / 3.6),
    ),
    "m2 s-2": (
        Conversion("m2 s-2", ("j kg-1",)),
        Conversion("m", ("gpm", "gp m", "geopotential m"), factor=GRAVITY),
        Conversion("dam", ("gpdam", "decametre", "decameter"), factor=10 * GRAVITY),
        Conversion("km", ("gpkm",), factor=1000 * GRAVITY),
    ),
    "1": (
        Conversion(
            "1",
            ("fraction", "0-1", "proportion", "dimensionless", "unitless")
            + ("area fraction", "m2 m-2"),
        ),
        Conversion("%", factor=0.01),
    ),
    "Pa": (
        Conversion("Pa", ("pascal", "pascals")),
        Conversion("hPa", ("mb", "mbar", "millibar", "millibars"), factor=100),
    ),
    "kg m-2": (Conversion("kg m-2", ("mm",)),),
    "kg m-2 s-1": (
        Conversion("kg m-2 s-1", ("mm s-1",)),
        Conversion("kg m-2 d-1", ("kg m-2 day-1", "mm day-1", "mm d-1"), 1 / 86400),
    ),
    "m": (Conversion("m"), Conversion("mm", ("kg m-2",), factor=1e-3)),
}

_PRECIPITATION = (
    CONVERSIONS["m s-1"][0],
    *(
        dataclasses.replace(mass, factor=mass.factor / WATER_DENSITY_SI)
        for mass in CONVERSIONS["kg m-2 s-1"]
    ),
)


def conversions_of(variable: Variable) -> tuple[Conversion, ...]:
    """Return the conversions to the units of a variable, the first SI itself.

    Those of precipitation, a depth of water of the density that the models use, are
    from masses of water, too, and not those of wind.
    """
    if variable.name == PRECIPITATION_RATE:
        return _PRECIPITATION
    return CONVERSIONS[variable.units]


def quoted_name(found: str, name: str) -> str:
    """Return a variable's name in the file, and its ERA5 name if that differs."""
    return f"'{found}'" if found == name else f"'{found}' ({name})"


def canonical_units(text: str) -> str:
    """Return units in one spelling: ``m2 s-2`` for ``m**2 s**-2``, ``m^2/sec^2``.

    The result is in lower case: ``c`` for ``degrees C``, ``g kg-1`` for ``grams/kg``.
    """
    text = text.strip().lower()
    if re.fullmatch(r"\(?\s*0\s*(-|\.\.|to)\s*1\s*\)?", text):
        return "0-1"
    if degrees := _DEGREES.fullmatch(text):
        return degrees[1]
    terms = []
    whole = re.sub(r"\s+per\s+(?!cent\b)", "/", text.replace("per cent", "%"))
    for part, piece in enumerate(whole.split("/")):
        for word in re.split(r"[\s.·]+", piece.strip()):
            term = _TERM.fullmatch(word)
            if not term:
                return text
            exponent = int(term[2] or 1) * (-1 if part else 1)
            name = _WORDS.get(term[1], term[1])
            terms.append(name if exponent == 1 else f"{name}{exponent}")
    return " ".join(terms)


def stated_conversion(variable: Variable, found: str, units: str) -> Conversion | None:
    """Return the conversion for a units attribute; None without an attribute.

    Raises:
        InputDataError: The units are not known for this quantity.
    """
    if not units.strip():
        return None
    known, canonical = conversions_of(variable), canonical_units(units)
    for conversion in known:
        if canonical in (canonical_units(conversion.units), *conversion.spellings):
            return conversion
    wanted = " or ".join(f"'{c.units}'" for c in known)
    hint = f"Needed: {wanted}; convert the values or correct the units attribute."
    if variable.name == "specific_humidity" and canonical_units(units) == "%":
        hint = f"{hint} {_RELATIVE}"
    raise InputDataError(
        f"Variable {quoted_name(found, variable.name)} has units '{units}', which ngcm "
        f"does not know for {variable.long_name.lower()}.",
        hint,
    )


def _peak_range(variable: Variable, top: float, bottom: float) -> tuple[float, float]:
    """Return the range of the largest value of a global field, in SI units.

    Geopotential in m2 s-2 and height in m overlap, so the top level decides:
    Φ = R T ln(p₀/p), with layer means T from 190 to 310 K; not above 20 hPa, where
    forecasts are extrapolated. Near the surface humid air has more than 3 g/kg, so that
    no units make it of relative humidity.
    """
    least, most = variable.valid_range
    if variable.name == "geopotential":
        thickness = GAS_CONSTANT * np.log(1013.25 / np.array([max(top, _HIGH), top]))
        return 190 * thickness[0] - 5e3, 310 * thickness[1] + 5e3
    if variable.name == "specific_humidity" and bottom >= _LOW_LEVEL:
        return _MOIST_AIR, most
    return least, most


def choose_conversion(
    variable: Variable,
    found: str,
    stated: Conversion | None,
    values: np.ndarray,
    top: float = 1000.0,
    bottom: float = 0.0,
) -> Conversion:
    """Return the conversion to SI units, checked against the range of the values.

    They are as stored, finite or NaN, at least one finite; the conversion stated by the
    units attribute is None without one, and ``top`` and ``bottom`` are the smallest and
    the largest pressure among their levels, hPa. Values from 0 to 1 that are labelled
    percent are taken as fractions.

    Raises:
        InputDataError: The values contradict the units attribute, or fit no known
            units.
    """
    smallest, largest = float(np.nanmin(values)), float(np.nanmax(values))
    least, most = variable.valid_range
    peak_least, peak_most = _peak_range(variable, top, bottom)

    def fits(conversion: Conversion) -> bool:
        trough, peak = conversion.apply(smallest), conversion.apply(largest)
        return least <= trough and peak <= most and peak_least <= peak <= peak_most

    known = conversions_of(variable)
    fitting = [conversion for conversion in known if fits(conversion)]
    span = f"values from {smallest:.6g} to {largest:.6g}"
    marker = "missing values must be NaN or declared by a _FillValue attribute"
    if variable.name == "specific_humidity" and not fitting and smallest >= 0:
        marker = f"{marker}. {_RELATIVE.removesuffix('.')}"
    if stated is None:
        # Sea ice in percent reaches nearly 100 at any time; up to 10 it is in tenths.
        is_in_tenths = variable.name == SEA_ICE and 1 < largest < _LEAST_PERCENT
        # Little rain in kg m-2 s-1 may be much in m s-1.
        is_ambiguous = variable.name == PRECIPITATION_RATE and len(fitting) > 1
        is_ambiguous |= is_in_tenths and fitting[:1] != list(known[:1])
        if fitting and not is_ambiguous:
            return fitting[0]
        units = " or ".join(f"'{c.units}'" for c in known)
        raise InputDataError(
            f"Variable {quoted_name(found, variable.name)} has no units attribute and "
            f"{span}, which fit {'several' if is_ambiguous else 'none'} of {units}.",
            f"Check the data and add a units attribute; {marker}.",
        )
    # Percent or g/kg with values that are fractions: already converted once.
    scaled_twice = (
        stated.factor < 1
        and variable.units in _SCALED
        and known[0] in fitting
        and largest > 0
    )
    if stated in fitting and not scaled_twice:
        return stated
    if scaled_twice and variable.units == "1" and largest >= _LARGEST_FRACTION:
        return known[0]
    likely = [c for c in fitting if c != stated]
    hint = f"They look like '{likely[0].units}': c" if likely else "C"
    raise InputDataError(
        f"Variable {quoted_name(found, variable.name)} has the units attribute "
        f"'{stated.units}', but {span}, which contradict it.",
        f"{hint}orrect the units attribute or the values; {marker}.",
    )


def conversion_note(
    variable: Variable, found: str, stated: Conversion | None, conversion: Conversion
) -> str:
    """Return a sentence on a conversion, for the provenance; empty without one."""
    if conversion.is_identity and stated in (None, conversion):
        return ""
    if conversion.is_identity:
        assert stated is not None
        return (
            f"{variable.name}: '{found}' has the units attribute '{stated.units}' and "
            "values from 0 to 1; taken as fractions."
        )
    reason = "" if stated else " (no units attribute; judged by the values)"
    text = f"{variable.name}: '{found}' converted from {conversion.units} to "
    if variable.name == "geopotential":
        times = f"multiplied by {conversion.factor:g} to "
        text = f"{variable.name}: '{found}' is geopotential height; {times}"
    return f"{text}{variable.units}{reason}."
