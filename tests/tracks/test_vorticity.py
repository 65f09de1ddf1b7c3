"""Vorticity by differences, of winds whose vorticity is known."""

import numpy as np
import pytest
from synthetic_cyclones import axes

from ngcm_cli.tracks.great_circle import great_circle_distance
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid
from ngcm_cli.tracks.vorticity import cyclonic, relative_vorticity
from ngcm_cli.units import LENGTH


def grids():
    gauss = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(64)[0]))
    return [axes(1.5), (gauss, np.arange(0, 360, 2.8125))]


@pytest.mark.parametrize("axis", ["poles", "equator"])
@pytest.mark.parametrize("number", [0, 1])
def test_solid_body_rotation(number, axis):
    """ζ is twice the rate of rotation times the sine of the latitude from its axis."""
    lat, lon = grids()[number]
    grid = HorizontalGrid(lat, lon)
    la, lo = np.radians(np.meshgrid(lat, lon, indexing="ij"))
    speed = 20.0
    if axis == "poles":
        u, v, sine = speed * np.cos(la), 0 * la, np.sin(la)
    else:
        u, v = -speed * np.sin(la) * np.cos(lo), speed * np.sin(lo)
        sine = np.cos(la) * np.cos(lo)
    expected = 2 * speed / LENGTH * sine
    error = np.abs(relative_vorticity(grid, u, v) - expected) * LENGTH / (2 * speed)
    step = np.radians(np.diff(lat).max())
    assert error[np.abs(lat) < 60].max() < 4 * step**2 / 6  # third derivatives: 4
    assert error.max() < 0.03  # beside a pole


@pytest.mark.parametrize("latitude", [15.0, -15.0])
def test_gaussian_vortex_converges_at_second_order(latitude):
    """Tangential wind V r/R exp((1 - r²/R²)/2) on a small vortex, nearly flat."""
    errors = []
    radius, speed = np.radians(3.0), 30.0
    for spacing in (0.5, 0.25):
        lat = np.arange(latitude - 10, latitude + 10.1, spacing)
        lon = np.arange(100, 120.1, spacing)
        grid = HorizontalGrid(lat, lon)
        la, lo = np.meshgrid(lat, lon, indexing="ij")
        r = np.radians(great_circle_distance(la, lo, latitude, 110.0))
        x = np.radians(lo - 110) * np.cos(np.radians(la))
        angle = np.arctan2(np.radians(la - latitude), x)
        turn = np.sign(latitude)
        wind = turn * speed * r / radius * np.exp(0.5 - 0.5 * (r / radius) ** 2)
        found = relative_vorticity(grid, -wind * np.sin(angle), wind * np.cos(angle))
        centre = turn * 2 * speed / radius * np.exp(0.5) / LENGTH
        middle = tuple(n // 2 for n in grid.shape)
        assert cyclonic(grid, found)[middle] > 0
        errors.append(abs(found[middle] - centre) / abs(centre))
    assert errors[1] < 0.005
    assert errors[1] < 0.35 * errors[0]


def test_rankine_vortex_is_irrotational_outside_its_core():
    lat, lon = np.arange(5, 25.1, 0.25), np.arange(100, 120.1, 0.25)
    grid = HorizontalGrid(lat, lon)
    la, lo = np.meshgrid(lat, lon, indexing="ij")
    x = np.radians(lo - 110) * np.cos(np.radians(la))
    y = np.radians(la - 15)
    r, core, speed = np.hypot(x, y), np.radians(2.0), 30.0
    wind = speed * np.where(r < core, r / core, core / np.maximum(r, 1e-9))
    angle = np.arctan2(y, x)
    found = relative_vorticity(grid, -wind * np.sin(angle), wind * np.cos(angle))
    inside = 2 * speed / core / LENGTH
    centre = tuple(n // 2 for n in grid.shape)
    assert found[centre] == pytest.approx(inside, rel=0.01)
    is_outside = (r > 1.5 * core) & (r < 4 * core)
    assert np.abs(found[is_outside]).max() < 0.06 * inside
