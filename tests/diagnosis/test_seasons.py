"""Annual harmonic, trends, modes and monsoon against known series."""

import numpy as np
import pytest
from diagnosis.flows import LAMBDA, LATITUDE, LONGITUDE, PHI, on_globe

from ngcm_cli.diagnosis import modes, monsoon
from ngcm_cli.diagnosis.seasonal_cycle import annual_harmonic
from ngcm_cli.diagnosis.trends import linear_trend, without_annual_cycle
from ngcm_cli.units import LENGTH

MIDDLE = np.arange(12) + 0.5
MONTHS = np.arange(360) % 12


@pytest.mark.parametrize("amplitude, peak", [(3.0, 0.0), (0.5, 6.25), (12.0, 11.9)])
def test_amplitude_and_phase_of_a_harmonic_are_exact(amplitude, peak):
    cycle = 280 + amplitude * np.cos(2 * np.pi * (MIDDLE - peak) / 12)
    cycle += 4 * np.cos(4 * np.pi * MIDDLE / 12)  # half-yearly, which is another one
    found = annual_harmonic(np.stack([cycle, 2 * cycle], -1))
    np.testing.assert_allclose(found[0], [amplitude, 2 * amplitude], rtol=1e-12)
    distance = (found[1] - peak + 6) % 12 - 6
    np.testing.assert_allclose(distance, 0, atol=1e-12)
    with pytest.raises(ValueError, match="11 months"):
        annual_harmonic(cycle[:11])


def test_the_trend_of_a_line_is_exact():
    time = np.arange(40.0)
    values = np.stack([2 + 0.02 * time, 5 - 0.3 * time, 0 * time], -1)
    found = linear_trend(time, values)
    np.testing.assert_allclose(found.slope, [0.02, -0.3, 0], rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(found.half_width, 0, atol=1e-12)


def test_the_interval_of_independent_noise_is_that_of_regression():
    stats = pytest.importorskip("scipy.stats")
    draw = np.random.default_rng(5)
    time = np.arange(60.0)
    values = 0.1 * time + draw.standard_normal(60)
    known = stats.linregress(time, values)
    found = linear_trend(time, values)
    assert found.slope == pytest.approx(known.slope, rel=1e-12)
    residual = values - known.intercept - known.slope * time
    r = (residual[1:] * residual[:-1]).sum() / (residual**2).sum()
    n = 60 * min((1 - r) / (1 + r), 1)
    assert found.effective_count == pytest.approx(n)
    width = stats.t.ppf(0.975, n - 2) * known.stderr * np.sqrt(58 / (n - 2))
    assert found.half_width == pytest.approx(width)


def test_red_noise_widens_the_interval():
    """With r = 0.8 a ninth counts; 95 % of intervals hold the slope, nearly."""
    draw = np.random.default_rng(2)
    noise = draw.standard_normal((400, 200))
    for i in range(1, 400):
        noise[i] = 0.8 * noise[i - 1] + 0.6 * noise[i]
    found = linear_trend(np.arange(400.0), noise)
    assert 25 < np.median(found.effective_count) < 75
    assert 0.88 < (np.abs(found.slope) < found.half_width).mean() <= 1


def test_missing_values_and_short_series():
    time, values = np.arange(10.0), 3 * np.arange(10.0)
    values[4] = np.nan
    assert linear_trend(time, values).slope == pytest.approx(3)
    assert np.isnan(linear_trend(time[:2], values[:2]).slope)


def test_the_annual_cycle_is_taken_out():
    cycle = 10 * np.cos(2 * np.pi * MONTHS / 12)
    np.testing.assert_allclose(without_annual_cycle(cycle, MONTHS), 0, atol=1e-13)


def test_normalised_difference():
    """Of equal pressures it is zero; of opposite ones twice the normalised series."""
    draw = np.random.default_rng(4)
    series = 1013 + 5 * np.cos(2 * np.pi * MONTHS / 12) + draw.standard_normal(360)
    np.testing.assert_allclose(
        modes.normalised_difference(series, 3 * series - 7, MONTHS), 0, atol=1e-9
    )
    index = modes.normalised_difference(series, -series, MONTHS)
    january = index[MONTHS == 0]
    assert january.mean() == pytest.approx(0, abs=1e-10)
    assert january.std(ddof=1) == pytest.approx(2)
    two_years = modes.normalised_difference(series[:24], series[:24], MONTHS[:24])
    assert np.isnan(two_years).all()


def test_pressures_are_of_their_places():
    pressure = on_globe(1e5 + 10 * LATITUDE[:, None] + 0 * LAMBDA)
    north, south = modes.southern_pressures(pressure, LATITUDE)
    assert north - south == pytest.approx(250)
    azores, iceland = modes.atlantic_pressures(pressure, LATITUDE, LONGITUDE)
    assert azores - iceland == pytest.approx(-10 * (64.1 - 37.7))


def test_persistence():
    assert modes.persistence(np.tile([1.0, -1.0], 50)) == pytest.approx(-1, abs=0.02)
    slow = np.sin(np.arange(1000) / 100)
    assert modes.persistence(slow) == pytest.approx(1, abs=0.01)
    assert np.isnan(modes.persistence(np.full(5, np.nan)))


def test_the_monsoon_is_where_summer_is_wet():
    """Rain of 4 + 4 sin φ cos(summer), mm per day: all rain falls in local summer."""
    season = np.cos(2 * np.pi * (MIDDLE - 6.5) / 12)
    rain = 4 + 4 * np.sign(PHI) * season[:, None, None] + 0 * LAMBDA
    summer, winter = season[4:9].mean(), season[[10, 11, 0, 1, 2]].mean()
    found = monsoon.annual_range(rain, LATITUDE)
    np.testing.assert_allclose(found, 4 * (summer - winter), rtol=1e-12)
    domain = monsoon.monsoon_domain(rain, LATITUDE)
    assert domain.all()
    whole = 4 * np.pi * LENGTH**2
    assert monsoon.area(domain, LATITUDE) == pytest.approx(whole)
    assert not monsoon.monsoon_domain(rain * 0 + 5, LATITUDE).any()


def test_the_wind_index_is_the_shear_of_its_region():
    inside = (LONGITUDE >= 40) & (LONGITUDE <= 110)
    u850 = on_globe(np.where(inside, 8.0, 99.0)[None])
    u200 = on_globe(np.where(inside, -17.0, 99.0)[None])
    found = monsoon.wind_index(u850, u200, LATITUDE, LONGITUDE)
    assert found == pytest.approx(25)
