"""Analytic fields on a Gaussian grid of the size of a model's."""

import numpy as np

from ngcm_cli.spectral.grid import Grid
from ngcm_cli.units import LENGTH

OMEGA = 7.292e-5
_GRID = Grid.linear(31)
LATITUDE = np.rad2deg(_GRID.latitude)
LONGITUDE = np.rad2deg(_GRID.longitude)
PHI = np.deg2rad(LATITUDE)[:, None]
LAMBDA = np.deg2rad(LONGITUDE)[None, :]
LEVELS = np.array([50.0, 100, 200, 250, 300, 500, 700, 850, 925, 1000])


def wave_geopotential(number: int = 6, amplitude: float = 1500.0):
    """Φ = 5e4 + A cos³ φ sin φ cos(k λ), and its derivatives per metre."""
    shape = np.cos(PHI) ** 3 * np.sin(PHI)
    slope = np.cos(PHI) ** 4 - 3 * np.cos(PHI) ** 2 * np.sin(PHI) ** 2
    phi = 5e4 + amplitude * shape * np.cos(number * LAMBDA)
    north = amplitude * slope * np.cos(number * LAMBDA) / LENGTH
    east = -number * amplitude * shape * np.sin(number * LAMBDA)
    return phi, east / (LENGTH * np.cos(PHI)), north


def on_globe(x):
    """The values on every node, (latitude, longitude)."""
    return np.broadcast_to(x, (len(LATITUDE), len(LONGITUDE))).astype(float)
