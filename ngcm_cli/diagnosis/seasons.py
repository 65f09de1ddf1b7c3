"""Means over seasons of averages by calendar month."""

import numpy as np

from ngcm_cli.diagnosis.topic import Averages, Entry

SEASONS = {"mean": range(12), "djf": (11, 0, 1), "jja": (5, 6, 7)}
"""Seasons by name: calendar months from 0."""
_NAMES = {"mean": "", "djf": ", December to February", "jja": ", June to August"}


def seasons_of(averages: Averages) -> list[str]:
    """Return the seasons whose months are all there, among others; and the mean."""
    there = set(averages.bins)
    return [s for s, months in SEASONS.items() if s == "mean" or there > {*months}]


def seasonal_means(averages: Averages, name: str) -> np.ndarray:
    """Return means over `seasons_of`, (season, ...).

    Months have equal weight if all that the season needs are there; otherwise the mean
    is over all times.
    """
    return np.stack([_mean(averages, name, s) for s in seasons_of(averages)])


def _mean(averages: Averages, name: str, season: str) -> np.ndarray:
    months = list(SEASONS[season])
    if set(months) <= set(averages.bins):
        chosen = [averages.bins.index(month) for month in months]
        weights = np.ones(len(chosen))
    else:
        chosen, weights = list(range(len(averages.bins))), averages.counts
    return np.average(averages.means[name][chosen], axis=0, weights=weights)


def season_coordinate(averages: Averages) -> Entry:
    """Return the coordinate ``season``."""
    return ("season",), np.array(seasons_of(averages)), {"long_name": "Season"}


def suffix(season: str) -> str:
    """Return what is added to the name of a number: nothing to that of the mean."""
    return "" if season == "mean" else f"_{season}"


def title(season: str) -> str:
    """Return what is added to the long name of a number."""
    return _NAMES[season]


def note_incomplete_year(averages: Averages) -> None:
    """Say so if the mean is of some calendar months only."""
    if len(averages.bins) < 12 and not averages.is_forecast:
        names = "JFMAMJJASOND"
        there = "".join(names[i] if i in averages.bins else "." for i in range(12))
        averages.note(f"means are of the calendar months {there} only")
