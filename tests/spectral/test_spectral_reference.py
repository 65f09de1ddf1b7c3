"""Side by side with the reference's dynamical core, ``dinosaur``, where installed."""

import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from random_modal import random_modal

from ngcm_cli.spectral import operators
from ngcm_cli.spectral.filters import exponential_filter
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

reference = pytest.importorskip("dinosaur.spherical_harmonic")
filtering = pytest.importorskip("dinosaur.filtering")

GRIDS = {"linear": Grid.linear(21), "quadratic": Grid.quadratic(21)}
both = pytest.mark.parametrize("name", GRIDS)
clips = pytest.mark.parametrize("clip", [True, False])


def reference_grid(grid: Grid):
    return reference.Grid(
        longitude_wavenumbers=grid.longitude_wavenumbers,
        total_wavenumbers=grid.total_wavenumbers,
        longitude_nodes=grid.longitude_nodes,
        latitude_nodes=grid.latitude_nodes,
        spherical_harmonics_impl=reference.RealSphericalHarmonicsWithZeroImag,
    )


def assert_same(name, ours, theirs, *inputs, k=3):
    """Ours agrees with theirs within k times their own sensitivity to rounding."""
    expected = np.asarray(theirs(*inputs))
    moved = theirs(*(perturbed(x, seed) for seed, x in enumerate(inputs)))
    sensitivity = rms(np.asarray(moved) - expected)
    assert_agrees(name, "1", ours(*inputs), expected, k * sensitivity)


@both
def test_grid_and_basis(name):
    grid = GRIDS[name]
    theirs = reference_grid(grid)
    longitude, sin_latitude = theirs.nodal_axes
    # Their axes are float32 or float64, depending on the version.
    np.testing.assert_allclose(grid.longitude, longitude, rtol=EPS)
    np.testing.assert_allclose(grid.sin_latitude, sin_latitude, rtol=EPS)
    np.testing.assert_allclose(operators.sec2_lat(grid), theirs.sec2_lat, rtol=2 * EPS)
    np.testing.assert_array_equal(grid.mask, theirs.mask)
    ones = np.ones(grid.modal_shape, np.float32)
    eigenvalues = operators.laplacian(ones)[0]
    np.testing.assert_array_equal(eigenvalues, theirs.laplacian_eigenvalues)
    m = np.arange(grid.modal_shape[0]) // 2
    np.testing.assert_array_equal(np.abs(theirs.modal_axes[0]), m)


@pytest.mark.parametrize(
    "grid, theirs",
    [
        (Grid.linear(31), "TL31"),
        (Grid.linear(63), "TL63"),
        (Grid.linear(127), "TL127"),
        (Grid.linear(255), "TL255"),
        (Grid.quadratic(63), 63),
        (Grid.quadratic(126), 126),
        (Grid.quadratic(254), 254),
    ],
)
def test_sizes(grid, theirs):
    if isinstance(theirs, str):
        theirs = getattr(reference.Grid, theirs)()
    else:
        theirs = reference.Grid.with_wavenumbers(theirs)
    for number in (
        "longitude_wavenumbers",
        "total_wavenumbers",
        "longitude_nodes",
        "latitude_nodes",
    ):
        assert getattr(grid, number) == getattr(theirs, number)


@both
def test_transforms(name):
    grid = GRIDS[name]
    ours, theirs = SphericalHarmonics(grid), reference_grid(grid)
    modal = random_modal(grid, 0, batch=(3,))
    assert_same("to_nodal", ours.to_nodal, theirs.to_nodal, modal)
    nodal = np.asarray(theirs.to_nodal(modal))
    noise = np.random.default_rng(1).standard_normal(nodal.shape).astype(np.float32)
    assert_same("to_modal, smooth", ours.to_modal, theirs.to_modal, nodal)
    assert_same("to_modal, noise", ours.to_modal, theirs.to_modal, noise)


@both
@pytest.mark.parametrize(
    "operator",
    [
        "laplacian",
        "inverse_laplacian",
        "d_dlon",
        "cos_lat_d_dlat",
        "sec_lat_d_dlat_cos2",
        "clip_wavenumbers",
    ],
)
def test_operators(name, operator):
    x = random_modal(GRIDS[name], 2, batch=(3,))
    theirs = getattr(reference_grid(GRIDS[name]), operator)
    assert_same(operator, getattr(operators, operator), theirs, x)


@both
@clips
def test_gradient(name, clip):
    theirs = reference_grid(GRIDS[name])
    x = random_modal(GRIDS[name], 3, batch=(3,))
    assert_same(
        "cos_lat_grad",
        lambda x: np.stack(operators.cos_lat_grad(x, clip)),
        lambda x: np.stack(theirs.cos_lat_grad(x, clip)),
        x,
    )


@both
@clips
@pytest.mark.parametrize("operator", ["div_cos_lat", "curl_cos_lat"])
def test_divergence_and_curl(name, clip, operator):
    grid = reference_grid(GRIDS[name])
    x, y = random_modal(GRIDS[name], 4, batch=(2, 3))

    def ours(x, y):
        return getattr(operators, operator)(x, y, clip)

    def theirs(x, y):
        return getattr(grid, operator)((x, y), clip)

    assert_same(operator, ours, theirs, x, y)


@both
@clips
def test_velocity_in_spectral_space(name, clip):
    grid = reference_grid(GRIDS[name])
    vorticity, divergence = random_modal(GRIDS[name], 5, batch=(2, 3))
    assert_same(
        "cos_lat_velocity",
        lambda x, y: np.stack(operators.cos_lat_velocity(x, y, clip)),
        lambda x, y: np.stack(reference.get_cos_lat_vector(x, y, grid, clip)),
        vorticity,
        divergence,
    )


@both
def test_velocity(name):
    ours, theirs = SphericalHarmonics(GRIDS[name]), reference_grid(GRIDS[name])
    vorticity, divergence = random_modal(GRIDS[name], 6, 20, batch=(2, 3))
    assert_same(
        "velocity",
        lambda x, y: np.stack(operators.velocity(x, y, ours)),
        lambda x, y: np.stack(reference.vor_div_to_uv_nodal(theirs, x, y)),
        vorticity,
        divergence,
    )
    wind = map(np.asarray, reference.vor_div_to_uv_nodal(theirs, vorticity, divergence))
    assert_same(
        "vorticity and divergence",
        lambda u, v: np.stack(operators.vorticity_divergence(u, v, ours)),
        lambda u, v: np.stack(reference.uv_nodal_to_vor_div_modal(theirs, u, v)),
        *wind,
    )


@both
@pytest.mark.parametrize(
    "attenuation, order, cutoff",
    [(0.5, 3, 0.0), (15.0, 10, 0.4), (3.75, 6, 0.4), (16.0, 18, 0.0)],
)
def test_filters(name, attenuation, order, cutoff):
    grid = GRIDS[name]
    ours = exponential_filter(grid.total_wavenumbers, attenuation, order, cutoff)
    theirs = filtering.exponential_filter(
        reference_grid(grid), attenuation, order, cutoff
    )
    x = random_modal(grid, 7)
    # See test_filters.py: k rounded twice, then raised to 2p and multiplied by a.
    tolerance = (2 * 2 * order * attenuation + 1) * EPS
    np.testing.assert_allclose(x * ours, theirs(x), rtol=tolerance)
