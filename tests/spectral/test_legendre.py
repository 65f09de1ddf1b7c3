import numpy as np
import pytest
import scipy.special

from ngcm_cli.spectral.legendre import associated_legendre, gauss_legendre_nodes

# Everything here is float64. A recurrence over L degrees from a diagonal built of M
# factors loses a few ulp per step, at random: EPS64 times a few L.
EPS64 = np.finfo(np.float64).eps


@pytest.mark.parametrize("n", [1, 2, 33, 95, 382])
def test_nodes_are_the_roots_of_the_legendre_polynomial(n):
    nodes, weights = gauss_legendre_nodes(n)
    assert np.all(np.diff(nodes) > 0)
    np.testing.assert_allclose(nodes, -nodes[::-1], atol=4 * EPS64)
    # One Newton step from a root goes nowhere. Towards the poles evaluating the
    # polynomial itself loses digits, which the derivative there makes up for.
    value = scipy.special.eval_legendre(n, nodes)
    before = scipy.special.eval_legendre(n - 1, nodes)
    slope = n * (nodes * value - before) / (nodes**2 - 1)
    assert np.max(np.abs(value / slope)) < 4 * EPS64
    assert weights.sum() == pytest.approx(2, abs=8 * EPS64)


def test_quadrature_is_exact_to_degree_2n_minus_1():
    nodes, weights = gauss_legendre_nodes(7)
    for degree in range(14):
        integral = (1 + (-1) ** degree) / (degree + 1)
        assert np.sum(weights * nodes**degree) == pytest.approx(integral, abs=1e-14)
    assert abs(np.sum(weights * nodes**14) - 2 / 15) > 1e-5


@pytest.mark.parametrize("truncation, nodes", [(32, 32), (63, 95)])
def test_functions_are_orthonormal(truncation, nodes):
    x, weights = gauss_legendre_nodes(nodes)
    p = associated_legendre(truncation, truncation, x)
    product = np.einsum("mjk,j,mjl->mkl", p, weights, p)
    m, l = np.arange(truncation)[:, None], np.arange(truncation)
    expected = (l >= m)[:, :, None] * np.eye(truncation)
    np.testing.assert_allclose(product, expected, atol=20 * truncation * EPS64)


def test_functions_are_those_of_scipy_with_the_condon_shortley_phase():
    x = gauss_legendre_nodes(64)[0]
    ours = associated_legendre(64, 65, x)
    m, l = np.arange(64)[:, None, None], np.arange(65)
    gamma = scipy.special.gammaln
    log_norm = np.log(l + 0.5) + gamma(np.maximum(l - m, 0) + 1) - gamma(l + m + 1)
    # scipy's lpmv has the phase (-1)^m and no normalisation. Where l < m it is zero.
    theirs = np.exp(0.5 * log_norm) * scipy.special.lpmv(m, l, x[:, None])
    # log Γ is as large as 500: its exponential carries some hundred ulp.
    np.testing.assert_allclose(ours, theirs, atol=3000 * EPS64)
    assert np.all(ours[1, :, 1] < 0)
    assert np.all(ours[:, :, 0][1:] == 0)


def test_more_orders_than_degrees():
    p = associated_legendre(5, 3, np.array([-0.5, 0.1]))
    assert p.shape == (5, 2, 3)
    assert np.all(p[3:] == 0)
    assert np.all(np.isfinite(p))


def test_values_of_the_specification():
    """Reference specification, section 14.2: TL63."""
    printed = 5e-9  # nine digits
    nodes, weights = gauss_legendre_nodes(64)
    assert nodes[0] == pytest.approx(-0.999305042, rel=printed)
    assert nodes[31] == pytest.approx(-0.0243502927, rel=printed)
    assert 2 * np.pi / 128 * weights[0] == pytest.approx(8.75365877e-05, rel=printed)
    p = associated_legendre(64, 65, nodes)
    expected = {
        (0, 0, 0): 0.707106781,
        (1, 0, 1): -0.0322811891,
        (5, 10, 20): -1.20468717,
        (63, 31, 64): 0.576127373,
        (2, 31, 3): -0.0623420757,
    }
    for place, value in expected.items():
        assert p[place] == pytest.approx(value, rel=printed)
