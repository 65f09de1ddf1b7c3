"""The state of the atmosphere at one time, on a model's grid and levels."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """The state of the atmosphere at one time, from which a model can start.

    Attributes:
        time: Valid time, UTC, datetime64[s].
        fields: Arrays in SI units by ERA5 name, shape (level, longitude, latitude),
            float32, levels from the top down, latitudes from south to north, no NaN.
        notes: One sentence for each conversion and substitution made in the data.
    """

    time: np.datetime64
    fields: dict[str, np.ndarray]
    notes: tuple[str, ...]
