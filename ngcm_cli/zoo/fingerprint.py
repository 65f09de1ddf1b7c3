"""A few numbers of one model step, by which a model is recognised on any computer."""

import numpy as np

from ngcm_cli.checkpoint.card import PRINTED_VALUES, FieldPrint


def field_prints(fields: dict[str, np.ndarray]) -> dict[str, FieldPrint]:
    """The numbers that a card keeps of each field."""
    prints = {name: _numbers(x) for name, x in fields.items()}
    return {
        name: FieldPrint(std=x[0], values=tuple(x[1:])) for name, x in prints.items()
    }


def deviation(fields: dict[str, np.ndarray], kept: dict[str, FieldPrint]) -> float:
    """Largest difference from what a card keeps, in standard deviations of the field.

    Infinite where a variable is missing or new, NaN where a field has one.
    """
    if fields.keys() != kept.keys():
        return float("inf")
    differences = [
        np.abs(np.subtract(_numbers(fields[name]), (said.std, *said.values))) / said.std
        for name, said in kept.items()
    ]
    return float(np.max(differences))


def _numbers(x: np.ndarray) -> list[float]:
    """Standard deviation, and values at places spread evenly over the field."""
    count = PRINTED_VALUES
    places = (2 * np.arange(count) + 1) * x.size // (2 * count)
    values = x.reshape(-1)[places].astype(np.float64)
    return [float(np.std(x, dtype=np.float64)), *values.tolist()]
