"""A few numbers of one model step, by which a model is recognised on any computer."""

import numpy as np

from ngcm_cli.checkpoint.card import FieldPrint

_PLACES = 8


def field_prints(fields: dict[str, np.ndarray]) -> dict[str, FieldPrint]:
    """The numbers that a card keeps of each field."""
    return {
        name: FieldPrint(
            std=float(np.std(x, dtype=np.float64)), values=tuple(_sample(x).tolist())
        )
        for name, x in fields.items()
    }


def deviation(fields: dict[str, np.ndarray], kept: dict[str, FieldPrint]) -> float:
    """Largest difference from what a card keeps, in standard deviations of the field.

    Infinite where a variable is missing or new.
    """
    if fields.keys() != kept.keys():
        return float("inf")
    now = field_prints(fields)
    return max(
        float(np.max(np.abs(np.array(_numbers(now[name])) - _numbers(kept[name]))))
        / kept[name].std
        for name in kept
    )


def _sample(x: np.ndarray) -> np.ndarray:
    """Values at places spread evenly over the field, in float64."""
    places = (2 * np.arange(_PLACES) + 1) * x.size // (2 * _PLACES)
    return x.reshape(-1)[places].astype(np.float64)


def _numbers(kept: FieldPrint) -> tuple[float, ...]:
    return kept.std, *kept.values
