"""``ngcm idealized``: its options, a run, restarts, instability, what is refused."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
import typer.main
import xarray as xr

import ngcm_cli
from ngcm_cli import run_idealized
from ngcm_cli.cli.app import app
from ngcm_cli.config import IdealizedConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.idealized.cases import CASES
from ngcm_cli.simulation import task_run

SMALL = ("--truncation", "T10", "--levels", "0,0.1,0.35,0.7,1", "--time-step", "1h")
DAY = ("--days", "0.5", "--every", "3h", "--restart-every", "6h")


def read(path) -> xr.Dataset:
    with xr.open_zarr(path, chunks=None, decode_timedelta=True) as opened:
        return opened.load()


def test_every_setting_is_an_option_and_all_cases_are_named():
    command = typer.main.get_command(app).commands["idealized"]
    expected = {*IdealizedConfig.model_fields, "resume", "config", "dry_run", "help"}
    assert {p.name for p in command.params} | {"help"} == expected
    for name in CASES:
        assert name in command.help, name


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_of_every_case(ngcm, tmp_path, name):
    layered = CASES[name].layers is not None
    small = SMALL if layered else (*SMALL[:2], *SMALL[4:])
    code, out, err = ngcm("idealized", name, *small, "--dry-run")
    assert (code, err) == (0, "")
    assert f"{name}_T10{'L4' if layered else ''}.zarr" in out
    assert ("sigma layers between 0, 0.1, 0.35, 0.7, 1" in out) == layered
    assert "time step 1h" in out
    assert list(tmp_path.iterdir()) == []


def test_a_run_and_what_is_in_it(ngcm):
    code, out, err = ngcm(
        *("idealized", "baroclinic-wave", *SMALL, *DAY, "-o", "wave.zarr"),
        *("--variables", "t", "u", "z500", "sp", "vo", "omega", "total_energy"),
    )
    assert (code, out) == (0, "wave.zarr\n"), err
    data = read("wave.zarr")
    assert dict(data.sizes) == {
        "init_time": 1, "lead_time": 5, "level": 1, "latitude": 16, "longitude": 32,
    }  # fmt: skip
    assert all(np.isfinite(x).all() for x in data.values())
    assert data["level"].values == [500]
    energy = data["total_energy"]  # of a column, with c_p T of 1e4 kg m-2
    assert "level" not in energy.dims and energy.attrs["units"] == "J m-2"
    assert 2e9 < energy.min() < energy.max() < 4e9
    assert data.attrs["model"] == "baroclinic-wave"
    assert data.attrs["truncation"] == "T10" and data.attrs["time_step_seconds"] == 3600
    assert data.attrs["precision"] == "published"
    assert data.attrs["sigma_boundaries"] == "0, 0.1, 0.35, 0.7, 1"
    assert "ngcm idealized baroclinic-wave" in data.attrs["history"]
    assert not {"weights_sha256", "sst", "seed"} & set(data.attrs)
    code, out, _ = ngcm("status", "wave.zarr")
    assert code == 0 and "baroclinic-wave, ngcm idealized" in out


def test_a_stopped_run_is_resumed_to_the_same_bits(ngcm, monkeypatch):
    run = ("idealized", "held-suarez", *SMALL, *DAY, "--output-levels", "model")
    assert ngcm(*run, "-o", "whole.zarr")[0] == 0

    compute, calls = task_run.compute_window, []

    def stopping(simulation, task, state):
        calls.append(state.windows)
        if state.windows == 3:
            raise KeyboardInterrupt
        return compute(simulation, task, state)

    with monkeypatch.context() as patch:
        patch.setattr(task_run, "compute_window", stopping)
        assert ngcm(*run, "-o", "part.zarr")[0] == 130
    code, out, err = ngcm("idealized", "--resume", "part.zarr", "--dry-run")
    assert code == 0 and "interrupted" in out, err
    for words in (("held-suarez",), ("--days", "3"), ("--precision", "fast")):
        code, _, err = ngcm("idealized", *words, "--resume", "part.zarr")
        assert code == 2 and "Traceback" not in err and "leave" in err.lower()
    assert ngcm("idealized", "--resume", "part.zarr")[0] == 0
    whole, part = read("whole.zarr"), read("part.zarr")
    assert list(whole["sigma"]) == pytest.approx([0.05, 0.225, 0.525, 0.85])
    for name, x in whole.items():
        assert x.values.tobytes() == part[name].values.tobytes(), name


def test_too_long_a_step_ends_in_exit_code_three(ngcm):
    code, _, err = ngcm(
        *("idealized", "baroclinic-wave", "--truncation", "T42", "--levels", "3"),
        *("--time-step", "6h", "--days", "20", "-o", "wave.zarr"),
    )
    assert code == 3 and "became unstable" in err and "--time-step" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("precision", ["float32", "fast"])
def test_a_cpu_writes_the_same_bits_in_every_precision(ngcm, precision):
    run = ("idealized", "galewsky", *SMALL[:2], *SMALL[4:], *DAY)
    assert ngcm(*run, "-o", "default.zarr")[0] == 0
    assert ngcm(*run, "--precision", precision, "-o", "other.zarr")[0] == 0
    default, other = read("default.zarr"), read("other.zarr")
    assert default.attrs["precision"] == "published"
    assert other.attrs["precision"] == precision
    for name, x in default.items():
        assert x.values.tobytes() == other[name].values.tobytes(), name


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "No case is named"),
        (("held-suares",), "Did you mean 'held-suarez'?"),
        (("held-suarez", "--truncation", "T1000"), "below a minute"),
        (("held-suarez", "--time-step", "7m", "--every", "7h", "--days", "7"), "a day"),
        (("held-suarez", "--variables", "q"), "Use temperature, geopotential"),
        (("held-suarez", "--variables", "total_enrgy"), "mean 'total_energy'?"),
        (("held-suarez", "--variables", "sp500"), "Leave out the number."),
        (("held-suarez", "--every", "90s", "--days", "1"), "whole minutes"),
        (
            ("held-suarez", "--output-levels", "500", "--variables", "sp"),
            "surface_pressure has none. Leave out --output-levels,",
        ),
        (
            ("held-suarez", "--output-levels", "model", "--variables", "t500"),
            "output_levels is model. Leave out --output-levels,",
        ),
        (("held-suarez", "-o", "out.txt"), "no known format"),
        (("held-suarez", "--precision", "x"), "none of published, float32, fast"),
        (("held-suarez", "-o", "o.grib2", "--output-levels", "model"), "GRIB"),
    ],
)
def test_what_is_refused(ngcm, tmp_path, words, said):
    code, out, err = ngcm("idealized", *words)
    assert (code, out) == (2, "") and said in " ".join(err.split())
    assert "Traceback" not in err and list(tmp_path.iterdir()) == []


def test_a_case_of_ones_own(tmp_path):
    """From Python, without being known to the command line; and resumed."""
    slow = dataclasses.replace(
        CASES["held-suarez"], name="slow", truncation=10, layers=3
    )
    output = tmp_path / "own.nc"
    settings = {"days": 0.25, "every": "3h", "variables": "u", "output_levels": "model"}
    assert run_idealized(slow, output=output, **settings) == output
    with xr.open_dataset(output) as data:
        assert data.attrs["model"] == "slow"
        assert json.loads(data.attrs["ngcm_run"])["settings"]["case"] == "slow"
        assert data.sizes["sigma"] == 3
    assert run_idealized(slow, resume=output) == output
    with pytest.raises(ConfigError, match="no idealized case 'slow'"):
        run_idealized(resume=output)


def test_the_case_of_the_documentation(tmp_path, monkeypatch):
    """As the page has it, but coarse and short."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "idealized.md"
    code = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    small = {"truncation": "T10", "days": 0.25, "every": "3h"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        ngcm_cli,
        "run_idealized",
        lambda case, **settings: run_idealized(case, **settings, **small),
        raising=False,
    )
    exec(compile(code, "idealized.md", "exec"), {"__name__": "example"})
    data = read(tmp_path / "hill.zarr")
    assert data["level"].min() == 50 and data.sizes["lead_time"] == 3
    assert float(np.abs(data["v_component_of_wind"]).max()) < 10
