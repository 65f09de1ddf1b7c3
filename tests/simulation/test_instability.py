"""Members that become unstable: what is said, what is kept, and rewinding."""

import json
import logging

import numpy as np
import pytest
from runs import (
    AMIP,
    ENSEMBLE,
    FORECAST,
    SIDE_BY_SIDE,
    STATISTICS_ONLY,
    Spoiling,
    Stop,
    after,
    assert_same,
    command,
    contents,
    read,
    seeing,
    snapshot,
)

from ngcm_cli.errors import UnstableRunError
from ngcm_cli.simulation.data_sources import read_sample
from ngcm_cli.simulation.stability import MAX_REWINDS

CLIMATE_STORES = "daily", "daily_zonal", "global", "instantaneous", "monthly"


def written(store) -> int:
    """Return how many records hold numbers, all of them the first ones."""
    ds = read(store)
    dim = "time" if "time" in ds.dims else "lead_time"
    counts = set()
    for name, field in ds.data_vars.items():
        if dim in field.dims and name != "time_bnds":
            rest = [d for d in field.dims if d != dim]
            full = np.isfinite(field).all(rest).values
            assert (np.isnan(field).all(rest).values == ~full).all()
            assert (np.diff(full.astype(int)) <= 0).all()
            counts.add(int(full.sum()))
    (count,) = counts
    return count


def test_an_unstable_forecast_stops(tiny, tmp_path, monkeypatch, capsys):
    """By what the model itself does; what was finite is kept."""
    warmest = read_sample(tiny.model).fields["temperature"].max()
    tiny.change(stochastic=False, unstable_above=float(warmest) + 13)
    output = tmp_path / FORECAST.output
    code, said = command(monkeypatch, capsys, *FORECAST.flags(tmp_path))
    assert code == 3
    assert "The run became unstable: at 1959-01-02T18 temperature is not" in said
    assert f"What was written before is in {output}." in said
    assert f"`ngcm forecast --resume {output} --on-instability rewind`" in said
    ds = read(output)
    assert written(output) == ds.attrs["completed_lead_times"] == 3
    assert ds.attrs["status"] == "unstable"
    code, again = command(monkeypatch, capsys, "forecast", "--resume", output)
    assert code == 3 and "at 1959-01-02T18 temperature is not finite" in again
    assert written(output) == 3


@pytest.mark.parametrize("restart_every", ["1d", "30d"])
def test_an_unstable_long_run_stops(tiny, tmp_path, monkeypatch, capsys, restart_every):
    """Before the bad day; nothing of that day is kept."""
    Spoiling(monkeypatch, {2: (1, None)})
    folder = tmp_path / AMIP.output
    words = AMIP.flags(tmp_path, restart_every=restart_every)
    code, said = command(monkeypatch, capsys, *words)
    assert code == 3
    assert "The run became unstable: at 2020-01-01T00 temperature is not" in said
    records = {name: written(folder / f"{name}.zarr") for name in CLIMATE_STORES}
    assert records == {
        **dict.fromkeys(("daily", "daily_zonal", "global"), 2),
        "instantaneous": 4,
        "monthly": 1,
    }
    for name in CLIMATE_STORES:
        attributes = read(folder / f"{name}.zarr").attrs
        assert attributes["status"] == "unstable"
        assert attributes["completed_records"] == records[name]
    assert json.loads((folder / "progress.json").read_text())["status"] == "unstable"
    code, again = command(monkeypatch, capsys, "amip", "--resume", folder)
    assert code == 3 and "at 2020-01-01T00 temperature is not finite" in again


@pytest.mark.parametrize("case", [FORECAST, AMIP], ids=str)
def test_what_stopped_can_be_resumed_with_rewinding(tiny, tmp_path, monkeypatch, case):
    Spoiling(monkeypatch, {3: (1, None)})
    with pytest.raises(UnstableRunError):
        case.start(tmp_path)
    case.resume(tmp_path, on_instability="rewind")
    again = tmp_path / "again"
    again.mkdir()
    with monkeypatch.context() as patch:
        Spoiling(patch, {3: (1, None)})
        case.start(again, on_instability="rewind")
    assert_same(tmp_path / case.output, again / case.output)


@pytest.mark.parametrize("case", [FORECAST, STATISTICS_ONLY, AMIP], ids=str)
def test_rewinding(whole, tmp_path, monkeypatch, caplog, case):
    """To the last restart file that was due, whatever interrupts it."""
    expected = whole(case)
    row, last = (None, 3) if case.tasks == 1 else (1, 1)
    every = {"restart_every": "2d" if case is AMIP else "12h"}
    Spoiling(monkeypatch, {last: (1, row)})
    names = ("run", "killed", "stopped")
    folder, killed, stopped = (tmp_path / name for name in names)
    folder.mkdir()
    stopped.mkdir()
    seen = []

    def track(progress, simulation):
        for one in progress:
            seen.append((one.tasks_done, one.windows))
            if seen.count((0, last)) == 2 and not killed.exists():
                snapshot(folder, killed)
            yield one

    with caplog.at_level(logging.WARNING):
        case.start(folder, track, on_instability="rewind", **every)
    (warning,) = [x.message for x in caplog.records if "rewound" in x.message]
    name = "The run" if case.tasks == 1 else "Member 1"
    assert warning.startswith(f"{name} is rewound to ")
    stores = [p for p in sorted((folder / case.output).rglob("*.zarr"))]
    for store in stores or [folder / case.output]:
        attributes = read(store).attrs
        (rewind,) = json.loads(attributes["rewinds"])
        assert rewind["realization"] == (row or 0)
        assert rewind["relative_perturbation"] == 1e-6
        assert rewind["to"] == warning.split("rewound to ")[1].split(":")[0]
        assert rewind["reason"] in warning
        assert attributes["status"] == "complete"
        assert "unstable_members" not in attributes
    changed = contents(folder / case.output)
    different = [n for n, x in contents(expected).items() if changed[n] != x]
    assert any("/c." in name for name in different)
    case.resume(killed)
    assert_same(killed / case.output, folder / case.output)

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track = after(0, last, interrupt)
        case.start(stopped, track, on_instability="rewind", **every)
    case.resume(stopped)
    assert_same(stopped / case.output, folder / case.output)


def test_giving_up(tiny, tmp_path, monkeypatch, caplog):
    """After three attempts; what the first one had beyond the last is erased."""
    folder = tmp_path / AMIP.output
    # From the restart file of two days: first to the fourth day, then to the third.
    spoiling = Spoiling(monkeypatch, {3: (1, None)})
    seen = []

    def track(progress, simulation):
        for one in progress:
            seen.append(one.windows)
            if seen == [1, 2, 3]:
                spoiling.where[2], spoiling.spoilt[2] = (9, None), []
            yield one

    with pytest.raises(UnstableRunError, match="at 2020-01-01T00") as caught:
        AMIP.start(tmp_path, track, on_instability="rewind", restart_every="2d")
    assert caught.value.hint.endswith("Try another seed or initial state.")
    assert caplog.text.count("is rewound to 2020-01-01T00") == MAX_REWINDS
    assert {name: written(folder / f"{name}.zarr") for name in CLIMATE_STORES} == {
        **dict.fromkeys(("daily", "daily_zonal", "global"), 2),
        "instantaneous": 4,
        "monthly": 1,
    }
    rewinds = json.loads(read(folder / "daily.zarr").attrs["rewinds"])
    assert len(rewinds) == MAX_REWINDS
    with pytest.raises(UnstableRunError):
        AMIP.resume(tmp_path, on_instability="rewind")


@pytest.mark.parametrize("rewind", ["stop", "rewind"])
@pytest.mark.parametrize("case", [ENSEMBLE, STATISTICS_ONLY], ids=str)
def test_one_member_of_several(whole, tmp_path, monkeypatch, capsys, case, rewind):
    """It is NaN from there on; others are unaffected; statistics are without it."""
    theirs = read(whole(ENSEMBLE))
    Spoiling(monkeypatch, {1: (1 if rewind == "stop" else 99, 1)})
    path = tmp_path / case.output
    words = case.flags(tmp_path, on_instability=rewind, members=2)
    code, said = command(monkeypatch, capsys, *words)
    assert code == 3
    assert "1 of 2 members became unstable: 1 from 1959-01-02T00 after 6h." in said
    ours = read(path)
    assert ours.attrs["status"] == "complete"
    (failed,) = json.loads(ours.attrs["unstable_members"])
    assert failed["realization"] == 1 and failed["lead_time"] == "6h"
    assert failed["reason"].startswith("at 1959-01-02T06 temperature is not finite")
    x = theirs["temperature"].values[:2]
    if case is ENSEMBLE:
        stored = ours["temperature"].values
        assert np.isnan(stored[1, :, 1:]).all()
        assert stored[0].tobytes() == x[0].tobytes()
        assert stored[1, :, 0].tobytes() == x[1, :, 0].tobytes()
    mean = ours["temperature_mean"].values
    np.testing.assert_allclose(mean[:, 0], x[:, :, 0].mean(0), rtol=1e-6)
    np.testing.assert_array_equal(mean[:, 1:], x[0, :, 1:])
    np.testing.assert_array_equal(ours["temperature_p90"][:, 1:], x[0, :, 1:])
    # Whoever asks again is told again.
    before = contents(path)
    code, again = command(monkeypatch, capsys, case.command, "--resume", path)
    assert code == 3, again
    assert "1 of 2 members became unstable: 1 from" in again
    assert contents(path) == before


def test_one_long_run_of_several(whole, tmp_path, monkeypatch, capsys):
    """One member from one of two starts."""
    expected = contents(whole(SIDE_BY_SIDE))
    spoiling = Spoiling(monkeypatch, {})
    folder = tmp_path / SIDE_BY_SIDE.output

    def track(progress, simulation):
        for one in progress:
            if one.task.init == 0 and one.tasks_done == 1:
                spoiling.where[1], spoiling.spoilt[1] = (1, 0), []
            yield one

    with pytest.raises(UnstableRunError) as caught:
        SIDE_BY_SIDE.start(tmp_path, track)
    assert "1 of 6 members became unstable: " in caught.value.message
    ours = contents(folder)
    assert set(ours) <= set(expected)
    changed = [
        name
        for name in expected
        if not name.endswith(("zarr.json", ".checksums.txt"))
        and ours.get(name) != expected[name]
    ]
    (failed,) = json.loads(
        read(folder / "starts/2020-01-31T00/daily.zarr").attrs["unstable_members"]
    )
    init = f"starts/{failed['init_time']}/"
    assert changed and all(name.startswith(init) for name in changed)
    row = failed["realization"] % 3
    assert all(f"/c.{row}." in name for name in changed)
    for store in folder.rglob("*.zarr"):
        assert read(store).attrs["status"] == "complete"
    code, said = command(monkeypatch, capsys, "amip", "--resume", folder)
    assert code == 3 and "1 of 6 members became unstable" in said
    assert contents(folder) == ours


def test_all_members(tiny, tmp_path, monkeypatch):
    Spoiling(monkeypatch, {1: (99, None)})
    with pytest.raises(UnstableRunError, match="5 of 5 members became unstable"):
        ENSEMBLE.start(tmp_path)
    ds = read(tmp_path / ENSEMBLE.output)
    assert ds.attrs["status"] == "unstable"
    assert np.isfinite(ds["temperature"][:, :, 0]).all()
    assert np.isnan(ds["temperature"][:, :, 1:]).all()
    with pytest.raises(UnstableRunError, match="5 of 5 members became unstable"):
        ENSEMBLE.resume(tmp_path)


def test_one_member_is_rewound(whole, tmp_path, monkeypatch):
    """The others come to the same windows again, and to the same bits."""
    theirs = read(whole(ENSEMBLE))["temperature"]
    Spoiling(monkeypatch, {1: (1, 1)})
    path = ENSEMBLE.start(tmp_path, on_instability="rewind", members=2)
    (rewind,) = json.loads(read(path).attrs["rewinds"])
    assert rewind["realization"] == 1
    ours = read(path)["temperature"]
    assert ours[0].values.tobytes() == theirs[0].values.tobytes()
    last = ours[1].values[0, -1], theirs[1].values[0, -1]
    assert (last[0] != last[1]).any()
    np.testing.assert_allclose(*last, rtol=1e-5)


def test_instability_within_a_task_that_is_resumed(tiny, tmp_path, monkeypatch):
    """What failed before the stop is still known after it."""
    folder, other = tmp_path / "stopped", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    Spoiling(monkeypatch, {1: (9, 1)})

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(UnstableRunError):
        STATISTICS_ONLY.start(other)
    with pytest.raises(KeyboardInterrupt):
        STATISTICS_ONLY.start(folder, after(0, 2, stop))
    seen = []
    with pytest.raises(UnstableRunError):
        STATISTICS_ONLY.resume(folder, seeing(seen))
    assert seen[0].failed == (1,) and seen[0].windows == 3
    assert_same(folder / STATISTICS_ONLY.output, other / STATISTICS_ONLY.output)


def test_stop_is_not_an_instability(tiny, tmp_path):
    with pytest.raises(Stop):
        FORECAST.start(tmp_path, after(0, 1, lambda: (_ for _ in ()).throw(Stop())))
    assert read(tmp_path / FORECAST.output).attrs["status"] == "failed"
