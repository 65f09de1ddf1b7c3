"""Several starts and members at once: each is the run that it would be alone."""

import json
import shutil

import jax
import numpy as np
import pytest
import xarray as xr
from agreement import assert_agrees, rms
from long_runs import (
    Spoiling,
    assert_same,
    command,
    contents,
    flags,
    go,
    last_restart,
    snapshot,
)
from ngcm_cli.climate.plan import plan_climate
from ngcm_cli.climate.status import read_config

from ngcm_cli.gcm.perturbation import perturbed
from ngcm_cli.gcm.state_arrays import to_arrays
from ngcm_cli.simulation import run

STARTS = "starts/1982-01-31T00", "starts/1982-02-01T00"
NAMES = "vorticity", "divergence", "temperature_variation", "tracers.specific_humidity"
DAYS = 2
DAY = np.timedelta64(86400, "s")


@pytest.fixture(scope="module")
def settings(reduced_model):
    """Of two runs from each of two starts, the second in another month."""
    return {
        "model": reduced_model,
        "start": "1982-01-31",
        "days": DAYS,
        "starts": 2,
        "start_every": "1d",
        "members": 2,
        "seed": 7,
        "means": "monthly,daily",
        "restart_every": "1d",
    }


@pytest.fixture(scope="module")
def four(settings, tmp_path_factory):
    """Folders of the four runs: whole, and as it was after a day."""
    within = tmp_path_factory.mktemp("four")

    def track(days, plan):
        for report in days:
            if report.day == 1:
                snapshot(within / "whole", within / "killed")
            yield report

    return go(within / "whole", track, **settings), within / "killed"


def opened(folder, start, name):
    store = folder / STARTS[start] / f"{name}.zarr"
    return xr.open_zarr(store, decode_timedelta=False).load()


@pytest.mark.slow
def test_every_start_has_its_months(four):
    folder, _ = four
    for start, edges in enumerate(
        (
            ["1982-01-31", "1982-02-01", "1982-02-02"],
            ["1982-02-01", "1982-02-03"],
        )
    ):
        edges = np.array(edges, "datetime64[ns]")
        months, days = opened(folder, start, "monthly"), opened(folder, start, "daily")
        np.testing.assert_array_equal(months.time_bnds[:, 0], edges[:-1])
        np.testing.assert_array_equal(months.time_bnds[:, 1], edges[1:])
        assert months.realization.values.tolist() == [2 * start, 2 * start + 1]
        for name in ("temperature", "surface_pressure", "P_minus_E_rate"):
            ours, theirs = months[name].values, days[name].values
            if start == 0:  # a day in each month: the same numbers
                np.testing.assert_array_equal(ours, theirs)
            else:
                mean = theirs.mean(axis=1, dtype=np.float64)
                np.testing.assert_allclose(ours[:, 0], mean, rtol=1e-6, atol=1e-9)
            assert (ours[0] != ours[1]).any()  # members differ


@pytest.mark.slow
def test_each_run_is_the_one_alone(four):
    """To what rounding grows to in two days; realization r has its own key."""
    folder, _ = four
    arrays, about = last_restart(folder)
    assert about["day"] == DAYS
    config = read_config(folder).model_copy(update={"output": None})
    plan, beginnings = plan_climate(config)
    model, steps = plan.model, int(DAYS * DAY // plan.model.time_step)

    def alone(number, amplitude=0.0):
        start = plan.runs[number].start
        key = jax.random.fold_in(jax.random.key(7), number)
        time, fields = plan.time(start, 0), beginnings[start].fields
        state = model.encode(fields, plan.forcing(0), time, key)
        state = perturbed(state, jax.random.key(1), amplitude)
        return to_arrays(model.advance(state, plan.forcing(0), steps))

    singles = {number: alone(number) for number in (0, 3)}
    # Rounding of every step, of half a spacing, and what becomes of one of the first.
    moved = alone(0, 6e-8)
    for name in NAMES:
        sensitivity = rms(moved[name].astype(np.float64) - singles[0][name])
        for number, single in singles.items():
            label = f"{name} of run {number}"
            tolerance = np.sqrt(steps) * sensitivity
            assert_agrees(label, "1", arrays[name][number], single[name], tolerance)
        apart = rms(singles[0][name].astype(np.float64) - singles[3][name])
        assert apart > 30 * tolerance
    for number, single in singles.items():
        assert (arrays["random.key"][number] == single["random.key"]).all()
        assert arrays["substep"][number] == single["substep"]


@pytest.mark.slow
def test_killed_and_resumed(four, tmp_path):
    whole, killed = four
    folder = shutil.copytree(killed, tmp_path / "run")
    run.amip(resume=folder)
    assert_same(folder, whole)


@pytest.mark.slow
def test_a_lost_run_changes_no_other(four, settings, monkeypatch, capsys, tmp_path):
    Spoiling(monkeypatch, {1: (1, 2)})
    folder = tmp_path / "run"
    code, said = command(monkeypatch, capsys, *flags(folder, **settings))
    assert code == 0
    assert "Run 2 is lost: on 1982-02-02T00 wind is not finite at sigma" in said
    assert "3 of 4 runs came to their end." in said
    ours, theirs = contents(folder), contents(four[0])
    changed = [
        name
        for name in theirs
        if name.rsplit("/", 1)[1] != "zarr.json" and ours.get(name) != theirs[name]
    ]
    assert changed  # those of the lost run alone: realization 2 is the first there
    assert all(x.startswith(STARTS[1]) and "/c/0/" in x for x in changed)
    assert set(ours) <= set(theirs)
    for start in range(2):
        attributes = opened(folder, start, "daily").attrs
        assert list(json.loads(attributes["lost"])) == ["2"]
        assert attributes["status"] == "complete"
    days = opened(folder, 1, "daily").temperature
    assert np.isfinite(days[0, 0]).all() and np.isnan(days[0, 1]).all()
    assert np.isnan(opened(folder, 1, "monthly").temperature[0]).all()


@pytest.mark.slow
def test_all_runs_lost(settings, monkeypatch, capsys, tmp_path):
    Spoiling(monkeypatch, {0: (1, slice(None))})
    folder = tmp_path / "run"
    code, said = command(monkeypatch, capsys, *flags(folder, **settings))
    assert code == 3
    assert "The run became unstable: on 1982-01-31T00 wind is not finite" in said
    assert np.isnan(opened(folder, 0, "daily").temperature).all()
    assert opened(folder, 1, "daily").attrs["status"] == "unstable"


@pytest.mark.slow
def test_one_run_goes_back(four, settings, monkeypatch, tmp_path):
    """The others come to the same days again, and to the same bits."""
    Spoiling(monkeypatch, {1: (1, 1)})
    folder = go(tmp_path / "run", on_instability="rewind", **settings)
    (rewind,) = json.loads(opened(folder, 1, "daily").attrs["rewinds"])
    assert rewind["run"] == 1 and rewind["to"] == "1982-02-01T00"
    (arrays, _), (others, _) = last_restart(folder), last_restart(four[0])
    for name in NAMES:
        same = (arrays[name] == others[name]).all(axis=(1, 2, 3))
        assert same.tolist() == [True, False, True, True]
