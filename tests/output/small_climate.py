"""What small runs write: two variables on three levels of an 8 x 4 grid, NumPy only."""

import pathlib

import numpy as np
from ngcm_cli.output.climate import GLOBAL, Climate

from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(3)
LEVELS = (200, 500, 850)
SIGMA = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
HOURS = {n: np.timedelta64(3600 * n, "s") for n in (1, 6, 24)}


def small_climate(
    start: str = "1984-01-01", end: str = "1984-03-01", **changes
) -> Climate:
    """Of one run, unless something else is said."""
    settings = {
        "sample": HOURS[6],
        "variables": ("temperature", "surface_pressure"),
        "fluxes": (),
        "levels": LEVELS,
        "model_levels": LEVELS,
        "sigma": SIGMA,
        "grid": OutputGrid.native(GRID),
        "realizations": (0,),
        "attributes": {"title": "a run"},
        **changes,
    }
    return Climate(np.datetime64(start, "s"), np.datetime64(end, "s"), **settings)


def record(records, index: int, run: int = 0) -> dict[str, np.ndarray]:
    """Fields that are distinct for every record, run and place."""
    fields = {}
    for name in records.fields:
        shape = records.shape(name)[(1 if records.realizations is None else 2) :]
        seed = [index, run, len(name)]
        fields[name] = np.random.default_rng(seed).normal(size=shape).astype("f4")
    return fields


def day_look(day: int, run: int = 0) -> dict[str, np.ndarray]:
    """Global means of a day that look like an atmosphere's."""
    values = {"surface_pressure": 98500 + day, "dry_mass": 10000, "water_vapour": 25}
    look = {"kinetic_energy": 1.2e6, "temperature": 250 + day / 10 + run, **values}
    return {
        name: np.full((len(SIGMA),) if dimensions else (), look.get(name, 1), "f4")
        for name, (dimensions, _, _) in GLOBAL.items()
    }


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """All files in a folder, byte by byte."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
