"""Drifts of the daily global means that a long run writes, on its own levels."""

import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.config.diagnose import Period
from ngcm_cli.diagnosis.conservation import drifts
from ngcm_cli.diagnosis.remarks import Remarks
from ngcm_cli.diagnosis.topic import DAILY, Averages, Grid, to_dataset
from ngcm_cli.output.schema import EPOCH
from ngcm_cli.output.zarr import dimensions_of, is_store, open_store

STORE = "global.zarr"
TITLE = "Global means of the run, on its own levels"
_SERIES = {
    "total_mass": ("Mass of the atmosphere per area", "kg m-2"),
    "dry_mass": ("Mass of dry air per area", "kg m-2"),
    "water_vapour": ("Water vapour per area", "kg m-2"),
    "cloud_water": ("Cloud per area", "kg m-2"),
    "kinetic_energy": ("Kinetic energy per area", "J m-2"),
}
_PREFIX = "model_"


def find_store(location: str) -> pathlib.Path | None:
    """Return the store of global means of a run; None if there is none."""
    path = pathlib.Path(location) / STORE
    return path if is_store(path) else None


def global_series(
    store: pathlib.Path, member: int, period: Period | None
) -> tuple[xr.Dataset, Remarks]:
    """Return means and drifts of the global means of one member, and remarks.

    Args:
        store: of `find_store`.
        member: index of the member; not used where there are none.
        period: days that are used; None is all.

    Raises:
        OutputError: the store is damaged.
    """
    group = open_store(store, "r")
    arrays = dict(group.arrays())
    count = int(group.attrs.get("completed_records", 0))  # pyright: ignore
    hours = np.asarray(arrays["time"][:count])
    times = EPOCH + hours * np.timedelta64(3600, "s")
    chosen = np.ones(count, bool)
    if period is not None:
        chosen = (times >= period.begin) & (times < period.end)
    means = {}
    for name in _SERIES:
        array = arrays.get(name)
        if array is None:
            continue
        where = () if "realization" not in dimensions_of(array) else (member,)
        means[_PREFIX + name] = np.asarray(array[(*where, slice(count))])[chosen]
    nothing = np.array([])
    grid = Grid(nothing, nothing, nothing)
    averages = Averages(
        list(times[chosen]), np.ones(chosen.sum(), int), means, grid, DAILY, False
    )
    if not chosen.any():
        averages.miss(TITLE, "complete days")
        return xr.Dataset(), averages.remarks
    titles = {_PREFIX + name: title for name, (title, _) in _SERIES.items()}
    units = {_PREFIX + name: unit for name, (_, unit) in _SERIES.items()}
    found = drifts(averages, titles, units)
    return to_dataset(found, grid, TITLE), averages.remarks
