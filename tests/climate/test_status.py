"""How far a run is, from a folder written as a run writes it, and by the command."""

import json
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from cpu_time import of_children
from ngcm_cli.climate.status import read_config, read_status
from ngcm_cli.output.place import RUN_FILE
from ngcm_cli.output.run_folder import PROGRESS, RunFolder
from output.small_climate import day_look, small_climate

from ngcm_cli.config import AmipConfig
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.errors import ConfigError, OutputError

TESTS = pathlib.Path(__file__).parents[1]
SETTINGS = {"start": "1984-01-01", "days": 60, "members": 1}


def begin(path, **settings) -> RunFolder:
    """The folder of a run that has begun."""
    path.mkdir(exist_ok=True)
    folder = RunFolder(path)
    words = AmipConfig(**(SETTINGS | settings)).words(defaults=True)
    folder.text(RUN_FILE, format_run_file(words, "a run"))
    return folder


def go_on(folder, days, status="running", store="global.zarr", **words):
    """So many days, their global means, and a word on them."""
    records = small_climate(end=str(np.datetime64("1984-01-01") + 60)).global_means()
    folder.open(store, records)
    for day in range(days):
        folder.write(lambda put, day=day: put(store, day, day_look(day), None))
    folder.flush({store: days})
    tell(folder, days, status, **words)


def tell(folder, day, status, **words):
    folder.progress(
        {
            "status": status,
            "day": day,
            "days": 60,
            "days_per_second": 0.1,
            "runs": 1,
            "lost": {},
            "rewinds": [],
            **words,
        }
    )


def lines(path) -> dict[str, str]:
    """What is said, by its heading."""
    text = read_status(path).describe(path)
    return {line[:9].strip(): line[10:] for line in text.splitlines()}


def test_a_fresh_folder(tmp_path):
    begin(tmp_path).close()
    found = read_status(tmp_path)
    assert found.rows == [] and found.progress == {} and found.restart is None
    assert lines(tmp_path) == {
        "Run": f"tl63_stochastic_mini from 1984-01-01T00, in {tmp_path}",
        "State": f"not begun; go on with `ngcm amip --resume {tmp_path}`",
        "Reached": "nothing yet",
        "Runs": "1 of 1 well",
    }


def test_a_run_that_goes_on(tmp_path):
    """Another process holds the lock."""
    code = f"""
        import pathlib, sys
        sys.path[:0] = [{str(TESTS)!r}, {str(TESTS / "climate")!r}]
        from test_status import begin, go_on
        folder = begin(pathlib.Path({str(tmp_path)!r}))
        go_on(folder, 45)
        print("here", flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "here\n"
            said = lines(tmp_path)
        finally:
            process.send_signal(signal.SIGKILL)
    assert said["State"] == "running"
    assert said["Reached"] == "1984-02-15T00, day 45 of 60 (75.0%)"
    assert said["Speed"] == "23.7 simulated years per day, 0.0 hours left"
    said = lines(tmp_path)
    go = f"go on with `ngcm amip --resume {tmp_path}`"
    assert said["State"] == f"stopped before its end; {go}"
    assert said["Speed"] == "23.7 simulated years per day"


def test_a_complete_run_and_its_restart(tmp_path):
    folder = begin(tmp_path)
    go_on(folder, 60, "complete")
    folder.restart(np.datetime64("1984-03-01", "s"), {"x": ((), np.array(1))}, {})
    folder.close()
    said = lines(tmp_path)
    assert said["State"] == "complete" and said["Restart"] == "1984-03-01T00"
    assert said["Reached"] == "1984-03-01T00, day 60 of 60 (100.0%)"


def test_an_interrupted_run(tmp_path):
    folder = begin(tmp_path)
    go_on(folder, 2, "interrupted", days_per_second=None)
    folder.close()
    said = lines(tmp_path)
    assert said["State"].startswith("interrupted; go on with `ngcm amip --resume")
    assert "Speed" not in said


def test_runs_that_went_back_and_were_lost(tmp_path):
    folder = begin(tmp_path, members=3)
    went = {"run": 0, "to": "1984-01-01T00", "trouble": "on 1984-01-04T06 wind"}
    lost = {"1": "on 1984-01-05T06 temperature is 90 K at sigma 0.1"}
    tell(folder, 7, "unstable", runs=3, lost=lost, rewinds=[went], days_per_second=-1)
    folder.close()
    text = read_status(tmp_path).describe(tmp_path)
    assert "State     unstable" in text and "Runs      2 of 3 well" in text
    assert "run 1 lost: on 1984-01-05T06 temperature is 90 K at sigma 0.1" in text
    assert "run 0 went back to 1984-01-01T00: on 1984-01-04T06 wind" in text
    assert "simulated years" not in text


def test_the_table_by_months(tmp_path):
    folder = begin(tmp_path)
    go_on(folder, 45)
    folder.close()
    head, units, january, february = read_status(tmp_path).rows
    assert head[:3] == ("", "days", "T at ground") and units[2] == "K"
    days = np.arange(31)
    assert january == (
        "1984-01",
        "31",
        f"{np.mean(250 + days / 10):.2f}",
        f"{np.mean(250 + days / 10):.2f}",
        f"{np.mean(98500 + days) / 100:.2f}",
        "10000.0",
        "25.00",
        "1.200",
    )
    assert february[:2] == ("1984-02", "14")
    assert february[2] == f"{np.mean(250 + np.arange(31, 45) / 10):.2f}"


def test_the_table_by_years(tmp_path):
    """Once there are more than 24 months, the last twelve years."""
    folder = begin(tmp_path, years=14)
    folder.open("global.zarr", small_climate(end="1998-01-01").global_means())

    def years(put):
        for day in range(5114):
            put("global.zarr", day, day_look(0 if day < 366 else 20), None)

    folder.write(years)
    folder.flush({"global.zarr": 719})
    assert [row[0] for row in read_status(tmp_path).rows[-2:]] == ["1985-11", "1985-12"]
    folder.flush({"global.zarr": 731})
    rows = read_status(tmp_path).rows[2:]
    assert [row[:3] for row in rows] == [
        ("1984", "366", "250.00"),
        ("1985", "365", "252.00"),
    ]
    folder.flush({"global.zarr": 5114})
    rows = read_status(tmp_path).rows[2:]
    assert [row[0] for row in rows] == [str(year) for year in range(1986, 1998)]
    folder.close()


def test_several_runs_are_averaged_and_what_is_not_there_is_left_out(tmp_path):
    """Without the warnings of NumPy on records that nobody wrote."""
    folder = begin(tmp_path, members=2)
    records = small_climate(realizations=(0, 1)).global_means()
    folder.open("global.zarr", records)

    def some(put):
        put("global.zarr", 0, day_look(0), 0)
        put("global.zarr", 0, day_look(0, run=2), 1)
        put("global.zarr", 1, day_look(0), 0)  # the other one was lost
        put("global.zarr", 3, day_look(0), 0)  # and nobody was there on the third day

    folder.write(some)
    folder.flush({"global.zarr": 2})
    assert read_status(tmp_path).rows[-1][:3] == ("1984-01", "2", "250.50")
    folder.flush({"global.zarr": 4})
    assert read_status(tmp_path).rows[-1][:3] == ("1984-01", "4", "nan")
    folder.close()


def test_several_starts(tmp_path):
    """The table is that of the first."""
    folder = begin(tmp_path, starts=2)
    stores = {}
    for start in ("1984-01-31", "1984-01-01"):
        name = f"starts/{start}T00/global.zarr"
        folder.open(name, small_climate(start).global_means())
        folder.write(lambda put, name=name: put(name, 0, day_look(0), None))
        stores[name] = 1
    folder.flush(stores)
    tell(folder, 1, "running", runs=2)
    assert lines(tmp_path)["Runs"] == "2 of 2 well"
    assert read_status(tmp_path).rows[-1][0] == "1984-01"
    assert len(read_status(tmp_path).rows) == 3
    folder.close()


def test_it_works_while_the_run_writes(tmp_path):
    folder = begin(tmp_path)
    folder.open("global.zarr", small_climate().global_means())
    failures, done = [], threading.Event()

    def look():
        days = []
        try:
            while not done.is_set():
                days.append(read_status(tmp_path).progress.get("day", 0))
            assert days == sorted(days) and len(set(days)) > 2
        except BaseException as error:
            failures.append(error)

    watcher = threading.Thread(target=look)
    watcher.start()
    for day in range(20):
        folder.write(lambda put, day=day: put("global.zarr", day, day_look(day), None))
        folder.flush({"global.zarr": day + 1})
        folder.restart(
            np.datetime64("1984-01-02", "s") + np.timedelta64(day, "D"), {}, {}
        )
        tell(folder, day + 1, "running")
    folder.close()
    done.set()
    watcher.join()
    assert failures == []


def test_the_configuration_of_a_run(tmp_path):
    begin(tmp_path, sst_offset="2K", means="daily").close()
    assert read_config(tmp_path) == AmipConfig(
        **SETTINGS, sst_offset="2K", means="daily", output=tmp_path
    )


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(OutputError, match="is not the folder of a run: it has no run"):
        read_status(tmp_path)
    (tmp_path / RUN_FILE).write_text("leed: 10d\n")
    with pytest.raises(ConfigError, match="Unknown key 'leed'"):
        read_status(tmp_path)
    (tmp_path / RUN_FILE).write_text("days: 3\n")
    (tmp_path / PROGRESS).write_text('{"day": ')
    with pytest.raises(OutputError, match="progress.json cannot be read"):
        read_status(tmp_path)
    (tmp_path / PROGRESS).unlink()
    (tmp_path / "global.zarr").mkdir()
    with pytest.raises(OutputError, match="global.zarr is not a Zarr store"):
        read_status(tmp_path)
    with pytest.raises(OutputError, match="is not the folder of a run"):
        read_status(tmp_path / (300 * "x"))


def command(folder, *words):
    code = (
        "import sys, ngcm_cli.cli as cli; sys.argv = ['ngcm', 'status', sys.argv[1]]\n"
        "try: cli.main()\n"
        "finally: assert not {'jax', 'equinox', 'xarray'} & set(sys.modules)"
    )
    done = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(done, capture_output=True, text=True)


def test_the_command_is_quick_and_knows_no_jax(tmp_path):
    folder = begin(tmp_path)
    go_on(folder, 45)
    folder.close()
    started = of_children()
    done = command(tmp_path)
    assert of_children() - started < 5  # 0.8 s on a quiet machine
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert said[0].startswith("Run       tl63_stochastic_mini from 1984-01-01T00")
    assert said[-1].split()[0] == "1984-02" and "" in said


def test_the_command_without_a_run_is_exit_2(tmp_path):
    done = command(tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ") and "Traceback" not in done.stderr
    assert json.dumps(done.stderr).count("\\n") == 2
