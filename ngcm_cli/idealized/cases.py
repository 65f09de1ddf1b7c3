"""All cases by name."""

from collections.abc import Mapping
from types import MappingProxyType

from ngcm_cli.config import closest
from ngcm_cli.errors import ConfigError
from ngcm_cli.idealized.case import Case
from ngcm_cli.idealized.galewsky import GALEWSKY
from ngcm_cli.idealized.held_suarez import HELD_SUAREZ
from ngcm_cli.idealized.jablonowski_williamson import BAROCLINIC_WAVE, STEADY_STATE
from ngcm_cli.idealized.polvani import POLVANI
from ngcm_cli.idealized.resting_atmosphere import RESTING_ATMOSPHERE
from ngcm_cli.idealized.williamson import WILLIAMSON_2, WILLIAMSON_5, WILLIAMSON_6

CASES: Mapping[str, Case] = MappingProxyType(
    {
        case.name: case
        for case in (
            *(HELD_SUAREZ, STEADY_STATE, BAROCLINIC_WAVE, POLVANI, RESTING_ATMOSPHERE),
            *(WILLIAMSON_2, WILLIAMSON_5, WILLIAMSON_6, GALEWSKY),
        )
    }
)
"""Cases by name, in the order of listings."""


def find_case(name: str) -> Case:
    """Return the case of a name.

    Raises:
        ConfigError: there is none.
    """
    if name in CASES:
        return CASES[name]
    raise ConfigError(f"There is no idealized case '{name}'.", closest(name, CASES))
