"""What a model needs to be given."""

import dataclasses

from ngcm_cli.spectral.grid import Grid


@dataclasses.dataclass(frozen=True)
class Needs:
    """Grid, levels and variables of a model's atmosphere; its sea is on the same grid.

    Attributes:
        grid: horizontal grid of all fields.
        levels: pressure levels of the atmosphere in hPa, from the top down.
        fields: ERA5 names of what is on levels.
    """

    grid: Grid
    levels: tuple[float, ...]
    fields: tuple[str, ...]
