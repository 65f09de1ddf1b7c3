"""Singular vectors: against a dense decomposition, and in their norm."""

from typing import cast

import numpy as np
import pytest

from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import UnstableRunError
from ngcm_cli.sensitivity.singular_vectors import (
    Propagator,
    find_singular_vectors,
    leading_vectors,
)
from ngcm_cli.simulation.single_start import read_start


def test_leading_vectors_are_those_of_a_dense_decomposition():
    matrix = np.random.default_rng(0).standard_normal((60, 50))
    matrix *= 0.9 ** np.arange(50)
    values, vectors = leading_vectors(lambda x: matrix.T @ (matrix @ x), 50, 4, 0)
    _, expected, right = np.linalg.svd(matrix)
    np.testing.assert_allclose(values, expected[:4], rtol=1e-6)
    overlap = np.abs(np.sum(vectors * right[:4], 1))
    np.testing.assert_allclose(overlap, 1, rtol=1e-6)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(4), atol=1e-10)
    assert (vectors.max(1) >= -vectors.min(1)).all()


def test_growth_beyond_all_numbers_is_said():
    """A stand-in of the propagator: ARPACK itself ends with a number of its own."""

    class Overflow:
        steps, size, products = 48, 20, 0
        tangent = adjoint = staticmethod(lambda vector: vector * np.inf)

    with pytest.raises(UnstableRunError, match="48 steps are not finite"):
        find_singular_vectors(cast(Propagator, Overflow()), 2)


@pytest.fixture(scope="module")
def start(reduced_model):
    return read_start(ForecastConfig(model=reduced_model, lead="2h", every="2h"))


@pytest.fixture(scope="module")
def propagator(start):
    return Propagator(start.model, start.encode(), start.forcing, start.steps)


@pytest.mark.long
def test_the_adjoint_is_the_transpose_of_the_tangent(propagator):
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, propagator.size))
    forward, back = propagator.tangent(x), propagator.adjoint(y)
    scale = np.linalg.norm(forward) * np.linalg.norm(y)
    # In float64 1.5e-17 was measured.
    assert abs(forward @ y - x @ back) <= 1e-6 * scale


@pytest.mark.long
def test_singular_vectors_grow_as_their_values_say(start, propagator):
    count = 2
    vectors = find_singular_vectors(propagator, count)
    assert vectors.values[0] >= vectors.values[1] > 1
    # Energy on the grid, by the Gaussian weights of its latitudes.
    model = start.model
    weights = np.asarray(model.grid.area_weights) / (4 * np.pi)
    mass = np.asarray(model.sigma_levels.thickness)[:, None, None] * weights

    def energy(fields, i, j):
        inner = lambda name: fields[name][i].astype(float) * fields[name][j]
        total = mass * (inner("u_component_of_wind") + inner("v_component_of_wind"))
        total += mass * 1004 / 270 * inner("temperature")
        total += mass * 2.5104e6**2 / (1004 * 270) * inner("specific_humidity")
        pressure = weights * 2 / 7 * 1004 * 270 * inner("log_surface_pressure")
        return (total.sum() + pressure.sum()) / 2

    for fields, expected in (
        (vectors.initial, np.eye(count)),
        (vectors.final, np.diag(vectors.values**2)),
    ):
        matrix = [[energy(fields, i, j) for j in range(count)] for i in range(count)]
        np.testing.assert_allclose(matrix, expected, atol=2e-3 * expected.max())
