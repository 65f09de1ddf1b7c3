"""The examples and the README do what they say."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
import xarray

ROOT = pathlib.Path(__file__).parents[1]


def run(*command: str, folder: pathlib.Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    )


@pytest.mark.slow
def test_forecast_script(tmp_path):
    script = ROOT / "examples/01_forecast.py"
    done = run(sys.executable, str(script), "storm.zarr", folder=tmp_path)
    assert re.search(r"after  48 h: fastest wind at 250 hPa +\d+\.\d m/s", done.stdout)
    assert xarray.open_zarr(tmp_path / "storm.zarr").attrs["status"] == "complete"


@pytest.mark.slow
def test_forecast_run_file(tmp_path):
    run_file = ROOT / "examples/forecast.yaml"
    command = "-m", "ngcm_cli", "forecast", "--config", str(run_file), "--lead", "12h"
    done = run(sys.executable, *command, folder=tmp_path)
    assert done.stdout == "forecast_from_file.nc\n"
    with xarray.open_dataset(tmp_path / "forecast_from_file.nc") as forecast:
        assert list(forecast.level.values) == [250, 500, 850]
        assert forecast.sizes["lead_time"] == 2
        assert forecast.attrs["seed"] == 1


@pytest.mark.parametrize("command", ["forecast", "models"])
def test_readme_shows_the_help(command):
    text = (ROOT / "README.md").read_text()
    shown = re.search(
        rf"<!-- ngcm {command} --help -->\n```\n(.*?)```\n<!-- end -->", text, re.DOTALL
    )
    help_text = subprocess.run(
        [sys.executable, "-m", "ngcm_cli", command, "--help"],
        env=os.environ | {"COLUMNS": "88"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown is not None and shown.group(1) == help_text


def test_readme_names_the_commands_that_ci_runs():
    text = (ROOT / "README.md").read_text()
    tests = "pip install -e '.[test,reference]' && pytest"
    assert tests in text
    assert tests in (ROOT / ".ci/run").read_text()
