import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from agreement import EPS, assert_agrees, rms
from hypothesis import given
from hypothesis import strategies as st
from random_modal import harmonic, random_modal

from ngcm_cli.spectral import transform
from ngcm_cli.spectral.filters import change_truncation
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

GRIDS = {"linear": Grid.linear(21), "quadratic": Grid.quadratic(21)}
HARMONICS = {name: SphericalHarmonics(grid) for name, grid in GRIDS.items()}
both = pytest.mark.parametrize("name", GRIDS)

# A transform is two sums of up to 44 terms with factors rounded to float32. Rounding a
# term costs EPS/√12 of it, and the terms add up at random like the result itself, so
# each of the two factors, two products and two sums costs a fraction of EPS.
TRANSFORM = 4 * EPS


@both
@given(seed=st.integers(0, 2**32 - 1), top=st.integers(1, 22))
def test_round_trip_of_a_band_limited_field(name, seed, top):
    # Gauss quadrature of N latitudes is exact to degree 2N − 1: on both grids for all
    # but the last total wavenumber, of which the linear grid's 22 latitudes miss some.
    harmonics = HARMONICS[name]
    x = random_modal(harmonics.grid, seed, top)
    back = harmonics.to_modal(harmonics.to_nodal(x))
    assert_agrees("round trip", "1", back, x, 2 * TRANSFORM * rms(x))


def test_round_trip_on_the_quadratic_grid_has_every_wavenumber():
    harmonics = HARMONICS["quadratic"]
    x = random_modal(harmonics.grid, 1)
    back = harmonics.to_modal(harmonics.to_nodal(x))
    assert_agrees("round trip", "1", back, x, 2 * TRANSFORM * rms(x))


def test_round_trip_of_nodes_is_a_projection():
    harmonics = HARMONICS["linear"]
    noise = np.random.default_rng(2).standard_normal(harmonics.grid.nodal_shape)
    once = harmonics.to_modal(noise.astype(np.float32))
    once = once.at[:, -1].set(0)  # quadrature of the last column is not exact here
    twice = harmonics.to_modal(harmonics.to_nodal(once))
    assert_agrees("projection", "1", twice, once, 2 * TRANSFORM * rms(once))


@both
def test_the_transform_is_that_of_scipy(name):
    """Against real harmonics summed in float64 from another implementation."""
    harmonics = HARMONICS[name]
    grid = harmonics.grid
    x = random_modal(grid, 3)
    m, l = np.arange(grid.longitude_wavenumbers)[:, None], np.arange(x.shape[-1])
    gamma = scipy.special.gammaln
    log_norm = np.log(l + 0.5) + gamma(np.maximum(l - m, 0) + 1) - gamma(l + m + 1)
    expected = np.zeros(grid.nodal_shape)
    for j, sin in enumerate(grid.sin_latitude):
        p = np.exp(0.5 * log_norm) * scipy.special.lpmv(m, l, sin)
        cos_part, sin_part = np.sum(p * x[::2], -1), np.sum(p * x[1::2], -1)
        cos_part[0] /= np.sqrt(2)
        angle = np.outer(grid.longitude, m)
        expected[:, j] = np.cos(angle) @ cos_part + np.sin(angle) @ sin_part
    expected /= np.sqrt(np.pi)
    nodal = harmonics.to_nodal(x)
    assert_agrees("synthesis", "1", nodal, expected, TRANSFORM * rms(expected))


@both
@given(seed=st.integers(0, 2**32 - 1))
def test_parseval(name, seed):
    harmonics = HARMONICS[name]
    x = random_modal(harmonics.grid, seed, 21).astype(np.float64)
    f = np.asarray(harmonics.to_nodal(x.astype(np.float32)), np.float64)
    power = np.sum(f**2 * harmonics.grid.area_weights)
    # 484 coefficients with independent errors of relative size TRANSFORM, twice (f²).
    assert power == pytest.approx(np.sum(x**2), rel=2 * TRANSFORM)


@both
def test_the_field_one(name):
    harmonics = HARMONICS[name]
    modal = np.asarray(harmonics.to_modal(np.ones(harmonics.grid.nodal_shape, "f4")))
    expected = np.sqrt(4 * np.pi) * harmonic(harmonics.grid, 0, 0)
    # Zeros arise as differences of numbers of size 1.
    assert_agrees("the field 1", "1", modal, expected, TRANSFORM)
    assert modal[0, 0] == pytest.approx(3.5449077, rel=TRANSFORM)
    one = harmonics.to_nodal(expected.astype(np.float32))
    assert_agrees("the field 1", "1", one, np.ones_like(one), TRANSFORM)


@both
def test_places_outside_the_mask_stay_empty(name):
    harmonics = HARMONICS[name]
    noise = np.random.default_rng(4).standard_normal(harmonics.grid.nodal_shape)
    modal = np.asarray(harmonics.to_modal(noise.astype(np.float32)))
    assert np.all(modal[~harmonics.grid.mask] == 0)


def test_products_do_not_alias_on_the_quadratic_grid():
    small, large = Grid.quadratic(21), Grid.quadratic(43)
    coarse, fine = SphericalHarmonics(small), SphericalHarmonics(large)
    x, y = random_modal(small, 5, batch=(2,))
    on_coarse = coarse.to_modal(coarse.to_nodal(x) * coarse.to_nodal(y))
    x, y = change_truncation(np.stack([x, y]), large.modal_shape)
    product = fine.to_modal(fine.to_nodal(x) * fine.to_nodal(y))
    exact = change_truncation(product, small.modal_shape)
    # Two syntheses, one product and one analysis, on each of the grids. The product has
    # twice the bandwidth: what is truncated counts for the rounding of what stays.
    tolerance = 4 * TRANSFORM * rms(product) * np.sqrt(product.size / exact.size)
    assert_agrees("product", "1", on_coarse, exact, tolerance)


def test_values_of_the_specification():
    """Reference specification, section 14.2: row 5 (the sine of m = 2), l = 7."""
    grid = Grid.linear(63)
    nodal = SphericalHarmonics(grid).to_nodal(harmonic(grid, 5, 7))
    assert nodal[10, 20] == pytest.approx(0.3266114, rel=TRANSFORM)
    assert nodal[100, 50] == pytest.approx(-0.0360894335, rel=TRANSFORM)
    constant = SphericalHarmonics(grid).to_nodal(harmonic(grid, 0, 0))
    assert constant[7, 9] == pytest.approx(0.28209479, rel=TRANSFORM)


@both
def test_leading_axes_are_transformed_alike(name):
    harmonics = HARMONICS[name]
    x = random_modal(harmonics.grid, 6, 20, batch=(3, 2))
    single = np.stack([[harmonics.to_nodal(f) for f in member] for member in x])
    tolerance = TRANSFORM * rms(single)  # the sums may run in another order
    batched = harmonics.to_nodal(x)
    assert_agrees("to_nodal, batch", "1", batched, single, tolerance)
    mapped = jax.vmap(jax.vmap(harmonics.to_nodal))(x)
    assert_agrees("to_nodal, vmap", "1", mapped, single, tolerance)

    tolerance = TRANSFORM * rms(x)
    expected = np.stack([[harmonics.to_modal(f) for f in member] for member in single])
    batched = harmonics.to_modal(single)
    assert_agrees("to_modal, batch", "1", batched, expected, tolerance)
    mapped = jax.vmap(harmonics.to_modal)(single)
    assert_agrees("to_modal, vmap", "1", mapped, expected, tolerance)


@pytest.mark.parametrize("grid", [*GRIDS.values(), Grid.quadratic(10)], ids=str)
@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_functions_are_applied_on_the_grid(grid, platform, monkeypatch):
    """Of even and odd numbers of longitudes, with and without a node at π.

    Fields are transformed one by one on a CPU and at once elsewhere.
    """
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    harmonics = SphericalHarmonics(grid)

    def products(fields):
        (x, y), z = fields["x, y"], fields["z"]
        return {"sum": (x + y * grid.sin_latitude.astype(np.float32),), "xz": x * z}

    def other_axis_first(tree):
        return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), tree)

    x, y = random_modal(grid, 9, 10, batch=(2, 3))
    fields = {"x, y": (x, y), "z": random_modal(grid, 10, 10, batch=(1,))}
    nodal = jax.tree.map(harmonics.to_nodal, fields)
    nodal = other_axis_first(products(other_axis_first(nodal)))
    found = harmonics.apply_on_grid(products, other_axis_first(fields))
    assert jax.tree.structure(found) == jax.tree.structure(nodal)
    for ours, expected in zip(*map(jax.tree.leaves, (found, nodal)), strict=True):
        # Two transforms on each of both ways.
        expected = other_axis_first(harmonics.to_modal(expected))
        tolerance = 4 * TRANSFORM * rms(expected)
        assert_agrees("on the grid", "1", ours, expected, tolerance)


@both
def test_several_fields_are_transformed_like_one(name, monkeypatch):
    harmonics = HARMONICS[name]
    modal = [random_modal(harmonics.grid, n, batch=(n,)) for n in (1, 3)]
    nodal = [harmonics.to_nodal(x) for x in modal]
    back = [harmonics.to_modal(x) for x in nodal]
    for platform in ("cpu", "gpu"):  # one by one, and at once
        monkeypatch.setattr(jax, "default_backend", lambda platform=platform: platform)
        for found, expected in (
            (harmonics.each_to_nodal(modal), nodal),
            (harmonics.each_to_modal(nodal), back),
        ):
            for x, y in zip(found, expected, strict=True):
                assert_agrees("field", "1", x, y, TRANSFORM * rms(y))


@both
@pytest.mark.parametrize("size", [3, 5])
def test_blocks_of_zonal_wavenumbers(name, size, monkeypatch):
    """As large grids have: nothing but columns of zeros is left out."""
    whole = HARMONICS[name]
    monkeypatch.setattr(transform, "_BLOCK", size)
    parts = SphericalHarmonics(GRIDS[name])
    (table,) = whole.legendre
    assert len(parts.legendre) == len(table) // size
    assert sum(p.size for p in parts.legendre) < 0.75 * table.size
    assert sum(map(np.count_nonzero, parts.legendre)) == np.count_nonzero(table)

    def gradient(harmonics, x):
        return jax.grad(lambda x: (harmonics.to_nodal(x) ** 2).sum())(x)

    modal = random_modal(GRIDS[name], 2)
    nodal = whole.to_nodal(modal)
    for of, x in (
        (SphericalHarmonics.to_nodal, modal),
        (SphericalHarmonics.to_modal, nodal),
        (gradient, modal),  # two transforms
    ):
        expected = of(whole, x)
        tolerance = 2 * TRANSFORM * rms(expected)
        assert_agrees("blocks", "1", of(parts, x), expected, tolerance)


def test_grids_of_published_models_have_blocks_where_they_pay():
    """With 63 wavenumbers a step takes longer in two blocks than in one."""
    count = {m: len(SphericalHarmonics(Grid.quadratic(m)).legendre) for m in (63, 126)}
    assert count == {63: 1, 126: 3}


def test_harmonics_of_equal_grids_do_not_compile_again():
    calls = []

    @jax.jit
    def f(harmonics, x):
        calls.append(x)
        return harmonics.to_nodal(x)

    grid = Grid.linear(21)
    f(SphericalHarmonics(grid), random_modal(grid, 7))
    f(SphericalHarmonics(Grid.linear(21)), random_modal(grid, 8))
    assert len(calls) == 1
