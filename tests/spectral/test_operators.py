import jax
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from hypothesis import given
from hypothesis import strategies as st
from random_modal import harmonic, random_modal

from ngcm_cli.spectral import operators
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

GRIDS = {"linear": Grid.linear(21), "quadratic": Grid.quadratic(21)}
HARMONICS = {name: SphericalHarmonics(grid) for name, grid in GRIDS.items()}
both = pytest.mark.parametrize("name", GRIDS)
seeds = st.integers(0, 2**32 - 1)

# A coefficient of an operator is rounded, the product with it is rounded, and at most
# four such products are added: each costs a fraction of EPS of the largest of them.
OPERATOR = 2 * EPS
# A derivative of a field that has gone through a transform there and back; see
# test_transform.py for the 4 EPS of one transform.
THERE_AND_BACK = 2 * 4 * EPS + 2 * OPERATOR


def cos_power(grid: Grid, m: int):
    """Cos^m φ cos(mλ), φ and λ: proportional to the harmonic of l = m."""
    longitude, latitude = grid.longitude[:, None], grid.latitude
    return np.cos(latitude) ** m * np.cos(m * longitude), latitude, longitude


@both
@given(m=st.integers(0, 20))
def test_derivatives_of_a_sectoral_harmonic(name, m):
    harmonics = HARMONICS[name]
    f, latitude, longitude = cos_power(harmonics.grid, m)
    x = harmonics.to_modal(f.astype(np.float32))
    # Rounding of f is white noise on the nodes. A derivative multiplies the noise of
    # the smallest scales, l = 22 at most, by up to l + 1, the Laplacian by l(l + 1).
    noise = THERE_AND_BACK * rms(f)
    x_lon, x_lat = operators.cos_lat_grad(x, clip=False)
    expected = -m * np.cos(latitude) ** m * np.sin(m * longitude)
    assert_agrees("∂/∂λ", "1", harmonics.to_nodal(x_lon), expected, 23 * noise)
    expected = -m * np.sin(latitude) * f
    assert_agrees("cos φ ∂/∂φ", "1", harmonics.to_nodal(x_lat), expected, 23 * noise)
    weighted = harmonics.to_nodal(operators.sec_lat_d_dlat_cos2(x))
    expected = -(m + 2) * np.sin(latitude) * f
    assert_agrees("sec φ ∂cos²φ/∂φ", "1", weighted, expected, 23 * noise)
    laplacian = harmonics.to_nodal(operators.laplacian(x))
    assert_agrees("∇²", "1", laplacian, -m * (m + 1) * f, 23 * 22 * noise)


@both
@given(m=st.integers(0, 19), l=st.integers(0, 19), sine=st.booleans())
def test_derivatives_of_a_single_harmonic(name, m, l, sine):
    """Against the recurrences of Legendre functions, coefficient by coefficient."""
    if m > l or (m == 0 and sine):
        return
    row = 2 * m + sine
    x = harmonic(GRIDS[name], row, l)

    def epsilon(l):
        return np.sqrt((l**2 - m**2) / (4 * l**2 - 1))

    expected = np.zeros(x.shape)
    expected[row, l + 1] = -l * epsilon(l + 1)
    if l > 0:
        expected[row, l - 1] = (l + 1) * epsilon(l)
    ours = operators.cos_lat_d_dlat(x)
    np.testing.assert_allclose(ours, expected, rtol=OPERATOR)

    expected[row, l + 1] = -(l + 2) * epsilon(l + 1)
    if l > 0:
        expected[row, l - 1] = (l - 1) * epsilon(l)
    ours = operators.sec_lat_d_dlat_cos2(x)
    np.testing.assert_allclose(ours, expected, rtol=OPERATOR)

    other = 2 * m + 1 - sine if m > 0 else 0
    expected = (m if sine else -m) * harmonic(GRIDS[name], other, l)
    np.testing.assert_array_equal(operators.d_dlon(x), expected)


def test_values_of_the_specification():
    """Reference specification, section 14.2: row 5 (the sine of m = 2), l = 7."""
    x = harmonic(Grid.linear(63), 5, 7)
    along = operators.cos_lat_d_dlat(x)
    assert along[5, 6] == pytest.approx(3.84307569, rel=OPERATOR)
    assert along[5, 8] == pytest.approx(-3.39549875, rel=OPERATOR)
    weighted = operators.sec_lat_d_dlat_cos2(x)
    assert weighted[5, 6] == pytest.approx(2.88230677, rel=OPERATOR)
    assert weighted[5, 8] == pytest.approx(-4.36564125, rel=OPERATOR)
    assert operators.d_dlon(x)[4, 7] == 2


@both
@given(seed=seeds)
def test_curl_of_a_gradient_and_divergence_of_a_rotated_gradient_vanish(name, seed):
    harmonics = HARMONICS[name]
    # cos φ ∇x has one total wavenumber more than x, and operators clip the last one.
    x = random_modal(harmonics.grid, seed, harmonics.grid.total_wavenumbers - 2)
    laplacian = operators.laplacian(x)
    sec = operators.sec_lat(harmonics.grid)
    east, north = (harmonics.to_nodal(y) * sec for y in operators.cos_lat_grad(x))
    # Curl and divergence are differences of terms as large as the Laplacian. (The
    # factors sec φ magnify rounding near the poles, a small part of the sphere.)
    tolerance = THERE_AND_BACK * rms(laplacian)
    vorticity, divergence = operators.vorticity_divergence(east, north, harmonics)
    assert_agrees("curl of ∇x", "1", vorticity, 0 * x, tolerance)
    assert_agrees("divergence of ∇x", "1", divergence, laplacian, tolerance)
    vorticity, divergence = operators.vorticity_divergence(-north, east, harmonics)
    assert_agrees("divergence of k×∇x", "1", divergence, 0 * x, tolerance)
    assert_agrees("curl of k×∇x", "1", vorticity, laplacian, tolerance)


@both
@given(seed=seeds)
def test_wind_and_vorticity_and_divergence_determine_each_other(name, seed):
    harmonics = HARMONICS[name]
    top = harmonics.grid.total_wavenumbers - 2
    vorticity, divergence = random_modal(harmonics.grid, seed, top, batch=(2,))
    vorticity[0, 0] = divergence[0, 0] = 0  # no wind has a mean vorticity
    wind = operators.velocity(vorticity, divergence, harmonics)
    back = operators.vorticity_divergence(*wind, harmonics)
    # The largest scales make the wind, the smallest the vorticity: white noise of
    # relative size THERE_AND_BACK in the wind becomes sqrt(4π/nodes) of it in every
    # coefficient (Parseval), and the derivative multiplies that by l ≤ 21.
    coefficient = np.sqrt(4 * np.pi / np.prod(harmonics.grid.nodal_shape))
    tolerance = 21 * THERE_AND_BACK * rms(wind) * coefficient
    assert_agrees("vorticity", "1", back[0], vorticity, tolerance)
    assert_agrees("divergence", "1", back[1], divergence, tolerance)


def test_solid_body_rotation():
    harmonics = HARMONICS["linear"]
    u = np.broadcast_to(np.cos(harmonics.grid.latitude), harmonics.grid.nodal_shape)
    u = u.astype(np.float32)
    vorticity, divergence = operators.vorticity_divergence(u, 0 * u, harmonics)
    expected = np.broadcast_to(2 * np.sin(harmonics.grid.latitude), u.shape)
    # Rounding of u sec φ, of size 1 everywhere, times the derivative's l ≤ 21.
    tolerance = 21 * THERE_AND_BACK
    nodal = harmonics.to_nodal(vorticity)
    assert_agrees("vorticity", "1", nodal, expected, tolerance)
    assert_agrees("divergence", "1", divergence, 0 * divergence, tolerance)
    again, across = operators.velocity(vorticity, divergence, harmonics)
    assert_agrees("eastward wind", "1", again, u, tolerance)
    assert_agrees("northward wind", "1", across, 0 * u, tolerance)


@both
@given(seed=seeds)
def test_inverse_laplacian(name, seed):
    x = random_modal(GRIDS[name], seed)
    without_mean = x.copy()
    without_mean[0, 0] = 0
    back = operators.inverse_laplacian(operators.laplacian(x))
    assert_agrees("∇⁻²∇²x", "1", back, without_mean, OPERATOR * rms(x))
    back = operators.laplacian(operators.inverse_laplacian(x))
    assert_agrees("∇²∇⁻²x", "1", back, without_mean, OPERATOR * rms(x))
    l = np.arange(x.shape[-1])
    np.testing.assert_array_equal(operators.laplacian(x), x * np.float32(-l * (l + 1)))


@given(n=st.integers(1, 4))
def test_clipping(n):
    x = random_modal(GRIDS["linear"], 0, batch=(2,))
    clipped = np.asarray(operators.clip_wavenumbers(x, n))
    np.testing.assert_array_equal(clipped[..., :-n], x[..., :-n])
    assert np.all(clipped[..., -n:] == 0)


def test_operators_clip_their_last_column_only():
    x, y = random_modal(GRIDS["linear"], 1, batch=(2,))
    for operator in (
        lambda clip: operators.cos_lat_grad(x, clip),
        lambda clip: operators.cos_lat_velocity(x, y, clip),
        lambda clip: (operators.div_cos_lat(x, y, clip),),
        lambda clip: (operators.curl_cos_lat(x, y, clip),),
    ):
        for whole, clipped in zip(operator(False), operator(True), strict=True):
            np.testing.assert_array_equal(clipped[:, :-1], whole[:, :-1])
            assert np.all(clipped[:, -1] == 0)
            assert np.any(np.asarray(whole)[:, -1] != 0)


def test_leading_axes_are_treated_alike():
    x, y = random_modal(GRIDS["linear"], 2, batch=(2, 3))
    for operator in (
        operators.laplacian,
        operators.inverse_laplacian,
        operators.d_dlon,
        operators.cos_lat_d_dlat,
        operators.sec_lat_d_dlat_cos2,
    ):
        single = np.stack([operator(field) for field in x])
        np.testing.assert_array_equal(operator(x), single)
        np.testing.assert_array_equal(jax.vmap(operator)(x), single)
    for pair in operators.div_cos_lat, operators.curl_cos_lat:
        single = np.stack([pair(a, b) for a, b in zip(x, y, strict=True)])
        np.testing.assert_array_equal(pair(x, y), single)
        np.testing.assert_array_equal(jax.vmap(pair)(x, y), single)
