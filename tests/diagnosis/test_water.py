"""Distribution of P - E and the budget of moisture."""

import numpy as np
import pytest
from diagnosis.flows import LATITUDE, PHI, on_globe

from ngcm_cli.diagnosis import water


def test_the_distribution_of_two_rates():
    """Rain of 11 mm per day on one half of the longitudes, evaporation elsewhere."""
    rate = on_globe(-3.0 + 0 * PHI)
    rate[:, :16] = 11.0
    shares = water.rate_distribution(rate, LATITUDE)
    np.testing.assert_allclose(shares.sum(1), 1)
    assert shares[:, 15] == pytest.approx(0.25)  # from 10 to 12 mm per day
    assert shares[:, 8] == pytest.approx(0.75)  # from -4 to -2 mm per day
    assert water.quantile(shares[0], 0.5) == pytest.approx(-4 + 2 * 0.5 / 0.75)


def test_rates_beyond_all_classes_are_in_the_last():
    shares = water.rate_distribution(on_globe(5000.0), LATITUDE)
    assert shares[:, -1] == pytest.approx(1)
    shares = water.rate_distribution(on_globe(-500.0), LATITUDE)
    assert shares[:, 0] == pytest.approx(1)


def test_regions_are_those_of_their_names():
    tropics, middle = water.region_weights(LATITUDE)
    assert tropics[np.abs(LATITUDE) > 24].max() == 0
    assert middle[np.abs(LATITUDE) < 26].max() == 0
    assert tropics.sum() == pytest.approx(1) and middle.sum() == pytest.approx(1)


@pytest.mark.parametrize("is_before", [True, False])
def test_a_closed_budget_has_no_residual(is_before):
    time = np.linspace(0, 10, 41)
    net = 0.5 * np.ones_like(time)
    found = water.budget_terms(time, 25 - 0.5 * time, net, is_before)
    assert found == pytest.approx((-0.5, -0.5, 0), abs=1e-12)
    leaking = water.budget_terms(time, 25 - 0.4 * time, net, is_before)
    assert leaking[2] == pytest.approx(0.1)


def test_rates_of_instants_and_of_intervals():
    """P - E of 2 t: by trapezoids exactly; by means over intervals, their sum."""
    time = np.arange(5.0)
    by_trapezoid = water.budget_terms(time, 30 - time**2, 2 * time, False)
    assert by_trapezoid == pytest.approx((-4, -4, 0))
    means = np.array([np.nan, 1, 3, 5, 7])
    assert water.budget_terms(time, 30 - time**2, means, True)[2] == pytest.approx(0)
