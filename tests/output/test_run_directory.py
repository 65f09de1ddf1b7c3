"""The working directory of a run: its record, its progress, its complete tasks."""

import json
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest
from small_disk import fill, small_disk
from small_output import contents, opened, record, stream

from ngcm_cli.errors import OutputError
from ngcm_cli.output.run_directory import RunDirectory

HERE = str(pathlib.Path(__file__).parent)


OUTCOME = {
    "failed": [{"init_time": "1982-01-01T00", "realization": 3, "reason": "NaN"}],
    "rewinds": [],
}


@pytest.fixture
def directory(tmp_path) -> RunDirectory:
    return RunDirectory(tmp_path)


def test_the_record_comes_back(tmp_path):
    directory = RunDirectory(tmp_path / "run")
    directory.create("lead: 1d\n", {"command": "forecast", "members": [0]})
    assert directory.read_record() == {
        "version": 2, "command": "forecast", "members": [0],
    }  # fmt: skip
    assert (tmp_path / "run" / "run.yaml").read_text() == "lead: 1d\n"
    directory.create("lead: 2d\n", {"members": [0, 1]})
    assert directory.read_record()["members"] == [0, 1]


@pytest.mark.parametrize(
    "files, sentence",
    [
        ({}, "has no run.json: no run is there. Name the --output of a run."),
        ({"run.yaml": ""}, "was written by an older version of ngcm. Resume it with"),
        ({"run.json": "{"}, "run.json is damaged: .*Remove .* and start a new run."),
        ({"run.json": "[]"}, "run.json is damaged"),
        ({"run.json": "{}"}, "run.json is damaged"),
        ({"run.json": '{"version": 9}'}, "version 9 of its format.* version 2"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, directory, files, sentence):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(OutputError, match=sentence):
        directory.read_record()


def test_progress_of_every_process(tmp_path, directory):
    assert directory.read_progress() == []
    directory.write_progress(1, {"windows": 3})
    directory.write_progress(0, {"windows": 2})
    directory.write_progress(0, {"windows": 4})
    assert directory.read_progress() == [{"windows": 4}, {"windows": 3}]
    (tmp_path / "progress-1.json").write_text('{"windows": ')
    with pytest.raises(OutputError, match="progress-1.json cannot be read"):
        directory.read_progress()
    (tmp_path / "progress-1.json").write_text('{"windows": "many"}')
    with pytest.raises(OutputError, match="progress-1.json is damaged at windows"):
        directory.read_progress()


def test_processes_are_in_the_order_of_their_numbers(directory):
    for process in range(12):
        directory.write_progress(process, {"process": process})
    found = [progress["process"] for progress in directory.read_progress()]
    assert found == list(range(12))


def test_complete_tasks(tmp_path, directory, caplog):
    assert directory.completed("0-1") is None
    directory.mark_complete("0-1", OUTCOME)
    assert directory.completed("0-1") == OUTCOME
    (directory.restarts("0-1") / "1982-01-01T00.nc").touch()
    directory.unmark_complete("0-1")
    assert directory.completed("0-1") is None
    assert (directory.restarts("0-1") / "1982-01-01T00.nc").exists()
    (directory.restarts("0-1") / "complete.json").write_text("{")
    assert directory.completed("0-1") is None
    assert "complete.json is damaged" in caplog.text
    (directory.restarts("0-1") / "complete.json").write_text('{"failed": 0}')
    assert directory.completed("0-1") is None
    directory.discard("0-1")
    assert not directory.restarts("0-1").exists()


def test_complete_statistics(directory):
    assert not directory.has_statistics(0)
    directory.mark_statistics(0)
    assert directory.has_statistics(0) and not directory.has_statistics(1)


def test_an_earlier_run_is_forgotten(tmp_path, directory):
    directory.create("", {})
    directory.mark_complete("0-0", OUTCOME)
    directory.mark_statistics(0)
    directory.write_progress(0, {})
    directory.write_progress(1, {})
    directory.remove_tasks()
    assert sorted(contents(tmp_path)) == ["run.json", "run.yaml"]
    directory.remove()
    assert not tmp_path.exists()


def test_a_disk_that_is_really_full(tmp_path):
    """What was there stays as it was; afterwards the same can be written."""
    schema = stream("daily", end="1984-01-11").schema
    with small_disk(tmp_path / "disk", size="1m") as disk:
        directory = RunDirectory(disk / "run")
        directory.create("days: 10\n", {"command": "amip"})
        writer = opened(directory.path / "daily.zarr", schema)
        writer.write(record(schema, 0), time=0)
        directory.write_progress(0, {"windows": 1})
        before = contents(directory.path)
        ballast = fill(disk)
        for work in (
            lambda: (writer.write(record(schema, 1), time=1), writer.flush()),
            lambda: directory.write_progress(0, {"windows": 2}),
            lambda: directory.mark_complete("0-0", OUTCOME),
            lambda: directory.create("days: 20\n", {}),
            lambda: opened(directory.path / "monthly.zarr", schema),
        ):
            with pytest.raises(OSError, match="No space left"):
                work()
        assert contents(directory.path) == before
        ballast.unlink()
        writer.write(record(schema, 1), time=1)
        directory.write_progress(0, {"windows": 2})
        assert directory.read_progress() == [{"windows": 2}]
        found = writer.read("temperature", (1,))
        assert (found == record(schema, 1)["temperature"]).all()


WRITER = """
    import pathlib
    from ngcm_cli.output.run_directory import RunDirectory
    directory = RunDirectory(pathlib.Path({path!r}))
    for n in range(10**6):
        directory.write_progress(0, {{"windows": n, "more": n * ["x"]}})
"""


def test_progress_is_never_half_written(tmp_path, directory):
    code = textwrap.dedent(WRITER.format(path=str(tmp_path)))
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            seen = []
            while len(seen) < 300:
                assert process.poll() is None
                for progress in directory.read_progress():
                    assert len(progress["more"]) == progress["windows"]
                    seen.append(progress["windows"])
        finally:
            process.send_signal(signal.SIGKILL)
    assert seen == sorted(seen) and len(set(seen)) > 1
    json.loads((tmp_path / "progress.json").read_text())
