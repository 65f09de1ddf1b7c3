"""The declaration of an output variable: its names, units, needs and computation."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from ngcm_cli.inputs.variables import Variable

Vertical = Literal["pressure", "surface", "sigma"]
Needs = Literal["decoder", "state", "forcing", "nudging", "water"]

NEEDS: Mapping[Needs, str] = {
    "decoder": "decoded fields",
    "state": "model state",
    "forcing": "model state and surface forcing",
    "nudging": "nudging",
    "water": "water budget",
}
"""What a diagnostic is computed from, as the documentation names it."""

CMIP_NAME = "cmip_name"
"""Attribute of variables in files that only some model has."""


@dataclasses.dataclass(frozen=True)
class CmipVariable:
    """The CMIP6 name of a diagnostic, and what differs from the diagnostic there.

    Attributes:
        name: CMIP short name, also of the file.
        long_name: CMIP title.
        standard_name: CF standard name; that of the diagnostic if empty.
        units: CMIP units; those of the diagnostic if empty.
        monthly: CMIP table of its monthly means; empty where CMIP has none.
        daily: CMIP table of its daily means; empty where CMIP has none.
        realm: CMIP modeling realm.
        positive: direction of a flux, ``down`` or ``up``; empty for other quantities.
        where: CF area type that its values are means of; empty for whole cells.
        area_type: CF area type of a fraction, its scalar coordinate ``type``.
        comment: what the names leave open.
        convert: from the values of the diagnostic to those of CMIP, float64 to float64;
            None where they are the same.
    """

    name: str
    long_name: str
    standard_name: str = ""
    units: str = ""
    monthly: str = "Amon"
    daily: str = "day"
    realm: str = "atmos"
    positive: str = ""
    where: str = ""
    area_type: str = ""
    comment: str = ""
    convert: Callable[[np.ndarray], np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class Diagnostic:
    """An output variable.

    The output variables of the model itself come from ``model.decode``; the others from
    the function that their declaration names. Diagnostics with the same function are
    computed together, by one compiled program.

    Attributes:
        name: name in the output, ERA5 long name where there is one.
        standard_name: CF standard name; empty where CF has none.
        long_name: description for plots and listings.
        units: SI units in UDUNITS notation.
        vertical: vertical coordinate by default: pressure levels, the surface (or a
            single level or a column), or the sigma levels of the model.
        needs: what it is computed from, a key of ``NEEDS``.
        aliases: other names that users may give.
        cell_methods: CF cell methods; empty for values at an instant.
        comment: CF comment: definition and limits that the names leave open.
        cmip: name and conventions in CMIP6; None where CMIP has no such variable.
        is_own: whether only some model has it, so that files say its CMIP name.
        is_flux: whether its mean over an interval is that over all model steps: of
            amounts that the model accumulates, or as ``from_steps`` gives it.
        is_accumulated: whether it is an amount since the initial time, which has no
            mean over time.
        from_state: function of model, state and forcing that returns this diagnostic,
            with others perhaps, in SI units on the sigma levels or at the surface. The
            forcing is None unless ``needs`` is "forcing" or "nudging". That of a
            decoded field gives the field on the sigma levels.
        from_steps: function of model, state and number of steps that returns the mean
            of this flux over the last steps; None where the model accumulates it.
        from_fields: function of other output variables by name and of the pressure of
            their levels in Pa that returns this diagnostic on the same levels.
        fields: names of the output variables that ``from_fields`` takes.
    """

    name: str
    standard_name: str
    long_name: str
    units: str
    vertical: Vertical = "pressure"
    needs: Needs = "state"
    aliases: tuple[str, ...] = ()
    cell_methods: str = ""
    comment: str = ""
    cmip: CmipVariable | None = None
    is_own: bool = False
    is_flux: bool = False
    is_accumulated: bool = False
    from_state: Callable[..., dict[str, Any]] | None = None
    from_steps: Callable[..., dict[str, Any]] | None = None
    from_fields: Callable[..., dict[str, Any]] | None = None
    fields: tuple[str, ...] = ()

    @classmethod
    def of_variable(cls, variable: Variable, **others: Any) -> "Diagnostic":
        """Return the diagnostic of a variable that analyses have, too.

        Args:
            variable: gives names, units and aliases.
            others: the other attributes of the diagnostic.
        """
        return cls(
            name=variable.name,
            standard_name=variable.standard_name,
            long_name=variable.long_name,
            units=variable.units,
            aliases=variable.aliases,
            vertical="pressure" if variable.on_levels else "surface",
            **others,
        )

    @property
    def cmip_name(self) -> str | None:
        """CMIP short name, or None."""
        return None if self.cmip is None else self.cmip.name

    @property
    def on_levels(self) -> bool:
        """Whether it has a vertical dimension."""
        return self.vertical != "surface"

    def attributes(self) -> dict[str, Any]:
        """Return the CF attributes of the variable in a file."""
        attributes = {
            "standard_name": self.standard_name,
            "long_name": self.long_name,
            "units": self.units,
            "cell_methods": self.cell_methods,
            "comment": self.comment,
            "units_metadata": units_metadata(self.units),
            CMIP_NAME: self.cmip_name if self.is_own else "",
        }
        return {name: text for name, text in attributes.items() if text}


def units_metadata(units: str) -> str:
    """Return the CF attribute ``units_metadata``; empty for units without kelvin.

    CF conventions 1.11, section 3.1.2: a temperature is on a scale, the rate of its
    change is that of a temperature difference.
    """
    if units == "K":
        return "temperature: on_scale"
    return "temperature: difference" if "K" in units.split() else ""
