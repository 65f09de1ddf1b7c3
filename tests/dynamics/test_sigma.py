import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from atmosphere import DEMO_TEMPERATURE

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels

counts = pytest.mark.parametrize("layers", [1, 2, 8, 32, 37])


def column(values) -> np.ndarray:
    """One value per level, on two nodes."""
    return np.tile(np.asarray(values, np.float32)[:, None, None], (1, 2, 1))


@counts
def test_layers_fill_the_atmosphere(layers):
    levels = SigmaLevels(layers)
    assert levels.boundaries[0] == 0
    assert levels.boundaries[-1] == 1
    assert levels.thickness.sum() == pytest.approx(1, abs=EPS)
    np.testing.assert_allclose(levels.thickness, 1 / layers, rtol=layers * EPS)
    exact = (np.arange(layers) + 0.5) / layers
    np.testing.assert_allclose(levels.centers, exact, rtol=EPS)
    assert levels == SigmaLevels(layers)
    assert hash(levels) == hash(SigmaLevels(layers))


@counts
def test_integrals(layers):
    levels = SigmaLevels(layers)
    # The midpoint rule is exact for straight lines: ∫₀^b (3 − 2σ) dσ = 3b − b².
    x = column(3 - 2 * levels.centers)
    bottom = levels.boundaries[1:]
    tolerance = 3 * EPS * np.sqrt(layers)  # a sum of as many terms, each at most 3/n
    assert_agrees("∫", "1", levels.integral(x), column([2.0]), tolerance)
    below = levels.cumulative_integral(x)
    assert_agrees("∫ to σ", "1", below, column(3 * bottom - bottom**2), tolerance)
    # For σ² it errs by (Δσ)²/12 of the interval.
    x = column(levels.centers.astype(np.float64) ** 2)
    expected = bottom**3 / 3 - bottom / (12 * layers**2)
    below = levels.cumulative_integral(x)
    assert_agrees("∫σ²", "1", below, column(expected), tolerance)


def test_integrals_keep_leading_axes():
    levels = SigmaLevels(4)
    x = np.arange(24, dtype=np.float32).reshape(3, 4, 2, 1)
    single = np.stack([levels.cumulative_integral(y) for y in x])
    np.testing.assert_array_equal(levels.cumulative_integral(x), single)
    assert levels.integral(x).shape == (3, 1, 2, 1)


def test_vertical_advection_of_a_straight_line():
    levels = SigmaLevels(8)
    velocity = column(np.full(7, 0.3))
    x = column(5 + 2 * levels.centers)
    expected = np.full(8, -0.3 * 2)
    expected[[0, -1]] /= 2  # no flow through the top and the ground
    ours = levels.vertical_advection(velocity, x)
    # Differences of numbers as large as 7 over a spacing of 1/8, times the velocity.
    assert_agrees("−σ̇ ∂x/∂σ", "1", ours, column(expected), 0.3 * 7 * 8 * EPS)
    ours = levels.vertical_advection(velocity, column(np.full(8, 7.0)))
    np.testing.assert_array_equal(ours, np.zeros_like(ours))


def test_vertical_advection_conserves_what_it_moves():
    """With continuity: ∫ (−σ̇ ∂x/∂σ − x ∂σ̇/∂σ) dσ = 0, also when discretised."""
    levels = SigmaLevels(16)
    random = np.random.default_rng(0)
    velocity = random.standard_normal((15, 3, 2)).astype(np.float32)
    x = random.standard_normal((16, 3, 2)).astype(np.float32)
    edges = np.pad(velocity, ((1, 1), (0, 0), (0, 0)))
    divergence = np.diff(edges, axis=0) * 16
    change = levels.vertical_advection(velocity, x) - x * divergence
    # Sum of 32 terms of the size of x ∂σ̇/∂σ, each with its rounding.
    tolerance = EPS * rms(x * divergence)
    assert_agrees("∫", "1", levels.integral(change), np.zeros((1, 3, 2)), tolerance)


@pytest.mark.parametrize("layers", [2, 8, 32])
def test_geopotential_of_an_isothermal_atmosphere(layers):
    """Φ = −RT ln σ at the layer centres, exactly."""
    levels = SigmaLevels(layers)
    ours = levels.geopotential(column(np.full(layers, 250.0)))
    sigma = levels.centers.astype(np.float64)
    expected = column(-units.GAS_CONSTANT * 250 * np.log(sigma))
    # Sums of as many terms as levels, whose logarithms are float32.
    tolerance = np.sqrt(layers) * EPS * rms(expected)
    assert_agrees("geopotential", "(2Ωa)²", ours, expected, tolerance)


def test_geopotential_of_a_lapse_rate_converges():
    """T = T₀ σ^κ: Φ = R T₀ (1 − σ^κ)/κ, second order away from the top."""
    errors = []
    for layers in 16, 32:
        levels = SigmaLevels(layers)
        sigma = levels.centers.astype(np.float64)
        exact = units.GAS_CONSTANT * 280 * (1 - sigma**0.2) / 0.2
        ours = levels.geopotential_matrix @ (280 * sigma**0.2)
        lower = sigma > 0.2
        errors.append(rms((ours - exact)[lower]) / rms(exact[lower]))
    assert errors[1] < errors[0] / 3.5
    assert errors[1] < 32**-2


@pytest.mark.parametrize("layers", [2, 8, 32])
def test_conversion_between_heat_and_motion_conserves_energy(layers):
    """Work of the pressure force against heating, around an isothermal reference.

    c_p ∫ ∂T/∂t dσ = −∫ Φ′ δ dσ for every δ and T′ means c_p Δσⱼ Hⱼₖ/T = Δσₖ Gₖⱼ.
    """
    levels = SigmaLevels(layers)
    thickness = levels.thickness.astype(np.float64)
    heating = levels.adiabatic_matrix(np.full(layers, 280.0))
    ours = units.HEAT_CAPACITY * thickness[:, None] * heating / 280
    expected = (thickness[:, None] * levels.geopotential_matrix).T
    # float64, except for products of float32 numbers in the heating.
    np.testing.assert_allclose(ours, expected, rtol=4 * EPS, atol=1e-12 * rms(expected))


def test_a_reference_profile_is_transported():
    """Uniform divergence does not move air vertically: only with shear does H see T."""
    levels = SigmaLevels(8)
    reference = 200 + 90 * levels.centers.astype(np.float64)
    transport = levels.adiabatic_matrix(reference) - np.diag(
        reference / 250
    ) @ levels.adiabatic_matrix(np.full(8, 250.0))
    # Sums of terms of size dT/dσ Δσ: float64 of float32 thicknesses.
    np.testing.assert_allclose(transport @ np.ones(8), 0, atol=90 * EPS)
    # Divergence in the top half lifts nothing through the top: air sinks above σ = ½
    # by σ̇ = −σ/2 (there), and warms or cools by −σ̇ ∂T/∂σ = −H δ.
    upper = (levels.centers < 0.5).astype(np.float64)
    boundaries = levels.boundaries.astype(np.float64)
    sigma_dot = boundaries * 0.5 - np.minimum(boundaries, 0.5)
    expected = -0.5 * (sigma_dot[1:] + sigma_dot[:-1]) * 90
    np.testing.assert_allclose(-transport @ upper, expected, atol=90 * EPS)


def test_values_of_the_specification():
    """Reference specification, section 14.2, to the nine digits printed."""
    levels = SigmaLevels(32)
    alpha = levels.log_ratios
    # Logarithms of float32 numbers in float32, differences of neighbours: at k = 30
    # of numbers near ln(59/64), 30 times as far from 1 as their difference.
    for k, value in {
        0: 0.549306144,
        10: 0.0454858891,
        30: 0.0161304311,
        31: 0.015748357,
    }.items():
        assert alpha[k] == pytest.approx(value, rel=4 * EPS, abs=EPS / 2)
    geopotential = levels.geopotential_matrix
    for place, value in {
        (0, 0): 1.82507876e-04,
        (0, 31): 1.05917801e-05,
        (10, 20): 1.62202716e-05,
        (31, 31): 5.23241768e-06,
    }.items():
        absolute = units.GAS_CONSTANT * EPS
        assert geopotential[place] == pytest.approx(value, rel=4 * EPS, abs=absolute)
    heating = levels.adiabatic_matrix(np.array(DEMO_TEMPERATURE))
    for place, value in {
        (0, 0): 40.9574347,
        (5, 3): 7.82774207,
        (3, 5): 0.276501228,
        (31, 0): 2.59678571,
        (31, 31): 2.13298342,
    }.items():
        absolute = units.KAPPA * 288 * EPS
        assert heating[place] == pytest.approx(value, rel=4 * EPS, abs=absolute)
