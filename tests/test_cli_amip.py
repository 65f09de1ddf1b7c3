"""`ngcm amip` from the command line: help, dry runs, and what is refused at once."""

import os
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest
from reduced_model import write_reduced_model

from ngcm_cli.cli import main
from ngcm_cli.cli.progress import _Pace
from ngcm_cli.config import AmipConfig
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.zoo import bundled_folder

SAMPLE = bundled_folder() / "era5_tl31_1959-01-02T00.nc"


@pytest.fixture(scope="module")
def card(tmp_path_factory) -> str:
    """Of a model that is never compiled here."""
    return str(write_reduced_model(tmp_path_factory.mktemp("model")))


@pytest.fixture
def amip(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def amip(*words):
        monkeypatch.setattr(sys, "argv", ["ngcm", "amip", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return amip


def refused(done) -> tuple[str, str]:
    """The sentence and the hint of a command that was refused."""
    code, out, err = done
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    error, hint = err.splitlines()
    assert error.startswith("Error: ") and hint.endswith((".", "?"))
    return error, hint


def test_help_is_quick_and_names_every_flag():
    code = (
        "import sys, ngcm_cli.cli as cli; sys.argv = ['ngcm', 'amip', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'jax', 'xarray', 'zarr', 'netCDF4', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "300"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    words = done.stdout.split()
    for flag in (*AmipConfig.model_fields, "resume", "config", "dry_run"):
        assert any(w.split(",")[0] == f"--{flag.replace('_', '-')}" for w in words), (
            flag
        )
    for default in ("1982-01-01", "monthly", "6h", "30d", "10d", "stop", "hold"):
        assert f"[default: {default}]" in " ".join(words)


def test_a_dry_run_prints_the_plan_and_makes_nothing(amip, card, tmp_path):
    code, out, err = amip(
        *("--model", card, "--start", "1983-12-16", "--months", 3, "--dry-run"),
        *("--members", 2, "--starts", 2, "--means", "daily,monthly", "--every", "12h"),
        *("--sst-offset", "-1.5K", "--sst-patch", "-10,-160,20,2K", "--output", "run"),
    )
    assert (code, err) == (0, "")
    said = {line[:10].strip(): line[11:] for line in out.splitlines() if line[0] != " "}
    assert said["Model"].startswith("tl15_reduced, weights")
    assert said["Runs"] == (
        "1983-12-16T00 to 1984-03-16T00, and 1 more start every 10d: 4 runs of 91 days"
    )
    assert said["Output"] == (
        "run: daily and monthly means of instants every 6h; instants every 12h"
    )
    assert "P_minus_E_rate" in out and "mean surface pressure held" in out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_a_run_file(amip, card, tmp_path):
    """As a run leaves one in its folder, and with a flag that wins."""
    config = AmipConfig(model=card, days=5, seed=7, sst_climatology=True)
    text = format_run_file(config.words(defaults=True), "a run")
    (tmp_path / "run.yaml").write_text(text + "dry-run: yes\n")
    code, out, err = amip("--config", "run.yaml", "--days", "6")
    assert (code, err) == (0, "")
    assert "1 run of 6 days" in out and "seed 7" in out
    assert "tl15_reduced_amip_1982-01-01T00: monthly means" in out
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


@pytest.mark.parametrize(
    "words, sentence, remedy",
    [
        (["--years", "0"], "years: '0' is not a number of them.", "as 40"),
        ([], "How long the run is was not said.", "Give --years 40"),
        (["--years", "1", "--start", "soon"], "start: 'soon' is not a time.", "Write"),
        (
            ["--days", "1", "--output", "mine"],
            "The output mine exists.",
            "--resume mine",
        ),
        (["--days", "1", "--output", "full"], "The output full exists.", "--output"),
        (["--days", "1", "--output", "note"], "The output note exists.", "--output"),
        (["--days", "1", "--output", "no/run"], "no, does not exist.", "Create it"),
        (
            ["--resume", "empty"],
            "empty is not the folder of a run",
            "--output of `ngcm",
        ),
        (["--resume", "full"], "full is not the folder of a run", "--output of `ngcm"),
        (["--resume", "nowhere"], "nowhere is not the folder of a run", "`ngcm amip`"),
        (["--resume", "note"], "note is not the folder of a run", "`ngcm amip`"),
        (
            ["--resume", "run", "--years", "3"],
            "--years does not go with --resume.",
            "restart-every",
        ),
        (["--resume", "run", "--dry-run"], "--dry-run does not go with", "leave"),
        (
            ["--resume", "run", "--config", "x"],
            "--config does not go with",
            "leave",
        ),
        (
            ["--resume", "run", "--start-every", "1d"],
            "--start-every does not go with",
            "restart-every",
        ),
        (["--config", "no.yaml"], "The run file no.yaml cannot be read", "Check its"),
        (["--config", "typo.yaml"], "Unknown key 'init' in typo.yaml.", "Use "),
        (
            ["--model", "mini", "--days", "1"],
            "There is no model 'mini'.",
            "Known models",
        ),
        (
            ["--data", "no.nc", "--days", "1"],
            "There is no file or directory 'no.nc'",
            "",
        ),
        (["--sst-data", "no.nc", "--days", "1"], "There is no file or directory", ""),
    ],
)
def test_bad_input_is_exit_2(amip, tmp_path, words, sentence, remedy):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.yaml").write_text("days: 1\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "note").touch()
    (tmp_path / "typo.yaml").write_text("init: 1982-01-01\n")
    before = sorted(tmp_path.rglob("*"))
    error, hint = refused(amip(*words))
    assert sentence in error and remedy in hint
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "words, sentence, remedy",
    [
        (["--levels", "501"], "tl15_reduced has no level 501 hPa.", "nearest is 500"),
        (
            ["--variables", "tp"],
            "does not predict 'tp' as something to average.",
            "Use",
        ),
        (
            ["--variables", "P_minus_E_cumulative"],
            "does not predict 'P_minus_E_cumulative' as something to average.",
            "Did you mean 'P_minus_E_rate'?",
        ),
        (["--variables", "sp", "--levels", "500"], "is at the surface.", "--levels"),
        (["--sample", "90m"], "sample is not on a whole step of tl15", "of 1h."),
        (
            ["--start", "2020-01-01", "--years", "5"],
            "from 2020-01-01T00 to 2025-01-02T00, but sea_surface_temperature in '",
            "Shorten the run, name a longer record with --sst-data, or use "
            "--sst-climatology.",
        ),
        (
            ["--start", "1959-01-02"],
            "from 1959-01-02T00 to 1959-01-03T00, but sea_surface_temperature in '",
            "Start later, name a longer record with --sst-data, or use "
            "--sst-climatology.",
        ),
        (
            ["--data", str(SAMPLE)],
            "There is no 1982-01-01T00; the data hold one time, 1959-01-02T00.",
            "The nearest is --start 1959-01-02T00.",
        ),
        (
            ["--sst-climatology", "--years", "900", "--every", "6h"],
            "The run takes at least ",
            "Free some space",
        ),
    ],
)
def test_what_the_model_or_the_data_refuse(
    amip, card, tmp_path, words, sentence, remedy
):
    error, hint = refused(amip("--model", card, "--days", "1", *words))
    assert sentence in error and remedy in hint
    # Flags that only a forecast has.
    assert not {"--init", "--lead", "--overwrite", "--sst"} & set(hint.split())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(amip, card, monkeypatch, tmp_path):
    def mkdir(path, *words, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", mkdir)
    code, out, err = amip("--model", card, "--days", "1", "--output", "run")
    assert (code, out) == (2, "")
    error, hint = err.splitlines()[-2:]
    assert error == "Error: The output run cannot be made: Permission denied."
    assert hint == "Choose another --output."
    assert list(tmp_path.iterdir()) == []


def test_the_command_in_the_output_can_be_given_again(amip, card):
    """With numbers that begin with a minus."""
    settings = {"sst_offset": -1.5, "sst_patch": "-10,-160,20,2", "days": 3}
    config = AmipConfig(model=card, fix_mean_pressure=False, **settings)
    words = config.command_line().split()[2:]
    code, out, err = amip(*words, "--dry-run")
    assert (code, err) == (0, "")
    assert "mean surface pressure free to drift" in out


def test_the_pace_of_a_run_that_goes_back():
    """The same days again are days, and the time left is that of the days left."""
    plan = types.SimpleNamespace(length=100, runs=[0])
    pace, said = _Pace(plan), []
    for day in (1, 2, 1, 2, 3):
        report = types.SimpleNamespace(
            day=day,
            well=1,
            time=np.datetime64("1984-01-01") + day,
            look={"max_wind": np.array([40.0]), "surface_pressure": np.array(98500.0)},
        )
        said.append(pace.words(report))
    assert [words[0] for words in said[:3]] == [
        "1984-01-02",
        "1984-01-03",
        "1984-01-02",
    ]
    assert said[0][1:] == [
        "day 1 of 100",
        "max wind 40 m/s",
        "mean pressure 985.00 hPa",
    ]
    assert all("years/day" in words[4] and "left" in words[5] for words in said[1:])


def test_a_bug_is_not_hidden(monkeypatch, tmp_path):
    """An error that is none of ours keeps its traceback."""
    monkeypatch.chdir(tmp_path)

    def fail(config, **seen):
        raise ZeroDivisionError

    monkeypatch.setattr("ngcm_cli.run.amip", fail)
    monkeypatch.setattr(sys, "argv", ["ngcm", "amip", "--days", "1"])
    with pytest.raises(ZeroDivisionError) as caught:
        main()
    assert "please report it" in caught.value.__notes__[0]


def test_ctrl_c_is_exit_130(amip, monkeypatch):
    def interrupt(config, **seen):
        stop = KeyboardInterrupt()
        stop.add_note("run holds 3 of 5 days.")
        raise stop

    monkeypatch.setattr("ngcm_cli.run.amip", interrupt)
    done = amip("--days", "5")
    assert done == (130, "", "Interrupted. run holds 3 of 5 days.\n")


def test_the_folder_is_on_stdout(amip, monkeypatch, tmp_path):
    def made(config, resume, **seen):
        path = resume or config.output
        path.mkdir(exist_ok=True)
        (path / "file").write_bytes(bytes(2000))
        return path

    monkeypatch.setattr("ngcm_cli.run.amip", made)
    code, out, err = amip("--days", "5", "--output", "run")
    assert (code, out) == (0, "run\n") and err.startswith("Wrote 2 kB in ")
    assert amip("--resume", pathlib.Path("run"))[:2] == (0, "run\n")
