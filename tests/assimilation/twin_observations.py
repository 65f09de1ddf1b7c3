"""Observations of a known state: a truth of the reduced model, sparse and noisy.

They are interpolated here by SciPy, on a grid with rows added at poles and date line.
"""

import csv
import pathlib

import numpy as np
from scipy import interpolate

from ngcm_cli.time_format import format_time

ERRORS = {
    "temperature": 0.5,
    "u_component_of_wind": 1.0,
    "v_component_of_wind": 1.0,
    "specific_humidity": 3e-4,
    "surface_pressure": 50.0,
}
LEVELS = 850.0, 500.0, 250.0
WIND = "u_component_of_wind", "v_component_of_wind"


def place(field, grid, longitude, latitude, is_wind):
    """A field (longitude, latitude) at points, degrees, bilinearly on the sphere."""
    half = np.roll(field, grid.longitude_nodes // 2, axis=0) * (-1 if is_wind else 1)
    rows = np.concatenate([half[:, :1], field, half[:, -1:]], axis=1)
    columns = np.concatenate([rows, rows[:1]], axis=0)
    angle = np.append(np.rad2deg(grid.longitude), 360.0)
    row = np.rad2deg(grid.latitude)
    row = np.concatenate([[-180 - row[0]], row, [180 - row[-1]]])
    f = interpolate.RegularGridInterpolator((angle, row), np.float64(columns))
    return f(np.stack([np.asarray(longitude) % 360, latitude], axis=-1))


def equivalent(fields, model, name, pressure, longitude, latitude):
    """Decoded fields at a point, linearly in ln p."""
    column = np.array(
        [
            place(x, model.grid, [longitude], [latitude], name in WIND)[0]
            for x in np.asarray(fields[name])
        ]
    )
    if len(column) == 1:
        return column[0]
    return np.interp(np.log(pressure), np.log(model.levels), column)


def observe(states, model, start, count, seed=0):
    """Rows of a table: in ``count`` places, everything in ``ERRORS`` at ``LEVELS``."""
    rng, rows = np.random.default_rng(seed), []
    decoded = [model.decode(state, tuple(ERRORS)) for state in states]
    for _ in range(count):
        latitude = np.rad2deg(np.arcsin(rng.uniform(-1, 1)))
        longitude = rng.uniform(-180, 180)
        since = rng.integers(0, 2 * len(states) - 1) / 2  # steps, whole and half
        time = start + int(since * 3600) * np.timedelta64(1, "s")
        before, after = decoded[int(since)], decoded[int(np.ceil(since))]
        for name, error in ERRORS.items():
            for pressure in LEVELS if len(decoded[0][name]) > 1 else (None,):
                where = model, name, pressure, longitude, latitude
                value = (equivalent(before, *where) + equivalent(after, *where)) / 2
                value += error * rng.standard_normal()
                rows.append((time, latitude, longitude, pressure, name, value, error))
    return rows


def write_table(path: pathlib.Path, rows) -> pathlib.Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["time", "lat", "lon", "pressure_hPa", "variable", "value", "error"]
        )
        for time, *rest in rows:
            writer.writerow(
                [format_time(time), *("" if x is None else x for x in rest)]
            )
    return path
