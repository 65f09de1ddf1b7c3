"""Each term of the loss against sums written out in NumPy, in float64."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli.spectral.grid import Grid
from ngcm_cli.training import comparison

GRID = Grid.linear(5)
SHARE = np.array([0.5, 0.5, 1.0], np.float32)
BATCH, LEVELS = 3, len(SHARE)


def pair(shape, members):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, members, LEVELS, *shape)).astype(np.float32)
    y = rng.standard_normal((BATCH, 1, LEVELS, *shape)).astype(np.float32)
    return x, y


def each(x, y):
    """Forecast, truth and share of every level of every member, in float64."""
    for b, m, i in itertools.product(*map(range, x.shape[:3])):
        yield np.float64(x[b, m, i]), np.float64(y[b, 0, i]), SHARE[i]


@pytest.mark.parametrize("members", [1, 2])
def test_squared_error(members):
    x, y = pair(GRID.modal_shape, members)
    damping = np.linspace(1, 0.1, GRID.total_wavenumbers)
    expected = sum(
        share * np.sum(damping**2 * (x - y) ** 2) / (4 * np.pi)
        for x, y, share in each(x, y)
    ) / (BATCH * members)
    found = comparison.squared_error(x, y, SHARE, jnp.asarray(damping))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_spectrum_error():
    x, y = pair(GRID.modal_shape, 2)
    expected = 0
    for a, b, share in each(x, y):
        for l in range(GRID.total_wavenumbers):
            lengths = np.linalg.norm(a[:, l]) - np.linalg.norm(b[:, l])
            expected += share * lengths**2 / GRID.total_wavenumbers / (2 * BATCH)
    found = comparison.spectrum_error(x, y, SHARE)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_a_spectrum_without_power_has_a_gradient():
    x, y = pair(GRID.modal_shape, 1)
    x[..., 3] = y[..., 3] = 0
    gradient = jax.grad(comparison.spectrum_error)(jnp.asarray(x), y, SHARE)
    assert np.isfinite(gradient).all()
    assert not np.any(gradient[..., 3])
    assert np.all(gradient[..., 2] != 0)


def area_mean(x):
    weights = np.broadcast_to(GRID.area_weights, GRID.nodal_shape)
    return np.average(x, weights=weights)


def test_grid_error():
    x, y = pair(GRID.nodal_shape, 2)
    expected = sum(share * area_mean((x - y) ** 2) for x, y, share in each(x, y))
    found = comparison.grid_error(x, y, SHARE, GRID)
    assert float(found) == pytest.approx(expected / (2 * BATCH), rel=1e-6)


def fair_crps(members, truth):
    """Of Ferro (2014): differences of all pairs of members, each with another."""
    count = len(members)
    error = sum(np.abs(x - truth) for x in members) / count
    pairs = itertools.permutations(members, 2)
    return error - sum(np.abs(a - b) for a, b in pairs) / (2 * count * (count - 1))


def test_crps_at_grid_points():
    x, y = pair(GRID.nodal_shape, 2)
    expected = np.mean(
        [
            sum(
                SHARE[i] * area_mean(fair_crps(np.float64(x[b, :, i]), y[b, 0, i]))
                for i in range(LEVELS)
            )
            for b in range(BATCH)
        ]
    )
    found = comparison.grid_crps(x, y, SHARE, GRID)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_crps_of_coefficients_of_large_scales():
    x, y = pair(GRID.modal_shape, 2)
    expected = 0
    for b, i in itertools.product(range(BATCH), range(LEVELS)):
        score = fair_crps(np.float64(x[b, :, i]), np.float64(y[b, 0, i]))[:, :4]
        expected += SHARE[i] * score.sum() / (4 * np.pi) / BATCH
    found = comparison.spectral_crps(x, y, SHARE, 4)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_mean_amplitudes():
    x, _ = pair(GRID.modal_shape, 2)
    expected = sum(np.abs(np.float64(x[b, m])) for b in range(BATCH) for m in range(2))
    found = comparison.mean_amplitudes(x)
    np.testing.assert_allclose(found, expected / (2 * BATCH), rtol=1e-6)


def test_mean_discrepancy():
    x, y = pair(GRID.modal_shape, 2)
    y = y + 100  # what all states share does not matter, not even to rounding
    x = x + 100
    bandwidth = 4.0

    def states(z):
        return [np.float64(z[b, m]) for b in range(BATCH) for m in range(z.shape[1])]

    def kernel(a, b):
        squares = SHARE @ np.sum((a - b) ** 2, (1, 2)) / (4 * np.pi)
        return bandwidth**2 / (bandwidth**2 + squares)

    def mean(a, b):
        return np.mean([kernel(p, q) for p in states(a) for q in states(b)])

    expected = mean(x, x) + mean(y, y) - 2 * mean(x, y)
    found = comparison.mean_discrepancy(x, y, SHARE, bandwidth)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    assert float(comparison.mean_discrepancy(y, y, SHARE, bandwidth)) == pytest.approx(
        0, abs=1e-6
    )
