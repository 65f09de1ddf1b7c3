"""Fingerprint of a model: a few numbers of one step, for checks on any computer."""

import numpy as np

from ngcm_cli.checkpoint.card import PRINTED_VALUES, FieldPrint


def field_prints(fields: dict[str, np.ndarray]) -> dict[str, FieldPrint]:
    """Return the numbers that a card keeps of each field."""
    prints = {name: _numbers(x) for name, x in fields.items()}
    return {
        name: FieldPrint(std=x[0], values=tuple(x[1:])) for name, x in prints.items()
    }


def deviation(fields: dict[str, np.ndarray], kept: dict[str, FieldPrint]) -> float:
    """Return the largest difference of one step from the numbers of a card.

    It is in standard deviations of the field; infinite if a variable is missing or new,
    NaN if a field contains NaN.
    """
    if fields.keys() != kept.keys():
        return float("inf")
    differences = [
        np.abs(np.subtract(_numbers(fields[name]), (stored.std, *stored.values)))
        / stored.std
        for name, stored in kept.items()
    ]
    return float(np.max(differences))


def _numbers(x: np.ndarray) -> list[float]:
    """Return the standard deviation, and values spread evenly over the field."""
    count = PRINTED_VALUES
    indices = (2 * np.arange(count) + 1) * x.size // (2 * count)
    values = x.reshape(-1)[indices].astype(np.float64)
    return [float(np.std(x, dtype=np.float64)), *values.tolist()]
