"""The comparison with published forecasts: numbers, verdicts and causes."""

import contextlib

import numpy as np
import pytest
import xarray as xr
from published_fields import (
    GRID,
    INITS,
    LATITUDE,
    LEADS,
    LEVELS,
    LONGITUDE,
    UNITS,
    forecasts,
    plan,
    truth,
)

from ngcm_cli.config.published import PublishedConfig
from ngcm_cli.errors import CheckpointError, ConfigError, InputDataError
from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.verification.published.comparison import compare_forecasts
from ngcm_cli.verification.published.differences import Difference
from ngcm_cli.verification.published.plan import PublishedPlan, plan_comparison
from ngcm_cli.verification.published.table import failure, table


def test_equal_forecasts():
    comparison = compare_forecasts(plan(forecasts(), truth()), forecasts())
    assert comparison.failed == () and failure(comparison) == ""
    assert len(comparison.fields) == len(UNITS) * len(LEADS) * len(LEVELS)
    for field in comparison.fields:
        assert field.difference.rms == field.difference.mean == 0
        assert field.difference.correlation == pytest.approx(1, abs=1e-9)
        assert field.passed is (True if field.lead <= LEADS[2] else None)
    assert comparison.notes == ()


def test_numbers_are_those_of_plain_numpy():
    ours, published, record = forecasts(1), forecasts(), truth()
    record["temperature"][0, 1, 5:9, 3] = np.nan  # a gap is left out, not filled
    comparison = compare_forecasts(plan(published, record), ours)
    weights = np.broadcast_to(area_weights(LATITUDE)[:, None], GRID.nodal_shape[::-1])
    found = next(
        x
        for x in comparison.fields
        if (x.variable, x.level, x.lead) == ("temperature", 500, LEADS[0])
    ).difference
    x, y = (d["temperature"].values[:, 0, 1].astype(float) for d in (ours, published))
    o = np.stack(
        [record["temperature"].sel(time=t, level=500).values for t in INITS]
    ).astype(float)
    w = np.broadcast_to(weights, x.shape)

    def mean(values, valid=True):
        inside = np.broadcast_to(valid, values.shape)
        return np.average(values[inside], weights=w[inside])

    assert found.rms == pytest.approx(np.sqrt(mean((x - y) ** 2)), rel=1e-10)
    assert found.mean == pytest.approx(mean(x - y), abs=1e-9)
    variance = mean((y - mean(y)) ** 2)
    assert found.deviation == pytest.approx(np.sqrt(variance), rel=1e-9)
    covariance = mean((x - mean(x)) * (y - mean(y)))
    correlation = covariance / np.sqrt(variance * mean((x - mean(x)) ** 2))
    assert found.correlation == pytest.approx(correlation, abs=1e-9)
    there = ~np.isnan(o)
    gap = np.where(there, o, 0)
    assert found.our_error == pytest.approx(
        np.sqrt(mean((x - gap) ** 2, there)), rel=1e-10
    )
    assert found.published_error == pytest.approx(
        np.sqrt(mean((y - gap) ** 2, there)), rel=1e-10
    )
    change = found.our_error / found.published_error - 1
    assert found.error_change == pytest.approx(change, abs=1e-12)


@pytest.mark.parametrize(
    ("error", "deviation", "allowed"),
    [(0.3, 10, 0.1), (9, 10, 0.5), (1e-3, 10, 0.02), (float("nan"), 10, 0.5)],
)
def test_what_is_allowed(error, deviation, allowed):
    difference = Difference(0.0, 0.0, deviation, 1.0, error, error)
    assert difference.allowed == pytest.approx(allowed)


def test_scores_must_be_alike():
    worse = Difference(0.3, 0.3, 10, 1.0, 1.06, 1.0)
    assert worse.rms < worse.allowed and not worse.agrees
    assert Difference(0.3, 0.3, 10, 1.0, 1.04, 1.0).agrees
    assert Difference(0.01, 0.01, 10, 1.0, 1.06, 1.0).agrees  # rounding


def shifted(data: xr.Dataset) -> xr.Dataset:
    return data.assign(geopotential=data["geopotential"] + np.float32(100))


DEFECTS = {
    "geopotential (9 fields): the published fields are +100 off everywhere": shifted,
    "the published fields are turned by 180 degrees of longitude": lambda x: x.roll(
        longitude=len(LONGITUDE) // 2
    ),
    "the published fields are turned by 11.25 degrees of longitude": lambda x: x.roll(
        longitude=1
    ),
    "north and south are exchanged": lambda x: x.isel(
        latitude=slice(None, None, -1)
    ).assign_coords(latitude=LATITUDE),
    "those of a lead time that is 6h longer instead": lambda x: x.roll(lead_time=-1),
    "those of a start 12h earlier instead": lambda x: x.roll(init_time=1),
    "those of the next lower level instead": lambda x: x.roll(level=-1),
    "those of the levels in opposite order instead": lambda x: x.isel(
        level=slice(None, None, -1)
    ).assign_coords(level=LEVELS),
    "those of v_component_of_wind instead": lambda x: x.rename(
        u_component_of_wind="v_component_of_wind",
        v_component_of_wind="u_component_of_wind",
    ),
    "v_component_of_wind (9 fields): the published fields have the other sign": (
        lambda x: x.assign(v_component_of_wind=-x["v_component_of_wind"])
    ),
    "geopotential (9 fields): the published fields are 0.10197 times ours": (
        lambda x: x.assign(geopotential=x["geopotential"] / np.float32(9.80665))
    ),
    "have values that are not finite": lambda x: x.where(x["longitude"] > 1),
}


@pytest.mark.parametrize("cause", DEFECTS)
def test_a_defect_is_found_and_named(cause):
    good = forecasts()
    bad = DEFECTS[cause](good)
    bad = bad.assign({n: bad[n].assign_attrs(units=u) for n, u in UNITS.items()})
    comparison = compare_forecasts(plan(bad, truth()), good)
    assert comparison.failed
    assert cause in failure(comparison)


def test_without_a_simple_cause():
    comparison = compare_forecasts(plan(forecasts(1), None), forecasts())
    assert "no simple cause was found" in failure(comparison)
    assert table(comparison)[1][-4:] == ("-", "-", "-", "FAILED")


def test_a_truth_that_lacks_times_is_said():
    record = truth().isel(time=slice(1, None))
    comparison = compare_forecasts(plan(forecasts(), record), forecasts())
    (note,) = comparison.notes
    assert note == "The truth lacks 2020-01-01T00:00: no score there."
    first = comparison.fields[0].difference
    assert np.isfinite(first.our_error)  # of the other start
    one = plan(forecasts(), record, init_times=INITS[:1])
    assert np.isnan(compare_forecasts(one, forecasts()).fields[0].difference.our_error)


def test_analyses_in_place_of_forecasts_at_the_start_are_not_judged():
    ours = forecasts()
    ours["temperature"] = ours["temperature"] + np.float32(0.5)
    comparison = compare_forecasts(
        plan(forecasts(), truth(0.0), init_times=INITS[:1]), ours
    )
    warm = [x for x in comparison.fields if x.variable == "temperature"]
    assert {x.passed for x in warm if x.lead == LEADS[0]} == {None}
    assert {x.passed for x in warm if LEADS[0] < x.lead <= LEADS[2]} == {False}
    (note,) = comparison.notes
    assert note.startswith("Published fields of temperature at lead time 0h are the")


def test_another_grid_is_said():
    coarse = forecasts().isel(longitude=slice(None, None, 2))
    comparison = compare_forecasts(plan(coarse, truth()), forecasts())
    (note,) = comparison.notes
    assert note.startswith("Ours are on 32x16") and "regridded conservatively" in note
    assert comparison.grid.startswith("16x16")


def planned(**settings) -> PublishedPlan:
    with contextlib.ExitStack() as closing:
        return plan_comparison(PublishedConfig(**settings), closing)


@pytest.fixture
def stores(tmp_path):
    forecasts().to_netcdf(tmp_path / "published.nc")
    truth().to_netcdf(tmp_path / "truth.nc")
    return {
        "model": "deterministic_0_7_deg",
        "against": tmp_path / "published.nc",
        "data": tmp_path / "truth.nc",
    }


def test_what_is_chosen(stores):
    chosen = planned(**stores)
    assert chosen.members is None
    np.testing.assert_array_equal(chosen.init_times, INITS)
    np.testing.assert_array_equal(chosen.lead_times, LEADS[:3])
    assert [v.name for v in chosen.variables] == list(UNITS)
    assert chosen.variables[0].levels == (250, 500, 850)
    assert chosen.run.every == np.timedelta64(6, "h")
    assert chosen.run.lead == np.timedelta64(12, "h")
    few = planned(**stores, starts=1, lead="0h,12h", variables="z500,t", levels="850")
    assert {v.name: v.levels for v in few.variables} == {
        "geopotential": (500,),
        "temperature": (850,),
    }
    assert few.run.every == few.run.lead == np.timedelta64(12, "h")
    assert few.run.init == (INITS[0],)
    assert planned(**stores, truth="none").truth is None


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"lead": "5h"}, InputDataError, "lead time 5h"),
        ({"init": "2021-01-01"}, InputDataError, "initial time 2021-01-01T00"),
        ({"variables": "q"}, ConfigError, "no output variable 'q'"),
        ({"levels": "300"}, InputDataError, "not published at 300 hPa"),
        ({"init": "2020-01-01", "starts": 2}, ConfigError, "init and starts"),
        ({"levels": "model"}, ConfigError, "on pressure levels"),
    ],
)
def test_what_is_refused(stores, settings, error, message):
    with pytest.raises(error, match=message):
        planned(**stores, **settings)


def test_climate_runs_and_foreign_truths_are_refused(stores, tmp_path):
    with pytest.raises(InputDataError, match="holds no forecasts"):
        planned(**stores | {"against": tmp_path / "truth.nc"})
    late = truth()
    late["time"] = late["time"] + np.timedelta64(365, "D")
    late.to_netcdf(tmp_path / "late.nc")
    with pytest.raises(InputDataError, match="none of the valid times"):
        planned(**stores, truth=tmp_path / "late.nc")
    (note,) = planned(**stores | {"data": tmp_path / "late.nc"}).notes
    assert note.endswith("No scores are computed.")


def test_models_without_published_forecasts_name_those_with():
    with pytest.raises(CheckpointError) as caught:
        planned(model="deterministic_2_8_deg")
    assert "deterministic_0_7_deg and stochastic_1_4_deg" in str(caught.value)
    assert "climate runs are not compared" in str(caught.value)
