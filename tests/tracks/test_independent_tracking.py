"""Detection and stitching against plain NumPy that shares no code with them.

Contours are found by widening masks of the whole grid, distances by the haversine
formula, and joins by trying all of them.
"""

import dataclasses
import itertools

import numpy as np
import pytest

from ngcm_cli.config.cyclone_criteria import PRESETS
from ngcm_cli.tracks.detection import Candidates, detect
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid
from ngcm_cli.tracks.stitching import stitch

HOUR = np.timedelta64(3600, "s")
LATITUDE = np.linspace(-90, 90, 31)
LONGITUDE = np.arange(0, 360, 6.0)
SHAPE = (len(LATITUDE), len(LONGITUDE))
ROUNDING = 1e-5  # degrees


def haversine(lat1, lon1, lat2, lon2):
    lat1, lon1, lat2, lon2 = map(np.radians, (lat1, lon1, lat2, lon2))
    a = np.sin((lat2 - lat1) / 2) ** 2
    a = a + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(np.clip(a, 0, 1))))


def moved(field):
    """The field at the four neighbours of every point, around the Earth and poles."""
    across = SHAPE[1] // 2
    southern = np.vstack([np.roll(field[0], across)[None], field[:-1]])
    northern = np.vstack([field[1:], np.roll(field[-1], across)[None]])
    return southern, northern, np.roll(field, 1, 1), np.roll(field, -1, 1)


def distances_from(row, column):
    lat, lon = np.meshgrid(LATITUDE, LONGITUDE, indexing="ij")
    return haversine(LATITUDE[row], LONGITUDE[column], lat, lon)


def closes(field, row, column, rise, radius):
    is_low = field < field[row, column] + rise
    region = np.zeros(SHAPE, bool)
    region[row, column] = True
    while True:
        around = region | np.any(moved(region), axis=0)
        wider = around & is_low
        if (wider == region).all():
            return bool((distances_from(row, column)[around] <= radius).all())
        region = wider


def detected(fields, criteria):
    """Rows, columns and highest wind of cyclones, in the order of the grid."""
    pressure, thickness = fields["pressure"], fields["thickness"]
    around = np.array(moved(pressure))
    is_minimum = (pressure <= around).all(0) & (pressure < around).any(0)
    found = []
    for row, column in np.argwhere(is_minimum):
        away = distances_from(row, column)
        near = away <= criteria.merge_distance + ROUNDING
        if (pressure[is_minimum & near] < pressure[row, column]).any():
            continue
        radius = criteria.contour_radius + ROUNDING
        if not closes(pressure, row, column, criteria.pressure_rise, radius):
            continue
        core = np.where(
            away <= criteria.thickness_search + ROUNDING, thickness, -np.inf
        )
        warmest = np.unravel_index(core.argmax(), SHAPE)
        radius = criteria.thickness_radius + ROUNDING
        if not closes(-thickness, *warmest, criteria.thickness_fall, radius):
            continue
        wind = fields["wind"][away <= criteria.wind_radius + ROUNDING].max()
        found.append((row, column, wind))
    return found


def smooth_noise(random, scale):
    field = random.normal(size=SHAPE)
    for _ in range(3):
        field = (field + sum(moved(field))) / 5
    return scale * field / field.std()


@pytest.mark.parametrize("seed", range(4))
def test_detection_in_random_fields(seed):
    random = np.random.default_rng(seed)
    criteria = dataclasses.replace(
        PRESETS["tempest-era5"],
        contour_radius=25.0,
        thickness_radius=30.0,
        thickness_search=13.0,
        merge_distance=20.0,
        wind_radius=13.0,
    )
    pressure = 101_000 + smooth_noise(random, 200)
    fields = {
        "pressure": pressure,
        "thickness": 34e3 - (pressure - 101_000) / 4 + smooth_noise(random, 15),
        "wind": 10 + smooth_noise(random, 5),
    }
    found = detect(HorizontalGrid(LATITUDE, LONGITUDE), fields, criteria)
    rows, columns, wind = map(np.array, zip(*detected(fields, criteria), strict=True))
    assert 5 < len(rows) < 80
    np.testing.assert_array_equal(found.latitude_index, rows)
    np.testing.assert_array_equal(found.longitude_index, columns)
    np.testing.assert_array_equal(found.properties["wind_speed"], wind)


def best_join(cost, reach):
    """For each row the column it is joined with or None, of the smallest sum."""
    options = [None, *range(cost.shape[1])]
    best, least = None, np.inf
    for choice in itertools.product(options, repeat=len(cost)):
        taken = [column for column in choice if column is not None]
        if len(set(taken)) < len(taken):
            continue
        parts = [reach if j is None else cost[i, j] for i, j in enumerate(choice)]
        pairs = zip(choice, parts, strict=True)
        if any(j is not None and part > reach for j, part in pairs):
            continue
        if sum(parts) < least:
            best, least = choice, sum(parts)
    return best


def stitched(times, found, criteria, step):
    """Tracks as lists of (time, candidate), that last long and are windy enough."""
    reach = criteria.max_displacement * (step / criteria.reference_step)
    tracks = []
    for k, here in enumerate(found):
        free = [t for t in tracks if times[k] - times[t[-1][0]] <= criteria.max_gap]
        ends = [(found[t[-1][0]], t[-1][1]) for t in free]
        cost = np.array(
            [
                haversine(
                    there.latitude[i], there.longitude[i], here.latitude, here.longitude
                )
                for there, i in ends
            ]
        ).reshape(len(free), len(here))
        joined = best_join(cost, reach)
        for track, column in zip(free, joined, strict=True):
            if column is not None:
                track.append((k, column))
        tracks += [[(k, i)] for i in range(len(here)) if i not in joined]
    least = (criteria.min_points - 1) * (criteria.reference_step / step) + 1
    return [
        track
        for track in tracks
        if times[track[-1][0]] - times[track[0][0]] >= criteria.min_duration
        and sum(
            found[k].properties["wind_speed"][i] >= criteria.min_wind for k, i in track
        )
        >= int(least)
    ]


@pytest.mark.parametrize("hours", [6, 12])
@pytest.mark.parametrize("seed", range(3))
def test_stitching_of_random_walks(seed, hours):
    """Three cyclones near each other, of which some points are not found."""
    random = np.random.default_rng(seed)
    criteria = dataclasses.replace(
        PRESETS["tempest-era5"],
        min_points=3,
        min_duration=24 * HOUR,
        max_surface_height=np.inf,
        max_gap=2 * hours * HOUR,
        max_displacement=6.0 * 6 / hours,
    )
    places = np.array([[12.0, 356.0], [16.0, 0.0], [10.0, 3.0]])
    times = np.datetime64("2020-08-20", "s") + np.arange(14) * hours * HOUR
    found = []
    for _ in times:
        places = places + random.normal(0, 2.5, places.shape)
        seen = random.permutation(np.flatnonzero(random.uniform(size=3) > 0.25))
        wind = random.uniform(8, 20, len(seen))
        none = np.zeros(len(seen), int)
        here = places[seen]
        found.append(
            Candidates(
                none, none, here[:, 0], here[:, 1] % 360, {"wind_speed": wind}
            )
        )  # fmt: skip
    ours = stitch(times, found, criteria)
    expected = stitched(times, found, criteria, hours * HOUR)
    assert expected and any(len(x) > 5 for x in expected)
    as_pairs = [list(zip(t.times, t.candidates, strict=True)) for t in ours]
    assert as_pairs == expected
