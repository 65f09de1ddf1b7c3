"""``ngcm assimilate`` with wrong input: a sentence and exit code 2, nothing written."""

import pytest
from command_line import ngcm

from ngcm_cli.config.assimilate import AssimilateConfig
from ngcm_cli.errors import ConfigError

HEADER = "time,latitude,longitude,pressure_hPa,variable,value,error\n"
ROW = "1959-01-02T00:30,45,10,500,temperature,250,1\n"


def test_observations_are_needed():
    with pytest.raises(ConfigError, match="observations is not given") as caught:
        AssimilateConfig()
    assert "--observations" in caught.value.hint


@pytest.fixture
def table(tmp_path):
    (tmp_path / "table.csv").write_text(HEADER + ROW)
    return tmp_path


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "No observations are given"),
        (["--observations", "absent.csv"], "absent.csv cannot be read"),
        (["--observations", "table.csv", "--window", "90m"], "window 1h30m is not one"),
        (["--observations", "table.csv", "--window", "0h"], "window is zero"),
        (["--observations", "table.csv", "--window", "9d"], "longer than two days"),
        (["--observations", "table.csv", "--output", "a.zarr"], "not named as NetCDF"),
        (["--observations", "table.csv", "--output", "table.nc"], "table.nc exists"),
        (["--observations", "table.csv", "--output", "x/a.nc"], "does not exist"),
        (["--observations", "table.csv", "--iterations", "0"], "iterations: '0'"),
        (["--observations", "table.csv", "--reject-beyond", "-1"], "reject_beyond"),
        (
            ["--observations", "table.csv", "--background-error-scale", "much"],
            "background_error_scale: 'much' is not a factor",
        ),
        (["--observations", "table.csv", "--init", "1959-01-02T00:30"], "init 1959-01"),
        (["--observations", "high.csv"], "high.csv, line 2: the pressure 0.5 hPa is"),
        (["--observations", "late.csv"], "None of the 1 observations"),
        (["--observations", "table.csv", "--background", "no.nc"], "no.nc"),
        (
            ["--observations", "table.csv", "--background-errors", "no.nc"],
            "background errors no.nc cannot be read",
        ),
    ],
)
def test_wrong_input(table, reduced_model, words, message):
    (table / "table.nc").touch()
    (table / "high.csv").write_text(HEADER + ROW.replace("500", "0.5"))
    (table / "late.csv").write_text(HEADER + ROW.replace("1959", "1960"))
    before = sorted(table.iterdir())
    done = ngcm("assimilate", "--model", reduced_model, *words, folder=table)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "--data" not in done.stderr
    assert sorted(table.iterdir()) == before
