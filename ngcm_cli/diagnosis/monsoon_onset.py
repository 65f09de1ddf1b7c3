"""Onset and withdrawal of the rainy season of monsoons, from rain of five days each."""

import numpy as np

from ngcm_cli.diagnosis.monsoon import area
from ngcm_cli.diagnosis.sphere import area_weights
from ngcm_cli.diagnosis.topic import (
    DAILY,
    INSTANTS,
    Averages,
    Entry,
    Fields,
    Stamp,
    Topic,
    entry,
    number,
)
from ngcm_cli.diagnosis.water import RAIN, rain_rate

PENTADS = 73
"""Spans of five days of a year."""
EXCESS = 5.0
"""Rain beyond that of local winter from which it is the rainy season, mm per day."""
HARMONICS = 12
"""Harmonics of the year that the climatology is smoothed to."""
_JANUARY, _JULY = (0, 31), (181, 212)  # days of the year, from 0
_HALF = 36  # pentads before the local year of the southern hemisphere begins
_SUMMER = 24, 55  # pentads of May to September since the beginning of the local year
_MAP = "latitude", "longitude"


def pentad_of(stamp: Stamp) -> int:
    """Return the span of five days that a time is in, from 0; 29 February as the 28th.

    The first are 1 to 5 January.
    """
    day = stamp.valid.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    first = np.datetime64("2001-01", "M") + month.astype(int) % 12
    date = (day - month.astype("datetime64[D]")).astype(int)
    if month.astype(int) % 12 == 1:
        date = min(date, 27)
    ordinal = (first.astype("datetime64[D]") - np.datetime64("2001-01-01")).astype(int)
    return int(ordinal + date) // 5


def rainy_season(
    climatology: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last pentad of the rainy season.

    Those in which rain, smoothed to 12 harmonics, exceeds the mean of January, in the
    southern hemisphere of July, by 5 mm per day (Wang and LinHo 2002,
    doi:10.1175/1520-0442(2002)015<0386:RSOTAP>2.0.CO;2). They are sought from January
    to December, in the southern hemisphere from July to June. Where the maximum is not
    from May to September, in the southern hemisphere from November to March, there is
    no monsoon.

    Args:
        climatology: precipitation, mm per day, (73, latitude, longitude).
        latitude: degrees, ascending.

    Returns:
        Each (latitude, longitude), since the beginning of the local year, from 0; NaN
        where there is no rainy season.
    """
    climatology = np.asarray(climatology, np.float64)
    waves = np.fft.rfft(climatology, axis=0)
    waves[HARMONICS + 1 :] = 0
    smooth = np.fft.irfft(waves, PENTADS, axis=0)
    is_northern = (np.asarray(latitude) >= 0)[:, None]
    winter = np.where(is_northern, *(_mean(smooth, x) for x in (_JANUARY, _JULY)))
    local = np.where(is_northern, smooth, np.roll(smooth, -_HALF, axis=0))
    is_rainy = local > winter + EXCESS
    peak = local.argmax(0)
    is_monsoon = is_rainy.any(0) & (peak >= _SUMMER[0]) & (peak < _SUMMER[1])
    first = is_rainy.argmax(0)
    last = PENTADS - 1 - is_rainy[::-1].argmax(0)
    onset, withdrawal = (np.where(is_monsoon, x, np.nan) for x in (first, last))
    return onset, withdrawal


def _mean(climatology: np.ndarray, days: tuple[int, int]) -> np.ndarray:
    """Return the mean over some days of the year."""
    pentads = np.arange(*days) // 5
    weights = np.bincount(pentads, minlength=PENTADS) / len(pentads)
    return np.tensordot(weights, climatology, 1)


def day_of_year(pentad: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return the middle of a pentad of the local year as a day of the year, 1 to 365.

    Args:
        pentad: of `rainy_season`, (latitude, ...).
        latitude: degrees.
    """
    shift = np.where(np.asarray(latitude) >= 0, 0, _HALF)
    shift = shift.reshape(-1, *[1] * (np.ndim(pentad) - 1))
    return (pentad + shift) % PENTADS * 5 + 3


def _reduce(fields: Fields) -> dict[str, np.ndarray]:
    return {"rain": rain_rate(fields)}


def _conclude(averages: Averages) -> dict[str, Entry]:
    if len(averages.bins) < PENTADS:
        averages.miss("Onset of monsoons", "rain on days of the whole year")
        return {}
    latitude = averages.grid.latitude
    onset, withdrawal = rainy_season(averages.means["rain"], latitude)
    length = 5 * (withdrawal - onset + 1)
    is_there = np.isfinite(onset)
    found = {
        "rainy_season_area": number(
            area(is_there, latitude), "m2", "Area with a rainy season of a monsoon"
        )
    }
    for name, pentad, what in (
        ("onset", onset, "Onset"),
        ("withdrawal", withdrawal, "Last pentad"),
    ):
        title = f"{what} of the rainy season, day of the year"
        day = day_of_year(pentad, latitude)
        found[f"rainy_season_{name}"] = entry(_MAP, day, "1", title)
        for band, is_in, text in _bands(latitude):
            there = is_there & is_in
            if there.any():
                mean = np.average(pentad[there], weights=_weights(latitude, there))
                place = np.array([1.0 if band == "north" else -1.0])
                found[f"rainy_season_{name}_{band}"] = number(
                    day_of_year(np.array([mean]), place)[0],
                    "1",
                    f"{title}, mean {text}",
                    period=365.0,
                )
    found["rainy_season_length"] = entry(_MAP, length, "day", "Rainy season, length")
    for band, is_in, text in _bands(latitude):
        there = is_there & is_in
        if there.any():
            found[f"rainy_season_length_{band}"] = number(
                np.average(length[there], weights=_weights(latitude, there)),
                "day",
                f"Rainy season, mean length {text}",
            )
    return found


def _bands(latitude: np.ndarray) -> tuple[tuple[str, np.ndarray, str], ...]:
    north = (np.asarray(latitude) >= 0)[:, None]
    return ("north", north, "0-90N"), ("south", ~north, "0-90S")


def _weights(latitude: np.ndarray, where: np.ndarray) -> np.ndarray:
    each = np.broadcast_to(area_weights(latitude)[:, None], where.shape)
    return each[where]


MONSOON_ONSET = Topic(
    title="Onset of monsoons",
    needs=((RAIN,),),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=pentad_of,
    kinds=(DAILY, INSTANTS),
    records_only=True,
    months=12,
)
