"""Datasets with vortices whose tracks are known."""

import functools

import numpy as np
import xarray as xr

from ngcm_cli.tracks.great_circle import unit_vectors

HOURS = np.timedelta64(1, "h")
START = np.datetime64("2020-08-20T00", "s")


def axes(spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Return latitudes with poles and longitudes of a grid."""
    return np.arange(-90, 90 + spacing / 2, spacing), np.arange(0, 360, spacing)


def vortex(lat, lon, centre, radius=3.0):
    """Return a Gaussian of unit height, and the wind of its rotation, of unit speed.

    Cyclonic in both hemispheres; the highest wind is at ``radius``, in degrees.
    """
    points = _points(tuple(lat), tuple(lon))
    r = np.degrees(
        np.arccos(np.clip(points @ unit_vectors(*map(np.array, centre)), -1, 1))
    )
    fields = np.zeros((3, *r.shape))
    near = np.nonzero(r < 7 * radius)  # where it is not zero to rounding of a pascal
    r, la, lo = r[near], np.asarray(lat)[near[0]], np.asarray(lon)[near[1]]
    shape = np.exp(-0.5 * (r / radius) ** 2)
    speed = r / radius * np.exp(0.5) * shape
    east = (lo - centre[1] + 180) % 360 - 180
    angle = np.arctan2(la - centre[0], east * np.cos(np.radians(la)))
    turn = np.sign(centre[0])
    for field, values in zip(
        fields, (shape, -turn * speed * np.sin(angle), turn * speed * np.cos(angle)),
        strict=True,
    ):  # fmt: skip
        field[near] = values
    return fields


@functools.lru_cache
def _points(lat, lon):
    return unit_vectors(*np.meshgrid(lat, lon, indexing="ij"))


def cyclones(
    paths,
    spacing=1.5,
    depth=2000.0,
    step=6,
    lead_time=False,
    strength=25.0,
    missing=(),
    latitudes=None,
    radius=3.0,
):
    """Return a dataset with a vortex along each path.

    Args:
        paths: (time, 2) latitudes and longitudes of each vortex.
        spacing: of the grid, degrees.
        depth: of the minimum of pressure, Pa.
        step: hours between times.
        lead_time: whether it is a forecast.
        strength: highest wind, m s-1.
        missing: pairs of vortex and time at which it does not exist.
        latitudes: those of the grid instead of regular ones.
        radius: of the highest wind, degrees.
    """
    lat, lon = axes(spacing)
    lat = lat if latitudes is None else latitudes
    times = len(paths[0])
    shape = times, len(lat), len(lon)
    names = "msl", "u", "v", "warm"
    sums = {name: np.zeros(shape) for name in names}
    for number, path in enumerate(paths):
        for k, centre in enumerate(path):
            if (number, k) in missing:
                continue
            bump, u, v = vortex(lat, lon, centre, radius)
            for name, field in zip(names, (bump, u, v, bump), strict=True):
                sums[name][k] += field
    axis = "lead_time" if lead_time else "time"
    span = np.arange(times) * step * HOURS
    dims = axis, "latitude", "longitude"
    levels = np.array([300.0, 500.0, 850.0])
    warm = sums["warm"][:, None] * np.array([300.0, 0.0, 0.0])[None, :, None, None]
    base = np.array([90e3, 56e3, 14e3])[None, :, None, None]
    wind = np.array([0.3, 0.8, 1.0])[None, :, None, None] * strength
    on_levels = (axis, "level", "latitude", "longitude")
    data = xr.Dataset(
        {
            "mean_sea_level_pressure": (dims, 101_000 - depth * sums["msl"]),
            "geopotential": (on_levels, base + warm),
            "u_component_of_wind": (on_levels, wind * sums["u"][:, None]),
            "v_component_of_wind": (on_levels, wind * sums["v"][:, None]),
            "surface_altitude": (("latitude", "longitude"), np.zeros(shape[1:])),
        },
        {
            axis: span.astype("timedelta64[ns]") if lead_time else START + span,
            "level": levels,
            "latitude": lat,
            "longitude": lon,
        },
    )
    return data.expand_dims(init_time=[START]) if lead_time else data


def straight(start, motion, times):
    """Return a path of constant motion in degrees per time, (time, 2)."""
    return np.array(start) + np.arange(times)[:, None] * np.array(motion)
