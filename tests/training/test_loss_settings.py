import numpy as np
import pytest

from ngcm_cli.errors import ConfigError
from ngcm_cli.training.loss_settings import TERMS, LossSettings, loss_settings

HOURS = np.array([0.0, 6, 24, 72])


def test_the_weights_of_variables():
    weight = LossSettings().variable_weight
    assert weight("geopotential") == 2
    assert weight("specific_humidity") == 0.66
    assert weight("log_surface_pressure") == 5
    assert weight("specific_cloud_ice_water_content") == 0.05
    assert weight("specific_cloud_liquid_water_content") == 0.05
    assert weight("temperature") == weight("vorticity") == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grd": "1"}, "Did you mean 'grid'"),
        ({"grid": "-1"}, "not a number from zero"),
        ({"grid": "inf"}, "not a number from zero"),
        ({"crps_wavenumbers": "8.5"}, "not a whole number"),
        ({"doubling_hours": "0"}, "not a number above zero"),
        (dict.fromkeys(TERMS, "0"), "the weights of all terms are zero"),
    ],
)
def test_settings_that_are_no_loss(changes, words):
    with pytest.raises(ConfigError, match=words):
        loss_settings(changes)


def test_the_weights_of_lead_times():
    settings = LossSettings(doubling_hours=12, saturation_hours=48)
    grown = [0, 6 / 1.125, 24 / 1.5, 72 / 2.5]
    expected = np.array([1 / (1 + t / 12) for t in grown])
    found = settings.lead_weights(HOURS)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-6)
    assert found.sum() == pytest.approx(1, rel=1e-6)


def test_small_scales_are_filtered_more_the_longer_the_lead_time():
    settings = LossSettings(filter_per_day=3, filter_order=2.5, filter_order_per_day=1)
    k = np.arange(9) / 8
    found = settings.damping(HOURS, 9)
    assert np.all(found[0] == 1)
    for row, days, order in zip(found[1:], (0.25, 1, 3), (2.25, 1.5, 1), strict=True):
        np.testing.assert_allclose(row, np.exp(-3 * days * k ** (2 * order)), rtol=1e-6)
    assert np.all(np.diff(found, axis=0) <= 0)


def test_which_lead_times_count():
    settings = LossSettings(first_hour=6, last_hour=24)
    assert list(HOURS[settings.counted(HOURS)]) == [6, 24]
    assert list(HOURS[LossSettings().counted(HOURS)]) == list(HOURS)
    with pytest.raises(ValueError, match="no lead time is from 7 to 8 hours"):
        LossSettings(first_hour=7, last_hour=8).counted(HOURS)


def test_two_members_are_for_crps():
    assert LossSettings().members == 1
    assert LossSettings(crps_grid=1).members == 2
    assert LossSettings(crps_spectral=1).members == 2
