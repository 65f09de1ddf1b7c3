"""Runs that become unstable: what is said, what is kept, and going back."""

import json
import logging

import numpy as np
import pytest
import xarray as xr
from long_runs import Spoiling, assert_same, command, flags, go, snapshot
from ngcm_cli.climate import watchdog
from ngcm_cli.output.restart import RESTARTS, restarts

from ngcm_cli.errors import UnstableRunError
from ngcm_cli.simulation import run

DAYS = 4
STORES = "daily", "daily_zonal", "global", "instants", "monthly"


@pytest.fixture
def settings(reduced_model):
    """Of a run whose second month begins with the last day."""
    return {
        "model": reduced_model,
        "start": "1982-02-26",
        "days": DAYS,
        "means": "monthly,daily",
        "every": "12h",
        "restart_every": "2d",
    }


def opened(folder, name):
    return xr.open_zarr(folder / f"{name}.zarr", decode_timedelta=False).load()


def written(folder, name):
    """How many records of a store hold numbers, all of them the first ones."""
    store = opened(folder, name)
    counts = set()
    for field in store.data_vars.values():
        if "time" in field.dims and field.name != "time_bnds":
            rest = [d for d in field.dims if d != "time"]
            full = np.isfinite(field).all(rest).values
            assert (np.isnan(field).all(rest).values == ~full).all()
            assert (np.diff(full.astype(int)) <= 0).all()
            counts.add(int(full.sum()))
    (count,) = counts
    assert store.attrs["completed_records"] == count
    return count


@pytest.mark.slow
def test_an_unstable_run_stops(settings, monkeypatch, capsys, tmp_path):
    """Before the bad day; everything that is whole is kept, and nothing else is."""
    Spoiling(monkeypatch, {2: (1, None)}, level=3)
    folder = tmp_path / "run"
    code, said = command(monkeypatch, capsys, *flags(folder, **settings))
    assert code == 3
    assert "The run became unstable: on 1982-02-28T00 wind is not finite at " in said
    assert f"at sigma {opened(folder, 'global').sigma.values[3]:.3g}." in said
    assert "--on-instability rewind`, or try another seed." in said
    records = {name: written(folder, name) for name in STORES}
    assert records == {
        "daily": 2,
        "daily_zonal": 2,
        "global": 2,
        "instants": 4,
        "monthly": 0,
    }
    for name in STORES:
        attributes = opened(folder, name).attrs
        assert attributes["status"] == "unstable"
        assert list(json.loads(attributes["lost"])) == ["0"]
    assert json.loads((folder / "progress.json").read_text())["status"] == "unstable"
    code, again = command(monkeypatch, capsys, "amip", "--resume", folder)
    assert code == 3 and "on 1982-02-28T00 wind is not finite at " in again


@pytest.mark.slow
def test_wind_beyond_the_bound_stops_a_run(settings, monkeypatch, tmp_path):
    """As it comes from the model, at a sample within a day."""
    monkeypatch.setattr(watchdog, "MAX_WIND", 10.0)
    folder = tmp_path / "run"
    with pytest.raises(UnstableRunError, match="on 1982-02-26T00 wind is .* m/s at"):
        go(folder, **settings)
    assert written(folder, "daily") == 0


@pytest.mark.slow
def test_going_back(settings, monkeypatch, caplog, tmp_path):
    """To the last restart that was due, on another way, whatever interrupts it."""
    Spoiling(monkeypatch, {3: (1, None)})
    folder, killed, stopped = (tmp_path / x for x in ("run", "killed", "stopped"))
    winds = []

    def track(days, plan):
        for report in days:
            winds.append((report.day, report.look["max_wind"]))
            if [day for day, _ in winds] == [1, 2, 3, 3]:
                snapshot(folder, killed)
            yield report

    with caplog.at_level(logging.WARNING):
        go(folder, track, on_instability="rewind", **settings)
    (warning,) = [record.message for record in caplog.records]
    assert warning.startswith(
        "The run goes back to 1982-02-28T00: on 1982-03-01T00 wind is not finite at"
    )
    assert [day for day, _ in winds] == [1, 2, 3, 3, 4]
    once, again = winds[2][1], winds[3][1]
    assert (once != again).any()
    np.testing.assert_allclose(once, again, rtol=1e-4)  # the same weather still
    rewinds = [
        {
            "run": 0,
            "trouble": warning.split(": ", 1)[1].removesuffix("."),
            "to": "1982-02-28T00",
            "relative_perturbation": 1e-6,
        }
    ]
    for name in STORES:
        attributes = opened(folder, name).attrs
        assert json.loads(attributes["rewinds"]) == rewinds
        assert attributes["status"] == "complete" and "lost" not in attributes
    progress = json.loads((folder / "progress.json").read_text())
    assert progress["rewinds"] == rewinds
    assert written(folder, "daily") == DAYS and written(folder, "monthly") == 2

    run.amip(resume=killed)  # which was killed on its second way
    assert_same(killed, folder)

    def stop(days, plan):
        for report in days:
            if report.day == 3:  # on its first way
                raise KeyboardInterrupt
            yield report

    with pytest.raises(KeyboardInterrupt) as interrupted:
        go(stopped, stop, on_instability="rewind", **settings)
    assert "holds 3 of 4 days" in interrupted.value.__notes__[0]
    assert len(restarts(stopped / RESTARTS)) == 3
    run.amip(resume=stopped)
    assert_same(stopped, folder)


@pytest.mark.slow
def test_giving_up(settings, monkeypatch, capsys, tmp_path):
    """After three attempts; what the first one had beyond the last is taken back."""
    # The first way breaks on the fourth day, the others on the third.
    spoiling = Spoiling(monkeypatch, {2: (4, None), 3: (1, None)})
    first = []

    def later(plan, carry):
        where, spoiling.where = spoiling.where, dict(spoiling.where)
        if carry.day == 2 and not first:
            first.append(carry.day)
            del spoiling.where[2]
        try:
            return Spoiling.one_day(spoiling, plan, carry)
        finally:
            spoiling.where = where

    monkeypatch.setattr("ngcm_cli.climate.course.one_day", later)
    folder = tmp_path / "run"
    words = flags(folder, on_instability="rewind", **settings)
    code, said = command(monkeypatch, capsys, *words)
    assert code == 3
    assert said.count("goes back to 1982-02-28T00") == 3
    assert "The run became unstable after 3 rewinds: on 1982-02-28T00 wind is" in said
    assert said.rstrip().endswith("Try another seed.")
    assert {name: written(folder, name) for name in STORES} == {
        "daily": 2,
        "daily_zonal": 2,
        "global": 2,
        "instants": 4,
        "monthly": 0,
    }
    assert len(json.loads(opened(folder, "daily").attrs["rewinds"])) == 3
