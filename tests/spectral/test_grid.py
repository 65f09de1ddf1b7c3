import jax
import numpy as np
import pytest

from ngcm_cli.spectral.grid import Grid

# (M, L, longitudes, latitudes), sections 3.1 of the reference specification.
LINEAR = {
    31: (32, 33, 64, 32),
    47: (48, 49, 96, 48),
    63: (64, 65, 128, 64),
    95: (96, 97, 192, 96),
    127: (128, 129, 256, 128),
    159: (160, 161, 320, 160),
    179: (180, 181, 360, 180),
    255: (256, 257, 512, 256),
}
QUADRATIC = {
    63: (63, 64, 190, 95),
    126: (126, 127, 379, 190),
    254: (254, 255, 763, 382),
}
TRIANGULAR = {  # the usual quadratic grids
    21: (22, 23, 64, 32),
    31: (32, 33, 96, 48),
    42: (43, 44, 128, 64),
    63: (64, 65, 192, 96),
    85: (86, 87, 256, 128),
    106: (107, 108, 320, 160),
    170: (171, 172, 512, 256),
}
GRIDS = [
    *((Grid.linear(n), numbers) for n, numbers in LINEAR.items()),
    *((Grid.quadratic(n), numbers) for n, numbers in QUADRATIC.items()),
    *((Grid.triangular(n), numbers) for n, numbers in TRIANGULAR.items()),
]


@pytest.mark.parametrize("grid, numbers", GRIDS)
def test_sizes_of_the_known_grids(grid, numbers):
    assert grid == Grid(*numbers)
    m, l, longitudes, latitudes = numbers
    assert grid.nodal_shape == (longitudes, latitudes)
    assert grid.modal_shape == (2 * m, l)
    assert grid.longitude.shape == (longitudes,)
    assert grid.latitude.shape == (latitudes,)
    assert grid.mask.shape == grid.modal_shape


@pytest.mark.parametrize("grid", [Grid.linear(31), Grid.quadratic(63)])
def test_nodes(grid):
    assert grid.longitude[0] == 0
    np.testing.assert_allclose(np.diff(grid.longitude), 2 * np.pi / len(grid.longitude))
    assert np.all(np.diff(grid.latitude) > 0)
    np.testing.assert_allclose(np.sin(grid.latitude), grid.sin_latitude, rtol=1e-14)
    np.testing.assert_allclose(np.cos(grid.latitude), grid.cos_latitude, rtol=1e-12)
    area = np.sum(np.broadcast_to(grid.area_weights, grid.nodal_shape))
    assert area == pytest.approx(4 * np.pi, rel=1e-13)


def test_first_latitude_of_the_specification():
    assert np.degrees(Grid.linear(63).latitude[0]) == pytest.approx(-87.8638, abs=1e-4)


def test_mask_holds_every_coefficient_once():
    grid = Grid.linear(5)  # m = 0 … 5, l = 0 … 6
    expected = np.zeros((12, 7), bool)
    for l in range(7):
        for m in range(min(l, 5) + 1):
            expected[2 * m, l] = True
            expected[2 * m + 1, l] = m > 0
    np.testing.assert_array_equal(grid.mask, expected)


def test_equal_grids_are_the_same_to_jax():
    calls = []

    def f(x, grid):
        calls.append(grid)
        return x * grid.total_wavenumbers

    f = jax.jit(f, static_argnums=1)
    f(1.0, Grid.linear(31))
    f(2.0, Grid(*LINEAR[31]))
    assert len(calls) == 1
    assert hash(Grid.linear(31)) == hash(Grid(*LINEAR[31]))
    assert Grid.linear(31) != Grid.quadratic(31)
