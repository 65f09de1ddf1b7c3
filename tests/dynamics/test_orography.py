import atmosphere
import jax.numpy as jnp
import numpy as np
from agreement import EPS, assert_agrees, rms

from ngcm_cli import units
from ngcm_cli.dynamics.orography import Orography, modal_orography
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

GRID = Grid.quadratic(5)


def test_height_from_geopotential():
    """1 km at the equator of a cos²φ ridge: height is geopotential over g, in radii."""
    data = SphericalHarmonics(Grid.linear(23))
    geopotential = 9806.16 * np.cos(data.grid.latitude) ** 2
    geopotential = np.broadcast_to(geopotential, data.grid.nodal_shape)
    modal = modal_orography(geopotential, data, atmosphere.GRID)
    assert modal.shape == atmosphere.GRID.modal_shape
    height = atmosphere.HARMONICS.to_nodal(modal)
    expected = 1000 / 6.37122e6 * np.cos(atmosphere.GRID.latitude) ** 2
    expected = np.broadcast_to(expected, height.shape)
    # Two transforms of 4 EPS each, see tests/spectral/test_transform.py.
    assert_agrees("height", "a", height, expected, 8 * EPS * rms(expected))
    assert np.isclose(units.METER * 6.37122e6, 1)


def test_a_correction_fills_the_mask_row_by_row():
    base = np.arange(60, dtype=np.float32).reshape(10, 6) * GRID.mask
    correction = np.arange(1, GRID.mask.sum() + 1, dtype=np.float32)
    ours = Orography(jnp.asarray(base), jnp.asarray(correction), 0.5).modal(GRID)
    expected = base.copy()
    coefficients = iter(correction)
    for row in range(10):  # total wavenumber varies fastest
        for l in range(6):
            if row != 1 and row // 2 <= l:
                expected[row, l] += 0.5 * next(coefficients)
    assert next(coefficients, None) is None
    np.testing.assert_array_equal(ours, expected)


def test_without_a_correction_the_height_is_that_of_the_data():
    base = jnp.ones(GRID.modal_shape)
    np.testing.assert_array_equal(Orography(base, None, 1.0).modal(GRID), base)
