"""The examples, and commands of the documentation, do what they say."""

import pathlib
import re
import runpy
import subprocess
import sys

import cf_xarray  # noqa: F401
import jax
import numpy as np
import pytest
import xarray
from command_line import ngcm
from gcm import bundled

import ngcm_cli
from ngcm_cli.inputs.sources.bundled import sample_path
from ngcm_cli.output.grid import OutputGrid

ROOT = pathlib.Path(__file__).parents[1]


def command(*words: str, folder: pathlib.Path) -> subprocess.CompletedProcess:
    done = ngcm(*words, folder=folder)
    assert done.returncode == 0, done.stderr
    return done


def run(*command: str, folder: pathlib.Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    )


@pytest.mark.slow
def test_forecast_script(tmp_path):
    script = ROOT / "examples/01_forecast.py"
    done = run(sys.executable, str(script), "storm.zarr", "6h", folder=tmp_path)
    assert re.search(r"after   6 h: fastest wind at 250 hPa +\d+\.\d m/s", done.stdout)
    assert xarray.open_zarr(tmp_path / "storm.zarr").attrs["status"] == "complete"


@pytest.mark.slow
def test_ensemble_script(reduced_model, tmp_path, monkeypatch, capsys):
    """With a model on a coarse grid: two members of the bundled one take a minute."""
    many = ngcm_cli.ensemble
    monkeypatch.setattr(
        ngcm_cli, "ensemble", lambda **x: many(model=reduced_model, **x)
    )
    monkeypatch.setattr(sys, "argv", ["02_ensemble.py", "few.zarr", "2", "6h"])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples/02_ensemble.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "Ensemble by tl15_reduced from 1959-01-02T00: 2 members" in said
    spreads = re.findall(r"after +(\d+) h: spread of .* (\d\.\d{3}) K", said)
    assert [hours for hours, _ in spreads] == ["0", "6"]
    assert float(spreads[1][1]) > 0.01


def test_ensemble_run_file(tmp_path):
    run_file = ROOT / "examples/ensemble.yaml"
    words = "ensemble", "--config", str(run_file), "--dry-run", "--batch", "4"
    done = command(*words, folder=tmp_path)
    assert "0 to 49, 4 at once" in done.stdout
    assert "mean, std, p10, p90 over all members" in done.stdout


@pytest.mark.slow
def test_amip_script(reduced_model, tmp_path, monkeypatch, capsys):
    """With a model on a coarse grid: a day of the bundled one takes half a minute."""
    amip = ngcm_cli.amip
    monkeypatch.setattr(ngcm_cli, "amip", lambda **x: amip(model=reduced_model, **x))
    monkeypatch.setattr(sys, "argv", ["03_amip.py", "days", "1"])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples/03_amip.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "from 1982-01-01T00: 1 days, complete" in said
    assert re.search(r"1982-01-01  water \d+\.\d\d kg/m2 .* \d+ m/s", said)


def test_amip_run_file(tmp_path):
    run_file = ROOT / "examples/amip.yaml"
    words = "amip", "--config", str(run_file), "--dry-run"
    done = command(*words, folder=tmp_path)
    assert "1982-01-01T00 to 2022-01-01T00, 14610d" in done.stdout


@pytest.mark.slow
def test_forecast_run_file(tmp_path):
    run_file = ROOT / "examples/forecast.yaml"
    words = "forecast", "--config", str(run_file), "--lead", "1h", "--every", "1h"
    done = command(*words, folder=tmp_path)
    assert done.stdout == "forecast_from_file.nc\n"
    with xarray.open_dataset(tmp_path / "forecast_from_file.nc") as forecast:
        assert list(forecast.level.values) == [250, 500, 850]
        assert forecast.sizes["time"] == 2
        assert forecast.attrs["seed"] == 1


@pytest.mark.slow
def test_assimilation_script(reduced_model, tmp_path, monkeypatch, capsys):
    """With a model on a coarse grid, and the gradient that its own tests compile."""
    table = "time,lat,lon,pressure_hPa,variable,value,error\n"
    for name, value in (
        *(("t", 255), ("u", 5), ("v", 5), ("q", 0.001), ("msl", 101300)),
    ):
        place = "" if name == "msl" else 500
        table += f"1959-01-02T01,45,10,{place},{name},{value},{abs(value) / 100}\n"
    (tmp_path / "table.csv").write_text(table.replace("msl", "sp"))
    for name in ("assimilate", "forecast"):
        verb = getattr(ngcm_cli, name)
        monkeypatch.setattr(
            ngcm_cli, name, lambda verb=verb, **x: verb(model=reduced_model, **x)
        )
    words = ["table.csv", str(sample_path()), "2h"]
    monkeypatch.setattr(sys, "argv", ["07_assimilate.py", *words])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples/07_assimilate.py"), run_name="__main__")
    said = capsys.readouterr().out
    before, after = (
        float(re.search(f"from the {name} by (.*) of their", said)[1])
        for name in ("background", "analysis")
    )
    assert after < before
    assert "forecast.zarr has the forecast from the analysis" in said


def scored_files(folder: pathlib.Path) -> None:
    """Write a forecast and its truth, small ones."""
    sys.path.insert(0, str(ROOT / "tests/verification"))
    from synthetic_forecasts import forecast, truth

    record = truth(variables=("geopotential", "temperature"))
    record["geopotential"] = record["geopotential"] * 200
    record["geopotential"].attrs = {"units": "m2 s-2"}
    record.to_netcdf(folder / "truth.nc")
    made = forecast(record, error=1.0, leads=(0, 6, 12, 24))
    made.to_zarr(folder / "forecast.zarr", consolidated=False)


def test_evaluate_script(tmp_path, monkeypatch, capsys):
    scored_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["04_evaluate.py", "forecast.zarr", "truth.nc"])
    runpy.run_path(str(ROOT / "examples/04_evaluate.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "rmse.geopotential (m2 s-2)" in said
    assert re.search(r"after  24 h: +1\.00\d +\d+", said)
    with xarray.open_dataset(tmp_path / "scores.nc", decode_timedelta=True) as scores:
        assert scores.forecast.values.tolist() == ["ngcm", "persistence"]
    assert (tmp_path / "scorecard.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_sensitivity_script(reduced_model, tmp_path, monkeypatch, capsys):
    """Two hours of a model on a coarse grid, by the programs of its own tests."""
    find = ngcm_cli.find_sensitivity
    monkeypatch.setattr(
        ngcm_cli, "find_sensitivity", lambda **x: find(model=reduced_model, **x)
    )
    monkeypatch.setattr(sys, "argv", ["06_sensitivity.py", "2h", "found.nc"])
    monkeypatch.chdir(tmp_path)
    jax.config.update("jax_disable_most_optimizations", True)  # quick to compile
    try:
        runpy.run_path(str(ROOT / "examples/06_sensitivity.py"), run_name="__main__")
    finally:
        jax.config.update("jax_disable_most_optimizations", False)
    said = capsys.readouterr().out
    assert (
        "Sensitivity of forecasts by tl15_reduced from 1959-01-02T00, after 2h" in said
    )
    # Two hours later it is as warm as the air upwind: where the box is, and before.
    warmed = float(re.search(r"kelvin more at 850 hPa now: \+(0\.\d+) K", said)[1])
    north, east = map(int, re.findall(r"most from (\d+) N, (\d+) E", said)[0])
    assert 0.2 < warmed < 1.2
    assert 30 <= north <= 60
    assert 190 <= east <= 250
    # Predicted and true, of the layer that was warmed.
    (row,) = [x for x in said.splitlines() if x.startswith("pacific  t850 += 1")]
    assert float(row.split()[-2]) == pytest.approx(1, abs=0.02)
    assert (tmp_path / "sensitivity.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_run_file(tmp_path):
    scored_files(tmp_path)
    run_file = ROOT / "examples/evaluate.yaml"
    words = "evaluate", "--config", str(run_file), "--truth", "truth.nc"
    others = "--variables", "z500,t850", "--lead", "6h,1d"
    done = command(*words, *others, folder=tmp_path)
    assert done.stdout == "forecast_scores.nc\n"
    assert "minus persistence" in done.stderr


@pytest.mark.slow
def test_surface_fields_of_the_real_model(tmp_path):
    """As docs/forecast.md asks for them."""
    text = (ROOT / "docs/forecast.md").read_text()
    (words,) = re.findall(r"^ngcm (.*--variables t,msl.*) --output \S+$", text, re.M)
    hour = "--every", "1h", "--lead", "1h"
    command(*words.split(), *hour, "--output", "surface.nc", folder=tmp_path)
    state = bundled.encoded()
    with xarray.open_dataset(
        tmp_path / "surface.nc", decode_timedelta=True
    ) as forecast:
        names = "temperature", "mean_sea_level_pressure", "total_column_water_vapour"
        assert set(forecast.data_vars) == set(names)
        first = forecast.isel(time=0)
        for variable, x in bundled.model().decode(state, names).items():
            level = bundled.model().levels.index(850) if len(x) > 1 else 0
            ours = first[variable].squeeze().transpose("longitude", "latitude")
            np.testing.assert_array_equal(ours, x[level])
        surface = forecast.cf["air_pressure_at_mean_sea_level"]
        assert surface.dims == ("time", "latitude", "longitude")
        assert surface.attrs["units"] == "Pa"
        vapour = forecast.cf["atmosphere_mass_content_of_water_vapor"]
        assert vapour.attrs["units"] == "kg m-2"
        assert set(vapour.cf.axes) == {"T", "X", "Y"}


@pytest.mark.slow
def test_the_grid_of_weatherbench(tmp_path):
    """As docs/forecast.md asks for it."""
    text = (ROOT / "docs/forecast.md").read_text()
    (words,) = re.findall(r"^ngcm (.*--grid 1.5) --output \S+$", text, re.M)
    hour = "--every", "1h", "--lead", "1h"
    some = "--variables", "t,sp", "--levels", "500", "--output", "regular.zarr"
    command(*words.split(), *hour, *some, folder=tmp_path)
    grid = OutputGrid.regular(bundled.model().grid, 1.5)
    with xarray.open_dataset(
        tmp_path / "regular.zarr", decode_timedelta=True
    ) as forecast:
        assert (forecast["latitude"] == np.arange(-90, 91.5, 1.5)).all()
        assert (forecast["longitude"] == np.arange(0, 360, 1.5)).all()
        first = forecast.isel(init_time=0, lead_time=0, level=0)
        names = "temperature", "surface_pressure"
        for variable, x in bundled.model().decode(bundled.encoded(), names).items():
            level = bundled.model().levels.index(500) if len(x) > 1 else 0
            ours = first[variable].transpose("longitude", "latitude")
            np.testing.assert_array_equal(ours, grid.regrid(np.asarray(x[level])))
