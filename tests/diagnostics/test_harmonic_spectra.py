import numpy as np
import pytest
from scipy.special import sph_harm_y

from ngcm_cli.diagnostics.harmonic_analysis import harmonic_grid
from ngcm_cli.diagnostics.spectra import kinetic_energy_spectrum, power_spectrum
from ngcm_cli.errors import InputDataError
from ngcm_cli.spectral.grid import Grid

LONGITUDE = np.arange(32) * 360 / 32
GRIDS = {
    "gauss": np.rad2deg(Grid.linear(15).latitude),
    "with_poles": np.linspace(-90, 90, 17),
    "without_poles": (np.arange(16) + 0.5) * 180 / 16 - 90,
    "descending": np.linspace(90, -90, 17),
}


def angles(latitude, longitude=LONGITUDE):
    """Return colatitude and longitude in radians, of shape (latitude, longitude)."""
    return np.meshgrid(np.deg2rad(90 - latitude), np.deg2rad(longitude), indexing="ij")


def harmonic(l, m, latitude):
    """Return a real spherical harmonic of norm 1 from SciPy."""
    value = sph_harm_y(l, m, *angles(latitude))
    return value.real * (np.sqrt(2) if m else 1)


def wind(l, m, latitude):
    """Return k × ∇ψ of the streamfunction ψ = Y on the unit sphere, and ∇ψ.

    The derivatives are those of SciPy; at the poles, where east is undefined, the
    components follow from the limit along each meridian.
    """
    theta, lon = angles(latitude)
    theta = np.clip(theta, 1e-7, np.pi - 1e-7)
    _, first = sph_harm_y(l, m, theta, lon, diff_n=1)
    scale = np.sqrt(2) if m else 1
    north = -first[..., 0].real * scale
    east = first[..., 1].real * scale / np.sin(theta)
    return (-north, east), (east, north)


def band_limited(seed, truncation, latitude):
    """Return a random field of wavenumbers up to a truncation, and its power."""
    random = np.random.default_rng(seed)
    field, power = 0.0, np.zeros(truncation + 1)
    for l in range(truncation + 1):
        for m in range(l + 1):
            amplitude = random.normal()
            field = field + amplitude * harmonic(l, m, latitude)
            power[l] += amplitude**2 / (4 * np.pi)
    return field, power


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(
    ("l", "m"), [(0, 0), (1, 0), (1, 1), (6, 3), (15, 15), (15, 0)]
)
def test_a_harmonic_is_at_its_wavenumber(name, l, m):
    field = 3 * harmonic(l, m, GRIDS[name])
    power = power_spectrum(field, GRIDS[name], LONGITUDE)
    expected = np.where(np.arange(len(power)) == l, 9 / (4 * np.pi), 0)
    np.testing.assert_allclose(power, expected, atol=1e-12)


@pytest.mark.parametrize("name", GRIDS)
def test_parseval(name):
    """The sum over wavenumbers is the global mean square."""
    field, expected = band_limited(0, 15, GRIDS[name])
    power = power_spectrum(field[None], GRIDS[name], LONGITUDE)
    np.testing.assert_allclose(power, expected[None], rtol=1e-10)
    if name == "gauss":
        weights = Grid.linear(15).area_weights[:, None] / (4 * np.pi)
        assert power.sum() == pytest.approx((weights * field**2).sum(), rel=1e-12)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(("l", "m"), [(1, 0), (1, 1), (5, 2), (14, 14), (15, 1)])
def test_rotation_and_divergence_are_told_apart(name, l, m):
    """The energy of ∇Y is l(l + 1)/2 of the mean square of Y, 1/4π."""
    rotation, divergence = wind(l, m, GRIDS[name])
    energy = l * (l + 1) / 2 / (4 * np.pi)
    spectrum = kinetic_energy_spectrum(*rotation, GRIDS[name], LONGITUDE)
    expected = np.where(np.arange(len(spectrum.rotational)) == l, energy, 0)
    # 1e-7 from the pole, where SciPy needs sin θ > 0, is as far from the exact wind.
    tolerance = (
        1e-6 * energy if "pole" in name or name == "descending" else 1e-12 * l**2
    )
    np.testing.assert_allclose(spectrum.rotational, expected, atol=tolerance)
    np.testing.assert_allclose(spectrum.divergent, 0, atol=tolerance)
    spectrum = kinetic_energy_spectrum(*divergence, GRIDS[name], LONGITUDE)
    np.testing.assert_allclose(spectrum.divergent, expected, atol=tolerance)
    np.testing.assert_allclose(spectrum.rotational, 0, atol=tolerance)


def test_solid_body_rotation():
    """u = U cos φ: all energy, U²/3, rotational at l = 1."""
    latitude = np.linspace(-90, 90, 121)
    longitude = np.arange(240) * 1.5
    u = 30 * np.cos(np.deg2rad(latitude))[:, None] * np.ones(240)
    spectrum = kinetic_energy_spectrum(u, np.zeros_like(u), latitude, longitude)
    expected = np.where(np.arange(len(spectrum.rotational)) == 1, 300, 0)
    assert len(expected) == 120
    np.testing.assert_allclose(spectrum.rotational, expected, atol=1e-10)
    np.testing.assert_allclose(spectrum.divergent, 0, atol=1e-10)


def test_kinetic_energy_is_that_of_the_wind():
    latitude, weights = GRIDS["gauss"], Grid.linear(15).area_weights[:, None]
    u, v = np.zeros((2, 16, 32))
    for seed, (l, m) in enumerate([(1, 0), (3, 2), (9, 4), (12, 12)]):
        rotation, divergence = wind(l, m, latitude)
        u, v = (
            x + (seed + 1) * a + 2 * b
            for x, a, b in zip((u, v), rotation, divergence, strict=True)
        )  # noqa: E501
    spectrum = kinetic_energy_spectrum(u, v, latitude, LONGITUDE)
    total = spectrum.rotational.sum() + spectrum.divergent.sum()
    mean = (weights * (u**2 + v**2) / 2).sum() / (4 * np.pi)
    assert total == pytest.approx(mean, rel=1e-12)


def test_what_is_missing_is_not_filled():
    field = np.ones((2, 17, 32))
    field[0, 3, 3] = np.nan
    power = power_spectrum(field, GRIDS["with_poles"], LONGITUDE)
    assert np.isnan(power[0]).all() and np.isfinite(power[1]).all()


@pytest.mark.parametrize(
    ("latitude", "longitude", "message"),
    [
        (GRIDS["gauss"][:8], LONGITUDE, "latitudes are neither"),
        (np.linspace(-60, 60, 17), LONGITUDE, "latitudes are neither"),
        (GRIDS["gauss"], LONGITUDE[:16], "longitudes are not"),
        (np.linspace(-90, 90, 721), np.arange(1440) / 4, "too fine"),
    ],
)
def test_grids_that_are_not_global_are_refused(latitude, longitude, message):
    with pytest.raises(InputDataError, match=message):
        harmonic_grid(latitude, longitude)
