"""SEEPS against a table made by hand, the package scores, and in an evaluation."""

import numpy as np
import pytest
import xarray as xr
from scores.categorical import seeps as seeps_of_scores
from synthetic_forecasts import LATITUDE, LONGITUDE, START, hours

from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.variables import DAILY_PRECIPITATION
from ngcm_cli.verification.daily_precipitation import with_daily_precipitation
from ngcm_cli.verification.evaluation import evaluate
from ngcm_cli.verification.seeps import PrecipitationClimate, seeps_statistics

PLACE = ("latitude", "longitude")
SHAPE = (len(LATITUDE), len(LONGITUDE))
GRID = {"latitude": LATITUDE, "longitude": LONGITUDE}
EDGES = np.clip([LATITUDE - 7.5, LATITUDE + 7.5], -90, 90)
AREAS = np.repeat(np.diff(np.sin(np.deg2rad(EDGES)), axis=0).T, SHAPE[1], 1)


def mean(statistics):
    total, weight = statistics["seeps"]
    return total / weight


def test_the_costs_of_all_pairs_of_categories():
    """With half of the days dry, and rain of 1, 4 and 9 mm with heavy from 6 mm."""
    amounts = np.array([0.0, 2.5e-4, 2.6e-4, 4e-3, 6e-3, 9e-3])
    forecast, truth = (x.ravel()[:, None, None] for x in np.meshgrid(amounts, amounts))
    climate = PrecipitationClimate(np.full((1, 1), 0.5), np.full((36, 1, 1), 6e-3))
    costs = mean(seeps_statistics(forecast, truth, climate, np.ones((1, 1, 1))))
    # Rows are what was true, columns what was forecast: dry, light, heavy.
    by_hand = np.array([[0, 1, 1.6], [1, 0, 0.6], [4, 3, 0]])
    expected = by_hand.repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(costs.reshape(6, 6), expected, rtol=1e-15)


@pytest.mark.parametrize("dry", [0.1, 0.37, 0.85])
def test_no_skill_costs_one(dry):
    """Always the same, or by chance with the frequencies of the climate."""
    share = np.array([dry, (1 - dry) * 2 / 3, (1 - dry) / 3])
    amounts = np.array([0.0, 1e-3, 9e-3])
    forecast, truth = (x.ravel()[:, None, None] for x in np.meshgrid(amounts, amounts))
    climate = PrecipitationClimate(np.full((1, 1), dry), np.full((9, 1, 1), 6e-3))
    costs = mean(seeps_statistics(forecast, truth, climate, np.ones((1, 1, 1))))
    by_forecast = share @ costs.reshape(3, 3)
    np.testing.assert_allclose(by_forecast, 1, rtol=1e-14)


def climate_and_rain(days=4):
    random = np.random.default_rng(0)
    dry = random.uniform(0, 1, SHAPE)
    heavy = random.uniform(2e-3, 2e-2, (days, *SHAPE))
    rain = random.gamma(0.3, 1e-2, (2, days, *SHAPE))
    return dry, heavy, *rain


def test_random_fields_agree_with_scores():
    dry, heavy, forecast, truth = climate_and_rain()
    truth[0, 3:5] = np.nan
    heavy[1, 7] = np.nan
    ours = seeps_statistics(
        forecast, truth, PrecipitationClimate(dry, heavy), AREAS[None]
    )
    dims = ("time", *PLACE)
    theirs = seeps_of_scores(
        xr.DataArray(forecast, dims=dims),
        xr.DataArray(truth, dims=dims),
        xr.DataArray(dry, dims=PLACE),
        xr.DataArray(heavy, dims=dims),
        dry_light_threshold=0.25e-3,
        reduce_dims=PLACE,
        weights=xr.DataArray(AREAS, dims=PLACE),
    )
    np.testing.assert_allclose(mean(ours)[0], theirs, rtol=1e-12)
    assert 0.3 < theirs.min() < theirs.max() < 2


def test_a_forecast_without_values_is_not_scored_as_dry():
    dry, heavy, forecast, truth = climate_and_rain()
    row, column = np.argwhere((dry > 0.2) & (dry < 0.8))[0]
    forecast[2, row, column] = np.nan
    found = seeps_statistics(
        forecast, truth, PrecipitationClimate(dry, heavy), AREAS[None]
    )
    assert np.isnan(mean(found)[0]).tolist() == [False, False, True, False]


def data(days=12):
    """Forecasts, truth and climatology, with hours 0 and 12 and every other day."""
    random = np.random.default_rng(5)
    times = START + hours(*range(0, 24 * days, 12))
    rain = random.gamma(0.3, 1e-2, (len(times), *SHAPE)).astype(np.float32)
    truth = xr.Dataset(
        {DAILY_PRECIPITATION: (("time", *PLACE), rain, {"units": "m"})},
        {"time": times, **GRID},
    )
    inits, leads = times[:9], hours(24, 36, 48)
    made = random.gamma(0.3, 1e-2, (9, 3, *SHAPE)).astype(np.float32)
    forecast = xr.Dataset(
        {DAILY_PRECIPITATION: (("init_time", "lead_time", *PLACE), made)},
        {"init_time": inits, "lead_time": leads, **GRID},
    )
    by_day = ("hour", "dayofyear", *PLACE)
    # More dry days in one half of the year, which their mean over the year is about.
    fraction = random.uniform(0, 1, (2, 20, *SHAPE)) / 4 + random.uniform(
        0, 0.75, SHAPE
    )
    heavy = random.uniform(2e-3, 2e-2, (2, 20, *SHAPE))
    climatology = xr.Dataset(
        {
            f"{DAILY_PRECIPITATION}_seeps_dry_fraction": (by_day, fraction),
            f"{DAILY_PRECIPITATION}_seeps_threshold": (by_day, heavy, {"units": "m"}),
        },
        {"hour": [0, 12], "dayofyear": np.arange(1, 21), **GRID},
    )
    return forecast, truth, climatology


SETTINGS = {
    "variables": DAILY_PRECIPITATION,
    "metrics": "seeps,mae",
    "check_times": "no",
    "regions": "global",
}


def test_an_evaluation_agrees_with_scores(tmp_path):
    forecast, truth, climatology = data()
    path = tmp_path / "climatology.nc"
    climatology.to_netcdf(path)
    found = evaluate(forecast, truth, climatology=path, by_init=True, **SETTINGS)
    ours = found[f"seeps.{DAILY_PRECIPITATION}_by_init"].sel(region="global")
    assert ours.attrs["units"] == "1"
    assert "the climatology has no" not in found.notes  # its mean is not needed
    dry = climatology[f"{DAILY_PRECIPITATION}_seeps_dry_fraction"]
    heavy = climatology[f"{DAILY_PRECIPITATION}_seeps_threshold"]
    dry = dry.mean(("hour", "dayofyear"))
    for init, lead in [(0, 0), (8, 2), (3, 1)]:
        rain = forecast[DAILY_PRECIPITATION].isel(init_time=init, lead_time=lead)
        time = rain.init_time + rain.lead_time
        theirs = seeps_of_scores(
            rain.drop_vars(("init_time", "lead_time")),
            truth[DAILY_PRECIPITATION].sel(time=time).drop_vars("time"),
            dry,
            heavy.sel(dayofyear=time.dt.dayofyear, hour=time.dt.hour, drop=True),
            dry_light_threshold=0.25e-3,
            weights=xr.DataArray(AREAS, dims=PLACE),
        )
        np.testing.assert_allclose(ours[init, lead], theirs, rtol=1e-9)
    total = found[f"seeps.{DAILY_PRECIPITATION}"].sel(region="global")
    np.testing.assert_allclose(total, ours.mean("init_time"), rtol=1e-12)


def test_units_of_thresholds():
    forecast, truth, climatology = data()
    right = evaluate(forecast, truth, climatology=climatology, **SETTINGS)
    name = f"{DAILY_PRECIPITATION}_seeps_threshold"
    climatology[name] = climatology[name] * 1000
    with pytest.raises(InputDataError, match="cannot be metres"):
        evaluate(forecast, truth, climatology=climatology, **SETTINGS)
    climatology[name].attrs["units"] = "mm"
    other = evaluate(forecast, truth, climatology=climatology, **SETTINGS)
    score = f"seeps.{DAILY_PRECIPITATION}"
    np.testing.assert_allclose(other[score], right[score], rtol=1e-12)


def test_what_seeps_needs():
    forecast, truth, climatology = data()
    name = f"{DAILY_PRECIPITATION}_seeps_threshold"
    for means, message in (
        (None, "The metric seeps needs a climatology"),
        ("compute", "needs a climatology with .*_dry_fraction and .*_threshold"),
        (climatology.drop_vars(name), f"needs a climatology with {name} by day"),
    ):
        with pytest.raises(ConfigError, match=message):
            evaluate(forecast, truth, climatology=means, **SETTINGS)
    coarse = climatology.isel(longitude=slice(None, None, 2))
    with pytest.raises(InputDataError, match="is on 12x13"):
        evaluate(forecast, truth, climatology=coarse, **SETTINGS)
    both = [x.assign(other=2 * x[DAILY_PRECIPITATION]) for x in (forecast, truth)]
    with pytest.raises(ConfigError, match="24-hour precipitation, which is not scored"):
        others = {**SETTINGS, "variables": "other"}
        evaluate(*both, climatology=climatology, **others)


def test_amounts_since_the_initial_time_give_those_of_a_day():
    forecast, truth, climatology = data()
    rain = forecast[DAILY_PRECIPITATION].isel(lead_time=[0, 2]).values
    leads = hours(24, 36, 48)
    sums = np.stack([rain[:, 0], rain[:, 0] + 1e-3, rain.sum(1)], 1)
    dims = ("init_time", "lead_time", *PLACE)
    ours = forecast.drop_vars(DAILY_PRECIPITATION).assign(
        precipitation_cumulative_mean=(dims, sums, {"units": "m"}), lead_time=leads
    )
    derived = with_daily_precipitation(ours)[DAILY_PRECIPITATION]
    np.testing.assert_array_equal(derived[:, 0], rain[:, 0])
    assert np.isnan(derived[:, 1]).all()  # there is no lead time of 12 hours
    np.testing.assert_allclose(derived[:, 2], rain[:, 1], atol=1e-8)
    part = derived[3, 2, 4:6, [7, 1]]
    np.testing.assert_allclose(part, rain[3, 1, 4:6][:, [7, 1]], atol=1e-8)
    found = evaluate(ours, truth, climatology=climatology, **SETTINGS)
    direct = evaluate(forecast, truth, climatology=climatology, **SETTINGS)
    for metric in "seeps", "mae":
        score = f"{metric}.{DAILY_PRECIPITATION}"
        np.testing.assert_allclose(
            found[score].isel(lead_time=[0, 2]),
            direct[score].isel(lead_time=[0, 2]),
            rtol=1e-5,
        )
    assert found[f"count.{DAILY_PRECIPITATION}"].values.tolist() == [9, 0, 9]
    assert f"{DAILY_PRECIPITATION} of dataset_1 was derived" in found.notes
