"""Cells of a grid: they cover the globe, and have the resolution that CMIP gives."""

import numpy as np
import pytest

from ngcm_cli.errors import InputDataError
from ngcm_cli.output.cell_bounds import Cells
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.units import LENGTH

GLOBE = 4 * np.pi * LENGTH**2


def cells_of(grid: OutputGrid) -> Cells:
    spacing = grid.attributes["latitude_spacing"]
    return Cells.of(grid.latitude, grid.longitude, spacing)


@pytest.mark.parametrize("n", [3, 63])
def test_regridding_conserves_the_integral_over_these_cells(n):
    grid = Grid.linear(n)
    regular = OutputGrid.regular(grid, 7.5)
    field = np.random.default_rng(n).standard_normal(grid.nodal_shape)
    before = (cells_of(OutputGrid.native(grid)).areas * field.T).sum()
    after = (cells_of(regular).areas * regular.regrid(field).T).sum()
    assert after == pytest.approx(before, abs=1e-14 * GLOBE)


@pytest.mark.parametrize(
    "grid",
    [
        OutputGrid.native(Grid.linear(63)),
        OutputGrid.native(Grid.quadratic(21)),
        OutputGrid.regular(Grid.linear(3), 1.5),
        OutputGrid.regular(Grid.linear(3), 90),
    ],
    ids=["gauss", "quadratic", "regular", "coarse"],
)
def test_cells_cover_the_globe_once_and_hold_their_nodes(grid):
    cells = cells_of(grid)
    south, north = cells.latitude_bounds.T
    west, east = cells.longitude_bounds.T
    assert (south[0], north[-1]) == (-90, 90)
    np.testing.assert_array_equal(north[:-1], south[1:])
    np.testing.assert_allclose(east[:-1], west[1:], rtol=0, atol=1e-12)
    assert east[-1] - west[0] == pytest.approx(360, abs=1e-12)
    assert (south <= grid.latitude).all() and (grid.latitude <= north).all()
    assert (west < grid.longitude).all() and (grid.longitude < east).all()
    assert cells.areas.sum() == pytest.approx(GLOBE, rel=1e-12)


def test_cells_of_a_regular_grid_meet_halfway():
    cells = cells_of(OutputGrid.regular(Grid.linear(3), 45))
    expected = [[-90, -67.5], [-67.5, -22.5], [-22.5, 22.5], [22.5, 67.5], [67.5, 90]]
    np.testing.assert_array_equal(cells.latitude_bounds, expected)
    np.testing.assert_array_equal(cells.longitude_bounds[0], [-22.5, 22.5])


@pytest.mark.parametrize(
    ("grid", "resolution"),
    [
        # As registered in CMIP6: CanESM5, CNRM-CM6-1 and EC-Earth3, in this order.
        (OutputGrid.native(Grid.linear(63)), "500 km"),
        (OutputGrid.native(Grid.linear(127)), "250 km"),
        (OutputGrid.native(Grid.linear(255)), "100 km"),
        # A cell of one degree is 157 km from corner to corner on the equator.
        (OutputGrid.regular(Grid.linear(3), 1), "100 km"),
        (OutputGrid.regular(Grid.linear(3), 1.5), "250 km"),
    ],
    ids=["TL63", "TL127", "TL255", "1", "1.5"],
)
def test_nominal_resolution(grid, resolution):
    assert cells_of(grid).nominal_resolution == resolution


def test_latitudes_that_are_not_of_the_spacing():
    grid = OutputGrid.regular(Grid.linear(3), 45)
    with pytest.raises(InputDataError, match="The 5 latitudes .* 'gauss'"):
        Cells.of(grid.latitude, grid.longitude, "gauss")


def test_a_spacing_that_is_not_known():
    with pytest.raises(InputDataError, match="unknown latitude spacing 'cubed'"):
        Cells.of(np.linspace(-90, 90, 5), np.arange(8) * 45.0, "cubed")
