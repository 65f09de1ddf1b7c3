"""How far a run is, from what it left on disk, also while it runs."""

import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from cpu_time import of_children
from runs import (
    AMIP,
    ENSEMBLE,
    FORECAST,
    SIDE_BY_SIDE,
    Spoiling,
    Stop,
    after,
    read,
    stopping,
)

from ngcm_cli.errors import OutputError, UnstableRunError
from ngcm_cli.output.cmor.export import export_cmor
from ngcm_cli.simulation.status import read_global_means, read_status


def lines(path) -> dict[str, str]:
    """Return what is said, by its heading."""
    text = read_status(path).describe()
    return {line[:9].strip(): line[10:] for line in text.splitlines()}


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_while_it_runs(tiny, tmp_path, case):
    output, said = tmp_path / case.output, {}
    case.start(tmp_path, after(0, 2, lambda: said.update(lines(output))))
    assert said["Run"] == f"tl63_stochastic_mini, ngcm {case.command}, in {output}"
    assert said["State"] == "running"
    assert "Progress" in said


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_afterwards(whole, tmp_path, case):
    output = whole(case)
    said = lines(output)
    assert said["State"] == "complete"
    assert said.get("Members") == ("0 to 4" if case is ENSEMBLE else None)
    if case is AMIP:
        assert said["Restart"] == "2020-01-03T00"
    else:
        assert "Restart" not in said


def test_netcdf(tiny, tmp_path):
    output = FORECAST.start(tmp_path, output=tmp_path / "out.nc")
    assert lines(output)["State"] == "complete"


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
@pytest.mark.parametrize(
    "error, ended", [(Stop, "failed"), (KeyboardInterrupt, "interrupted")]
)
def test_what_was_stopped_can_be_resumed(tiny, tmp_path, case, error, ended):
    with pytest.raises(error):
        case.start(tmp_path, stopping(0, 2, error))
    output = tmp_path / case.output
    resume = f"resume with `ngcm {case.command} --resume {output}`"
    said = lines(output)
    assert said["State"] == f"{ended}; {resume}"
    assert "Speed" not in said
    windows = 2 / case.windows
    assert f"{windows:.1%}" in said["Progress"]


def test_what_was_killed_can_be_resumed(tiny, tmp_path):
    left = tmp_path / "left"

    def kill():
        shutil.copytree(tmp_path / AMIP.output, left)
        (left / ".lock").unlink()

    AMIP.start(tmp_path, after(0, 2, kill))
    said = lines(left)
    assert said["State"].startswith("stopped before its end; resume with `ngcm amip")
    assert said["Restart"] == "2020-01-01T00"


def test_members_that_are_unstable(tiny, tmp_path, monkeypatch):
    Spoiling(monkeypatch, {1: (9, 1)})
    for case in (ENSEMBLE, SIDE_BY_SIDE):
        with pytest.raises(UnstableRunError):
            case.start(tmp_path)
        said = read_status(tmp_path / case.output).describe()
        assert "State     complete" in said
        assert "Unstable  member 1 from " in said
        assert "temperature is not finite" in said


def test_a_run_that_is_unstable(tiny, tmp_path, monkeypatch):
    Spoiling(monkeypatch, {1: (1, None)})
    with pytest.raises(UnstableRunError):
        AMIP.start(tmp_path)
    output = tmp_path / AMIP.output
    said = lines(output)
    resume = f"resume with `ngcm amip --resume {output} --on-instability rewind`"
    assert said["State"] == f"unstable; {resume}"
    assert said["Unstable"].startswith("member 0 from 2019-12-30T00: at 2019-12-31T00")


def test_a_run_that_was_rewound(tiny, tmp_path, monkeypatch):
    Spoiling(monkeypatch, {1: (1, None)})
    said: dict = {}
    look = lambda: said.update(lines(tmp_path / AMIP.output))  # noqa: E731
    track = after(0, 3, look)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ngcm_cli.simulation.loop._PROGRESS_SECONDS", 0)
        patch.setattr("ngcm_cli.simulation.loop._PROGRESS_SHARE", 0)
        AMIP.start(tmp_path, track, on_instability="rewind")
    assert said["Rewound"].startswith("member 0 to 2019-12-31T00: at 2019-12-31T00")


@pytest.mark.parametrize("case", [AMIP, SIDE_BY_SIDE], ids=str)
def test_the_table_of_global_means(whole, case):
    """Of the first start, averaged over members."""
    output = whole(case)
    head, units, *rows = read_status(output).global_means
    assert head[:3] == ("", "days", "T lowest level") and units[2] == "K"
    store = next(iter(sorted(output.rglob("global.zarr"))))
    days, fields = read_global_means(store)
    ds = read(store)
    mean = ds["temperature"]
    if "realization" in mean.dims:
        mean = mean.mean("realization")
    np.testing.assert_allclose(fields["temperature"], mean, rtol=1e-6)
    months = days.astype("datetime64[M]")
    assert [row[0] for row in rows] == [str(month) for month in np.unique(months)]
    for row in rows:
        own = months == np.datetime64(row[0])
        assert row[1] == str(own.sum())
        lowest = fields["temperature"][own].mean(0)[-1]
        assert row[2] == f"{lowest:.2f}"


def test_the_table_by_years(tiny, tmp_path, monkeypatch):
    """Once there are more than 24 months, the last twelve years."""
    import ngcm_cli.simulation.status as status

    days = np.arange("1984-01-01", "1998-01-01", dtype="datetime64[D]")
    ones = np.ones(len(days), np.float32)
    fields = {"temperature": np.outer(days.astype("M8[Y]").astype(int) + 1970, [1, 1])}
    for name in ("surface_pressure", "dry_mass", "water_vapour", "kinetic_energy"):
        fields[name] = ones
    for count, first, rows in (
        (719, "1984-12", 12),
        (731, "1984", 2),
        (5114, "1986", 12),
    ):
        some = {name: x[:count] for name, x in fields.items()}
        times = days[:count].astype("datetime64[s]")
        monkeypatch.setattr(
            status, "read_global_means", lambda _, t=times, f=some: (t, f)
        )
        _, _, *table = status._global_means(tmp_path)
        assert len(table) == rows
        if count == 719:
            continue
        assert table[0][0] == first
        assert table[0][2] == f"{float(first):.2f}"


def test_days_that_no_member_came_to(tiny, tmp_path, monkeypatch):
    """Without the warnings of NumPy."""
    Spoiling(monkeypatch, {1: (9, None)})
    with pytest.raises(UnstableRunError):
        SIDE_BY_SIDE.start(tmp_path)
    store = next(iter(sorted(tmp_path.rglob("global.zarr"))))
    _, fields = read_global_means(store)
    assert np.isfinite(fields["temperature"][:1]).all()
    assert read_status(tmp_path / SIDE_BY_SIDE.output).global_means


def test_it_can_be_read_at_any_time(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("ngcm_cli.simulation.loop._PROGRESS_SECONDS", 0)
    monkeypatch.setattr("ngcm_cli.simulation.loop._PROGRESS_SHARE", 0)
    failures, done, output = [], threading.Event(), tmp_path / AMIP.output

    def look():
        states = set()
        try:
            while not done.is_set():
                if (output / "run.json").exists():
                    states.add(read_status(output).state)
            assert "running" in states
        except BaseException as error:
            failures.append(error)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        AMIP.start(tmp_path, days=10)
    finally:
        done.set()
        watcher.join()
    assert failures == []


def test_files_that_are_being_written_are_not_arrays(whole, tmp_path):
    """Zarr warns about what it finds in a listing; warnings are errors here."""
    output = tmp_path / "output"
    shutil.copytree(whole(AMIP), output)
    for store in output.rglob("*.zarr"):
        (store / "zarr.1b285c4823b24a029cde1ef6da6825f8.partial").touch()
    assert read_status(output).global_means
    assert export_cmor(output, tmp_path / "cmor")


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(OutputError, match="no run is there"):
        read_status(tmp_path)
    (tmp_path / "run.yaml").write_text("days: 3\n")
    with pytest.raises(OutputError, match="older version of ngcm"):
        read_status(tmp_path)
    with pytest.raises(OutputError, match="There is no run in"):
        read_status(tmp_path / "nothing")
    with pytest.raises(OutputError, match="nothing.zarr"):
        read_status(tmp_path / "nothing.zarr")


def test_progress_that_is_damaged(tiny, tmp_path):
    with pytest.raises(Stop):
        AMIP.start(tmp_path, stopping(0, 1))
    (tmp_path / AMIP.output / "progress.json").write_text('{"day": ')
    with pytest.raises(OutputError, match="progress.json cannot be read"):
        read_status(tmp_path / AMIP.output)


def test_the_command_is_quick_and_does_not_load_jax(whole):
    code = (
        "import sys, ngcm_cli.cli as cli; sys.argv = ['ngcm', 'status', sys.argv[1]]\n"
        "try: cli.main()\n"
        "finally: assert not {'jax', 'equinox', 'xarray'} & set(sys.modules)"
    )
    started = of_children()
    done = subprocess.run(
        [sys.executable, "-c", code, str(whole(AMIP))], capture_output=True, text=True
    )
    assert of_children() - started < 5  # 0.8 s on a quiet machine
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert said[0].startswith("Run       tl63_stochastic_mini, ngcm amip, in ")
    assert said[-1].split()[0] == "2020-01"
