"""Cyclones at one time."""

import dataclasses

import numpy as np
from synthetic_cyclones import axes, vortex

from ngcm_cli.config.cyclone_criteria import PRESETS
from ngcm_cli.tracks.detection import detect
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid
from ngcm_cli.tracks.vorticity import cyclonic, relative_vorticity

TEMPEST = PRESETS["tempest-era5"]


def fields(*centres, spacing=1.5, radius=2.0):
    """Return the grid and the fields of vortices of 20 hPa and 25 m/s."""
    lat, lon = axes(spacing)
    grid = HorizontalGrid(lat, lon)
    bump, u, v = np.sum([vortex(lat, lon, c, radius) for c in centres], axis=0)
    vorticity = relative_vorticity(grid, 25 * u, 25 * v)
    return grid, {
        "pressure": 101_000 - 2000 * bump,
        "thickness": 34e3 + 300 * bump,
        "wind": 25 * np.hypot(u, v),
        "vorticity": vorticity,
        "cyclonic_vorticity": cyclonic(grid, vorticity),
        "surface_height": np.broadcast_to(lat[:, None], grid.shape),
    }


def test_what_is_recorded():
    grid, given = fields((15.0, 180.0), (-21.0, 358.5))
    found = detect(grid, given, TEMPEST)
    assert found.latitude.tolist() == [-21.0, 15.0]
    assert found.longitude.tolist() == [358.5, 180.0]
    assert found.latitude_index.tolist() == [46, 70]
    assert found.longitude_index.tolist() == [239, 120]
    properties = found.properties
    np.testing.assert_allclose(properties["mean_sea_level_pressure"], 99_000)
    np.testing.assert_array_equal(np.sign(properties["vorticity"]), [-1, 1])
    np.testing.assert_allclose(properties["surface_altitude"], [-21, 15])
    # The highest wind within 2 degrees: at 1.5 degrees, of 25 m/s at 2 degrees.
    expected = 25 * 0.75 * np.exp(0.5 - 0.5 * 0.75**2)
    np.testing.assert_allclose(properties["wind_speed"], expected, rtol=1e-3)


def test_of_two_near_each_other_the_deeper_counts():
    grid, given = fields((15.0, 180.0), (15.0, 185.0), radius=1.5)
    given["pressure"][70, 120] -= 10
    assert detect(grid, given, TEMPEST).longitude.tolist() == [180.0]
    both = dataclasses.replace(TEMPEST, merge_distance=4.0)
    assert detect(grid, given, both).longitude.tolist() == [180.0, 184.5]


def test_the_warm_core_may_be_beside_the_centre():
    grid, given = fields((15.0, 180.0), spacing=0.5)
    beside = vortex(grid.latitude, grid.longitude, (15.0, 181.0), 2.0)[0]
    for offset, count in ((1.0, 1), (3.0, 0)):
        given["thickness"] = 34e3 + 300 * np.roll(beside, int(2 * (offset - 1)), axis=1)
        far = dataclasses.replace(TEMPEST, thickness_radius=4.0)
        assert len(detect(grid, given, far)) == count


def test_pressure_of_a_maximum_of_vorticity_is_the_lowest_near_it():
    grid, given = fields((15.0, 180.0))
    given["pressure"] = np.roll(given["pressure"], 1, axis=1)
    found = detect(grid, given, PRESETS["neuralgcm-vorticity"])
    assert found.longitude.tolist() == [180.0]
    np.testing.assert_allclose(found.properties["mean_sea_level_pressure"], 99_000)


def test_an_anticyclone_is_none():
    grid, given = fields((15.0, 180.0))
    given["cyclonic_vorticity"] = -given["cyclonic_vorticity"]
    core = (slice(60, 80), slice(110, 130))
    found = detect(grid, given, PRESETS["neuralgcm-vorticity"])
    at = list(zip(found.latitude_index, found.longitude_index, strict=True))
    assert not [p for p in at if p == (70, 120)]
    assert given["cyclonic_vorticity"][core].min() < -1e-4
