"""What a model needs to be given."""

import dataclasses

import numpy as np

from ngcm_cli.spectral.grid import Grid


@dataclasses.dataclass(frozen=True)
class Needs:
    """Grid, levels and variables of a model's atmosphere; its sea is on the same grid.

    Attributes:
        grid: horizontal grid of all fields.
        levels: pressure levels of the atmosphere in hPa, from the top down.
        fields: ERA5 names of what is on levels.
        land: land fraction, (longitude, latitude), 0 … 1, which data need not have;
            None where nobody knows.
    """

    grid: Grid
    levels: tuple[float, ...]
    fields: tuple[str, ...]
    land: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)
