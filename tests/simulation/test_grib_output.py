"""Runs that write GRIB 2: left out, refused, resumed, and said beside the file."""

import json
import sys

import pytest
import xarray as xr
from runs import ENSEMBLE, FORECAST, Stop, stopping

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.simulation import run
from ngcm_cli.simulation.status import read_status
from ngcm_cli.simulation.summary import summarize


def test_variables_without_a_code_are_left_out(tiny, tmp_path):
    settings = {"lead": "6h", "variables": "t,P_minus_E_rate"}
    output, seen = tmp_path / "out.grib2", []

    def track(progress, simulation):
        seen.append(summarize(simulation))
        return progress

    assert run.forecast(**settings, output=output, track=track) == output
    note = "GRIB 2 has no code for P_minus_E_rate, so not written to the file."
    assert note in seen[0]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["out.grib2", "out.grib2.json"]
    attributes = json.loads((tmp_path / "out.grib2.json").read_text())
    assert attributes["variables_notes"] == note and attributes["status"] == "complete"
    assert read_status(output).state == "complete"
    with xr.open_dataset(output, engine="cfgrib", indexpath="") as ds:
        assert list(ds.data_vars) == ["t"] and ds.step.size == 2


def test_members_stopped_and_resumed(tiny, tmp_path):
    changes = {"output": tmp_path / "out.grib2", "statistics": "mean"}
    with pytest.raises(Stop):
        ENSEMBLE.start(tmp_path, stopping(1, 1), **changes)
    run.ensemble(resume=tmp_path / "out.grib2")
    before = (tmp_path / "out.grib2").read_bytes()
    with pytest.raises(OutputError, match="exists"):
        ENSEMBLE.start(tmp_path, **changes)
    ENSEMBLE.start(tmp_path, **changes, overwrite=True)
    assert (tmp_path / "out.grib2").read_bytes() == before


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"variables": "P_minus_E_rate", "levels": None}, "GRIB 2 has no code for P_m"),
        ({"levels": "model"}, "on pressure levels, not on model levels"),
        ({"members": "250:260"}, "GRIB has numbers for members 0 to 254"),
    ],
)
def test_what_grib_cannot_hold_is_refused(tiny, tmp_path, settings, message):
    case = ENSEMBLE if "members" in settings else FORECAST
    with pytest.raises(ConfigError, match=message):
        case.start(tmp_path, output=tmp_path / "out.grib2", **settings)
    assert not list(tmp_path.iterdir())


def test_without_eccodes(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "eccodes", None)
    with pytest.raises(ConfigError, match="writes GRIB is not installed.*ngcm.grib."):
        FORECAST.start(tmp_path, output=tmp_path / "out.grib2")


def test_a_file_beside_it_is_not_replaced(tiny, tmp_path):
    (tmp_path / "out.grib2.json").write_text("mine")
    with pytest.raises(OutputError, match="out.grib2.json exists"):
        FORECAST.start(tmp_path, output=tmp_path / "out.grib2")
