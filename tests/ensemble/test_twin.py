"""An identical twin: the mean of an ensemble is nearer to the truth than its members.

A test of sense, not of skill: the truth is a forecast of the model itself, from a state
that differs from the one the ensemble knows as its members do among each other.
"""

import numpy as np
import pytest
from small import go, read

pytestmark = pytest.mark.slow


def test_the_mean_of_eight(reduced_model, tmp_path):
    settings = {
        "model": reduced_model,
        "perturb": "gaussian",
        "amplitude": "1K",
        "lead": "2d",
        "every": "12h",
        "batch": 9,
    }
    ds = read(go(tmp_path / "a.zarr", **settings, members=9))
    weights = np.cos(np.deg2rad(ds["latitude"]))

    def error(forecast, name):
        square = (forecast - truth[name]) ** 2
        mean = square.weighted(weights).mean(("latitude", "longitude", "level"))
        return np.sqrt(mean.isel(init_time=0, lead_time=slice(1, None)))

    truth, members = ds.isel(realization=8), ds.isel(realization=slice(8))
    for name in ("temperature", "u_component_of_wind"):
        single = error(members[name], name)
        mean = error(members[name].mean("realization"), name)
        rms = np.sqrt((single**2).mean("realization"))
        # Of equally likely members: √(1 + 1/8) / √2 of a member's error, 0.75.
        assert (mean < 0.9 * rms).all()
