"""Tracks from cyclones at consecutive times, as StitchNodes of TempestExtremes."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from ngcm_cli.config.cyclone_criteria import CycloneCriteria
from ngcm_cli.tracks.detection import Candidates
from ngcm_cli.tracks.great_circle import SLACK, angle_between, unit_vectors


@dataclasses.dataclass
class Track:
    """The positions of one cyclone.

    Attributes:
        times: index of the time of each point, ascending.
        candidates: index of each point among the candidates at its time.
    """

    times: list[int]
    candidates: list[int]


def stitch(
    times: np.ndarray, found: Sequence[Candidates], criteria: CycloneCriteria
) -> list[Track]:
    """Return the tracks that meet the criteria, in the order of their first points.

    At each time, the last points of tracks are joined with candidates that are not
    farther away in space and time than the criteria allow, each with one at most, so
    that the sum of distances is smallest; a track that is not joined adds the largest
    distance to the sum. A candidate without a track begins one.

    The distance is that for the time between the data, not for that since the last
    point, so that a gap does not widen the search.

    Args:
        times: valid times, ascending, (time,) datetime64.
        found: candidates at each time.
        criteria: of tracks.
    """
    tracks: list[Track] = []
    active: list[Track] = []
    ends = np.empty((0, 3))
    step = typical_step(times)
    reach = criteria.max_displacement * float(step / criteria.reference_step)
    for k, candidates in enumerate(found):
        points = unit_vectors(candidates.latitude, candidates.longitude)
        recent = [times[k] - times[t.times[-1]] <= criteria.max_gap for t in active]
        active = [track for track, near in zip(active, recent, strict=True) if near]
        ends = ends[np.asarray(recent, bool)]
        taken = _join(active, ends, points, reach, k)
        new = [Track([k], [i]) for i in range(len(candidates)) if i not in taken]
        tracks += new
        active += new
        for row, track in enumerate(active[: len(ends)]):
            if track.times[-1] == k:
                ends[row] = points[track.candidates[-1]]
        ends = np.concatenate([ends, points[[t.candidates[0] for t in new]]])
    least = points_at_step(criteria, step)
    return [t for t in tracks if _is_cyclone(t, times, found, criteria, least)]


def typical_step(times: np.ndarray) -> np.timedelta64:
    """Return the median time between the data, in seconds."""
    if len(times) < 2:
        return np.timedelta64(0, "s")
    seconds = np.diff(times).astype("timedelta64[s]").astype(np.int64)
    return np.timedelta64(int(np.median(seconds)), "s")


def points_at_step(criteria: CycloneCriteria, step: np.timedelta64) -> int:
    """Return how many points at a time step span no more than ``min_points`` do."""
    if step <= np.timedelta64(0, "s"):
        return criteria.min_points
    return int((criteria.min_points - 1) * criteria.reference_step / step) + 1


def _join(
    active: list[Track], ends: np.ndarray, points: np.ndarray, reach: float, k: int
) -> set[int]:
    """Append candidates at time k to tracks; return which were."""
    if not (len(active) and len(points)):
        return set()
    distance = angle_between(ends[:, None], points[None])
    gain = np.where(distance <= reach + SLACK, reach + 2 * SLACK - distance, 0.0)
    taken: set[int] = set()
    for row, column in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
        if gain[row, column] > 0:
            active[row].times.append(k)
            active[row].candidates.append(int(column))
            taken.add(int(column))
    return taken


def _is_cyclone(
    track: Track,
    times: np.ndarray,
    found: Sequence[Candidates],
    criteria: CycloneCriteria,
    least: int,
) -> bool:
    """Return whether a track meets the criteria of duration, wind, place and ground."""
    if times[track.times[-1]] - times[track.times[0]] < criteria.min_duration:
        return False
    points = list(zip(track.times, track.candidates, strict=True))
    if sum(abs(found[k].latitude[i]) <= criteria.max_latitude for k, i in points) < (
        least if criteria.max_latitude < 90 else 0
    ):
        return False
    if criteria.min_wind:
        winds = [found[k].properties["wind_speed"][i] for k, i in points]
        if np.sum(np.asarray(winds) >= criteria.min_wind) < least:
            return False
    if np.isfinite(criteria.max_surface_height):
        heights = [found[k].properties["surface_altitude"][i] for k, i in points]
        return bool(np.sum(np.asarray(heights) <= criteria.max_surface_height) >= least)
    return True
