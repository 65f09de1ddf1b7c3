"""Shallow-water cases from the command line, as any other run."""

import pathlib
import re

import netCDF4
import numpy as np
import pytest
from command_line import ngcm

from ngcm_cli import run_idealized

FIELDS = {
    "geopotential_height": ("geopotential_height", "m"),
    "depth": ("", "m"),
    "u_component_of_wind": ("eastward_wind", "m s-1"),
    "v_component_of_wind": ("northward_wind", "m s-1"),
    "vorticity": ("atmosphere_upward_relative_vorticity", "s-1"),
    "divergence": ("divergence_of_wind", "s-1"),
}


def test_a_run_is_written_with_its_names_and_units(tmp_path):
    words = "williamson-2 --truncation T10 --days 1 --output steady.nc"
    run = ngcm("idealized", *words.split(), folder=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "steady.nc"
    assert "shallow-water equations, mean depth 2363 m" in run.stderr
    with netCDF4.Dataset(tmp_path / "steady.nc") as file:
        for name, (standard_name, units) in FIELDS.items():
            field = file[name]
            assert getattr(field, "standard_name", "") == standard_name
            assert field.units == units
            assert field.dimensions == ("time", "latitude", "longitude")
        assert file.references.endswith("10.1016/S0021-9991(05)80016-6")
        height = np.asarray(file["geopotential_height"])
    assert len(height) == 5  # every 6 hours
    np.testing.assert_allclose(height[-1], height[0], atol=0.01)


def test_an_interrupted_run_is_resumed_to_the_same_bits(tmp_path):
    settings = {"truncation": 10, "days": 2, "every": "12h", "restart_every": "12h"}
    whole, half = tmp_path / "whole.zarr", tmp_path / "half.zarr"
    run_idealized("galewsky", output=whole, **settings)

    def stop(progress, simulation):
        for one in progress:
            if one.windows == 2:
                raise KeyboardInterrupt
            yield one

    with pytest.raises(KeyboardInterrupt):
        run_idealized("galewsky", output=half, track=stop, **settings)
    assert _chunks(half) != _chunks(whole)
    run_idealized(resume=half)
    assert _chunks(half) == _chunks(whole) != {}


def _chunks(store):
    """The bytes of all chunks by name."""
    return {path.relative_to(store): path.read_bytes() for path in store.rglob("c.*")}


def test_an_unstable_run_ends_with_its_own_code(tmp_path):
    words = "--truncation T21 --days 5 --every 12h --time-step 6h --output x.zarr"
    run = ngcm("idealized", "williamson-6", *words.split(), folder=tmp_path)
    assert run.returncode == 3
    assert "The run became unstable" in run.stderr and "sigma" not in run.stderr


@pytest.mark.parametrize(
    "words, said",
    [
        ("--levels 10", "williamson-5 has no vertical"),
        ("--output-levels 500", "williamson-5 has no vertical"),
        ("--variables t", "Use geopotential_height, depth"),
        ("--variables vo500", "has a level"),
        ("--output layer.grib2", "has a single layer, for which GRIB has no level"),
    ],
)
def test_what_a_layer_does_not_have_is_refused(tmp_path, words, said):
    run = ngcm("idealized", "williamson-5", *words.split(), folder=tmp_path)
    assert run.returncode == 2
    assert said in " ".join(run.stderr.split())
    assert not list(tmp_path.iterdir())


def test_a_layer_has_no_pressure_levels_to_diagnose(tmp_path):
    words = "galewsky --truncation T10 --days 2 --every 1d --output layer.nc"
    assert ngcm("idealized", *words.split(), folder=tmp_path).returncode == 0
    run = ngcm("diagnose", "layer.nc", folder=tmp_path)
    assert "Traceback" not in run.stderr
    said = run.stdout + run.stderr
    assert "Zonal-mean circulation: needs u_component_of_wind" in said


def test_the_case_of_the_page_works(tmp_path, monkeypatch):
    """Flow over the poles, as docs/shallow-water.md has it, is steady, too."""
    page = pathlib.Path(__file__).parents[2] / "docs/shallow-water.md"
    code = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)[0]
    monkeypatch.chdir(tmp_path)
    coarser = code.replace("truncation=42", "truncation=10")
    exec(compile(coarser.replace("poles.zarr", "poles.nc"), page.name, "exec"), {})
    with netCDF4.Dataset(tmp_path / "poles.nc") as file:
        assert file.title == "Steady flow over the poles, T10"
        v = np.asarray(file["v_component_of_wind"])
    assert v.max() > 35
    np.testing.assert_allclose(v[-1], v[0], atol=0.001)
