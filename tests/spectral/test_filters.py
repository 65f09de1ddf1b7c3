import itertools

import numpy as np
import pytest
from agreement import EPS
from hypothesis import given
from hypothesis import strategies as st
from random_modal import random_modal

from ngcm_cli.spectral.filters import change_truncation, exponential_filter
from ngcm_cli.spectral.grid import Grid


def relative_tolerance(attenuation: float, order: int) -> float:
    """Of a factor exp(−a k²ᵖ), k rounded twice to float32.

    Rounding k by EPS changes k²ᵖ by 2p EPS relative, the exponent by at most a times
    that, and the factor by that relative; the exponential adds a last ulp.
    """
    return (2 * 2 * order * attenuation + 1) * EPS


@given(
    total_wavenumbers=st.integers(3, 257),
    attenuation=st.floats(0, 16),
    order=st.integers(1, 18),
    cutoff=st.sampled_from([0.0, 0.25, 0.4]),
)
def test_factors(total_wavenumbers, attenuation, order, cutoff):
    factors = exponential_filter(total_wavenumbers, attenuation, order, cutoff)
    assert factors.shape == (total_wavenumbers,)
    assert factors.dtype == np.float32
    k = np.arange(total_wavenumbers) / (total_wavenumbers - 1)
    assert np.all(factors[k < cutoff - EPS] == 1)
    assert factors[0] == 1
    assert np.all(np.diff(factors) <= 0)
    exponent = ((np.maximum(k, cutoff) - cutoff) / (1 - cutoff)) ** (2 * order)
    tolerance = relative_tolerance(attenuation, order)
    assert factors[-1] == pytest.approx(np.exp(-attenuation), rel=tolerance)
    np.testing.assert_allclose(factors, np.exp(-attenuation * exponent), rtol=tolerance)


@pytest.mark.parametrize(
    "total_wavenumbers, attenuation, order, cutoff, expected",
    [
        (64, 0.5, 3, 0.0, {30: 0.994187153, 63: 0.60653066}),
        (64, 15.0, 10, 0.4, {30: 1.0, 63: 3.05902321e-07}),
        (65, 15.0, 10, 0.4, {60: 0.189755739, 64: 3.05902321e-07}),
    ],
    ids=["dycore", "stability", "learned tendency"],
)
def test_values_of_the_specification(
    total_wavenumbers, attenuation, order, cutoff, expected
):
    """Reference specification, section 14.2."""
    factors = exponential_filter(total_wavenumbers, attenuation, order, cutoff)
    for l, value in expected.items():
        tolerance = relative_tolerance(attenuation, order)
        assert factors[l] == pytest.approx(value, rel=tolerance)


GRIDS = [Grid.linear(23), Grid.quadratic(22), Grid.linear(15), Grid.quadratic(11)]


@pytest.mark.parametrize("large, small", [*itertools.combinations(GRIDS, 2)])
def test_change_of_truncation(large, small):
    x = random_modal(large, 1, batch=(2,))
    down = change_truncation(x, small.modal_shape)
    rows, columns = small.modal_shape
    np.testing.assert_array_equal(down, x[:, :rows, :columns])
    up = np.array(change_truncation(down, large.modal_shape))
    np.testing.assert_array_equal(up[:, :rows, :columns], down)
    up[:, :rows, :columns] = 0
    assert np.all(up == 0)
    np.testing.assert_array_equal(change_truncation(x, large.modal_shape), x)


def test_truncations_that_are_not_nested_are_refused():
    x = random_modal(Grid(10, 11, 32, 16), 0)
    for shape in (22, 10), (18, 12):
        with pytest.raises(ValueError, match=r"\(20, 11\) and .* are not nested"):
            change_truncation(x, shape)
    assert change_truncation(x, (20, 12)).shape == (20, 12)
    assert change_truncation(x, (20, 10)).shape == (20, 10)
