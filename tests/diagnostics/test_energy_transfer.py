"""Transfer of kinetic energy, against integrals over the globe of SciPy's harmonics."""

import numpy as np
import pytest
from scipy.special import sph_harm_y

from ngcm_cli.diagnostics.energy_transfer import (
    enstrophy_transfer,
    flux,
    kinetic_energy_transfer,
    pressure_work,
)
from ngcm_cli.errors import InputDataError
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.units import LENGTH

LONGITUDE = np.arange(32) * 360 / 32
GAUSS = np.rad2deg(Grid.linear(15).latitude)
HIGHEST = 7  # total wavenumber of the flow
COARSE = {"gauss": GAUSS, "descending": np.linspace(90, -90, 17)}


def flow(seed, latitude, longitude, only=None, divergent=True):
    """Return a random wind in m s-1, (2, latitude, longitude), and its gradients.

    The derivatives are those of SciPy, with respect to λ and to φ.
    """
    random = np.random.default_rng(seed)
    theta, lon = np.meshgrid(
        np.clip(np.deg2rad(90 - latitude), 1e-6, np.pi - 1e-6),
        np.deg2rad(longitude),
        indexing="ij",
    )
    wind, east, north = np.zeros((3, 2, *theta.shape))
    sin, cos = np.sin(theta), np.cos(theta)
    for l in range(1, HIGHEST + 1):
        for m in range(l + 1):
            psi, chi = (complex(*random.normal(size=2)) * 20 / l**1.5 for _ in "pc")
            if only not in (None, l):
                continue
            _, d, dd = sph_harm_y(l, m, theta, lon, diff_n=2)
            for factor, is_chi in (psi, False), (chi if divergent else 0, True):
                # Of θ and λ; north is -θ.
                t, x = (factor * d[..., 0]).real, (factor * d[..., 1]).real
                tt, tx, xx = (
                    (factor * dd[..., i, j]).real for i, j in ((0, 0), (0, 1), (1, 1))
                )
                slope = np.stack([x / sin, -t])  # the gradient
                slope_east = np.stack([xx / sin, -tx])
                slope_north = np.stack([-tx / sin + x * cos / sin**2, tt])
                turn = (lambda g: g) if is_chi else (lambda g: np.stack([-g[1], g[0]]))
                wind += turn(slope)
                east += turn(slope_east)
                north += turn(slope_north)
    return wind, east, north


def expected(seed, divergent, by_part=False):
    """Return −⟨uₗ · (u·∇u + δu/2)⟩ from the equations on the sphere, by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    latitude, longitude = np.rad2deg(np.arcsin(nodes)), np.arange(48) * 7.5
    (u, v), (u_x, v_x), (u_y, v_y) = flow(seed, latitude, longitude, None, divergent)
    cos = np.sqrt(1 - nodes**2)[:, None]
    tan = nodes[:, None] / cos
    delta = u_x / cos + v_y - v * tan
    advection = np.stack(
        [u * u_x / cos + v * u_y - u * v * tan, u * v_x / cos + v * v_y + u**2 * tan]
    )
    advection += delta * np.stack([u, v]) / 2
    found = []
    for l in range(HIGHEST + 1):
        part = flow(seed, latitude, longitude, l, divergent)[0]
        product = (part * advection).sum(0).mean(-1)
        found.append(-(weights @ product) / 2 / LENGTH)
    return np.array(found)


@pytest.mark.parametrize("name", COARSE)
@pytest.mark.parametrize("divergent", [True, False])
def test_the_transfer_is_that_of_the_equations_on_the_sphere(name, divergent):
    u, v = flow(1, COARSE[name], LONGITUDE, None, divergent)[0]
    found = kinetic_energy_transfer(u, v, COARSE[name], LONGITUDE)
    total, size = found.rotational + found.divergent, np.abs(found.rotational).max()
    np.testing.assert_allclose(
        total[: HIGHEST + 1], expected(1, divergent), atol=1e-9 * size
    )
    np.testing.assert_allclose(total[HIGHEST + 1 :], 0, atol=1e-9 * size)
    if not divergent:
        np.testing.assert_allclose(
            found.two_dimensional, found.rotational, atol=1e-9 * size
        )


def test_what_is_conserved_sums_to_zero_of_any_wind_on_the_grid():
    """Up to the highest wavenumber of the grid, so without aliasing."""
    u, v = np.random.default_rng(2).normal(size=(2, 3, 16, 32)) * 10
    found = kinetic_energy_transfer(u, v, GAUSS, LONGITUDE)
    size = np.abs(found.rotational).max()
    assert size > 1e-5
    for transfer, most in (
        (found.rotational + found.divergent, size),
        (found.two_dimensional, size),
        (enstrophy_transfer(found.two_dimensional), size * 240 / LENGTH**2),
    ):
        assert transfer.shape == (3, 16)
        np.testing.assert_allclose(transfer.sum(-1), 0, atol=1e-12 * most)
        np.testing.assert_allclose(flux(transfer)[:, 0], 0, atol=1e-12 * most)
        np.testing.assert_allclose(flux(transfer)[:, -1], transfer[:, -1])


def test_solid_body_rotation_about_any_axis_transfers_nothing():
    phi, lam = np.meshgrid(np.deg2rad(GAUSS), np.deg2rad(LONGITUDE), indexing="ij")
    u = 20 * np.cos(phi) + 10 * np.sin(phi) * np.cos(lam)
    v = -10 * np.sin(lam)
    for part in kinetic_energy_transfer(u, v, GAUSS, LONGITUDE):
        np.testing.assert_allclose(part, 0, atol=1e-14 * 400 * 20 / LENGTH)


@pytest.mark.parametrize("name", COARSE)
def test_the_work_of_the_pressure_gradient(name):
    """Of Φ = A Y and the wind c ∇Φ down its gradient: c l (l + 1) A²/(4π a²)."""
    theta, lon = np.meshgrid(
        np.clip(np.deg2rad(90 - COARSE[name]), 1e-6, np.pi - 1e-6),
        np.deg2rad(LONGITUDE),
        indexing="ij",
    )
    value, slope = sph_harm_y(5, 2, theta, lon, diff_n=1)
    value, slope = 100 * np.sqrt(2) * value.real, 100 * np.sqrt(2) * slope.real
    u, v = -slope[..., 1] / np.sin(theta), slope[..., 0]
    work = pressure_work(u, v, value, COARSE[name], LONGITUDE)
    want = np.where(np.arange(16) == 5, 30 * 100**2 / (4 * np.pi) / LENGTH, 0)
    np.testing.assert_allclose(work, want[: len(work)], atol=1e-9 * want.max())


def test_a_grid_of_a_region_is_refused():
    with pytest.raises(InputDataError, match="not equally spaced around the globe"):
        kinetic_energy_transfer(*np.ones((2, 16, 16)), GAUSS, LONGITUDE[:16])


def test_a_grid_of_half_a_degree_is_refused():
    nodes = np.linspace(-90, 90, 361), np.arange(720) / 2
    with pytest.raises(InputDataError, match="361 latitudes is too fine for products"):
        kinetic_energy_transfer(*np.ones((2, 361, 720)), *nodes)
