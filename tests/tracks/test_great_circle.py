"""Distances and directions on the sphere."""

import numpy as np
import pytest

from ngcm_cli.tracks.great_circle import (
    along_and_cross_track,
    arc_points,
    bearing,
    great_circle_distance,
    unit_vectors,
)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 0), (0, 90), 90),
        ((0, 179), (0, -179), 2),
        ((89, 0), (89, 180), 2),
        ((10, 20), (10, 20), 0),
        ((30, 40), (-30, 220), 180),
        ((10, 0), (12.5, 0), 2.5),
    ],
)
def test_distances_that_are_known(first, second, expected):
    assert great_circle_distance(*first, *second) == pytest.approx(expected, abs=1e-12)


def test_distance_is_that_of_the_haversine_formula():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-90, 90, (2, 100))
    x, y = rng.uniform(0, 360, (2, 100))
    la, lb, dx = np.radians(a), np.radians(b), np.radians(x - y)
    half = np.sin((la - lb) / 2) ** 2 + np.cos(la) * np.cos(lb) * np.sin(dx / 2) ** 2
    expected = np.degrees(2 * np.arcsin(np.sqrt(half)))
    np.testing.assert_allclose(great_circle_distance(a, x, b, y), expected, rtol=1e-10)


def test_bearings():
    origin = unit_vectors(np.array(10.0), np.array(350.0))
    for latitude, longitude, expected in ((20, 350, 0), (0, 350, np.pi)):
        end = unit_vectors(np.array(float(latitude)), np.array(float(longitude)))
        assert abs(bearing(origin, end)) == pytest.approx(expected, abs=1e-12)
    east = unit_vectors(np.array(10.0), np.array(350.001))
    assert bearing(origin, east) == pytest.approx(np.pi / 2, abs=1e-5)


def test_errors_along_and_across_an_eastward_motion():
    before = unit_vectors(np.array(0.0), np.array(358.0))
    at = unit_vectors(np.array(0.0), np.array(1.0))
    for place, expected in (
        ((0, 3), (2, 0)),  # ahead
        ((0, -1), (-2, 0)),  # behind
        ((2, 1), (0, -2)),  # to the left, which is north
        ((-2, 1), (0, 2)),
    ):
        position = unit_vectors(np.array(float(place[0])), np.array(float(place[1])))
        found = along_and_cross_track(before, at, position)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_an_arc_has_its_ends_and_no_wide_gap():
    a, b = unit_vectors(np.array([10.0, 40.0]), np.array([350.0, 30.0]))
    points = arc_points(a, b, 0.5)
    np.testing.assert_allclose(points[[0, -1]], [a, b], atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-15)
    steps = np.degrees(np.linalg.norm(np.diff(points, axis=0), axis=1))
    assert steps.max() < 0.55
