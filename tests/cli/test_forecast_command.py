"""The command line: exit codes, stdout and stderr, help, and what it imports."""

import io
import logging
import subprocess
import sys

import pytest
import rich.console
from cpu_time import of_children
from ngcm_cli.cli.narration import downloading, tracking
from test_run import use_the_adder

from ngcm_cli.cli import main
from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import CheckpointError, InputDataError
from ngcm_cli.simulation import run


@pytest.fixture
def adder(monkeypatch, tmp_path):
    return use_the_adder(monkeypatch, tmp_path)


@pytest.fixture
def ngcm(monkeypatch, capsys):
    """Run the command in this process: exit code, stdout, stderr."""

    def ngcm(*words):
        monkeypatch.setattr(sys, "argv", ["ngcm", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return ngcm


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys, ngcm_cli.cli as cli; sys.argv = ['ngcm', 'forecast', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'jax', 'xarray', 'zarr', 'netCDF4', 'diffrax', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    started = of_children()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert of_children() - started < 2  # 0.3 s on a quiet machine
    for flag in ForecastConfig.model_fields:
        assert f"--{flag.replace('_', '-')} " in done.stdout
    assert "[default: 10d]" in done.stdout


def test_help_names_the_commands(ngcm):
    code, out, err = ngcm("--help")
    assert (code, err) == (0, "")
    assert "forecast  Forecast the weather from an initial state." in out


def test_version(ngcm):
    code, out, err = ngcm("--version")
    assert (code, err) == (0, "")
    assert out.startswith("ngcm ") and ", jax " in out


def test_module_is_the_command():
    words = [sys.executable, "-m", "ngcm_cli", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ngcm")


def test_public_names_are_found_lazily():
    import ngcm_cli

    assert ngcm_cli.forecast is run.forecast
    assert ngcm_cli.__version__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ngcm_cli.nothing  # noqa: B018


def test_path_on_stdout_and_weather_on_stderr(adder, ngcm):
    code, out, err = ngcm("forecast", "--lead", "2d", "--output", "out.zarr")
    assert code == 0
    assert out == "out.zarr\n"
    lines = err.splitlines()
    assert lines[0].startswith("Model      adder")
    days = [line for line in lines if "day " in line]
    assert [line.split("  ")[:3] for line in days] == [
        ["1959-01-02T00", "day 0 of 2", "max wind 95 m/s"],
        ["1959-01-03T00", "day 1 of 2", "max wind 75 m/s"],
        ["1959-01-04T00", "day 2 of 2", "max wind 68 m/s"],
    ]
    assert "days/min" in days[1] and "left" in days[1]
    assert lines[-1].startswith("Wrote ")


def test_a_run_without_wind_speaks_of_none(adder, ngcm):
    words = ("--lead", "1d", "--variables", "msl,t", "--output", "out.zarr")
    code, out, err = ngcm("forecast", *words)
    assert (code, out) == (0, "out.zarr\n")
    days = [line for line in err.splitlines() if "day " in line]
    assert [line.split("  ")[:2] for line in days] == [
        ["1959-01-02T00", "day 0 of 1"],
        ["1959-01-03T00", "day 1 of 1"],
    ]
    assert "wind" not in err


def test_run_file_and_flags_that_win(adder, ngcm, tmp_path):
    (tmp_path / "run.yaml").write_text(
        "lead: 12h\nseed: 3\noutput: file.zarr\nvariables: [t]\n"
    )
    flags = (
        "--config",
        "run.yaml",
        "--output",
        "flag.nc",
        "--variables",
        "u",
        "--dry-run",
    )
    code, out, err = ngcm("forecast", *flags)
    assert (code, err) == (0, "")
    assert "12h every 6h: 3 lead times" in out
    assert "seed 3" in out
    assert "flag.nc" in out and "file.zarr" not in out
    assert "u_component_of_wind" in out and "temperature" not in out
    assert [p.name for p in tmp_path.iterdir()] == ["run.yaml"]


def test_the_native_grid_wins_over_that_of_a_run_file(adder, ngcm, tmp_path):
    (tmp_path / "run.yaml").write_text("grid: 30\ndry-run: yes\n")
    code, out, _ = ngcm("forecast", "--config", "run.yaml")
    assert code == 0 and "12 x 7 regular with poles (30 degrees)" in out
    code, out, _ = ngcm("forecast", "--config", "run.yaml", "--grid", "native")
    assert code == 0 and "Grid       8 x 4 Gaussian (45 degrees)" in out


def test_a_run_file_may_ask_for_a_dry_run(adder, ngcm, tmp_path):
    (tmp_path / "run.yaml").write_text("dry-run: yes\n")
    code, out, err = ngcm("forecast", "--config", "run.yaml")
    assert (code, err) == (0, "") and "lead times" in out
    assert [p.name for p in tmp_path.iterdir()] == ["run.yaml"]
    (tmp_path / "run.yaml").write_text("dry-run: perhaps\n")
    code, _, err = ngcm("forecast", "--config", "run.yaml")
    assert code == 2 and "'perhaps' is neither yes nor no" in err


def test_the_logger_is_left_as_it_was(adder, ngcm):
    log = logging.getLogger("ngcm_cli")
    before = log.level, list(log.handlers)
    ngcm("forecast", "--dry-run")
    assert (log.level, list(log.handlers)) == before


def test_repeated_and_separated_words_are_the_same(adder, ngcm):
    some = ngcm(
        *("forecast", "--dry-run", "--variables", "t,u"),
        *("--levels", "500", "--levels", "850"),
    )
    same = ngcm(
        *("forecast", "--dry-run", "--variables", "t", "--variables", "u"),
        *("--levels", "850,500"),
    )
    assert some == same
    assert "2 of 3 levels" in some[1]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--lead", "7h"], "lead 7h is not a multiple of every 6h."),
        (["--lead", "soon"], "lead: 'soon' is not a duration."),
        (["--init", "1959-02-30"], "init: '1959-02-30' is not a time."),
        (["--every", "90m", "--lead", "3h"], "is not a multiple of the step of adder"),
        (["--seed", "x"], "seed: 'x' is not a whole number"),
        (["--data", ""], "data: It is empty."),
        (["--output", ""], "output: It is empty."),
        (["--variables", "temprature"], "does not predict 'temprature'"),
        (["--grid", "7"], "grid: A spacing of 7 degrees does not divide 180"),
        (["--levels", "501"], "adder has no level 501 hPa."),
        (["--variables", "sp", "--levels", "500"], "surface_pressure is at the surf"),
        (["--output", "out.grib"], "The output out.grib has no known format."),
        (["--output", "no/out.zarr"], "does not exist."),
        (["--output", "/proc/out.zarr"], "cannot be written to"),
        (["--config", "no.yaml"], "The run file no.yaml cannot be read"),
        (["--config", "typo.yaml"], "Unknown key 'leed' in typo.yaml."),
        (["--output", "old.zarr"], "The output old.zarr exists."),
        (["--output", "old.zarr", "--overwrite"], "is not a Zarr store"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(adder, ngcm, tmp_path, words, sentence):
    (tmp_path / "typo.yaml").write_text("leed: 10d\n")
    (tmp_path / "old.zarr").mkdir()
    code, out, err = ngcm("forecast", *words)
    assert code == 2
    assert out == ""
    error, hint = err.splitlines()
    assert error.startswith("Error: ") and sentence in error
    assert hint.endswith(".") or hint.endswith("?")


def test_unknown_model_is_exit_2(ngcm):
    code, out, err = ngcm("forecast", "--model", "tl63_stochastic_maxi")
    assert (code, out) == (2, "")
    assert "Error: There is no model 'tl63_stochastic_maxi'." in err
    assert "tl63_stochastic_mini" in err


@pytest.mark.parametrize("words", [["--leed", "1d"], ["--lead"], ["surplus"]])
def test_usage_is_exit_2(ngcm, words):
    code, out, err = ngcm("forecast", *words)
    assert (code, out) == (2, "")
    assert "Error: " in err and "Traceback" not in err


@pytest.mark.parametrize(
    "error, code",
    [(InputDataError("No.", "Do."), 2), (CheckpointError("No.", "Do."), 2)],
)
def test_errors_of_others_are_reported_alike(ngcm, monkeypatch, error, code):
    def forecast(config, **seen):
        raise error

    monkeypatch.setattr(run, "forecast", forecast)
    assert ngcm("forecast") == (code, "", "Error: No.\nDo.\n")


def test_unstable_is_exit_3_and_says_what_there_is(adder, ngcm):
    adder.nan_at = 12
    code, out, err = ngcm("forecast", "--output", "out.zarr")
    assert (code, out) == (3, "")
    assert "Error: The run became unstable: temperature at 200 hPa" in err
    assert "out.zarr holds 2 of 41 lead times, through 1959-01-02T06:00" in err


def test_interrupt_is_exit_130(ngcm, monkeypatch):
    def forecast(config, **seen):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "forecast", forecast)
    assert ngcm("forecast") == (130, "", "Interrupted. Nothing was written.\n")


def test_a_bug_keeps_its_traceback_and_asks_for_a_report(monkeypatch):
    def forecast(config, **seen):
        raise ZeroDivisionError

    monkeypatch.setattr(run, "forecast", forecast)
    monkeypatch.setattr(sys, "argv", ["ngcm", "forecast"])
    with pytest.raises(ZeroDivisionError) as caught:
        main()
    assert "please report it" in caught.value.__notes__[0]


def test_a_download_and_a_run_share_a_terminal():
    """One bar after the other: Rich shows only one at a time."""
    console = rich.console.Console(force_terminal=True, file=io.StringIO())
    with tracking(console) as track, downloading(console) as download:
        download(5, 10)
        download(10, 10)
        chunks = iter([])
        assert list(track(chunks, None)) == []
    text = console.file.getvalue()
    assert "Fetching" in text and "Compiling the model" in text
