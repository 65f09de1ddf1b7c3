"""The state of the atmosphere at one time, on the model's grid and levels."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Atmosphere:
    """Fields at one time, on the model's grid and levels, in SI.

    Attributes:
        time: when they are valid, to the second.
        fields: by ERA5 name, (level, longitude, latitude) float32, no NaN.
        notes: every conversion and substitution made, in words.
    """

    time: np.datetime64
    fields: dict[str, np.ndarray]
    notes: tuple[str, ...]
