"""``ngcm diagnose``: its table in every format, its file, its errors."""

import csv
import io
import json

import numpy as np
import pytest
import xarray as xr
from command_line import ngcm
from diagnosis import known_data as known
from tiny_run import use_tiny_model

from ngcm_cli.config.diagnose import parse_period
from ngcm_cli.errors import ConfigError
from ngcm_cli.simulation import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    known.written(known.forecast(1), path / "run.nc")
    known.written(known.analyses(3, excess=0.1), path / "truth.nc")
    return path


def test_the_table_and_the_file(folder):
    done = ngcm(
        *("diagnose", "run.nc", "--against", "truth.nc", "--output", "found.nc"),
        folder=folder,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Diagnosis of run.nc"
    assert lines[1] == ("run.nc: instantaneous fields, 2020-01-01T00 to 2020-01-03T00")
    heading = next(line for line in lines if line.startswith("Quantity"))
    assert heading.split() == ["Quantity", "Value", "Units", "Reference", "Difference"]
    assert "Geostrophic balance" in lines and "Not computed:" in lines
    row = next(line for line in lines if "at 500 hPa, day 1" in line)
    value, reference, difference = map(float, row.split()[-3:])
    assert reference == pytest.approx(0.1, abs=0.02)
    assert difference == pytest.approx(value - reference, abs=1e-4)
    assert "Wrote found.nc in" in done.stderr
    with xr.open_dataset(folder / "found.nc") as found:
        assert found.attrs["Conventions"] == "CF-1.11"
        assert json.loads(found.attrs["settings"])["against"] == "truth.nc"
        assert "ngcm diagnose run.nc --against truth.nc" in found.attrs["history"]
        assert found["ageostrophic_ratio"].dims == ("lead_day", "level")
        assert found["ageostrophic_ratio_reference"].attrs["units"] == "1"
        name = "ageostrophic_ratio_500hPa_day_1"
        assert float(found[name]) == pytest.approx(value, rel=1e-3)
    assert not list(folder.glob(".*"))


def test_other_formats_have_the_same_numbers(folder):
    table = {}
    for style in "json", "csv", "md":
        done = ngcm("diagnose", "run.nc", "--format", style, folder=folder)
        assert done.returncode == 0, done.stderr
        table[style] = done.stdout
    content = json.loads(table["json"])
    rows = list(csv.DictReader(io.StringIO(table["csv"])))
    assert [x["name"] for x in content["quantities"]] == [x["name"] for x in rows]
    for one, other in zip(content["quantities"], rows, strict=True):
        assert one["value"] == float(other["value"])
        assert one["reference"] is None and other["reference"] == ""
    assert any(x.startswith("Stratosphere: needs") for x in content["not_computed"])
    assert "## Moisture budget" in table["md"]
    assert "| Quantity | Value | Units |" in table["md"]


@pytest.mark.parametrize(
    "words, said",
    [
        (["none.nc"], "none.nc"),
        (["run.nc", "--period", "2020-13"], "'2020-13' is not a period"),
        (["run.nc", "--period", "2021/2020"], "ends before it begins"),
        (["run.nc", "--period", "1999"], "is in the period 1999; it has 2020-01-01"),
        (["run.nc", "--format", "xml"], "'xml' is none of table, md, csv, json"),
        (["run.nc", "--output", "found.zarr"], "not named as NetCDF"),
        (["run.nc", "--output", "truth.nc"], "The output truth.nc exists"),
        (["run.nc", "--output", "no/found.nc"], "does not exist"),
        (["run.nc", "--config", "none.yaml"], "none.yaml cannot be read"),
    ],
)
def test_errors_come_before_the_work(folder, words, said):
    done = ngcm("diagnose", *words, folder=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_run_file(folder):
    (folder / "diagnose.yaml").write_text("against: truth.nc\nformat: json\n")
    done = ngcm("diagnose", "run.nc", "--config", "diagnose.yaml", folder=folder)
    assert json.loads(done.stdout)["reference"] == "truth.nc"


def test_periods():
    period = parse_period("1979-02/1979-03")
    assert str(period) == "1979-02/1979-03"
    assert period.begin == np.datetime64("1979-02-01")
    assert period.end == np.datetime64("1979-04-01")
    with pytest.raises(ConfigError, match="is not a period"):
        parse_period("1979-1")


def test_the_directory_of_a_long_run(tmp_path, monkeypatch):
    """Of a tiny model with three levels: what they do not give is said."""
    use_tiny_model(monkeypatch)
    monkeypatch.chdir(tmp_path)
    names = ("temperature", "u_component_of_wind", "v_component_of_wind")
    run.amip(
        days=3,
        start="1990-01-30",
        members=2,
        means="monthly,daily",
        every="12h",
        variables=(*names, "surface_pressure"),
        output="out",
    )
    done = ngcm("diagnose", "out", "--format", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    kinds = [line.split(": ")[1].split(",")[0] for line in found["data"]]
    assert kinds == ["monthly means", "daily means", "instantaneous fields"]
    part = "monthly means of 1990-01, 1990-02 are of a part of the month; --period"
    assert any(line.startswith(part) for line in found["notes"])
    rows = {row["name"]: row for row in found["quantities"]}
    # The model adds one kelvin an hour; its own global means are constants.
    assert rows["model_dry_mass"]["value"] == 1
    assert rows["model_dry_mass_drift"]["value"] == pytest.approx(0, abs=1e-12)
    assert rows["temperature_850hPa_mean"]["spread"] > 0
    assert any(
        line.startswith("Zonal-mean circulation: needs at least 5 pressure levels")
        for line in found["not_computed"]
    )
    assert "eddy_kinetic_energy_250hPa_north" in rows
