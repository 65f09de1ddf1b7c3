"""Tracks from candidates whose positions are given."""

import dataclasses

import numpy as np
import pytest

from ngcm_cli.config.cyclone_criteria import PRESETS
from ngcm_cli.tracks.detection import Candidates
from ngcm_cli.tracks.stitching import points_at_step, stitch, typical_step

HOUR = np.timedelta64(3600, "s")
LOOSE = dataclasses.replace(
    PRESETS["tempest-era5"],
    min_duration=0 * HOUR,
    min_points=1,
    min_wind=0.0,
    max_surface_height=float("inf"),
)


def candidates(*places, wind=20.0, height=0.0):
    """Return candidates at (latitude, longitude) each."""
    latitude, longitude = np.array(places, float).reshape(-1, 2).T
    none = np.zeros(len(latitude), int)
    properties = {"wind_speed": none + wind, "surface_altitude": none + height}
    return Candidates(none, none, latitude, longitude % 360, properties)


def every(hours, count):
    return np.datetime64("2020-01-01", "s") + np.arange(count) * hours * HOUR


def places(track, found):
    return [
        (found[k].latitude[i], found[k].longitude[i])
        for k, i in zip(track.times, track.candidates, strict=True)
    ]


def test_a_moving_cyclone_is_one_track_over_the_date_line():
    found = [candidates((10, 176 + 2 * k)) for k in range(6)]
    (track,) = stitch(every(6, 6), found, LOOSE)
    assert track.times == list(range(6))


@pytest.mark.parametrize(("jump", "tracks"), [(8.0, 1), (8.1, 2)])
def test_the_largest_displacement(jump, tracks):
    found = [candidates((0, 0)), candidates((jump, 0))]
    assert len(stitch(every(6, 2), found, LOOSE)) == tracks


@pytest.mark.parametrize(("hours", "reach"), [(1, 8 / 6), (3, 4), (12, 16)])
def test_displacement_is_scaled_to_the_time_step(hours, reach):
    times = every(hours, 2)
    for jump, tracks in ((reach - 0.01, 1), (reach + 0.01, 2)):
        found = [candidates((0, 0)), candidates((jump, 0))]
        assert len(stitch(times, found, LOOSE)) == tracks


@pytest.mark.parametrize(("missing", "tracks"), [(1, 1), (3, 1), (4, 2)])
def test_a_gap_is_bridged_up_to_a_day(missing, tracks):
    """Three missing points at 6 hours are 24 hours between points."""
    found = [candidates((10, k)) for k in range(12)]
    for k in range(4, 4 + missing):
        found[k] = candidates()
    result = stitch(every(6, 12), found, LOOSE)
    assert len(result) == tracks
    assert sum(len(track.times) for track in result) == 12 - missing


def test_a_gap_does_not_widen_the_search():
    found = [candidates((0, 0)), candidates(), candidates((8.1, 0))]
    assert len(stitch(every(6, 3), found, LOOSE)) == 2


def test_crossing_cyclones_are_kept_apart():
    """One moves east, the other north; they pass the crossing a day apart."""
    east = [(15.0, 150 + 1.5 * k) for k in range(16)]
    north = [(5.0 + 1.2 * k, 156.0) for k in range(16)]
    found = [candidates(*pair) for pair in zip(east, north, strict=True)]
    for k in range(1, 16, 2):  # in another order
        found[k] = candidates(north[k], east[k])
    result = stitch(every(6, 16), found, LOOSE)
    assert sorted(places(track, found) for track in result) == sorted([east, north])


def test_the_sum_of_distances_decides():
    """One candidate is near to where both were; each keeps its own."""
    found = [candidates((10, 0), (10, 5)), candidates((10, 3.5), (10, 6.5))]
    first, second = stitch(every(6, 2), found, LOOSE)
    assert places(first, found) == [(10, 0), (10, 3.5)]
    assert places(second, found) == [(10, 5), (10, 6.5)]


def test_a_track_may_end_rather_than_take_what_belongs_to_another():
    found = [candidates((10, 0), (10, 5)), candidates((10, 5.2), (10, 12.5))]
    tracks = stitch(every(6, 2), found, LOOSE)
    assert [places(track, found) for track in tracks] == [
        [(10, 0)],
        [(10, 5), (10, 5.2)],
        [(10, 12.5)],
    ]


def test_the_shortest_life():
    criteria = dataclasses.replace(LOOSE, min_duration=54 * HOUR)
    for count, tracks in ((9, 0), (10, 1)):
        found = [candidates((10, k)) for k in range(count)]
        assert len(stitch(every(6, count), found, criteria)) == tracks


@pytest.mark.parametrize(
    ("name", "value", "good", "bad"),
    [
        ("min_wind", 10.0, {"wind": 10.0}, {"wind": 9.9}),
        ("max_surface_height", 150.0, {"height": 150.0}, {"height": 151.0}),
    ],
)
def test_enough_points_meet_each_criterion(name, value, good, bad):
    criteria = dataclasses.replace(LOOSE, min_points=4, **{name: value})
    for count, tracks in ((3, 0), (4, 1)):
        kinds = [good] * count + [bad] * 6
        found = [candidates((10, k), **kind) for k, kind in enumerate(kinds)]
        assert len(stitch(every(6, len(found)), found, criteria)) == tracks


def test_enough_points_are_at_low_latitudes():
    criteria = dataclasses.replace(LOOSE, min_points=4)
    for start, tracks in ((-47.0, 1), (-48.0, 0)):
        found = [candidates((start - k, 10)) for k in range(10)]
        assert len(stitch(every(6, 10), found, criteria)) == tracks


@pytest.mark.parametrize(("hours", "points"), [(1, 55), (3, 19), (6, 10), (12, 5)])
def test_points_are_scaled_to_the_time_step(hours, points):
    assert points_at_step(PRESETS["tempest-era5"], hours * HOUR) == points


def test_the_step_of_gencast_is_its_own():
    assert points_at_step(PRESETS["gencast"], 12 * HOUR) == 5


def test_the_typical_step_ignores_a_missing_time():
    times = every(6, 10)
    assert typical_step(np.delete(times, 3)) == 6 * HOUR
    assert typical_step(times[:1]) == 0 * HOUR
