"""Errors against a best track: zero for the truth, the shift for a shifted one."""

import numpy as np
import pytest
from small_tracks import HOURS, START, small_tracks

from ngcm_cli.tracks.best_track import Storm
from ngcm_cli.tracks.great_circle import EARTH_RADIUS
from ngcm_cli.tracks.track_error import compare, summarize_errors

KM = EARTH_RADIUS * np.pi / 180
"""Of a degree."""
EQUATOR = [(0.0, 175.0 + 2 * k) for k in range(8)]


def storm(path=EQUATOR, name="A", start=START):
    latitude, longitude = np.array(path, float).T
    times = start + 6 * np.arange(len(path)) * HOURS
    ones = np.ones(len(path))
    return Storm(name, times, latitude, longitude % 360, 25.0 * ones, 98_000 * ones)


def test_the_true_track_has_no_error():
    path = [(14.4, -47.3), (15.4, -49.6), (16.1, -51.6), (16.6, -53.4)]
    result = compare(small_tracks([path]), [storm(path)])
    assert result.storm_id.values.tolist() == ["A"]
    for name in ("track_error", "along_track_error", "cross_track_error"):
        np.testing.assert_allclose(result[name], 0, atol=1e-9)
    np.testing.assert_allclose(result.pressure_error, 1000)
    np.testing.assert_allclose(result.wind_error, -5)


@pytest.mark.parametrize(
    ("shift", "along", "across"),
    [((0, 1), 1, 0), ((0, -1.5), -1.5, 0), ((2, 0), 0, -2), ((-2, 0), 0, 2)],
)
def test_a_shifted_track_has_the_shift_as_its_error(shift, along, across):
    path = [(a + shift[0], b + shift[1]) for a, b in EQUATOR]
    result = compare(small_tracks([path]), [storm()])
    np.testing.assert_allclose(result.track_error, KM * np.hypot(*shift), rtol=1e-9)
    np.testing.assert_allclose(result.along_track_error, KM * along, atol=1e-9)
    np.testing.assert_allclose(result.cross_track_error, KM * across, atol=1e-9)


def test_only_common_times_are_compared():
    late = storm(EQUATOR[2:6], start=START + 12 * HOURS)
    result = compare(small_tracks([EQUATOR]), [late])
    known = ~np.isnan(result.track_error.values)
    assert known.tolist() == [False] * 2 + [True] * 4 + [False] * 2
    np.testing.assert_allclose(result.track_error[2:6], 0, atol=1e-9)
    later = storm(start=START + 3 * HOURS)
    assert compare(small_tracks([EQUATOR]), [later]).storm_id.values.tolist() == [""]


@pytest.mark.parametrize(("limit", "name"), [(200.0, ""), (250.0, "A")])
def test_a_match_is_near_at_the_first_common_time(limit, name):
    path = [(2.0, b) for _, b in EQUATOR]  # 222 km
    result = compare(small_tracks([path]), [storm()], match_distance=limit)
    assert result.storm_id.values.tolist() == [name]


def test_each_member_has_one_track_of_a_storm_and_the_nearest():
    near, nearer = ([(d, b) for _, b in EQUATOR] for d in (1.0, 0.5))
    tracks = small_tracks([near, nearer, near], init_time=START, realizations=[0, 0, 1])
    other = storm([(40.0, 10.0)] * 8, name="B")
    result = compare(tracks, [storm(), other])
    assert result.storm_id.values.tolist() == ["", "A", "A"]


def test_a_storm_that_rests_takes_the_motion_before_or_after():
    rests = [(0, 10), (0, 10), (0, 12), (0, 12), (0, 14)]
    path = [(a, b + 1) for a, b in rests]
    result = compare(small_tracks([path]), [storm(rests)])
    np.testing.assert_allclose(result.along_track_error, KM, rtol=1e-9)
    still = compare(small_tracks([path]), [storm([(0, 10)] * 5)])
    assert np.isnan(still.along_track_error).all()
    assert not np.isnan(still.track_error).any()


def test_the_table_has_means_by_lead_time():
    paths = [[(d, b) for _, b in EQUATOR[:3]] for d in (1.0, -2.0)]
    start = START - 24 * HOURS
    tracks = small_tracks(paths, init_time=start, realizations=[0, 1])
    rows = summarize_errors(compare(tracks, [storm()]))
    assert rows[0][:3] == ("lead", "points", "track km")
    assert [row[:2] for row in rows[1:]] == [("24h", "2"), ("30h", "2"), ("36h", "2")]
    assert float(rows[1][2]) == pytest.approx(1.5 * KM, abs=0.05)
    assert float(rows[1][4]) == pytest.approx(0.5 * KM, abs=0.05)
    assert rows[1][5:] == ("10.0", "-5.0")
    record = summarize_errors(compare(small_tracks(paths), [storm()]))
    assert record[1][:2] == ("all", "3")
