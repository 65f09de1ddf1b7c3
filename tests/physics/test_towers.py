import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms

from ngcm_cli.physics.towers import (
    MLP,
    ColumnTower,
    LevelConvolution,
    Linear,
    VerticalConvolutions,
    gelu,
)

GRID = (4, 3)


def draw(shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return jnp.asarray(values, jnp.float32)


def linear(n_in, n_out, seed, bias=True):
    weight = draw((n_out, n_in), seed) / np.float32(np.sqrt(n_in))
    return Linear(weight, draw((n_out,), seed + 100) if bias else None)


def tower(features=5, latent=6, blocks=2, outputs=7):
    def block(i):
        return MLP(tuple(linear(latent, latent, 10 * i + j) for j in range(4)), gelu)

    return ColumnTower(
        encode=MLP((linear(features, latent, 1),), gelu),
        process=tuple(block(i + 1) for i in range(blocks)),
        decode=MLP((linear(latent, outputs, 2, bias=False),), gelu),
    )


def numpy_gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def numpy_mlp(mlp, x):
    for i, layer in enumerate(mlp.layers):
        x = np.asarray(layer.weight, np.float64) @ x
        if layer.bias is not None:
            x = x + np.asarray(layer.bias, np.float64)
        if i < len(mlp.layers) - 1:
            x = numpy_gelu(x)
    return x


def test_gelu_is_the_tanh_approximation():
    x = np.linspace(-5, 5, 101, dtype=np.float32)
    assert_agrees("gelu", "1", gelu(x), numpy_gelu(x.astype(np.float64)), 4 * EPS)
    exact = jax.nn.gelu(x, approximate=False)
    assert rms(gelu(x) - exact) > 1e-5  # the two can be told apart


def test_a_tower_maps_each_column_as_numpy_does():
    net, x = tower(), draw((5, *GRID), 3)
    y = net(x)
    assert y.shape == (7, *GRID)
    expected = np.empty(y.shape)
    for i, j in np.ndindex(*GRID):
        h = numpy_mlp(net.encode, np.asarray(x[:, i, j], np.float64))
        for block in net.process:
            h = h + numpy_mlp(block, h)
        expected[:, i, j] = numpy_mlp(net.decode, h)
    # Ten rounded matrix products, each of a few terms.
    assert_agrees("tower", "1", y, expected, 20 * EPS * rms(expected))


def test_a_tower_does_not_mix_columns():
    net, x = tower(), draw((5, *GRID), 3)
    order = np.random.default_rng(0).permutation(GRID[0])
    y, moved = net(x), net(x[:, order])
    assert_agrees("permuted tower", "1", moved, y[:, order], 4 * EPS * rms(y))


def test_blocks_whose_last_layer_is_zero_are_the_identity():
    zero = Linear(jnp.zeros((4, 4)), jnp.zeros(4))
    one = Linear(jnp.eye(4), None)
    block = MLP((linear(4, 4, 0), zero), gelu)
    net = ColumnTower(MLP((one,), gelu), (block, block), MLP((one,), gelu))
    x = draw((4, *GRID))
    np.testing.assert_array_equal(net(x), x)


def test_a_single_layer_has_no_activation():
    layer = linear(3, 2, 0)
    x = draw((3, *GRID))
    np.testing.assert_array_equal(MLP((layer,), gelu)(x), layer(x))


@pytest.mark.parametrize("width", [1, 3, 5])
def test_convolutions_along_the_levels_agree_with_a_loop(width):
    weight, bias = draw((4, 3, width), 1), draw((4,), 2)
    x = draw((3, 6, *GRID), 3)
    y = LevelConvolution(weight, bias)(x)
    expected = (
        np.zeros((4, 6, *GRID)) + np.asarray(bias, np.float64)[:, None, None, None]
    )
    w, v = np.asarray(weight, np.float64), np.asarray(x, np.float64)
    for o, c, k, j in np.ndindex(4, 3, 6, width):
        source = k + j - width // 2
        if 0 <= source < 6:
            expected[o, k] += w[o, c, j] * v[c, source]
    assert_agrees("convolution", "1", y, expected, 4 * EPS * rms(expected))


def test_the_middle_of_a_convolution_alone_is_a_linear_layer():
    kernel = jnp.zeros((4, 3, 5)).at[:, :, 2].set(draw((4, 3)))
    x = draw((3, 6, *GRID), 1)
    y = LevelConvolution(kernel, jnp.zeros(4))(x)
    expected = jnp.einsum("oi,i...->o...", kernel[:, :, 2], x)
    assert_agrees("convolution", "1", y, expected, 4 * EPS * rms(expected))


def test_vertical_convolutions_activate_between_layers_only():
    first = LevelConvolution(draw((4, 3, 5), 1), draw((4,), 2))
    last = LevelConvolution(draw((2, 4, 5), 3), draw((2,), 4))
    x = draw((3, 6, *GRID), 5)
    y = VerticalConvolutions((first, last), gelu)(x)
    assert y.shape == (2, 6, *GRID)
    np.testing.assert_array_equal(y, last(gelu(first(x))))
