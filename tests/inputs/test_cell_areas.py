import numpy as np
import pytest

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.cell_areas import area_weights, latitude_bounds
from ngcm_cli.spectral.grid import Grid

GRIDS = {
    "gauss": np.rad2deg(Grid.linear(31).latitude),
    "with_poles": np.linspace(-90, 90, 121),
    "without_poles": np.arange(-88.75, 90, 2.5),
    "descending": np.linspace(90, -90, 37),
}


@pytest.mark.parametrize("name", GRIDS)
def test_cells_cover_the_sphere(name):
    latitude = GRIDS[name]
    weights = area_weights(latitude)
    assert weights.mean() == pytest.approx(1, abs=1e-14)
    sines = np.abs(np.diff(np.sin(np.deg2rad(latitude_bounds(latitude)))))
    assert 2 * np.pi * sines.sum() == pytest.approx(4 * np.pi, abs=1e-13)
    np.testing.assert_allclose(weights, sines / sines.mean(), rtol=1e-14)


def test_weights_of_a_quarter_of_a_circle_by_hand():
    half, right = np.sin(np.deg2rad(22.5)), np.sin(np.deg2rad(67.5))
    expected = np.array([1 - right, right - half, 2 * half, right - half, 1 - right])
    weights = area_weights(np.array([-90, -45, 0, 45, 90]))
    np.testing.assert_allclose(weights, expected / 0.4, rtol=1e-14)


def test_weights_are_close_to_those_of_gaussian_quadrature():
    grid = Grid.linear(63)
    gauss = grid.area_weights / grid.area_weights.mean()
    weights = area_weights(np.rad2deg(grid.latitude))
    np.testing.assert_allclose(weights, gauss, atol=5e-3)


def test_outermost_cells_of_a_part_of_the_globe():
    np.testing.assert_allclose(latitude_bounds([30, 40, 50]), [25, 35, 45, 55])
    np.testing.assert_allclose(latitude_bounds([70, 80, 89]), [65, 75, 84.5, 90])
    np.testing.assert_allclose(latitude_bounds([12.0]), [-90, 90])


@pytest.mark.parametrize("latitude", [[0, 0, 1], [0, 2, 1], [-100, 0], [np.nan, 1], []])
def test_latitudes_that_are_no_grid_are_refused(latitude):
    with pytest.raises(InputDataError, match="latitudes"):
        area_weights(np.array(latitude, dtype=float))
