"""Means and derivatives against analytic values."""

import numpy as np
import pytest
from diagnosis.flows import (
    LAMBDA,
    LATITUDE,
    LONGITUDE,
    PHI,
    on_globe,
    wave_geopotential,
)

from ngcm_cli.diagnosis import sphere


def test_weights_are_the_area_between_bounds():
    latitude = np.array([-60.0, 0.0, 60.0])
    expected = np.array([1 - 0.5, 1.0, 1 - 0.5]) / 2  # bounds at -30 and 30 degrees
    np.testing.assert_allclose(sphere.area_weights(latitude), expected, rtol=1e-15)
    band = sphere.area_weights(latitude, 0, 90)
    np.testing.assert_allclose(band, [0, 0.5, 0.5], atol=1e-15)
    with pytest.raises(ValueError, match="no area"):
        sphere.area_weights(latitude, 10, 10)


def test_a_constant_is_its_own_mean_in_every_band():
    for south, north in (-90, 90), (-20, 20), (30.5, 31):
        weights = sphere.area_weights(LATITUDE, south, north)
        assert sphere.weighted_mean(on_globe(7.5), weights) == pytest.approx(7.5)
    both = sphere.both_hemispheres(LATITUDE, 30, 70)
    assert sphere.weighted_mean(on_globe(np.sign(PHI)), both) == pytest.approx(0)


def test_missing_values_have_no_weight():
    field = on_globe(3.0)
    field[:10] = np.nan
    field[20, 5] = np.nan
    assert sphere.weighted_mean(field, sphere.area_weights(LATITUDE)) == pytest.approx(
        3
    )
    zonal = sphere.zonal_mean(field)
    assert np.isnan(zonal[:10]).all()
    np.testing.assert_allclose(zonal[10:], 3)
    nothing = sphere.weighted_mean(field * np.nan, sphere.area_weights(LATITUDE))
    assert np.isnan(nothing)


def test_values_between_nodes():
    profile = 3 * LATITUDE + 1
    assert sphere.at_latitude(profile, LATITUDE, 40.0) == pytest.approx(121)
    assert sphere.at_latitude(profile, LATITUDE, 90.0) == profile[-1]
    field = on_globe(2 * LATITUDE[:, None] + 0 * LAMBDA)
    field = field + np.where(LONGITUDE < 180, LONGITUDE, LONGITUDE - 360)
    found = sphere.at_point(field, LATITUDE, LONGITUDE, 37.7, -25.7)
    assert found == pytest.approx(2 * 37.7 - 25.7)
    assert sphere.at_point(field, LATITUDE, LONGITUDE, 10.0, 0.0) == pytest.approx(20)
    east_of_last = sphere.at_point(field, LATITUDE, LONGITUDE, 0.0, -1.0)
    assert east_of_last == pytest.approx(-1)


@pytest.mark.parametrize("number", [0, 1, 6])
def test_gradient_of_a_wave(number):
    phi, east, north = wave_geopotential(number)
    found = sphere.gradient(phi, LATITUDE)
    for x, expected in zip(found, (east, north), strict=True):
        # Of sixth order: (k h)^6/140 of the largest slope, at wavenumber 6 and 5.6
        # degrees.
        size = np.abs(expected).max() + 1e-12
        np.testing.assert_allclose(x, on_globe(expected), atol=5e-3 * size + 1e-12)


def test_the_gradient_is_of_sixth_order():
    errors = []
    for count in 36, 72:
        latitude = -90 + 180 * (np.arange(count) + 0.5) / count
        longitude = 2 * np.pi * np.arange(2 * count) / (2 * count)
        phi = np.deg2rad(latitude)[:, None]
        x = np.sin(3 * phi) + np.cos(phi) * np.cos(4 * longitude)
        east, north = sphere.gradient(x, latitude)
        radius = sphere.LENGTH
        exact = -4 * np.sin(4 * longitude) / radius
        error = np.abs(east - exact).max() * radius
        slope = 3 * np.cos(3 * phi) - np.sin(phi) * np.cos(4 * longitude)
        inside = np.abs(latitude) < 75
        errors.append([error, np.abs(north * radius - slope)[inside].max()])
    order = np.log2(np.array(errors[0]) / errors[1])
    assert (order > 5.7).all(), order


def test_a_missing_value_spoils_its_neighbours_only():
    phi, *_ = wave_geopotential()
    phi[16, 20] = np.nan
    for x in sphere.gradient(phi, LATITUDE):
        assert np.isnan(x).sum() <= 7
