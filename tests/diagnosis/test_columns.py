"""Masses of layers: what they sum to, with ground and top."""

import numpy as np
import pytest
from diagnosis.flows import LEVELS, on_globe

from ngcm_cli.diagnosis.columns import (
    integrate,
    layer_masses,
    masses_above_levels,
)

GRAVITY = 9.80616
SURFACE = on_globe(1e5)
SURFACE[3:9] = 6.1e4  # a plateau
SURFACE[20] = 1.04e5


@pytest.mark.parametrize("highest", [None, 100.0, 60.0])
def test_masses_sum_to_the_surface_pressure(highest):
    masses = layer_masses(LEVELS, SURFACE, highest)
    np.testing.assert_allclose(masses.sum(0), SURFACE / GRAVITY, rtol=1e-14)
    assert (masses >= 0).all()
    if highest is not None:
        assert (masses[highest > LEVELS] == 0).all()


def test_nothing_is_below_the_ground():
    masses = layer_masses(LEVELS, SURFACE)
    assert (masses[LEVELS > 700, 4] == 0).all()
    assert masses[LEVELS == 700, 4].max() == pytest.approx(1000 / GRAVITY)  # of 10 hPa


def test_the_upper_part_ends_at_the_level():
    masses, above = layer_masses(LEVELS, SURFACE), masses_above_levels(LEVELS, SURFACE)
    total = np.cumsum(masses, 0) - masses + above
    expected = np.minimum(LEVELS[:, None, None] * 100, SURFACE) / GRAVITY
    np.testing.assert_allclose(total, expected, rtol=1e-13)


def test_integrals_leave_out_what_is_missing():
    masses = layer_masses(LEVELS, SURFACE)
    field = np.full(masses.shape, 2.0)
    np.testing.assert_allclose(integrate(field, masses), 2 * SURFACE / GRAVITY)
    field[-1] = np.nan
    expected = 2 * (SURFACE / GRAVITY - masses[-1])
    np.testing.assert_allclose(integrate(field, masses), expected)
    assert np.isnan(integrate(field * np.nan, masses)).all()


def test_without_a_level_there_is_no_column():
    with pytest.raises(ValueError, match="at or below 2000 hPa"):
        layer_masses(LEVELS, SURFACE, 2000)
