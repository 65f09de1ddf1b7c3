"""Conversion to SI units, by the units attribute or else by the values."""

import dataclasses
import re

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.variables import Variable

GRAVITY = 9.80665  # m s-2, by which geopotential height is defined
GAS_CONSTANT = 287.05  # J kg-1 K-1, dry air
_TERM = re.compile(r"([a-z%°_]+)(?:\*\*|\^)?([-+]?\d+)?")
_SCALED = ("1", "kg kg-1")  # SI units whose other units are mere powers of ten


@dataclasses.dataclass(frozen=True)
class Conversion:
    """SI value = factor × value + offset.

    Attributes:
        units: Units of the values before the conversion.
        spellings: Other ways to write these units.
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


_MASS_RATIO = (
    Conversion("kg kg-1", ("1", "kg/kg", "dimensionless")),
    Conversion("g kg-1", ("g/kg",), factor=1e-3),
    Conversion("mg kg-1", ("mg/kg",), factor=1e-6),
)
_TEMPERATURE = (
    Conversion("K", ("kelvin", "degk", "deg_k", "degrees_kelvin", "degree_kelvin")),
    Conversion(
        "degC",
        ("c", "°c", "celsius", "deg_c", "degree_c", "degrees_c", "degreesc")
        + ("degree_celsius", "degrees_celsius", "deg c", "degrees celsius"),
        offset=273.15,
    ),
)
_SPEED = (
    Conversion("m s-1", ("m/s", "meters per second", "metres per second", "mps")),
    Conversion("knots", ("knot", "kt", "kts", "kn"), factor=1852 / 3600),
)
# By SI units. The first of each is SI itself; without a units attribute the others are
# tried in this order.
CONVERSIONS: dict[str, tuple[Conversion, ...]] = {
    "K": _TEMPERATURE,
    "kg kg-1": _MASS_RATIO,
    "m s-1": _SPEED,
    "m2 s-2": (
        Conversion("m2 s-2", ("j kg-1", "m2/s2", "j/kg")),
        Conversion(
            "m",
            ("gpm", "geopotential metre", "geopotential meter", "metre", "meter")
            + ("metres", "meters"),
            factor=GRAVITY,
        ),
        Conversion("dam", ("gpdam", "decametre", "decameter"), factor=10 * GRAVITY),
    ),
    "1": (
        Conversion(
            "1",
            ("fraction", "0-1", "(0-1)", "0..1", "proportion", "dimensionless")
            + ("unitless", "area fraction", "m2 m-2"),
        ),
        Conversion("%", ("percent", "percentage", "per cent"), factor=0.01),
    ),
}


def quoted_name(found: str, name: str) -> str:
    """Return a variable's name in the file, and its ERA5 name if that differs."""
    return f"'{found}'" if found == name else f"'{found}' ({name})"


def canonical_units(text: str) -> str:
    """Return units in one spelling: ``m2 s-2`` for ``m**2 s**-2``, ``m^2/s^2``."""
    text = text.strip().lower()
    if re.fullmatch(r"\(?\s*0\s*(-|\.\.|to)\s*1\s*\)?", text):
        return "0-1"
    terms = []
    for part, piece in enumerate(text.split("/")):
        for word in re.split(r"[\s.·]+", piece.strip()):
            term = _TERM.fullmatch(word)
            if not term:
                return text
            exponent = int(term[2] or 1) * (-1 if part else 1)
            terms.append(term[1] if exponent == 1 else f"{term[1]}{exponent}")
    return " ".join(terms)


def stated_conversion(variable: Variable, found: str, units: str) -> Conversion | None:
    """Return the conversion for a units attribute; None without an attribute.

    Raises:
        InputDataError: The units are not known for this quantity.
    """
    if not units.strip():
        return None
    known = CONVERSIONS[variable.units]
    for conversion in known:
        spellings = (conversion.units, *conversion.spellings)
        if canonical_units(units) in map(canonical_units, spellings):
            return conversion
    wanted = " or ".join(f"'{c.units}'" for c in known)
    raise InputDataError(
        f"Variable {quoted_name(found, variable.name)} has units '{units}', which ngcm "
        f"does not know for {variable.long_name.lower()}.",
        f"Needed: {wanted}; convert the values or correct the units attribute.",
    )


def _peak_range(variable: Variable, top: float) -> tuple[float, float]:
    """Return the range of the largest value of a global field, in SI units.

    Geopotential in m2 s-2 and height in m overlap, so the top level decides:
    Φ = R T ln(p₀/p), with layer means T from 190 to 310 K.
    """
    if variable.name != "geopotential":
        return variable.valid_range
    thickness = GAS_CONSTANT * np.log(1013.25 / top)
    return 190 * thickness - 5e3, 310 * thickness + 5e3


def choose_conversion(
    variable: Variable,
    found: str,
    stated: Conversion | None,
    values: np.ndarray,
    top: float = 1000.0,
) -> Conversion:
    """Return the conversion to SI units, checked against the range of the values.

    They are as stored, finite or NaN, at least one finite; the conversion stated by the
    units attribute is None without one, and ``top`` the smallest pressure among their
    levels, hPa.

    Raises:
        InputDataError: The values contradict the units attribute, or fit no known
            units.
    """
    smallest, largest = float(np.nanmin(values)), float(np.nanmax(values))
    least, most = variable.valid_range
    peak_least, peak_most = _peak_range(variable, top)

    def fits(conversion: Conversion) -> bool:
        trough, peak = conversion.apply(smallest), conversion.apply(largest)
        return least <= trough and peak <= most and peak_least <= peak <= peak_most

    known = CONVERSIONS[variable.units]
    fitting = [conversion for conversion in known if fits(conversion)]
    span = f"values from {smallest:.6g} to {largest:.6g}"
    marker = "missing values must be NaN or declared by a _FillValue attribute"
    if stated is None:
        if fitting:
            return fitting[0]
        units = " or ".join(f"'{c.units}'" for c in known)
        raise InputDataError(
            f"Variable {quoted_name(found, variable.name)} has no units attribute and "
            f"{span}, which fit none of {units}.",
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
    if scaled_twice and variable.units == "1":
        return known[0]  # ice cover or land that nowhere exceeds 1 % is a fraction
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
    """Return a sentence on a conversion, for the provenance."""
    if stated is not None and conversion != stated:
        return (
            f"{variable.name}: '{found}' has the units attribute '{stated.units}', but "
            f"its values are in '{conversion.units}', and are taken so."
        )
    reason = "" if stated else " (no units attribute; judged by the values)"
    text = f"{variable.name}: '{found}' converted from {conversion.units} to "
    if variable.name == "geopotential":
        times = f"multiplied by {conversion.factor:g} to "
        text = f"{variable.name}: '{found}' is geopotential height; {times}"
    return f"{text}{variable.units}{reason}."
