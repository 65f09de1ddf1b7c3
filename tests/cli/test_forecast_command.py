"""The command line: exit codes, stdout and stderr, help, and what it imports."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from cpu_time import of_children

from ngcm_cli.cli import main
from ngcm_cli.errors import CheckpointError, InputDataError
from ngcm_cli.simulation import run, setup

HEAVY = "{'jax', 'xarray', 'zarr', 'netCDF4', 'equinox', 'diffrax', 'numpy'}"


@pytest.mark.parametrize("verb", ["forecast", "ensemble", "amip", "export", "status"])
def test_help_is_quick_and_imports_nothing_heavy(verb):
    code = (
        f"import sys, ngcm_cli.cli as cli; sys.argv = ['ngcm', '{verb}', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"heavy = {HEAVY}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    started = of_children()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert of_children() - started < 2  # 0.3 s on a quiet machine
    assert done.stdout.startswith(f"Usage: ngcm {verb}")


def test_version(ngcm):
    code, out, err = ngcm("--version")
    assert (code, err) == (0, "")
    assert out.startswith("ngcm ") and ", jax " in out


def test_module_is_the_command():
    args = [sys.executable, "-m", "ngcm_cli", "--help"]
    done = subprocess.run(args, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ngcm")


def test_public_names_are_found_lazily():
    import ngcm_cli

    assert ngcm_cli.forecast is run.forecast
    assert ngcm_cli.__version__
    assert {*ngcm_cli.__all__, "__version__"} <= set(dir(ngcm_cli))
    assert all(callable(getattr(ngcm_cli, name)) for name in ngcm_cli.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ngcm_cli.nothing  # noqa: B018


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_path_on_stdout_and_progress_on_stderr(tiny, ngcm, tmp_path, name):
    code, out, err = ngcm("forecast", "--lead", "2d", "--output", name)
    assert (code, out) == (0, f"{name}\n")
    lines = err.splitlines()
    assert lines[0].startswith("Model      tiny, weights 0123456789ab, CC0-1.0")
    phases = ["Compiling the model", "Computing the first 6h", f"Writing {name}"]
    found = [x.partition(", after")[0] for x in lines]
    assert [x for x in found if x in phases] == phases
    times = [line for line in lines if "max wind" in line]
    assert [line.split("  ")[:4] for line in times] == [
        ["1959-01-02T00", "+0 h", "11%", "max wind 50 m/s"],
        ["1959-01-03T00", "+24 h", "56%", "max wind 50 m/s"],
        ["1959-01-04T00", "+48 h", "100%", "max wind 50 m/s"],
    ]
    assert "days/min" in times[1] and "left" in times[1]
    assert lines[-1].startswith("Wrote ")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with (xr.open_zarr if name == "out.zarr" else xr.open_dataset)(name) as ds:
        assert ds["lead_time"].size == 9 and ds.attrs["status"] == "complete"


def test_run_file_and_flags_that_override_it(tiny, ngcm, tmp_path):
    (tmp_path / "run.yaml").write_text(
        "lead: 12h\nseed: 3\noutput: file.zarr\nvariables: [t]\n"
    )
    flags = ("--output", "flag.nc", "--variables", "u", "--dry-run")
    code, out, err = ngcm("forecast", "--config", "run.yaml", *flags)
    assert (code, err) == (0, "")
    assert "12h every 6h: 3 lead times" in out
    assert "seed 3" in out
    assert "flag.nc" in out and "file.zarr" not in out
    assert "Variables  u_component_of_wind\n" in out
    assert [p.name for p in tmp_path.iterdir()] == ["run.yaml"]


def test_the_native_grid_overrides_that_of_a_run_file(tiny, ngcm, tmp_path):
    (tmp_path / "run.yaml").write_text("grid: 30\ndry-run: yes\n")
    code, out, _ = ngcm("forecast", "--config", "run.yaml")
    assert code == 0 and "12 x 7 regular with poles (30 degrees)" in out
    code, out, _ = ngcm("forecast", "--config", "run.yaml", "--grid", "native")
    assert code == 0 and "Grid       8 x 4 Gaussian (45 degrees)" in out


def test_a_run_file_may_ask_for_a_dry_run(tiny, ngcm, tmp_path):
    (tmp_path / "run.yaml").write_text("dry-run: yes\n")
    code, out, err = ngcm("forecast", "--config", "run.yaml")
    assert (code, err) == (0, "") and "lead times" in out
    assert [p.name for p in tmp_path.iterdir()] == ["run.yaml"]
    (tmp_path / "run.yaml").write_text("dry-run: perhaps\n")
    code, _, err = ngcm("forecast", "--config", "run.yaml")
    assert code == 2 and "'perhaps' is neither yes nor no" in err


def test_the_logger_is_left_as_it_was(tiny, ngcm):
    log = logging.getLogger("ngcm_cli")
    before = log.level, list(log.handlers)
    ngcm("forecast", "--dry-run")
    assert (log.level, list(log.handlers)) == before


def test_repeated_and_separated_names_are_the_same(tiny, ngcm):
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


@pytest.mark.parametrize("verb", ["forecast", "ensemble", "amip"])
def test_the_sigma_levels_of_the_model(tiny, ngcm, verb):
    length = ["--days", "1"] if verb == "amip" else []
    code, out, err = ngcm(verb, "--levels", "model", "--dry-run", *length)
    assert (code, err) == (0, "")
    assert "3 sigma levels, 0.167 to 0.833\n" in out


@pytest.mark.parametrize(
    "args, sentence",
    [
        (["--lead", "7h"], "lead 7h is not a multiple of every 6h."),
        (["--lead", "soon"], "lead: 'soon' is not a duration."),
        (["--init", "1959-02-30"], "init: '1959-02-30' is not a time."),
        (["--init", "1960-01-02"], "There is no 1960-01-02T00"),
        (["--every", "90m", "--lead", "3h"], "is not a multiple of the step of tiny"),
        (["--seed", "x"], "seed: 'x' is not a whole number"),
        (["--data", ""], "data: The value is empty."),
        (["--output", ""], "output: The value is empty."),
        (["--variables", "temprature"], "There is no output variable 'temprature'"),
        (["--grid", "7"], "grid: A spacing of 7 degrees does not divide 180"),
        (["--levels", "501"], "tiny has no level 501 hPa."),
        (["--variables", "sp", "--levels", "500"], "surface_pressure has none."),
        (["--output", "out.grib"], "The output out.grib has no known format."),
        (["--output", "no/out.zarr"], "does not exist."),
        (["--output", "/proc/out.zarr"], "cannot be written to"),
        (["--config", "no.yaml"], "The run file no.yaml cannot be read"),
        (["--config", "typo.yaml"], "Unknown key 'leed' in typo.yaml."),
        (["--output", "old.zarr"], "The output old.zarr exists."),
        (["--output", "old.zarr", "--overwrite"], "is not a Zarr store"),
        (["--resume", "no.zarr"], "no.zarr does not exist."),
        (["--resume", "old.zarr"], "old.zarr is not a Zarr store"),
        (["--resume", "no"], "There is no run in no."),
        (["--resume", "x.zarr", "--config", "typo.yaml"], "--config cannot be given"),
        (["--process", "0/2"], "need both --coordinator and --process"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(tiny, ngcm, tmp_path, args, sentence):
    (tmp_path / "typo.yaml").write_text("leed: 10d\n")
    (tmp_path / "old.zarr").mkdir()
    before = sorted(tmp_path.rglob("*"))
    # With data of one time, so that nothing is asked for on the network.
    if "--init" in args and "1960-01-02" in args:
        args = [*args, "--offline", "--data", str(_sample())]
    code, out, err = ngcm("forecast", *args)
    assert (code, out) == (2, "")
    error, hint = err.splitlines()
    assert error.startswith("Error: ") and sentence in error
    assert hint.endswith((".", "?"))
    assert sorted(tmp_path.rglob("*")) == before


def _sample():
    from ngcm_cli.zoo import bundled_folder

    return bundled_folder() / "era5_tl31_1959-01-02T00.nc"


def test_unknown_model_is_exit_2(ngcm):
    code, out, err = ngcm("forecast", "--model", "tl63_stochastic_maxi")
    assert (code, out) == (2, "")
    assert "Error: There is no model 'tl63_stochastic_maxi'." in err
    assert "tl63_stochastic_mini" in err


@pytest.mark.parametrize("args", [["--leed", "1d"], ["--lead"], ["surplus"]])
def test_usage_is_exit_2(ngcm, args):
    code, out, err = ngcm("forecast", *args)
    assert (code, out) == (2, "")
    assert "Error: " in err and "Traceback" not in err


@pytest.mark.parametrize("kind", [InputDataError, CheckpointError])
def test_errors_of_others_are_reported_alike(ngcm, monkeypatch, kind):
    def forecast(config, **others):
        raise kind("No.", "Do.")

    monkeypatch.setattr(run, "forecast", forecast)
    assert ngcm("forecast") == (2, "", "Error: No.\nDo.\n")


def test_unstable_is_exit_3_and_says_where_the_output_is(ngcm, monkeypatch):
    from tiny_run import use_tiny_model

    use_tiny_model(monkeypatch, unstable_above=600.0, stochastic=False)
    monkeypatch.setattr(setup, "auto_batch_size", lambda *args: 1)
    code, out, err = ngcm("forecast", "--lead", "20d", "--every", "1d")
    assert (code, out) == (3, "")
    assert "Error: The run became unstable: at 1959-01-" in err
    assert "What was written before is in tiny_1959-01-02T00.zarr." in err
    assert "--on-instability rewind" in err
    with xr.open_zarr("tiny_1959-01-02T00.zarr", chunks=None) as ds:
        assert ds.attrs["status"] == "unstable"
        finite = np.isfinite(ds.temperature.values).all(axis=(0, 2, 3, 4))
        assert finite[0] and not finite[-1] and not np.diff(finite.astype(int)).max()


def test_how_a_forecast_was_perturbed_is_in_its_attributes(tiny, ngcm):
    flags = ("--lead", "0h", "--output", "out.zarr")
    assert ngcm("forecast", *flags, "--member", "3", "--sst-offset", "2K")[0] == 0
    with xr.open_zarr("out.zarr") as ds:
        assert (ds.attrs["member"], ds.attrs["sst_offset"]) == (3, 2)
        assert "perturb" not in ds.attrs


def test_a_state_without_sst_is_told_of_the_climatology(tiny, ngcm, tmp_path):
    from ngcm_cli.zoo import bundled_folder

    sample = bundled_folder() / "era5_tl31_1959-01-02T00.nc"
    with xr.open_dataset(sample) as ds:
        ds.drop_vars("sea_surface_temperature").to_netcdf(tmp_path / "dry.nc")
    code, out, err = ngcm("forecast", "--data", "dry.nc", "--dry-run")
    assert (code, out) == (2, "") and "or use --sst climatology." in err
    flags = ("--dry-run", "--sst", "climatology")
    assert ngcm("forecast", "--data", "dry.nc", *flags)[0] == 0


def test_interrupt_is_exit_130(ngcm, monkeypatch):
    def forecast(config, **others):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "forecast", forecast)
    assert ngcm("forecast") == (130, "", "Interrupted. Nothing was written.\n")


@pytest.mark.parametrize("verb", ["forecast", "ensemble", "amip"])
def test_a_bug_keeps_its_traceback_and_asks_for_a_report(monkeypatch, verb):
    def fail(config, **others):
        raise ZeroDivisionError

    monkeypatch.setattr(run, verb, fail)
    length = ["--days", "1"] if verb == "amip" else []
    monkeypatch.setattr(sys, "argv", ["ngcm", verb, *length])
    with pytest.raises(ZeroDivisionError) as caught:
        main()
    assert "please report it" in caught.value.__notes__[0]
