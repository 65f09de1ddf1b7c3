"""Scores of whole evaluations against known answers and plain NumPy."""

import unittest.mock

import numpy as np
import pytest
import xarray as xr
from synthetic_forecasts import LEVELS, START, forecast, hours, truth

from ngcm_cli.config.evaluate import EvaluateConfig, parse_locations
from ngcm_cli.diagnostics.spectra import power_spectrum
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.verification import evaluation, evaluation_blocks
from ngcm_cli.verification.evaluation import evaluate
from ngcm_cli.verification.evaluation_blocks import divide
from ngcm_cli.verification.evaluation_sources import EvaluationSources
from ngcm_cli.verification.partial_scores import Missing
from ngcm_cli.verification.regions import REGIONS
from ngcm_cli.verification.score_attributes import describe_scores
from ngcm_cli.verification.spectral_statistics import SPECTRA, TruthSpectra

ALL = "temperature,mean_sea_level_pressure"


def areas(latitude: np.ndarray) -> np.ndarray:
    """Areas of latitudes on a regular grid with poles, as WeatherBench weights them."""
    half = (latitude[1] - latitude[0]) / 2
    bounds = np.deg2rad(np.clip([latitude - half, latitude + half], -90, 90))
    return np.sin(bounds[1]) - np.sin(bounds[0])


def aligned(forecasts: xr.Dataset, record: xr.Dataset, name: str) -> np.ndarray:
    """The truth of every forecast, (init_time, lead_time, ...), float64."""
    valid = (forecasts.init_time + forecasts.lead_time).values
    there = record[name].sel(time=valid.ravel()).values
    return there.reshape(*valid.shape, *there.shape[1:]).astype(np.float64)


def test_constant_error_in_every_region():
    record = truth()
    scores = evaluate(forecast(record, error=2.0), record, variables=ALL)
    assert list(scores.region.values) == list(REGIONS)
    for metric in "rmse", "mae", "bias", "rmsb":
        for variable in ALL.split(","):
            # The fields are float32, of about 250.
            np.testing.assert_allclose(scores[f"{metric}.{variable}"], 2, rtol=2e-6)
    assert scores["rmse.temperature"].dims == ("region", "lead_time", "level")
    assert scores["rmse.mean_sea_level_pressure"].dims == ("region", "lead_time")
    assert scores["rmse.temperature"].attrs["units"] == "K"
    assert (scores["count.temperature"] == 3).all()
    assert "forecast" not in scores.dims
    assert "rmse.temperature_lower" not in scores  # of three initial times


def test_passwords_and_signatures_are_not_published():
    secret = "https://user:password@example.org/{}.zarr?X-Amz-Signature=0123"
    config = EvaluateConfig(
        forecast=f"ours={secret.format('f')}", truth=secret.format("t"),
        baseline=secret.format("b"), climatology=secret.format("c"),
    )  # fmt: skip
    record = truth()
    sources = EvaluationSources({"ours": record}, record)
    plan = unittest.mock.Mock(climatology=None, reference=None, notes=[])
    plan.grid.description = "a grid"
    written = str(describe_scores(config, sources, plan, Missing()))
    assert "example.org/t.zarr" in written and "ours=" in written
    assert "password" not in written and "0123" not in written


def test_scores_equal_plain_numpy():
    record = truth(days=8)
    made = forecast(record, error=0.3, noise=1.5, starts=10)
    scores = evaluate(
        made, record, variables="temperature", regions="tropics,europe", by_init=True
    )
    error = made.temperature.values.astype(np.float64) - aligned(
        made, record, "temperature"
    )
    latitude, longitude = record.latitude.values, record.longitude.values
    weights = np.repeat(areas(latitude)[:, None], len(longitude), 1)
    east = (longitude + 180) % 360 - 180
    europe = ((latitude >= 35) & (latitude <= 75))[:, None] & (
        (east >= -12.5) & (east <= 42.5)
    )
    tropics = np.broadcast_to((np.abs(latitude) <= 20)[:, None], europe.shape)
    for region, mask in ("global", 1.0), ("tropics", tropics), ("europe", europe):
        inside = weights * mask

        def mean(values, inside=inside):
            return (values * inside).sum((-1, -2)) / inside.sum()

        chosen = scores.sel(region=region)
        expected = {
            "rmse": np.sqrt(mean(error**2).mean(0)),
            "mae": mean(np.abs(error)).mean(0),
            "bias": mean(error).mean(0),
            "rmsb": np.sqrt(mean(error.mean(0) ** 2)),
        }
        for metric, values in expected.items():
            ours = chosen[f"{metric}.temperature"].values
            np.testing.assert_allclose(ours, values, rtol=1e-10, err_msg=metric)
        single = chosen["rmse.temperature_by_init"].values
        np.testing.assert_allclose(single, np.sqrt(mean(error**2)), rtol=1e-10)
    lower, upper = (scores[f"rmse.temperature_{x}"] for x in ("lower", "upper"))
    assert (lower < scores["rmse.temperature"]).all()
    assert (scores["rmse.temperature"] < upper).all()


def test_ensemble_scores_equal_plain_numpy():
    record = truth()
    made = forecast(record, error=0.2, noise=1.0, members=3)
    scores = evaluate(made, record, variables="temperature", regions="global")
    members = made.temperature.values.astype(np.float64)
    there = aligned(made, record, "temperature")
    weights = areas(record.latitude.values)
    weights = np.repeat(weights[:, None], record.sizes["longitude"], 1)

    def mean(values):
        return ((values * weights).sum((-1, -2)) / weights.sum()).mean(0)

    skill = np.abs(members - there).mean(0)
    pairs = [np.abs(members[i] - members[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    crps = mean(skill - np.mean(pairs, 0) / 2)
    squared = (members.mean(0) - there) ** 2
    variance = members.var(0, ddof=1)
    at = scores.sel(region="global")
    for name, expected in {
        "crps": crps,
        "ensemble_mean_rmse": np.sqrt(mean(squared)),
        "rmse": np.sqrt(mean(squared)),
        "ensemble_spread": np.sqrt(mean(variance)),
        "spread_skill_ratio": np.sqrt(mean(variance) / mean(squared - variance / 3)),
    }.items():
        ours = at[f"{name}.temperature"].values
        np.testing.assert_allclose(ours, expected, rtol=1e-10, err_msg=name)
    ranks = scores["rank_histogram.temperature"]
    assert ranks.dims == ("region", "lead_time", "level", "rank")
    np.testing.assert_allclose(ranks.sum("rank"), 1, rtol=1e-12)


def test_wind_is_scored_as_a_vector():
    record = truth(variables=("u_component_of_wind", "v_component_of_wind"))
    scores = evaluate(forecast(record, error=3.0), record, variables="wind850")
    values = scores["vector_rmse.wind"].sel(level=850)
    np.testing.assert_allclose(values, np.sqrt(18), rtol=2e-6)
    assert "rmse.wind" not in scores


def test_derived_variables_on_both_sides():
    record = truth(variables=("u_component_of_wind", "v_component_of_wind"))
    made = forecast(record, noise=1.0)
    scores = evaluate(made, record, variables="wind_speed", regions="global")
    speed = np.hypot(made.u_component_of_wind, made.v_component_of_wind).values
    u, v = (aligned(made, record, f"{x}_component_of_wind") for x in "uv")
    there = np.hypot(u.astype(np.float32), v.astype(np.float32))
    error = speed.astype(np.float64) - there
    weights = areas(record.latitude.values)[:, None]
    mean = (error**2 * weights).sum((-1, -2)).mean(0) / weights.sum() / 24
    ours = scores["rmse.wind_speed"].sel(region="global")
    np.testing.assert_allclose(ours, np.sqrt(mean), rtol=1e-10)
    assert "wind_speed of the truth was derived" in scores.notes


def test_times_without_truth_are_left_out_and_named():
    record = truth()
    gap = np.datetime64("2020-01-01T12")
    made = forecast(record, error=2.0)
    scores = evaluate(
        made, record.sel(time=record.time != gap), variables="temperature"
    )
    counts = scores["count.temperature"].sel(lead_time=hours(0, 6, 12, 24))
    assert counts.values.tolist() == [2, 3, 2, 3]
    assert "2020-01-01T12" in scores.missing_truth_times
    assert "no record of 1 valid times" in scores.notes
    np.testing.assert_allclose(scores["rmse.temperature"], 2, rtol=2e-6)


def test_records_of_nan_count_as_missing():
    record = truth()
    broken = record.copy(deep=True)
    broken["temperature"].loc[{"time": "2020-01-01T12"}] = np.nan
    made = forecast(record, error=2.0)
    made["temperature"][0, -1] = np.nan  # not finished
    scores = evaluate(made, broken, variables="temperature")
    assert scores["count.temperature"].values.tolist() == [2, 3, 2, 2]
    assert "1 valid times of temperature have no truth" in scores.notes
    assert "1 records of temperature of dataset_1" in scores.notes
    np.testing.assert_allclose(scores["rmse.temperature"], 2, rtol=2e-6)


def test_cells_without_values_lose_their_weight():
    record = truth(variables=("mean_sea_level_pressure",))
    masked = record.copy(deep=True)
    masked["mean_sea_level_pressure"][:, :6] = np.nan
    made = forecast(record, error=1.0)
    made["mean_sea_level_pressure"][:, :, 9:] += 1  # and these would be 2
    made["mean_sea_level_pressure"][:, :, 9:] *= np.nan
    scores = evaluate(made, masked, variables="msl", regions="global")
    np.testing.assert_allclose(scores["rmse.mean_sea_level_pressure"], 1, rtol=2e-4)
    assert "cells without values (NaN)" in scores.notes


@pytest.mark.parametrize("shift", [12, -12, 6])
def test_a_shifted_truth_is_refused(shift):
    record = truth(days=8)
    made = forecast(record, noise=0.1).isel(lead_time=slice(0, 2))
    made["init_time"] = made.init_time + np.timedelta64(24, "h")
    moved = record.assign_coords(time=record.time + np.timedelta64(24 + shift, "h"))
    with pytest.raises(InputDataError, match="shifted in time") as error:
        evaluate(made, moved, variables="temperature")
    direction = "later" if shift > 0 else "earlier"
    assert f"{abs(shift)}h {direction}" in str(error.value)
    evaluate(made, moved, variables="temperature", check_times="no")


def test_a_shifted_truth_without_the_first_lead_time_is_refused():
    """It begins after the forecast: the next lead time is compared."""
    record = truth(days=3)
    made = forecast(record, noise=0.1).isel(init_time=slice(0, 1))
    leads = made.lead_time.values
    moved = record.assign_coords(time=record.time + leads[1])
    assert leads[0] == 0 and moved.time[0] > made.init_time[0]
    with pytest.raises(InputDataError, match="shifted in time"):
        evaluate(made, moved, variables="temperature")


def test_another_grid_is_regridded_conservatively():
    fine = truth(latitude=np.linspace(-90, 90, 25), longitude=np.arange(48) * 7.5)
    made = forecast(truth(), error=0.0)
    coarse = forecast(fine, error=2.0)
    scores = evaluate(coarse, fine, variables="temperature", grid="15")
    np.testing.assert_allclose(scores["bias.temperature"], 2, rtol=1e-5)
    assert scores.grid == "24x13 (15 degrees)"
    both = evaluate(made, fine, variables="temperature", check_times="no")
    assert both.grid == "24x13 (15 degrees)"
    assert "the truth was regridded" in both.notes


def test_only_common_levels_and_none_is_interpolated():
    record = truth()
    made = forecast(record.sel(level=[850.0]))
    scores = evaluate(made, record, variables="t")
    assert scores.level.values.tolist() == [850]
    with pytest.raises(InputDataError, match="no temperature at 500 hPa: it has 850"):
        evaluate(made, record, variables="t500")


def test_persistence_and_another_forecast_as_baselines():
    record = truth(days=10)
    scores = evaluate(
        {"good": forecast(record, error=0.1, starts=12)},
        record,
        baseline=["persistence", forecast(record, error=0.5, starts=10)],
        variables="temperature",
        regions="global",
    )
    names = scores.forecast.values.tolist()
    assert names == ["good", "persistence", "dataset_3"]
    assert scores.baseline.values.tolist() == [0, 1, 1]
    assert scores.reference == "persistence"
    rmse = scores["rmse.temperature"].sel(region="global")
    start = record.temperature.sel(time=START).values.astype(np.float64)
    assert start.shape == (2, 13, 24)
    inits = START + hours(*range(0, 12 * 12, 12))
    first = record.temperature.sel(time=inits).values.astype(np.float64)
    later = record.temperature.sel(time=inits + hours(24)).values.astype(np.float64)
    weights = areas(record.latitude.values)[:, None]
    mean = ((later - first) ** 2 * weights).sum((-1, -2)).mean(0) / weights.sum() / 24
    ours = rmse.sel(forecast="persistence", lead_time=hours(24)[0])
    np.testing.assert_allclose(ours, np.sqrt(mean), rtol=1e-10)
    change = scores["rmse.temperature_difference"].sel(region="global")
    expected = rmse.sel(forecast="good") - rmse.sel(forecast="persistence")
    np.testing.assert_allclose(change.sel(forecast="good"), expected, rtol=1e-12)
    assert np.isnan(change.sel(forecast="persistence")).all()
    # On the ten common starts only.
    single = (
        scores["count.temperature"].sel(forecast="dataset_3").values,
        change.sel(forecast="dataset_3", lead_time=hours(24)[0]).values,
    )
    assert single[0].tolist() == [10] * 4
    weighted = ((later - first) ** 2 * weights)[:10].sum((-1, -2)).mean(0)
    common = np.sqrt(weighted / weights.sum() / 24)
    np.testing.assert_allclose(single[1], 0.5 - common, atol=1e-6)


def test_maps_and_spectra():
    record = truth()
    made = forecast(record, error=2.0)
    scores = evaluate(
        made, record, variables=ALL, regions="global", maps=True, spectra=True
    )
    dims = ("lead_time", "level", "latitude", "longitude")
    assert scores["bias.temperature_map"].dims == dims
    np.testing.assert_allclose(scores["bias.temperature_map"], 2, rtol=2e-5)
    np.testing.assert_allclose(scores["rmse.temperature_map"], 2, rtol=2e-5)
    own, theirs = (scores[f"spectrum.temperature{x}"] for x in ("", "_truth"))
    assert own.dims == ("lead_time", "level", "wavenumber")
    # A constant changes wavenumber zero only.
    np.testing.assert_allclose(own[..., 1:], theirs[..., 1:], rtol=1e-4)
    assert (own[..., 0] > theirs[..., 0]).all()
    assert "zonal_spectrum.mean_sea_level_pressure_truth" in scores


def test_spectra_of_the_truth_are_computed_once(monkeypatch):
    record = truth(variables=("temperature",))
    compute, computed = TruthSpectra._compute, []

    def counted(self, key, positions):
        computed.extend((key[1], position) for position in positions)
        return compute(self, key, positions)

    monkeypatch.setattr(TruthSpectra, "_compute", counted)
    made = [
        forecast(record, noise=1.0),
        forecast(record, noise=2.0).isel(lead_time=[1]),
    ]
    scores = evaluate(made, record, variables="t500", spectra=True)
    valid = np.unique((made[0].init_time + made[0].lead_time).values)
    positions = np.searchsorted(record.time.values, valid).tolist()
    assert sorted(computed) == [(n, p) for n in SPECTRA for p in positions]
    field = record.temperature.sel(time=START + hours(6, 18, 30), level=500).values
    expected = power_spectrum(field, record.latitude.values, record.longitude.values)
    ours = scores["spectrum.temperature_truth"].sel(level=500, lead_time=hours(6)[0])
    for name in scores.forecast.values:
        np.testing.assert_allclose(ours.sel(forecast=name), expected.mean(0), rtol=1e-5)


def test_events():
    record = truth()
    made = forecast(record, noise=1.0, members=5)
    scores = evaluate(
        made, record, variables="t", thresholds="t850:250,t:260", regions="global"
    )
    brier = scores["brier_score.temperature"]
    assert brier.dims == ("region", "lead_time", "level", "threshold")
    assert scores["threshold.temperature"].values.tolist() == [250, 260]
    assert ((brier >= -0.1) & (brier < 0.25)).all()
    assert "observed_frequency.temperature" in scores


def test_lead_times_and_initial_times_are_selected():
    record = truth()
    made = forecast(record, error=1.0)
    scores = evaluate(
        made, record, variables="t", lead="6h,1d", init="2020-01-01T12", by_init=True
    )
    assert scores.lead_time.values.tolist() == hours(6, 24).tolist()
    assert scores.sizes["init_time"] == 1
    with pytest.raises(InputDataError, match="the lead time 5d"):
        evaluate(made, record, lead="5d")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"regions": "tropisc"}, "no region 'tropisc'.*'tropics'"),
        ({"metrics": "rmes"}, "no metric 'rmes'.*'rmse'"),
        ({"metrics": "crps"}, "crps is of ensembles"),
        ({"metrics": "acc"}, "acc needs a climatology"),
        ({"variables": "temprature"}, "no variable 'temprature'.*'temperature'"),
        ({"baseline": "climatology"}, "climatology needs a climatology"),
        ({"baseline": "persistance"}, "no baseline 'persistance'.*'persistence'"),
        ({"climatology": "compute"}, "needs a record of several years"),
        ({"grid": "7"}, "does not divide 180"),
        ({"output": "scores.zarr"}, r"does not end in \.nc"),
        ({"thresholds": "t850>3"}, "is not a threshold"),
        ({"thresholds": "t850:300"}, "Thresholds are of events of ensembles"),
        ({"variables": "sst"}, "has no variable sea_surface_temperature"),
    ],
)
def test_wrong_settings(settings, message):
    record = truth(days=3)
    with pytest.raises((ConfigError, InputDataError), match=message):
        evaluate(forecast(record), record, **settings)


def test_data_that_do_not_fit():
    record = truth(days=3)
    made = forecast(record)
    later = truth(start=np.datetime64("2021-01-01T00", "ns"))
    with pytest.raises(InputDataError, match="no valid time in common"):
        evaluate(made, later)
    with pytest.raises(InputDataError, match="no variable in common"):
        evaluate(made[["temperature"]], record[["mean_sea_level_pressure"]])
    with pytest.raises(InputDataError, match="is a forecast, which cannot be"):
        evaluate(made, made)
    with pytest.raises(InputDataError, match="is no forecast"):
        evaluate(record, record)
    moved = made.assign_coords(init_time=made.init_time + np.timedelta64(6, "h"))
    with pytest.raises(InputDataError, match="no initial time in common"):
        evaluate([made, moved], record, check_times="no")


def test_an_interrupted_evaluation_is_resumed(tmp_path, monkeypatch):
    record = truth(days=16)
    made = forecast(record, error=0.5, noise=1.0, starts=26)
    others = {"variables": "temperature", "maps": True, "by_init": True}
    whole = evaluate(made, record, **others)
    output = tmp_path / "scores.nc"
    once = evaluation_blocks.evaluate_initial_times
    monkeypatch.setattr(evaluation_blocks, "_SECONDS_BETWEEN_SUMS", 0)

    def fails(plan, numbers, sums):
        if 20 in numbers:
            raise KeyboardInterrupt
        return once(plan, numbers, sums)

    assert len(divide(26)) == 4
    with monkeypatch.context() as patch:
        patch.setattr(evaluation_blocks, "evaluate_initial_times", fails)
        with pytest.raises(KeyboardInterrupt) as stop:
            evaluate(made, record, output=output, **others)
    assert "--resume" in stop.value.__notes__[0]
    assert not output.exists()
    with pytest.raises(OutputError, match="was interrupted"):
        evaluate(made, record, output=output, **others)
    with pytest.raises(ConfigError, match="other settings"):
        evaluate(made, record, output=output, resume=True, variables="t850")
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(
            evaluation_blocks,
            "evaluate_initial_times",
            lambda plan, numbers, sums: (
                seen.extend(numbers) or once(plan, numbers, sums)
            ),
        )
        resumed = evaluate(made, record, output=output, resume=True, **others)
    assert sorted(seen) == list(range(16, 26))
    for name in whole.data_vars:
        np.testing.assert_allclose(resumed[name], whole[name], rtol=1e-12, atol=1e-12)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.nc"]
    with pytest.raises(OutputError, match="exists"):
        evaluate(made, record, output=output, **others)


def test_levels_of_variables_are_joined():
    record = truth(variables=("temperature", "geopotential"))
    scores = evaluate(forecast(record, 1.0), record, variables="t850,z500")
    assert scores.level.values.tolist() == LEVELS.tolist()
    missing = np.isnan(scores["rmse.temperature"]).all(("region", "lead_time"))
    assert missing.values.tolist() == [True, False]


def test_changed_data_are_not_continued(tmp_path, monkeypatch):
    record = truth(variables=("temperature",))
    record.to_netcdf(tmp_path / "truth.nc")
    forecast(record, 1.0).to_netcdf(tmp_path / "f.nc")
    config = EvaluateConfig(
        forecast=tuple(parse_locations(str(tmp_path / "f.nc"))),
        truth=str(tmp_path / "truth.nc"),
        output=tmp_path / "s.nc",
    )
    stop = unittest.mock.Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr(evaluation, "compute_scores", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluation.run_evaluation(config)
    monkeypatch.undo()
    forecast(record, 2.0).to_netcdf(tmp_path / "f.nc")
    again = config.model_copy(update={"resume": True})
    with pytest.raises(InputDataError, match="have changed"):
        evaluation.run_evaluation(again)


def test_zonal_means_are_refused():
    made = truth()
    with pytest.raises(InputDataError, match="zonal means"):
        evaluate(forecast(made), made.mean("longitude"))
