"""Closed contours, against a search of one point after the other."""

import collections

import numpy as np
import pytest
from synthetic_cyclones import axes, vortex

from ngcm_cli.tracks.closed_contour import (
    has_closed_contour,
    local_minima,
    lowest_within,
    merge_near,
)
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid


def closed_by_queue(grid, field, origin, rise, radius) -> bool:
    """The definition, point by point."""
    values = field.reshape(-1)
    seen, queue = {int(origin)}, collections.deque([int(origin)])
    while queue:
        point = queue.popleft()
        if grid.distance(np.array([origin]), np.array([point]))[0] > radius + 1e-6:
            return False
        if values[point] >= values[origin] + rise:
            continue
        for neighbour in grid.neighbours(np.array([point]))[:, 0].tolist():
            if neighbour < 0:
                return False
            if neighbour not in seen:
                seen.add(neighbour)
                queue.append(neighbour)
    return True


@pytest.mark.parametrize("regional", [False, True])
def test_random_fields_agree_with_the_definition(regional):
    lat, lon = axes(4.0)
    if regional:
        lat, lon = lat[10:30], lon[20:60]
    grid = HorizontalGrid(lat, lon)
    rng = np.random.default_rng(1)
    field = rng.normal(size=grid.shape)
    for _ in range(2):  # smoother
        wide = grid.with_border(field)
        field = np.nanmean(
            [wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]], axis=0
        )
    origins = local_minima(grid, field)
    found = has_closed_contour(grid, field, origins, 0.3, 11.0)
    expected = [closed_by_queue(grid, field, o, 0.3, 11.0) for o in origins]
    np.testing.assert_array_equal(found, expected)
    assert 0.2 < np.mean(expected) < 0.8


@pytest.mark.parametrize("spacing", [1.5, 2.8125])
@pytest.mark.parametrize(
    "centre", [(15.0, 180.0), (-20.0, 0.2), (40.0, 359.5), (88.0, 30.0), (-89.5, 200.0)]
)
def test_a_vortex_anywhere_has_one_minimum_and_a_closed_contour(spacing, centre):
    lat, lon = axes(spacing)
    grid = HorizontalGrid(lat, lon)
    field = -2000 * vortex(lat, lon, centre)[0]
    points = merge_near(grid, field, local_minima(grid, field), 6.0)
    deep = points[field.reshape(-1)[points] < -1000]
    assert len(deep) == 1
    radius = max(5.5, 2.5 * spacing)
    assert has_closed_contour(grid, field, deep, 200.0, radius).all()
    assert not has_closed_contour(grid, field, deep, 2100.0, radius).any()


def test_a_trough_has_no_closed_contour():
    lat, lon = axes(1.5)
    grid = HorizontalGrid(lat, lon)
    field = np.broadcast_to(((lat - 15) ** 2)[:, None], grid.shape)
    field = field - 0.01 * np.cos(np.radians(lon - 90))
    (point,) = local_minima(grid, field)
    assert not has_closed_contour(grid, field, np.array([point]), 3.0, 5.5)[0]


def test_missing_values_and_borders_do_not_close_a_contour():
    lat, lon = axes(1.5)
    field = -2000 * vortex(lat, lon, (15.0, 180.0))[0]
    grid = HorizontalGrid(lat, lon)
    origin = np.array([70 * 240 + 120])
    assert has_closed_contour(grid, field, origin, 200.0, 5.5)[0]
    broken = field.copy()
    broken[71:, 120] = np.nan  # northwards from beside the centre
    assert not has_closed_contour(grid, broken, origin, 200.0, 5.5)[0]
    part = HorizontalGrid(lat[70:80], lon[110:130])
    at = np.array([10])
    assert not has_closed_contour(part, field[70:80, 110:130], at, 200.0, 5.5)[0]


def test_merging_keeps_the_deeper_and_of_equals_the_first():
    grid = HorizontalGrid(*axes(1.5))
    field = np.zeros(grid.shape)
    a, b, c, d = 60 * 240 + np.array([10, 13, 40, 43])
    field.reshape(-1)[[a, b, c, d]] = -2, -1, -3, -3
    points = np.array([a, b, c, d])
    np.testing.assert_array_equal(merge_near(grid, field, points, 6.0), [a, c])
    np.testing.assert_array_equal(merge_near(grid, field, points, 4.0), points)


@pytest.mark.parametrize("regional", [False, True])
def test_merging_many_agrees_with_the_definition(regional):
    lat, lon = axes(3.0)
    if regional:
        lat, lon = lat[20:], lon[5:90]
    grid = HorizontalGrid(lat, lon)
    field = np.random.default_rng(2).normal(size=grid.shape)
    points = local_minima(grid, field)
    values = field.reshape(-1)[points]
    apart = grid.distance(points[:, None], points[None])
    is_lower = (values[None] < values[:, None]) & (apart <= 14.0)
    expected = points[~is_lower.any(axis=1)]
    np.testing.assert_array_equal(merge_near(grid, field, points, 14.0), expected)


def test_a_constant_field_has_no_minimum():
    grid = HorizontalGrid(*axes(30.0))
    assert local_minima(grid, np.zeros(grid.shape)).size == 0


def test_the_lowest_value_near_a_point():
    grid = HorizontalGrid(*axes(1.5))
    field = np.ones(grid.shape)
    point = 60 * 240
    field.reshape(-1)[[point + 239, point + 3]] = -1, -5
    field.reshape(-1)[point + 1] = np.nan
    found = lowest_within(grid, field, np.array([point, point + 100]), 2.0)
    np.testing.assert_array_equal(found, [point + 239, point + 100])
