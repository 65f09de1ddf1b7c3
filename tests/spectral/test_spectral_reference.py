"""Side by side with the reference's dynamical core, ``dinosaur``."""

import functools
import importlib

import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from random_modal import random_modal

from ngcm_cli.spectral import operators
from ngcm_cli.spectral.filters import exponential_filter
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

GRIDS = {"linear": Grid.linear(21), "quadratic": Grid.quadratic(21)}
both = pytest.mark.parametrize("name", GRIDS)
clips = pytest.mark.parametrize("clip", [True, False])


def dinosaur(module: str):
    return importlib.import_module(f"dinosaur.{module}")


def their_grid(grid: Grid):
    spherical = dinosaur("spherical_harmonic")
    return spherical.Grid(
        longitude_wavenumbers=grid.longitude_wavenumbers,
        total_wavenumbers=grid.total_wavenumbers,
        longitude_nodes=grid.longitude_nodes,
        latitude_nodes=grid.latitude_nodes,
        spherical_harmonics_impl=spherical.RealSphericalHarmonicsWithZeroImag,
    )


def assert_same(reference, name, ours, theirs, *inputs, k=3):
    """Ours agrees with theirs within k times their own sensitivity to rounding.

    ``theirs`` is called only where the reference runs.
    """

    @functools.cache
    def answer():
        return np.asarray(theirs(*inputs))

    def sensitivity():
        moved = theirs(*(perturbed(x, seed) for seed, x in enumerate(inputs)))
        return rms(np.asarray(moved) - answer())

    expected = reference(name, answer)
    tolerance = k * reference.number(f"sensitivity of {name}", sensitivity)
    assert_agrees(name, "1", reference.sample(ours(*inputs)), expected, tolerance)


@both
def test_grid_and_basis(reference, name):
    grid = GRIDS[name]

    @functools.cache
    def theirs():
        grid = their_grid(GRIDS[name])
        longitude, sin_latitude = grid.nodal_axes
        found = {"longitude": longitude, "sin_latitude": sin_latitude}
        return found | {
            "sec2_lat": grid.sec2_lat,
            "mask": grid.mask,
            "eigenvalues": grid.laplacian_eigenvalues,
            "wavenumbers": np.abs(grid.modal_axes[0]),
        }

    def expected(what):
        of_grid = f"{what} of the {name} grid"
        return reference(of_grid, lambda: theirs()[what], grid.mask.size)

    # Their axes are float32 or float64, depending on the version.
    np.testing.assert_allclose(grid.longitude, expected("longitude"), rtol=EPS)
    np.testing.assert_allclose(grid.sin_latitude, expected("sin_latitude"), rtol=EPS)
    sec2_lat = expected("sec2_lat")
    np.testing.assert_allclose(operators.sec2_lat(grid), sec2_lat, rtol=2 * EPS)
    np.testing.assert_array_equal(grid.mask, expected("mask"))
    ones = np.ones(grid.modal_shape, np.float32)
    eigenvalues = operators.laplacian(ones)[0]
    np.testing.assert_array_equal(eigenvalues, expected("eigenvalues"))
    m = np.arange(grid.modal_shape[0]) // 2
    np.testing.assert_array_equal(m, expected("wavenumbers"))


@pytest.mark.parametrize(
    "grid, name",
    [
        (Grid.linear(31), "TL31"),
        (Grid.linear(63), "TL63"),
        (Grid.linear(127), "TL127"),
        (Grid.linear(255), "TL255"),
        (Grid.quadratic(63), "63"),
        (Grid.quadratic(126), "126"),
        (Grid.quadratic(254), "254"),
    ],
)
def test_sizes(reference, grid, name):
    numbers = (
        "longitude_wavenumbers",
        "total_wavenumbers",
        "longitude_nodes",
        "latitude_nodes",
    )

    def theirs():
        kind = dinosaur("spherical_harmonic").Grid
        size = kind.with_wavenumbers(int(name)) if name.isdigit() else None
        size = size or getattr(kind, name)()
        return [getattr(size, number) for number in numbers]

    ours = [getattr(grid, number) for number in numbers]
    assert ours == reference(f"sizes of {name}", theirs).tolist()


@both
def test_transforms(reference, name):
    grid = GRIDS[name]
    ours = SphericalHarmonics(grid)

    def to_nodal(x):
        return their_grid(grid).to_nodal(x)

    def to_modal(x):
        return their_grid(grid).to_modal(x)

    modal = random_modal(grid, 0, batch=(3,))
    on_grid = f"on the {name} grid"
    assert_same(reference, f"to_nodal {on_grid}", ours.to_nodal, to_nodal, modal)
    nodal = reference.given(f"nodal field {on_grid}", ours.to_nodal(modal))
    noise = np.random.default_rng(1).standard_normal(nodal.shape).astype(np.float32)
    for kind, x in {"smooth": nodal, "noise": noise}.items():
        what = f"to_modal {on_grid}, {kind}"
        assert_same(reference, what, ours.to_modal, to_modal, x)


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
def test_operators(reference, name, operator):
    x = random_modal(GRIDS[name], 2, batch=(3,))

    def theirs(x):
        return getattr(their_grid(GRIDS[name]), operator)(x)

    what = f"{operator} on the {name} grid"
    assert_same(reference, what, getattr(operators, operator), theirs, x)


@both
@clips
def test_gradient(reference, name, clip):
    x = random_modal(GRIDS[name], 3, batch=(3,))
    assert_same(
        reference,
        f"cos_lat_grad on the {name} grid, {clip=}",
        lambda x: np.stack(operators.cos_lat_grad(x, clip)),
        lambda x: np.stack(their_grid(GRIDS[name]).cos_lat_grad(x, clip)),
        x,
    )


@both
@clips
@pytest.mark.parametrize("operator", ["div_cos_lat", "curl_cos_lat"])
def test_divergence_and_curl(reference, name, clip, operator):
    x, y = random_modal(GRIDS[name], 4, batch=(2, 3))

    def ours(x, y):
        return getattr(operators, operator)(x, y, clip)

    def theirs(x, y):
        return getattr(their_grid(GRIDS[name]), operator)((x, y), clip)

    what = f"{operator} on the {name} grid, {clip=}"
    assert_same(reference, what, ours, theirs, x, y)


@both
@clips
def test_velocity_in_spectral_space(reference, name, clip):
    vorticity, divergence = random_modal(GRIDS[name], 5, batch=(2, 3))

    def theirs(x, y):
        vector = dinosaur("spherical_harmonic").get_cos_lat_vector
        return np.stack(vector(x, y, their_grid(GRIDS[name]), clip))

    assert_same(
        reference,
        f"cos_lat_velocity on the {name} grid, {clip=}",
        lambda x, y: np.stack(operators.cos_lat_velocity(x, y, clip)),
        theirs,
        vorticity,
        divergence,
    )


@both
def test_velocity(reference, name):
    ours = SphericalHarmonics(GRIDS[name])
    vorticity, divergence = random_modal(GRIDS[name], 6, 20, batch=(2, 3))

    def their_wind(x, y):
        function = dinosaur("spherical_harmonic").vor_div_to_uv_nodal
        return np.stack(function(their_grid(GRIDS[name]), x, y))

    def their_derivatives(u, v):
        function = dinosaur("spherical_harmonic").uv_nodal_to_vor_div_modal
        return np.stack(function(their_grid(GRIDS[name]), u, v))

    def wind(x, y):
        return np.stack(operators.velocity(x, y, ours))

    on_grid = f"on the {name} grid"
    what = f"velocity {on_grid}"
    assert_same(reference, what, wind, their_wind, vorticity, divergence)
    assert_same(
        reference,
        f"vorticity and divergence {on_grid}",
        lambda u, v: np.stack(operators.vorticity_divergence(u, v, ours)),
        their_derivatives,
        *reference.given(f"wind {on_grid}", wind(vorticity, divergence)),
    )


@both
@pytest.mark.parametrize(
    "attenuation, order, cutoff",
    [(0.5, 3, 0.0), (15.0, 10, 0.4), (3.75, 6, 0.4), (16.0, 18, 0.0)],
)
def test_filters(reference, name, attenuation, order, cutoff):
    grid = GRIDS[name]
    ours = exponential_filter(grid.total_wavenumbers, attenuation, order, cutoff)
    x = random_modal(grid, 7)

    def theirs():
        of_grid = dinosaur("filtering").exponential_filter
        return of_grid(their_grid(grid), attenuation, order, cutoff)(x)

    what = f"filter {attenuation} {order} {cutoff} of the {name} grid"
    # See test_filters.py: k rounded twice, then raised to 2p and multiplied by a.
    tolerance = (2 * 2 * order * attenuation + 1) * EPS
    expected = reference(what, theirs)
    np.testing.assert_allclose(reference.sample(x * ours), expected, rtol=tolerance)
