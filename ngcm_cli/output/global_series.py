"""The global means of a run, read while it goes on."""

import pathlib
import warnings

import numpy as np

from ngcm_cli.output.layout import EPOCH
from ngcm_cli.output.records import open_store


def read_global_means(store: pathlib.Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The days that are there, and the mean over the runs in the store.

    Args:
        store: of global means, perhaps being written.

    Returns:
        The middle of every day, datetime64[s], and by name (day, …); NaN on days that
        no run came to.

    Raises:
        OutputError: it is no store, or damaged.
    """
    group = open_store(store, "r")
    count = int(group.attrs.get("completed_records", 0))  # pyright: ignore
    hours = np.asarray(group["time"][:count])  # pyright: ignore
    fields = {}
    for name, array in group.arrays():
        dimensions = list(array.metadata.dimension_names or ())  # pyright: ignore
        if "time" not in dimensions or name in ("time", "time_bnds"):
            continue
        if dimensions[0] == "realization":
            with warnings.catch_warnings():
                # NumPy's words on days that no run came to.
                warnings.simplefilter("ignore", RuntimeWarning)
                fields[name] = np.nanmean(np.asarray(array[:, :count]), axis=0)
        else:
            fields[name] = np.asarray(array[:count])
    return EPOCH + hours * np.timedelta64(3600, "s"), fields
