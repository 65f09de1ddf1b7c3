"""The root mean square over maps of the mean error."""

import numpy as np

from ngcm_cli.verification.area_sums import FieldSums, area_sums, level_blocks
from ngcm_cli.verification.statistics import Statistics


def root_mean_square_bias(maps: Statistics, weights: np.ndarray) -> np.ndarray:
    """Return the area-weighted root mean square of the map of time-mean errors (RMSB).

    Cells that have no truth at any time are left out.

    Args:
        maps: ``error_map`` of `map_statistics`, summed over initial times, shape
            (level, latitude, longitude).
        weights: shape (region, latitude, longitude).

    Returns:
        Shape (region, level), in the units of the variable.
    """
    total, count = maps["error_map"]
    if (count > 0).all():
        found = _without_gaps(total, np.broadcast_to(count, total.shape), weights)
        if found is not None:
            return found
    valid = np.broadcast_to(count > 0, total.shape)
    mean = np.divide(total, count, out=np.zeros(total.shape), where=valid)
    sums = area_sums({"square": np.square(mean)}, valid, weights)
    return np.sqrt(sums.means()["square"])


def _without_gaps(
    total: np.ndarray, count: np.ndarray, weights: np.ndarray
) -> np.ndarray | None:
    """Return what `root_mean_square_bias` does of finite errors; None of others."""
    sums = FieldSums(weights, len(total), ["square"])
    for levels in level_blocks(len(total), weights[0].size):
        mean = total[levels] / count[levels]
        sums.put(levels, np.square(mean)[None])
    found = sums.statistics()
    return None if found is None else np.sqrt(found.means()["square"])
