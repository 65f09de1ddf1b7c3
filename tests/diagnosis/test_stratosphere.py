"""Winds of the stratosphere, and warmings of known dates."""

import numpy as np
import pytest
from diagnosis.flows import LATITUDE

from ngcm_cli.diagnosis.stratosphere import (
    major_warmings,
    polar_night_wind,
    tropical_wind,
)

DAYS = np.arange("1980-07-01", "1981-07-01", dtype="datetime64[D]")


def test_the_polar_night_wind():
    levels = np.array([5.0, 10, 20])
    u = np.stack([LATITUDE * 0, LATITUDE, LATITUDE * 2])
    assert polar_night_wind(u, levels, LATITUDE) == pytest.approx(60)
    assert np.isnan(polar_night_wind(u, levels + 20, LATITUDE))


def test_the_tropical_wind():
    levels = np.array([20.0, 30, 50, 100])
    u = np.broadcast_to(levels[:, None], (4, len(LATITUDE)))
    np.testing.assert_allclose(tropical_wind(u, levels, LATITUDE), [30, 50])


def wind(*easterly):
    """Westerly but for these spells of days."""
    values = np.full(len(DAYS), 20.0)
    for first, last in easterly:
        values[(np.datetime64(first) <= DAYS) & (np.datetime64(last) >= DAYS)] = -5
    return values


@pytest.mark.parametrize(
    "spells, count",
    [
        ((), 0),
        ((("1981-01-05", "1981-01-20"),), 1),
        # Ten days of westerlies between are not enough for a second one; thirty are.
        ((("1981-01-05", "1981-01-20"), ("1981-01-31", "1981-02-05")), 1),
        ((("1981-01-05", "1981-01-20"), ("1981-02-20", "1981-02-25")), 2),
        ((("1980-10-05", "1980-10-20"),), 0),  # not in winter
        ((("1981-03-25", "1981-07-01"),), 0),  # a final warming
        ((("1981-03-25", "1981-04-22"),), 0),  # eight days until the end of April
        ((("1981-03-25", "1981-04-20"),), 1),  # ten
    ],
)
def test_major_warmings(spells, count):
    assert major_warmings(DAYS, wind(*spells)) == count
