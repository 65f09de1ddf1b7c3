"""Climatologies: computed, from files, and as forecasts."""

import numpy as np
import pytest
import xarray as xr
from synthetic_forecasts import LATITUDE, LONGITUDE, UNITS, forecast, hours, truth

from ngcm_cli.config.evaluate import EvaluateConfig, parse_locations
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.verification.climatology import Climatology, day_of_year, hour_of_day
from ngcm_cli.verification.climatology_file import open_climatology
from ngcm_cli.verification.climatology_of_record import write_climatology
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.evaluation import evaluate, summarize_evaluation
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.truth import Truth

GRID = ComparisonGrid(LATITUDE, LONGITUDE)
PRESSURE = ScoredVariable(
    "mean_sea_level_pressure", None, ("mean_sea_level_pressure",), (), "Pa"
)
EDGES = np.clip([LATITUDE - 7.5, LATITUDE + 7.5], -90, 90)
GRID_WEIGHTS = np.repeat(np.diff(np.sin(np.deg2rad(EDGES)), axis=0).T, 24, 1)


def record(first: str, last: str, step: int = 12) -> xr.Dataset:
    """A record of random numbers, of one variable on a coarse grid."""
    times = np.arange(
        np.datetime64(first, "h"), np.datetime64(last, "h"), np.timedelta64(step, "h")
    )
    values = np.random.default_rng(3).normal(size=(len(times), 13, 24))
    return xr.Dataset(
        {
            "mean_sea_level_pressure": (
                ("time", "latitude", "longitude"),
                values.astype(np.float32),
                {"units": "Pa"},
            )
        },
        {
            "time": times.astype("datetime64[ns]"),
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
        },
    )


def test_days_and_hours():
    times = np.array(["2020-01-01T06", "2020-12-31T18", "2021-12-31"], "datetime64[s]")
    assert day_of_year(times).tolist() == [1, 366, 365]
    assert hour_of_day(times).tolist() == [6, 18, 0]


def test_a_climatology_is_a_mean_with_a_triangular_window(tmp_path):
    data = record("2018-01-01", "2021-01-01")
    path = tmp_path / "climatology.nc"
    wanted = np.array(["2021-01-03T12", "2021-07-01T00"], "datetime64[s]")
    write_climatology(path, Truth(data, GRID), [PRESSURE], wanted)
    with open_climatology(str(path)) as means:
        assert means.dayofyear.values.tolist() == [3, 182]
        ours = Climatology(means, GRID).read(PRESSURE, wanted)
    assert ours.shape == (1, 2, 1, 13, 24)
    times = data.time.values
    for number, time in enumerate(wanted):
        distance = np.abs(day_of_year(times) - day_of_year(time))
        distance = np.minimum(distance, 366 - distance)
        weights = np.clip(1 - distance / 30, 0, None)
        weights = weights * (hour_of_day(times) == hour_of_day(time))
        expected = np.average(
            data.mean_sea_level_pressure.values.astype(np.float64), 0, weights
        )
        np.testing.assert_allclose(ours[0, number, 0], expected, rtol=1e-12)


def test_a_short_record_gives_none(tmp_path, monkeypatch):
    monkeypatch.delattr(Truth, "read_once")  # before fields are read
    short = Truth(record("2020-01-01", "2020-06-01"), GRID)
    with pytest.raises(InputDataError, match="needs a record of several years"):
        write_climatology(tmp_path / "c.nc", short, [PRESSURE], short.times[:1])
    with pytest.raises(InputDataError, match="no values at 6 UTC"):
        long = Truth(record("2018-01-01", "2020-01-01"), GRID)
        at_six = np.array(["2021-01-01T00", "2021-01-01T06"], "datetime64[s]")
        write_climatology(tmp_path / "c.nc", long, [PRESSURE], at_six)
    assert not list(tmp_path.iterdir())


def weatherbench(path, variables=("temperature",), hour=(0, 6, 12, 18)) -> xr.Dataset:
    """Write a climatology as WeatherBench 2 stores it: other orders, descending."""
    shape = (len(hour), 366, 2, 24, 13)
    random = np.random.default_rng(5)
    dataset = xr.Dataset(
        {
            name: (
                ("hour", "dayofyear", "level", "longitude", "latitude"),
                random.normal(250, 5, shape).astype(np.float32),
                {"units": "K"},
            )
            for name in variables
        },
        {
            "hour": list(hour),
            "dayofyear": np.arange(1, 367),
            "level": [850, 500],
            "longitude": LONGITUDE,
            "latitude": LATITUDE[::-1],
        },
    )
    dataset.to_zarr(path, zarr_format=2)
    return dataset


def test_anomaly_correlation_and_climatology_as_forecast(tmp_path):
    stored = weatherbench(tmp_path / "climatology.zarr")
    there = truth()
    made = forecast(there, noise=3.0)
    scores = evaluate(
        made,
        there,
        climatology=tmp_path / "climatology.zarr",
        baseline="climatology",
        variables="t500",
        regions="global",
    )
    valid = (made.init_time + made.lead_time).values.ravel()
    means = np.stack(
        [
            stored.temperature.sel(dayofyear=day, hour=hour, level=500)
            .transpose("latitude", "longitude")
            .sortby("latitude")
            .values
            for day, hour in zip(day_of_year(valid), hour_of_day(valid), strict=True)
        ]
    ).astype(np.float64)
    means = means.reshape(3, 4, 13, 24)
    observed = there.temperature.sel(level=500, time=valid).values.astype(np.float64)
    observed = observed.reshape(3, 4, 13, 24)
    weights = GRID_WEIGHTS
    error = ((means - observed) ** 2 * weights).sum((-1, -2)).mean(0) / weights.sum()
    ours = scores["rmse.temperature"].sel(forecast="climatology", region="global")
    np.testing.assert_allclose(ours.sel(level=500), np.sqrt(error), rtol=1e-10)
    f = made.temperature.sel(level=500).values.astype(np.float64) - means
    o = observed - means

    def total(values):
        return (values * weights).sum((-1, -2)).sum(0)

    expected = total(f * o) / np.sqrt(total(f**2) * total(o**2))
    acc = scores["acc.temperature"].isel(forecast=0).sel(region="global", level=500)
    np.testing.assert_allclose(acc, expected, rtol=1e-10)


def test_an_hour_that_a_climatology_lacks(tmp_path):
    weatherbench(tmp_path / "climatology.zarr", hour=(0, 12))
    there = truth()
    with pytest.raises(InputDataError, match="2020-01-01T06, day 1 of the year at 6"):
        evaluate(
            forecast(there),
            there,
            climatology=tmp_path / "climatology.zarr",
            variables="t500",
        )


def perfect_forecasts() -> tuple[xr.Dataset, xr.Dataset]:
    """Forecasts of March 2020 that are the truth, and a truth of three years."""
    data = record("2018-01-01", "2021-01-01")
    data["mean_sea_level_pressure"] += 1e5
    inits = np.array(["2020-03-01", "2020-03-02"], "datetime64[ns]")
    valid = inits[:, None] + hours(0, 12)
    values = data.mean_sea_level_pressure.sel(time=valid.ravel()).values
    made = xr.Dataset(
        {
            "mean_sea_level_pressure": (
                ("init_time", "lead_time", "latitude", "longitude"),
                values.reshape(2, 2, 13, 24),
                {"units": UNITS["mean_sea_level_pressure"]},
            )
        },
        {
            "init_time": inits,
            "lead_time": hours(0, 12),
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
        },
    )
    return made, data


def test_a_dry_run_before_a_climatology_is_computed(tmp_path):
    made, data = perfect_forecasts()
    made.to_netcdf(tmp_path / "forecast.nc")
    data.to_netcdf(tmp_path / "truth.nc")
    config = EvaluateConfig(
        forecast=parse_locations(str(tmp_path / "forecast.nc")),
        truth=str(tmp_path / "truth.nc"),
        climatology="compute",
        baseline=parse_locations("climatology"),
        metrics=("ACC", "rmse"),
        output=tmp_path / "scores.nc",
    )
    summary = summarize_evaluation(config).splitlines()
    assert "Climatology computed first" in summary
    assert "Metrics     acc, rmse" in summary


def test_a_climatology_of_the_truth_is_kept(tmp_path):
    made, data = perfect_forecasts()
    valid = (made.init_time + made.lead_time).values
    values = data.mean_sea_level_pressure.sel(time=valid.ravel()).values
    others = {"climatology": "compute", "output": tmp_path / "refused.nc"}
    with pytest.raises(ConfigError, match="no region 'tropisc'"):
        evaluate(made, data, regions="tropisc", **others)
    late = made.assign_coords(init_time=made.init_time + hours(12))
    with pytest.raises(InputDataError, match="shifted in time"):
        evaluate(late, data, **others)
    assert not list(tmp_path.iterdir())  # before a climatology is computed
    scores = evaluate(
        made,
        data,
        climatology="compute",
        climatology_years="2018/2019",
        baseline="probabilistic-climatology,climatology",
        output=tmp_path / "scores.nc",
    )
    # Float32 of 1e5 Pa is 0.008 Pa.
    acc = scores["acc.mean_sea_level_pressure"].isel(forecast=0)
    np.testing.assert_allclose(acc, 1, atol=1e-9)
    assert "2018-01-01T00 to 2019-12-31T12" in scores.climatology
    assert (tmp_path / "scores_climatology.nc").exists()
    # Two members, of the same days in 2018 and 2019.
    crps = scores["crps.mean_sea_level_pressure"].sel(
        forecast="probabilistic-climatology", region="global"
    )
    members = []
    for year in 2018, 2019:
        other = valid + (np.datetime64(f"{year}-03-01") - np.datetime64("2020-03-01"))
        members.append(data.mean_sea_level_pressure.sel(time=other.ravel()).values)
    one, two = (x.astype(np.float64).reshape(2, 2, 13, 24) for x in members)
    truth_there = values.astype(np.float64).reshape(2, 2, 13, 24)
    skill = (np.abs(one - truth_there) + np.abs(two - truth_there)) / 2
    expected = skill - np.abs(one - two) / 2
    expected = (expected * GRID_WEIGHTS).sum((-1, -2)).mean(0) / GRID_WEIGHTS.sum()
    np.testing.assert_allclose(crps, expected, rtol=1e-10)
