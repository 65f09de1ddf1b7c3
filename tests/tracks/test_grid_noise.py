"""Noise from one grid point to the next."""

import numpy as np
import pytest
from synthetic_cyclones import axes, cyclones, straight

from ngcm_cli.config.cyclone_criteria import PRESETS
from ngcm_cli.tracks.find import find_tracks
from ngcm_cli.tracks.grid_noise import describe_noise, grid_noise
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid

PATH = straight((12.0, 174.3), (0.4, 1.1), 11)


def test_the_noise_of_independent_values():
    """A point and the mean of four: the variance is 5/4 of that of one."""
    grid = HorizontalGrid(*axes(1.5))
    field = np.random.default_rng(0).normal(101_000, 200, grid.shape)
    assert grid_noise(grid, field) == pytest.approx(200 * np.sqrt(1.25), rel=0.02)


def test_a_smooth_field_has_little_even_with_cyclones():
    data = cyclones([PATH, PATH + 20], 2.8125)
    grid = HorizontalGrid(data.latitude.values, data.longitude.values)
    assert grid_noise(grid, data.mean_sea_level_pressure.values[0]) < 20


def test_missing_values_and_grids_without_tropics():
    lat, lon = axes(30.0)
    grid = HorizontalGrid(lat, lon)
    assert np.isnan(grid_noise(grid, np.full(grid.shape, np.nan)))
    north = HorizontalGrid(np.array([40.0, 50, 60]), lon)
    assert np.isnan(grid_noise(north, np.ones(north.shape)))
    assert describe_noise(north, np.ones(north.shape), PRESETS["tempest-era5"]) == ""


def test_it_is_said_and_recorded(caplog):
    data = cyclones([PATH], 2.8125)
    assert "may be noise" not in find_tracks(data).attrs["notes"]
    noise = np.random.default_rng(0).normal(0, 200, data.mean_sea_level_pressure.shape)
    data["mean_sea_level_pressure"] = data.mean_sea_level_pressure + noise
    assert "may be noise" in find_tracks(data).attrs["notes"]
    assert "--preset neuralgcm-vorticity" in caplog.text
    tracks = find_tracks(data, preset="neuralgcm-vorticity")
    assert "may be noise" not in tracks.attrs["notes"]
