"""A long run against the model itself: its states, its means and their periods."""

import jax
import numpy as np
import pytest
import xarray as xr
from agreement import EPS, assert_agrees, rms
from long_runs import go, last_restart
from ngcm_cli.climate.plan import plan_climate
from ngcm_cli.climate.status import read_config

from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.state_arrays import to_arrays

AT_INSTANTS = "temperature", "surface_pressure"
DAY = np.timedelta64(86400, "s")


def opened(folder, name):
    return xr.open_zarr(folder / f"{name}.zarr", decode_timedelta=False).load()


def days(*dates):
    return np.array(dates, "datetime64[ns]")


def assert_means(folder, kind, bounds):
    """Means are those of the instants in their periods, computed in float64."""
    means, instants = opened(folder, kind), opened(folder, "instants")
    np.testing.assert_array_equal(means.time_bnds, bounds)
    middle = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) / 2
    np.testing.assert_array_equal(means.time, middle)
    assert means.attrs["completed_records"] == len(bounds)
    for name in AT_INSTANTS:
        for i, (start, end) in enumerate(bounds):
            within = instants[name][(instants.time >= start) & (instants.time < end)]
            count = len(within.time)
            assert count == 4 * (end - start) / DAY
            expected = within.values.astype(np.float64).mean(axis=0)
            # As in tests/gcm/test_running_mean.py: roundings of half a spacing at the
            # k-th sample, which count k/n in the end; for few samples √Σ(k/n)² is more
            # than √(n/3).
            roundings = np.sqrt((count + 1) * (2 * count + 1) / (6 * count))
            tolerance = roundings * EPS / np.sqrt(12) * rms(expected)
            assert_agrees(name, "SI", means[name][i], expected, tolerance)
            zonal = opened(folder, f"{kind}_zonal")[name][i]
            wide = means[name][i].values.astype(np.float64).mean(axis=-1)
            np.testing.assert_array_equal(zonal, wide.astype(np.float32))


@pytest.mark.slow
def test_means_across_new_year(new_year):
    edges = days("2019-12-30", "2019-12-31", "2020-01-01", "2020-01-02", "2020-01-03")
    assert_means(new_year.folder, "daily", np.stack([edges[:-1], edges[1:]], axis=1))
    months = edges[[0, 2, 4]]
    assert_means(new_year.folder, "monthly", np.stack([months[:-1], months[1:]], 1))


@pytest.mark.slow
def test_means_across_a_leap_day(reduced_model, tmp_path):
    folder = go(
        tmp_path / "run",
        model=reduced_model,
        start="2020-02-28",
        days=3,
        means="monthly,daily",
        every="6h",
    )
    edges = days("2020-02-28", "2020-02-29", "2020-03-01", "2020-03-02")
    assert_means(folder, "daily", np.stack([edges[:-1], edges[1:]], axis=1))
    months = edges[[0, 2, 3]]
    assert_means(folder, "monthly", np.stack([months[:-1], months[1:]], axis=1))


@pytest.mark.slow
def test_a_run_is_the_model_and_nothing_else(new_year):
    """Bit by bit, under the sea of the whole run at once; and the water adds up."""
    config = read_config(new_year.folder)
    plan, beginnings = plan_climate(unwritten(config))
    model, sea = plan.model, plan.sea
    forcing = Forcing.at_times(sea.times, sea.fields, sea.sst_offset)
    key = jax.random.key(config.seed)
    state = model.encode(beginnings[0].fields, forcing, config.start, key)
    steps = int(DAY // model.time_step)
    name, amounts = "P_minus_E_cumulative", []
    for day in range(plan.length + 1):
        fields = jax.device_get(model.decode(state, (name,)))
        amounts.append(plan.climates[0].select(name, fields[name]).astype(np.float64))
        if day < plan.length:
            state = model.advance(state, forcing, steps)
    arrays, about = last_restart(new_year.folder)
    assert about["day"] == plan.length
    for place, x in to_arrays(state.reset_accumulations()).items():
        assert x.tobytes() == arrays[place].tobytes(), place

    rates = opened(new_year.folder, "daily")["P_minus_E_rate"].values
    expected = np.diff(amounts, axis=0) / 86400
    # Both sides round a sum at every step, by half a spacing of the amount at most.
    tolerance = np.sqrt(steps * plan.length) * EPS * rms(amounts[-1]) / 86400
    assert_agrees("P_minus_E_rate", "kg m-2 s-1", rates, expected, tolerance)
    assert rms(expected) > 100 * tolerance


def unwritten(config):
    """The same configuration, as if nothing were written yet."""
    return config.model_copy(update={"output": None})
