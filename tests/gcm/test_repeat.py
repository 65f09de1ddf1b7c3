import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli.gcm.repeat import repeat, segment_length


def logistic(x):
    return 3.2 * x * (1 - x)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 24, 25, 97])
def test_it_is_the_function_so_many_times(count):
    x = jnp.linspace(0.1, 0.9, 5)
    expected, slope = x, jnp.ones(5)
    for _ in range(count):
        slope = slope * 3.2 * (1 - 2 * expected)
        expected = logistic(expected)
    np.testing.assert_allclose(repeat(logistic, x, count), expected, rtol=1e-4)
    forward = jax.jvp(lambda x: repeat(logistic, x, count), (x,), (jnp.ones(5),))[1]
    reverse = jax.grad(lambda x: repeat(logistic, x, count).sum())(x)
    np.testing.assert_allclose(forward, reverse, rtol=1e-4, atol=1e-5)
    if count <= 7:
        np.testing.assert_allclose(reverse, slope, rtol=1e-4, atol=1e-5)


def test_what_it_closes_over_has_a_gradient():
    of_factor = lambda a: repeat(lambda x: a * x, jnp.float32(1), 6)
    assert float(jax.grad(of_factor)(jnp.float32(1.5))) == pytest.approx(6 * 1.5**5)


@pytest.mark.parametrize(
    "count, length", [(4, 2), (24, 4), (48, 6), (96, 8), (7, 2), (97, 9), (60, 6)]
)
def test_segments_are_about_the_square_root(count, length):
    assert segment_length(count) == length


def test_memory_grows_like_the_square_root():
    def stored(count):
        gradient = jax.grad(lambda x: repeat(logistic, x, count).sum())
        program = jax.jit(gradient).lower(jnp.ones(10_000)).compile()
        return program.memory_analysis().temp_size_in_bytes / 40_000

    few, many = stored(16), stored(256)
    assert few < 16 and many < 3 * 2 * 16  # arrays; all states would be 256
    assert many < 5 * few


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="cannot be applied -1 times"):
        repeat(logistic, 0.5, -1)
