"""Units of products and quotients, in UDUNITS notation."""

import re

_FACTOR = re.compile(r"([A-Za-zµ°%]+)(-?[0-9]+)?")
_PRODUCT = re.compile(rf"1|{_FACTOR.pattern}(?: {_FACTOR.pattern})*")


def product(*factors: tuple[str, int]) -> str:
    """Return the units of a product of powers, such as ``("K", 1), ("m s-1", -1)``.

    What cancels is left out: those of ``("kg kg-1", 2)`` are ``1``. Units in another
    form, such as ``mm/day``, are one factor, in brackets.
    """
    powers: dict[str, int] = {}
    for units, exponent in factors:
        is_product = _PRODUCT.fullmatch(units)
        parts = _FACTOR.findall(units) if is_product else [(f"({units})", "")]
        for name, power in parts:
            powers[name] = powers.get(name, 0) + exponent * int(power or 1)
    texts = [f"{name}{'' if p == 1 else p}" for name, p in powers.items() if p]
    return " ".join(texts) or "1"
