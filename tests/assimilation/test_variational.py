"""The minimisation on costs of a few numbers, in place of the model's."""

import types

import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli.assimilation import variational
from ngcm_cli.errors import UnstableRunError

CURVATURE = np.array([1.0, 4.0, 9.0, 40.0], np.float32)
CENTRE = np.array([1.0, -2.0, 0.5, 3.0], np.float32)


@pytest.fixture
def minimize(monkeypatch):
    """Minimise a bowl whose cost is not finite from some evaluation on."""

    def found(broken_from, iterations=20, gradient_breaks=False):
        made = []

        def value_and_gradient(window, control):
            made.append(control["x"])
            away = np.asarray(control["x"]) - CENTRE
            cost, gradient = (CURVATURE * away**2).sum() / 2, CURVATURE * away
            if len(made) >= broken_from:
                gradient = np.full(4, np.nan, np.float32)
                cost = cost if gradient_breaks else np.float32(np.inf)
            parts = {"background": 0.0, "observations": cost, "equivalents": away}
            return (cost, parts), {"x": gradient}

        monkeypatch.setattr(variational, "value_and_gradient", value_and_gradient)
        window = types.SimpleNamespace(zero=lambda: {"x": jnp.zeros(4)})
        return variational.minimize(window, iterations, 1e-6), made

    return found


def test_the_bottom_is_found(minimize):
    minimum, _ = minimize(broken_from=1000)
    np.testing.assert_allclose(minimum.control["x"], CENTRE, rtol=1e-4)
    assert "fell to 1e-06" in minimum.reason
    minimum, _ = minimize(broken_from=1000, iterations=2)
    assert minimum.reason == "2 iterations were made." and len(minimum.iterations) == 3


@pytest.mark.parametrize("gradient_breaks", [False, True])
def test_a_cost_that_is_not_finite_keeps_the_last_iteration(minimize, gradient_breaks):
    whole, made = minimize(broken_from=1000)
    minimum, _ = minimize(5, gradient_breaks=gradient_breaks)
    accepted = len(minimum.iterations)
    assert 1 < accepted < len(whole.iterations)
    assert minimum.iterations == whole.iterations[:accepted]
    assert f"after iteration {accepted - 1} was not finite" in minimum.reason
    away = np.asarray(minimum.control["x"]) - CENTRE
    cost = (CURVATURE * away**2).sum() / 2
    np.testing.assert_allclose(cost, minimum.iterations[-1].cost, rtol=1e-5)
    np.testing.assert_array_equal(away, minimum.equivalents)
    assert any((np.asarray(x) == minimum.control["x"]).all() for x in made)


def test_a_background_that_is_not_finite_is_an_error(minimize):
    with pytest.raises(UnstableRunError, match="from the background"):
        minimize(broken_from=1)


def test_the_background_is_kept_if_nothing_better_is_finite(minimize):
    minimum, _ = minimize(broken_from=2)
    assert not np.asarray(minimum.control["x"]).any()
    assert len(minimum.iterations) == 1 and "not finite" in minimum.reason
