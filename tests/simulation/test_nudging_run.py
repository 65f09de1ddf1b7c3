"""Nudged runs of the tiny model: their numbers, their records, wrong data."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import xarray as xr
from runs import AMIP, ENSEMBLE, FORECAST, Stop, assert_same, command, read, stopping
from small_analysis import build_analysis

from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.inputs.sources import bundled
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.summary import summarize
from ngcm_cli.testing import FIELDS, TinyModel

HOUR = np.timedelta64(3600, "s")
FIRST = bundled.SAMPLE_TIME


def analyses(start, hours, without=()):
    """Analyses of the tiny model's grid at hours after a time, one without another."""
    times = np.datetime64(start, "s") + np.delete(np.array(hours), without) * HOUR
    grid = TinyModel().grid
    nodes = np.rad2deg(grid.longitude), np.rad2deg(grid.latitude)
    return build_analysis(*nodes, times, TinyModel().levels)[list(FIELDS)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Analyses every four hours for a forecast, and for a climate run, by command."""
    folder = tmp_path_factory.mktemp("analyses")
    paths = {"forecast": folder / "weather.nc", "amip": folder / "climate.nc"}
    analyses(FIRST, range(0, 28, 4)).to_netcdf(paths["forecast"])
    analyses(AMIP.settings["start"], range(0, 100, 4)).to_netcdf(paths["amip"])
    return paths | {"ensemble": paths["forecast"]}


def nudged(case, data, **more):
    settings = {**case.settings, "nudge": data[case.command], **more}
    return dataclasses.replace(case, settings=settings)


def test_every_step_is_relaxed_to_the_data(tiny, tmp_path, data):
    """x + 1, then (1 - exp(-Δt/τ)) of the way to the data, linear between times."""
    tiny.change(stochastic=False)
    case = nudged(
        FORECAST, data, nudge_time="3h", variables="t,u", nudge_variables="temperature"
    )
    fields = read(case.start(tmp_path))
    free = read(
        FORECAST.start(tmp_path, output=tmp_path / "free.zarr", variables="t,u")
    )
    winds = (x["u_component_of_wind"] for x in (fields, free))
    np.testing.assert_allclose(*winds, rtol=3e-7)  # six ones, or a six
    with xr.open_dataset(data["forecast"]) as reference:
        known = reference["temperature"].sel(level=[500, 850])
        known = known.transpose("time", "level", "longitude", "latitude")
        known = known.values.astype(np.float64)
    ours = fields["temperature"].squeeze(drop=True)
    ours = ours.transpose("lead_time", "level", "longitude", "latitude").values
    x = ours[0].astype(np.float64)
    for step in range(1, 25):
        before, share = divmod(step / 4, 1)
        a, b = known[int(before)], known[min(int(before) + 1, len(known) - 1)]
        x = x + 1
        x = x + (1 - np.exp(-1 / 3)) * (a + share * (b - a) - x)
        if step % 6 == 0:
            np.testing.assert_allclose(ours[step // 6], x, rtol=3e-6)


def test_members_are_nudged_alike(tiny, tmp_path, data):
    case = nudged(ENSEMBLE, data, nudge_time="1h", keep_members=True, statistics="std")
    spread = read(case.start(tmp_path))["temperature_std"]
    lead = spread.mean([x for x in spread.dims if x != "lead_time"]).values
    # Nothing but their beginning tells them apart: 6 and 12 hours of τ = 1 h.
    np.testing.assert_allclose(lead / lead[0], np.exp([0, -6, -12]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("case, windows", [(FORECAST, 2), (AMIP, 3), (ENSEMBLE, 2)])
def test_resumed_with_the_same_bits(tiny, tmp_path, data, case, windows):
    case = nudged(case, data, nudge_time="5h")
    (tmp_path / "whole").mkdir()
    whole = case.start(tmp_path / "whole")
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(0, windows))
    assert_same(case.resume(tmp_path), whole)


def test_it_is_recorded_and_not_changed(tiny, tmp_path, data, monkeypatch, capsys):
    case = nudged(ENSEMBLE, data, nudge_time="5h", nudge_wavenumber=2)
    case = dataclasses.replace(case, settings={**case.settings, "statistics": ()})
    output = case.start(tmp_path)
    attributes = read(output).attrs
    assert attributes["nudging"] == (
        "u_component_of_wind, v_component_of_wind, temperature within 5h, total "
        f"wavenumbers up to 2, to {data['ensemble']}"
    )
    settings = json.loads(attributes["ngcm_run"])["settings"]
    assert settings["nudge"] == str(data["ensemble"])
    with pytest.raises(OutputError, match="nudge_time 5h, not 3h"):
        case.start(tmp_path, members="5:6", nudge_time="3h")
    flags = "--resume", output, "--nudge-time", "3h"
    code, text = command(monkeypatch, capsys, "ensemble", *flags)
    assert code == 2 and "--nudge-time cannot be given with --resume" in text
    assert not any("nudg" in x for x in read(FORECAST.start(tmp_path)).attrs)


def test_the_plan_tells(tiny, tmp_path, data):
    settings = {**nudged(FORECAST, data).settings, "output": tmp_path / "plan.zarr"}
    plan = summarize(set_up(ForecastConfig(**settings)))
    assert "\nNudging    u_component_of_wind, v_component_of_wind, temperature" in plan
    assert not (tmp_path / "plan.zarr").exists()


def test_other_data_are_noticed(tiny, tmp_path, data):
    own = tmp_path / "weather.nc"
    shutil.copy(data["forecast"], own)
    case = nudged(FORECAST, {"forecast": own}, nudge_time="5h")
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(0, 2))
    warmer = xr.load_dataset(own)
    warmer["temperature"] += 1
    warmer.to_netcdf(tmp_path / "new.nc")
    (tmp_path / "new.nc").replace(own)  # which is still open in this process
    with pytest.raises(OutputError, match="was made with other data to nudge to"):
        case.resume(tmp_path)


def test_the_initial_time_alone(tiny, tmp_path, data):
    case = nudged(FORECAST, data, lead="0h")
    assert read(case.start(tmp_path)).sizes["lead_time"] == 1


@pytest.mark.parametrize(
    "hours, without, sentence, remedy",
    [
        (range(0, 20, 4), (), "01-02T00 to 1959-01-02T16, and 1959-01-02T00", "cover"),
        (range(4, 40, 4), (), "analyses from 1959-01-02T04 to", "shorter run"),
        (
            range(0, 28, 4),
            (3, 4),
            "between 1959-01-02T08 and 1959-01-02T20",
            "Add them",
        ),
        ([0, 12.5, 25], (), "1959-01-02T12:30 is not a whole number of", "Select"),
    ],
)
def test_data_that_do_not_suffice(tiny, tmp_path, hours, without, sentence, remedy):
    hours = np.array(hours)
    times = (60 * hours).astype(int)
    dataset = analyses(FIRST, range(len(times)))
    moved = np.datetime64(FIRST, "s") + times * np.timedelta64(60, "s")
    dataset = dataset.assign_coords(time=moved.astype("datetime64[ns]"))
    kept = [i for i in range(len(times)) if i not in without]
    dataset.isel(time=kept).to_netcdf(tmp_path / "data.nc")
    with pytest.raises(InputDataError) as caught:
        FORECAST.start(tmp_path, nudge=tmp_path / "data.nc")
    assert sentence in caught.value.message and remedy in caught.value.hint
    assert str(tmp_path / "data.nc") in caught.value.message
    assert not (tmp_path / FORECAST.output).exists()


def test_data_without_a_variable(tiny, tmp_path, data):
    analyses(FIRST, [0, 24])[["temperature"]].to_netcdf(tmp_path / "data.nc")
    with pytest.raises(InputDataError, match=r"missing: u_component_of_wind \(u\)"):
        FORECAST.start(tmp_path, nudge=tmp_path / "data.nc")


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"nudge_time": "6h"}, "nudge_time is given, but no data to nudge to"),
        ({"nudge": None, "nudge_time": "6h"}, "but no data to nudge to"),
        ({"nudge": "x.nc", "nudge_time": "0h"}, "nudge_time is zero"),
        ({"nudge": "x.nc", "nudge_variables": "u,t"}, "Only one component of the wind"),
        ({"nudge": "x.nc", "nudge_variables": "tempera"}, "'tempera' cannot be nudged"),
        ({"nudge": "x.nc", "nudge_variables": ""}, "nudge_variables: It is empty"),
        ({"nudge": "x.nc", "nudge_wavenumber": 0}, "not a positive whole number"),
    ],
)
def test_wrong_settings(tiny, tmp_path, settings, sentence):
    with pytest.raises(ConfigError) as caught:
        FORECAST.start(tmp_path, **settings)
    assert sentence in caught.value.message and caught.value.hint


def test_a_time_below_a_step(tiny, tmp_path, data):
    with pytest.raises(ConfigError, match="nudge_time 30m is shorter than the step"):
        nudged(FORECAST, data, nudge_time="30min").start(tmp_path)


def test_tendencies_of_a_free_run(tmp_path, reduced_model):
    with pytest.raises(ConfigError, match="temperature is not nudged"):
        FORECAST.start(
            tmp_path,
            model=reduced_model,
            variables="tendency_of_air_temperature_due_to_nudging",
        )
