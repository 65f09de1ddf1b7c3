"""Neighbours on latitude-longitude grids."""

import numpy as np
import pytest
from synthetic_cyclones import axes

from ngcm_cli.errors import InputDataError
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid


def test_neighbours_of_a_global_grid():
    grid = HorizontalGrid(np.linspace(-67.5, 67.5, 4), np.arange(0, 360, 45.0))
    assert grid.is_round
    assert grid.poles == (True, True)
    points = np.array([0, 8, 15, 31])
    south, north, east, west = grid.neighbours(points)
    np.testing.assert_array_equal(south, [4, 0, 7, 23])
    np.testing.assert_array_equal(north, [8, 16, 23, 27])
    np.testing.assert_array_equal(east, [1, 9, 8, 24])
    np.testing.assert_array_equal(west, [7, 15, 14, 30])


def test_a_regional_grid_has_borders():
    grid = HorizontalGrid(np.arange(10.0, 14), np.arange(100.0, 105))
    assert not grid.is_round
    assert grid.poles == (False, False)
    np.testing.assert_array_equal(
        grid.neighbours(np.array([0, 19])), [[-1, 14], [5, -1], [1, -1], [-1, 18]]
    )


@pytest.mark.parametrize("spacing", [1.5, 2.8125, 30.0])
def test_the_border_holds_the_neighbours(spacing):
    grid = HorizontalGrid(*axes(spacing))
    field = np.arange(grid.shape[0] * grid.shape[1], dtype=float).reshape(grid.shape)
    wide = grid.with_border(field)
    around = wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, 2:], wide[1:-1, :-2]
    expected = grid.neighbours(np.arange(field.size))
    for side, index in zip(around, expected, strict=True):
        np.testing.assert_array_equal(side.reshape(-1), index)


def test_points_within_a_radius_include_those_at_it():
    grid = HorizontalGrid(*axes(1.5))
    point = np.array([60 * 240])  # on the equator, at longitude 0
    (near,) = grid.within(point, 3.0)
    others = np.arange(120 * 240)
    distance = grid.distance(np.broadcast_to(point, others.shape), others)
    np.testing.assert_array_equal(near, np.flatnonzero(distance < 3.0 + 1e-9))
    assert 60 * 240 + 238 in near
    assert not grid.are_beyond(point, np.array([60 * 240 + 2]), 3.0).any()


def test_too_small_a_grid_is_refused():
    with pytest.raises(InputDataError, match="1 latitudes"):
        HorizontalGrid(np.array([0.0]), np.arange(0, 360, 10.0))
