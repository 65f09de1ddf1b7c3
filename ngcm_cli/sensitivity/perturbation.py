"""Stated changes of the initial fields: what a gradient predicts, and what happens."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ngcm_cli.config import closest
from ngcm_cli.diagnostics import resolve_name
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.interface import Model
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.sensitivity.target import (
    NUMBER,
    find_level,
    inside_region,
    parse_area,
)

ALONG_GRADIENT = "gradient"
"""The perturbation along the gradient of each target."""

_SHARE = 0.01  # of the standard deviation of a field on its level, at most
_CHANGE = re.compile(
    rf"(\w+)\s*([+-])=\s*((?:{NUMBER})(?:e[+-]?[0-9]{{1,2}})?)", re.IGNORECASE
)
Fields = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Perturbation:
    """A change of initial fields.

    Attributes:
        text: as it was given.
        change: by ERA5 name, SI units, (level, longitude, latitude); surface fields
            have one level and change at all times. None is along the gradient.
    """

    text: str
    change: dict[str, np.ndarray] | None


def resolve_input(asked: str, model: Model) -> tuple[str, float | None]:
    """Return the field that a forecast starts from, and the level in its name, hPa.

    Raises:
        ConfigError: there is no such field.
    """
    known = (*model.input_variables, *model.forcing_variables)
    for candidate, level in dict.fromkeys(((asked, None), split_level(asked))):
        try:
            return resolve_name(candidate, known), level
        except ConfigError:
            continue
    raise ConfigError(
        f"'{asked}' is no field that a forecast of {model.name} starts from.",
        closest(asked, known),
    )


def make_perturbations(texts: Iterable[str], model: Model) -> list[Perturbation]:
    """Return perturbations such as ``t850 += 1, lat=45:60, lon=230:250``.

    Args:
        texts: of them; ``gradient`` is the one along the gradient of each target.
        model: which fields and levels there are.

    Raises:
        ConfigError: one of them is not understood.
    """
    return [
        Perturbation(text, None if text == ALONG_GRADIENT else _change(text, model))
        for text in texts
        if text != "none"
    ]


def _change(text: str, model: Model) -> dict[str, np.ndarray]:
    stated, *where = (part.strip() for part in text.split(","))
    found = _CHANGE.fullmatch(stated)
    if found is None:
        raise ConfigError(
            f"'{text}' is not a perturbation.",
            f"Give {ALONG_GRADIENT}, none, or a change in SI units such as "
            "'t850 += 1, lat=45:60, lon=230:250'.",
        )
    asked, sign, number = found.groups()
    name, level = resolve_input(asked, model)
    inside = inside_region(parse_area(where, text), model, text)
    on_levels = name in model.input_variables
    if level is not None and not on_levels:
        raise ConfigError(
            f"'{asked}' has a level, but {name} is at the surface.",
            "Leave out the number.",
        )
    vertical = np.ones(len(model.levels) if on_levels else 1)
    if level is not None:
        vertical = np.eye(len(model.levels))[find_level(level, model)]
    amount = float(number) * (1 if sign == "+" else -1)
    change = amount * vertical[:, None, None] * inside
    return {name: change.astype(np.float32)}


def along_gradient(
    gradient: Fields, fields: Fields, masses: Fields
) -> dict[str, np.ndarray]:
    """Return the change along a gradient that is one per cent of the fields at most.

    The gradient per mass, in units of the standard deviation σ of each field on each
    level: δx = α σ² g / m, with α so that abs(δx) is at most σ/100.

    Args:
        gradient: of one target by ERA5 name, (level, longitude, latitude).
        fields: of the analysis and the surface.
        masses: that each value stands for; of surface fields, the area.
    """
    change, largest = {}, 0.0
    for name, x in gradient.items():
        sigma = np.asarray(fields[name], np.float64).std((-2, -1), keepdims=True)
        relative = sigma * np.asarray(x, np.float64) / masses[name]
        # Masses and areas have different units: each kind counts relative to its mean.
        relative *= masses[name].mean()
        change[name] = sigma * relative
        largest = max(largest, float(np.abs(relative).max()))
    if largest == 0:
        return {name: np.zeros_like(x, np.float32) for name, x in change.items()}
    return {
        name: (_SHARE / largest * x).astype(np.float32) for name, x in change.items()
    }


def predicted_change(gradient: Fields, change: Fields) -> float:
    """Return the change of a target to first order: the sum of gradient times change.

    Raises:
        KeyError: the gradient lacks a field that changes.
    """
    return sum(
        float(np.vdot(np.float64(gradient[name]), np.float64(x)))
        for name, x in change.items()
    )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The predicted and the true change of a target.

    Attributes:
        target: its label.
        units: of the target.
        perturbation: as it was given.
        member: number of the member, or None.
        value: of the target, unperturbed.
        predicted: change to first order.
        true: change in a perturbed run.
    """

    target: str
    units: str
    perturbation: str
    member: int | None
    value: float
    predicted: float
    true: float


def comparison_rows(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Return the rows of a table of predicted and true changes, headings first."""
    head = ["target", "perturbation", "value", "predicted", "true", "ratio", "units"]
    rows = [head]
    for c in comparisons:
        ratio = f"{c.true / c.predicted:.4f}" if c.predicted else "-"
        numbers: list[Any] = [c.value, c.predicted, c.true]
        member = "" if c.member is None else f" of member {c.member}"
        rows.append(
            [
                f"{c.target}{member}",
                c.perturbation,
                *(f"{x:.5g}" for x in numbers),
                *(ratio, c.units),
            ]
        )
    return rows
