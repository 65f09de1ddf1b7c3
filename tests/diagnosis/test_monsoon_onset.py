"""Onset and withdrawal of a rainy season whose dates are known."""

import numpy as np
import pytest
from diagnosis import known_data as known

from ngcm_cli.diagnosis.diagnose import diagnose
from ngcm_cli.diagnosis.monsoon_onset import day_of_year, pentad_of, rainy_season
from ngcm_cli.diagnosis.topic import Stamp

LATITUDE = np.array([-15.0, 15.0])
# Days after its least until 8 (1 - cos) exceeds by 5 its mean over the month, 0.1.
REACH = 365 / (2 * np.pi) * np.arccos(1 - 5.1 / 8)


def summer_rain(day, amplitude=8.0, latitude=LATITUDE):
    """Return rain by day of the year, from 0, largest in the middle of local summer."""
    peak = np.where(np.asarray(latitude) >= 0, 195.0, 12.5)
    angle = 2 * np.pi * (np.asarray(day)[:, None] - peak) / 365
    return (2 + amplitude * (1 + np.cos(angle)))[..., None]


@pytest.mark.parametrize(
    "date, pentad",
    [("01-01", 0), ("01-05", 0), ("01-06", 1), ("02-28", 11), ("03-01", 11),
     ("03-02", 12), ("12-26", 71), ("12-27", 72), ("12-31", 72)],
)  # fmt: skip
def test_pentads_are_the_same_in_leap_years(date, pentad):
    for year in 2019, 2020:
        time = np.datetime64(f"{year}-{date}T12", "s")
        assert pentad_of(Stamp(time, None, {})) == pentad
    assert pentad_of(Stamp(np.datetime64("2020-02-29T12", "s"), None, {})) == 11


def test_the_season_is_where_rain_exceeds_that_of_winter_by_five():
    day = np.arange(73) * 5 + 2.0
    climatology = summer_rain(day)
    onset, withdrawal = rainy_season(climatology, LATITUDE)
    daily = summer_rain(np.arange(365.0))
    for row, days in (0, slice(181, 212)), (1, slice(0, 31)):
        excess = climatology[:, row, 0] - daily[days, row, 0].mean()
        local = np.roll(excess, -36) if row == 0 else excess
        rainy = np.flatnonzero(local > 5)
        # Means over days of pentads, of which the middle stands for all, differ little.
        assert abs(onset[row, 0] - rainy[0]) <= 1
        assert abs(withdrawal[row, 0] - rainy[-1]) <= 1
    found = day_of_year(onset, LATITUDE)[:, 0]
    assert 0 <= found[0] - (195 + REACH) < 9 and 0 <= found[1] - (12.5 + REACH) < 9


def test_noise_beyond_twelve_harmonics_is_no_season():
    day = np.arange(73) * 5 + 2.0
    fast = 20 * np.cos(2 * np.pi * 20 * day / 365)[:, None, None]
    noisy = rainy_season(summer_rain(day) + fast, LATITUDE)
    np.testing.assert_array_equal(noisy, rainy_season(summer_rain(day), LATITUDE))


@pytest.mark.parametrize("shift", [0.0, 182.0])
def test_little_rain_and_winter_rain_are_no_monsoon(shift):
    day = np.arange(73) * 5 + 2.0
    climatology = summer_rain(day - shift, amplitude=8.0 if shift else 2.0)
    assert np.isnan(rainy_season(climatology, LATITUDE)).all()


def daily_rain(days):
    """Return daily means of rain, a dataset, from the beginning of 2019."""
    time = np.datetime64("2019-01-01T12", "ns") + np.arange(days).astype(
        "timedelta64[D]"
    )
    rain = summer_rain(np.arange(days) % 365, latitude=known.LATITUDE)[..., :1]
    tropics = (np.abs(known.LATITUDE) < 30)[:, None]
    fields = {"precipitation_rate": np.where(tropics, rain, 1.0) / 86400 / 997}
    coordinates = {
        "time": time,
        "latitude": known.LATITUDE,
        "longitude": known.LONGITUDE,
    }
    return known.dataset(fields, coordinates, "time: mean")


def test_a_diagnosis_of_daily_rain(tmp_path):
    found = diagnose(run=known.written(daily_rain(365), tmp_path / "run.nc"))
    onset = found["rainy_season_onset"]
    assert onset.dims == ("latitude", "longitude")
    is_tropical = np.abs(onset["latitude"]) < 30
    assert bool((onset.notnull() == is_tropical).all())
    sphere = 4 * np.pi * known.LENGTH**2
    assert 0.4 < float(found["rainy_season_area"]) / sphere < 0.6
    for band, least in ("north", 12.5), ("south", 195):
        start = float(found[f"rainy_season_onset_{band}"])
        assert start == pytest.approx(least + REACH + 3, abs=4)
    for band in "north", "south":
        length = float(found[f"rainy_season_length_{band}"])
        assert length == pytest.approx(365 - 2 * REACH, abs=6)


def test_part_of_a_year_is_not_enough(tmp_path):
    found = diagnose(run=known.written(daily_rain(340), tmp_path / "part.nc"))
    assert (
        "Onset of monsoons: needs rain on days of the whole year"
        in (found.attrs["not_computed"])
    )
