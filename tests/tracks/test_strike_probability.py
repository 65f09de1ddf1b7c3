"""Strike probability of tracks whose passage is known."""

import numpy as np
import pytest
from small_tracks import HOURS, START, small_tracks

from ngcm_cli.errors import InputDataError
from ngcm_cli.tracks.great_circle import EARTH_RADIUS, great_circle_distance
from ngcm_cli.tracks.strike_probability import strike_probability


def test_the_share_of_members_near_each_place():
    """Along the equator over the date line: near it, within the latitude of 120 km."""
    east, west = [(0, 170), (0, 190)], [(0, 175), (0, 160)]
    tracks = small_tracks([east, west], init_time=START, realizations=[0, 1])
    tracks.attrs["realizations"] = np.arange(4)  # two without a track
    found = strike_probability(tracks, 120.0).strike_probability
    assert found.dims == ("init_time", "latitude", "longitude")
    assert found.shape == (1, 181, 360)
    line = found.sel(latitude=0)[0]
    expected = {158: 0, 159: 0.25, 165: 0.25, 172: 0.5, 180: 0.25, 191: 0.25, 192: 0}
    assert {k: float(line.sel(longitude=k)) for k in expected} == expected
    across = found.sel(longitude=172)[0]
    assert across.latitude[across > 0].values.tolist() == [-1, 0, 1]


def test_it_is_the_distance_from_the_track():
    tracks = small_tracks([[(20.3, 40.7), (20.3, 40.7)]] * 2, realizations=[0, 1])
    found = strike_probability(tracks, 400.0).strike_probability
    lat, lon = np.meshgrid(found.latitude, found.longitude, indexing="ij")
    distance = np.radians(great_circle_distance(lat, lon, 20.3, 40.7)) * EARTH_RADIUS
    np.testing.assert_array_equal(found, distance <= 400)


def test_two_tracks_of_a_member_count_once():
    path = [(0, 170), (0, 190)]
    found = strike_probability(small_tracks([path] * 3, realizations=[0, 0, 1]))
    assert float(found.strike_probability.max()) == 1


def test_initial_times_are_apart():
    later = START + 24 * HOURS
    tracks = small_tracks([[(0, 10), (0, 20)]], init_time=later, realizations=[1])
    tracks.attrs |= {"init_times": f"{START} {later}", "realizations": np.arange(2)}
    found = strike_probability(tracks).strike_probability
    assert found.max(("latitude", "longitude")).values.tolist() == [0, 0.5]


def test_a_single_run_is_refused():
    with pytest.raises(InputDataError, match="single run"):
        strike_probability(small_tracks([[(0, 10), (0, 20)]]))
