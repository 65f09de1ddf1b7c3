"""What runs write, against the model stepped by hand."""

import jax
import numpy as np
import pytest
from runs import AMIP, ENSEMBLE, FORECAST, SIDE_BY_SIDE, read, seeing

from ngcm_cli.inputs.sources.bundled import SAMPLE_TIME
from ngcm_cli.simulation import run
from ngcm_cli.simulation.data_sources import read_sample
from ngcm_cli.simulation.simulation import member_key

SEED = FORECAST.settings["seed"]
LEVELS = [1, 2]  # 500 and 850 of 200, 500, 850 hPa
HOUR = np.timedelta64(3600, "s")


def by_hand(model, time, member, steps, count, kelvin=0.0):
    """Return (output, level, latitude, longitude) temperature, some steps apart."""
    data = read_sample(model)
    fields = {name: x + np.float32(kelvin) for name, x in data.fields.items()}
    state = model.encode(fields, data.forcing, time, member_key(SEED, member))
    found = []
    for _ in range(count):
        found.append(np.asarray(model.decode(state)["temperature"])[LEVELS])
        state = model.advance(state, data.forcing, steps)
    return np.stack(found).swapaxes(-1, -2)


def assert_bits(ours, expected):
    ours = np.asarray(ours)
    assert ours.dtype == expected.dtype and ours.shape == expected.shape
    assert ours.tobytes() == expected.tobytes()


def test_the_key_of_a_member():
    for seed, member in ((0, 0), (7, 49)):
        ours = jax.random.key_data(member_key(seed, member))
        key = jax.random.fold_in(jax.random.key(seed), member)
        assert (ours == jax.random.key_data(key)).all()
    ours = jax.random.key_data(member_key(7))
    assert (ours == jax.random.key_data(jax.random.key(7))).all()


def test_a_forecast(whole, tiny):
    ds = read(whole(FORECAST))
    expected = by_hand(tiny.model, SAMPLE_TIME, None, 6, 5)
    assert_bits(ds["temperature"][0], expected)
    assert (ds["surface_pressure"] == 1e5).all()
    assert ds.level.values.tolist() == [500, 850]
    assert ds.lead_time.values.tolist() == [0, 6, 12, 18, 24]
    assert ds.attrs["status"] == "complete" and ds.attrs["completed_lead_times"] == 5
    assert "unstable_members" not in ds.attrs


def test_a_forecast_of_a_member(tiny, tmp_path):
    ds = read(FORECAST.start(tmp_path, member=3))
    assert_bits(ds["temperature"][0], by_hand(tiny.model, SAMPLE_TIME, 3, 6, 5))


def test_lead_zero_is_the_state_encoded_and_decoded(tiny, tmp_path):
    ds = read(FORECAST.start(tmp_path, lead="0h"))
    assert_bits(ds["temperature"][0], by_hand(tiny.model, SAMPLE_TIME, None, 6, 1))


def test_an_ensemble(whole, tiny):
    """Its members are the numbered forecasts."""
    ds = read(whole(ENSEMBLE))
    for member in range(5):
        expected = by_hand(tiny.model, SAMPLE_TIME, member, 6, 3)
        assert_bits(ds["temperature"].sel(realization=member)[0], expected)
    assert len({float(x) for x in ds["temperature"][:, 0, 0, 0, 0, 0]}) == 5


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE], ids=str)
def test_several_initial_times(tiny, tmp_path, case):
    inits = "1959-01-02T06,1959-01-02T00,1959-01-03T00"
    ds = read(case.start(tmp_path, init=inits))
    assert ds.sizes["init_time"] == 3
    hours = (ds["init_time"].values - SAMPLE_TIME) // HOUR
    assert hours.tolist() == [6, 0, 24]
    member = 1 if case is ENSEMBLE else None
    for i, hour in enumerate(hours):
        time = SAMPLE_TIME + hour * HOUR
        expected = by_hand(tiny.model, time, member, 6, case.windows, hour)
        ours = ds["temperature"] if member is None else ds["temperature"][member]
        assert_bits(ours[i], expected)


def test_netcdf_has_the_same(whole, tmp_path):
    import xarray as xr

    path = FORECAST.start(tmp_path, output=tmp_path / "out.nc")
    expected = read(whole(FORECAST))
    with xr.open_dataset(path, decode_timedelta=False) as ds:
        for name in expected.data_vars:
            assert_bits(ds[name], expected[name].values[0])
    assert [path.name for path in tmp_path.iterdir()] == ["out.nc"]


def assert_climate(folder, states, member=None):
    """Assert that stores hold the means and the series of states every six hours.

    Args:
        folder: of the stores.
        states: temperature, (sample, level, latitude, longitude).
        member: index along the realization of the stores.
    """
    where = {} if member is None else {"realization": member}

    def stored(name):
        return read(folder / f"{name}.zarr").isel(where)

    assert_bits(stored("instantaneous")["temperature"], states[::2])
    days = states.reshape(-1, 4, *states.shape[1:]).astype(np.float64).mean(1)
    daily = stored("daily")
    np.testing.assert_allclose(daily["temperature"], days, rtol=2e-7)
    np.testing.assert_array_equal(daily["P_minus_E_rate"], np.float32(1e-5))
    np.testing.assert_array_equal(daily["surface_pressure"], np.float32(1e5))
    zonal = daily["temperature"].values.astype(np.float64).mean(-1)
    assert_bits(stored("daily_zonal")["temperature"], zonal.astype(np.float32))
    monthly = stored("monthly")
    for i, (start, end) in enumerate(monthly["time_bnds"].values):
        within = (daily.time.values > start) & (daily.time.values < end)
        assert within.sum() == (end - start) / np.timedelta64(1, "D")
        mean = days[within].mean(0)
        np.testing.assert_allclose(monthly["temperature"][i], mean, rtol=4e-7)
    for kind in ("daily", "monthly", "instantaneous", "global"):
        attributes = stored(kind).attrs
        assert attributes["status"] == "complete"
        assert attributes["completed_records"] == stored(kind).sizes["time"]


def test_a_long_run(whole, tiny):
    folder = whole(AMIP)
    start = np.datetime64(AMIP.settings["start"], "s")
    states = by_hand(tiny.model, start, None, 6, 16)
    assert_climate(folder, states)
    edges = np.array(["2019-12-30", "2020-01-01", "2020-01-03"], "datetime64[ns]")
    months = read(folder / "monthly.zarr")["time_bnds"].values
    np.testing.assert_array_equal(months, np.stack([edges[:-1], edges[1:]], 1))
    series = read(folder / "global.zarr")["temperature"]
    days = states.astype(np.float64).mean((-1, -2)).reshape(4, 4, 2).mean(1)
    np.testing.assert_allclose(series[:, LEVELS], days, rtol=1e-6)


def test_long_runs_side_by_side(whole, tiny):
    """Every start has its months, every member its own random numbers."""
    for init, start in enumerate(("2020-01-31", "2020-02-01")):
        folder = whole(SIDE_BY_SIDE) / "starts" / f"{start}T00"
        numbers = read(folder / "daily.zarr").realization.values.tolist()
        assert numbers == [3 * init + member for member in range(3)]
        for row, number in enumerate(numbers):
            time = np.datetime64(start, "s")
            states = by_hand(tiny.model, time, number, 6, 8)
            assert_climate(folder, states, row)
        assert read(folder / "monthly.zarr").sizes["time"] == (1 if init else 2)


def test_progress(tiny, tmp_path):
    seen, simulations = [], []

    def track(progress, simulation):
        simulations.append(simulation)
        yield from seeing(seen)(progress, simulation)

    ENSEMBLE.start(tmp_path, track)
    (simulation,) = simulations
    assert simulation.sigma.shape == (3,)
    assert [(one.tasks_done, one.windows) for one in seen] == [
        (task, windows) for task in range(3) for windows in (1, 2, 3)
    ]
    leads = [one.lead // HOUR for one in seen]
    assert leads == 3 * [0, 6, 12]
    assert [one.stable for one in seen[::3]] == [(0, 1), (2, 3), (4,)]
    assert seen[0].monitor["max_wind"].shape == (3,)
    seen.clear()
    AMIP.start(tmp_path, seeing(seen))
    assert [one.lead // HOUR for one in seen] == [24, 48, 72, 96]


def test_memory_does_not_grow_with_lead_time(tiny, tmp_path):
    """However long the run, only a few windows are alive at a time."""
    alive = []

    def track(progress, simulation):
        for one in progress:
            alive.append(sum(x.size >= 96 for x in jax.live_arrays()))
            yield one

    FORECAST.start(tmp_path, track, lead="10d", variables="temperature")
    assert len(alive) == 41
    # Every window has at least four arrays: of its state, and its output.
    assert 0 < max(alive[5:]) < max(alive[:5]) + 8


def test_nothing_is_compiled_after_the_first_windows(tiny, tmp_path):
    from gcm.compilations import compilations

    counts = []

    def track(progress, simulation):
        for one in progress:
            counts.append(len(seen))
            yield one

    tiny.change(levels=(100.0, 500.0, 850.0))  # not compiled by another test
    with compilations() as seen:
        AMIP.start(tmp_path, track, days=5)
        first, *_, last = counts
        assert first > 0 and last == counts[1]
        counts.clear()
        ENSEMBLE.start(tmp_path, track)  # the last block is not full
        assert counts[-1] == counts[2]
    with compilations() as seen:  # which does see them
        jax.jit(lambda x: x - 3.25)(1.5)
    assert seen


def test_a_configuration_and_keywords_together_are_a_mistake(tiny):
    from ngcm_cli.config import ForecastConfig

    with pytest.raises(TypeError, match="a ForecastConfig, keywords, or an output"):
        run.forecast(ForecastConfig(), lead="5d")
