"""Relative vorticity from the components of the wind, by finite differences."""

import numpy as np

from ngcm_cli.tracks.horizontal_grid import HorizontalGrid
from ngcm_cli.units import LENGTH


def relative_vorticity(
    grid: HorizontalGrid, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Return relative vorticity in s-1, (row, column) float64.

    ζ = (∂v/∂λ - ∂(u cos φ)/∂φ) / (a cos φ), with centred differences of second order,
    also between unequal latitudes; one-sided at the border of a regional grid. At a
    pole it is the circulation around the next latitude, over the area within.

    Args:
        grid: of the wind.
        u: eastward wind, m s-1, (row, column).
        v: northward wind, m s-1, (row, column).
    """
    u, v = np.asarray(u, np.float64), np.asarray(v, np.float64)
    phi, lam = np.radians(grid.latitude), np.radians(grid.longitude)
    cos = np.cos(phi)
    eastward = v if not grid.is_round else np.pad(v, ((0, 0), (1, 1)), mode="wrap")
    if grid.is_round:
        lam = np.concatenate([[lam[-1] - 2 * np.pi], lam, [lam[0] + 2 * np.pi]])
    dv = np.gradient(eastward, lam, axis=1)
    # Beyond a pole u, cos φ and the direction of φ change their sign.
    south, north = grid.poles
    half = grid.shape[1] // 2
    rows, angles = [u * cos[:, None]], [phi]
    if south:
        rows.insert(0, np.roll(rows[0][:1], -half, axis=1))
        angles.insert(0, -np.pi - phi[:1])
    if north:
        rows.append(np.roll((u * cos[:, None])[-1:], -half, axis=1))
        angles.append(np.pi - phi[-1:])
    values, angle = np.concatenate(rows), np.concatenate(angles)
    keep = np.concatenate([[True], np.diff(angle) > 1e-9])  # a pole is its own border
    du = np.gradient(values[keep], angle[keep], axis=0)
    first = int(south and keep[1])
    du = du[first : first + len(phi)]
    dv = dv[:, 1:-1] if grid.is_round else dv
    is_pole = cos < 1e-9
    scale = LENGTH * np.where(is_pole, 1.0, cos)
    vorticity = (dv - du) / scale[:, None]
    for row in np.flatnonzero(is_pole):
        beside = 1 if row == 0 else row - 1
        cap = 1 - abs(np.sin(phi[beside]))
        circulation = np.sign(phi[row]) * cos[beside] * u[beside].mean()
        vorticity[row] = circulation / (LENGTH * cap)
    return vorticity


def cyclonic(grid: HorizontalGrid, vorticity: np.ndarray) -> np.ndarray:
    """Return vorticity that is positive in cyclones of both hemispheres."""
    return vorticity * np.sign(grid.latitude)[:, None]
