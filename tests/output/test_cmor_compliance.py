"""Exported files before the compliance checker of IOOS, with its checks of CF 1.11.

https://github.com/ioos/compliance-checker; nothing is skipped.
"""

import json
import pathlib
import subprocess
import sys

import netCDF4
import numpy as np
import pytest
from climate_run import GRID, SIZES, day_bounds, month_bounds, write_means

from ngcm_cli.output.cmor import export_cmor
from ngcm_cli.output.grid import OutputGrid

MORE = (
    *("total_column_cloud_ice_water", "toa_incoming_shortwave_flux"),
    *("sea_surface_temperature", "sea_ice_cover"),
)
# The suggestions that remain, of high, medium or low priority: none.
REMAINING: list[str] = []


def complaints(paths) -> dict[str, list[str]]:
    """What the checker has against files, by name."""
    program = pathlib.Path(__file__).with_name("compliance.py")
    words = [sys.executable, str(program), *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == len(paths)
    for path, result in found.items():
        assert result["not run"] == [], path
        assert result["checks"] > 10, path
    return {pathlib.Path(p).name: r["complaints"] for p, r in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gn, months", "gr, days"])
def test_every_file_complies(tmp_path, kind):
    grid, names = OutputGrid.native(GRID), (*SIZES, *MORE)
    if kind == "gn, months":
        store, bounds = "monthly.zarr", month_bounds("1982-01", 3)
    else:
        grid = OutputGrid.regular(GRID, 30)
        store, bounds = "daily.zarr", day_bounds("1984-02-28", 3)
    write_means(tmp_path / store, bounds, variables=names, grid=grid)
    land = np.zeros((len(grid.latitude), len(grid.longitude)))
    paths = export_cmor(
        tmp_path,
        tmp_path / "cmor",
        ground=lambda: {"sftlf": land, "orog": land},
        mask_below_ground=True,
    )
    assert len(paths) == (17 if kind == "gn, months" else 18)
    assert complaints(paths) == {path.name: REMAINING for path in paths}


SPOILED = {
    "units": lambda file: file["ps"].setncattr("units", "m"),
    "standard_name": lambda file: file["ps"].setncattr("standard_name", "pressure"),
    "Conventions": lambda file: file.setncattr("Conventions", "CF-1.6"),
    "latitude": lambda file: file["lat"].setncattr("units", "m"),
    "areacella": lambda file: file.delncattr("external_variables"),
    "leap_seconds": lambda file: file["time"].delncattr("units_metadata"),
}


@pytest.mark.slow
def test_the_checker_sees_what_is_wrong(tmp_path):
    bounds, paths = month_bounds("1982-01", 1), []
    one = ("surface_pressure",)
    write_means(tmp_path / "monthly.zarr", bounds, variables=one)
    for word, spoil in SPOILED.items():
        path = export_cmor(tmp_path, tmp_path / word, experiment=f"x{len(paths)}")[0]
        with netCDF4.Dataset(path, "a") as file:
            spoil(file)
        paths.append(path)
    found = complaints(paths)
    for word, path in zip(SPOILED, paths, strict=True):
        assert word in " ".join(found[path.name])
