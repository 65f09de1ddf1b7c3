"""Maps: fields at their places, levels, labels, coastlines."""

import matplotlib
import numpy as np
import plot_data
import pytest
from matplotlib.collections import LineCollection
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from ngcm_cli.plots import draw_map
from ngcm_cli.plots.colour_maps import colour_map
from ngcm_cli.plots.map import _direction
from ngcm_cli.plots.projections import (
    Orthographic,
    PlateCarree,
    PolarStereographic,
    Robinson,
)
from ngcm_cli.plots.raster import raster, sample
from ngcm_cli.plots.styles import nice_levels, style_of

LATITUDE, LONGITUDE = np.radians(plot_data.LATITUDE), np.radians(plot_data.LONGITUDE)


def test_values_are_where_they_belong():
    """Across the date line and the pole; a dipole that is smooth at both."""
    dipole = np.cos(LATITUDE)[:, None] * np.cos(LONGITUDE)[None]
    places = (
        np.array([179.9, -179.9, 181.0, 0.1, 30.0]),
        np.array([0, 0, 40, 89.5, -89]),
    )
    found = sample(plot_data.field(dipole), *places)
    exact = np.cos(np.radians(places[1])) * np.cos(np.radians(places[0]))
    np.testing.assert_allclose(found, exact, atol=2e-3)


def test_components_change_sign_across_the_pole():
    """A wind over the pole: its components are continuous with the sign changed."""
    v = np.ones(36)[:, None] * np.cos(LONGITUDE)[None]
    found = sample(
        plot_data.field(v), np.array([0.0]), np.array([89.9]), is_component=True
    )
    np.testing.assert_allclose(found, 1, atol=2e-2)


def test_missing_values_stay_missing():
    values = np.ones((36, 72))
    values[:18] = np.nan
    _, y, drawn = raster(plot_data.field(values), PlateCarree())
    assert np.isnan(drawn[y < -3]).all()
    assert (drawn[y > 3] == 1).all()


def test_regional_data_are_drawn_where_they_are():
    part = plot_data.field(np.ones((36, 72))).isel(longitude=slice(0, 10))
    part = part.isel(latitude=slice(20, 30))
    found = sample(part, np.array([20.0, 60.0, -20.0]), np.array([30.0, 30.0, 30.0]))
    assert found[0] == pytest.approx(1)
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize(
    "projection",
    [Robinson(), PolarStereographic(), Orthographic(-60.0, 40.0)],
    ids=repr,
)
def test_map_has_what_a_map_needs(projection):
    values = 250 + 45 * np.cos(LATITUDE)[:, None] ** 2 + np.zeros(72)
    temperature = plot_data.field(values).assign_coords(level=850.0)
    figure = Figure()
    axes = draw_map(temperature, axes=figure.add_subplot(), projection=projection)
    west, east, south, north = projection.extent
    assert axes.get_xlim()[0] <= west and axes.get_xlim()[1] >= east
    assert axes.get_ylim()[0] <= south and axes.get_ylim()[1] >= north
    lines = [x for x in axes.collections if isinstance(x, LineCollection)]
    assert {"coastline", "graticule"} <= {x.get_label() for x in lines}
    (bar,) = set(figure.axes) - {axes}
    assert bar.get_xlabel() == "Temperature at 850 hPa (degrees Celsius)"


def test_defaults_of_matplotlib_are_left_alone():
    before = dict(matplotlib.rcParams)
    draw_map(plot_data.field(np.full((36, 72), 280.0)))
    assert dict(matplotlib.rcParams) == before


def test_levels_of_a_difference_are_centred():
    style = style_of("temperature", np.array([-1.0, 5.0]), is_difference=True)
    np.testing.assert_allclose(style.levels, -style.levels[::-1])
    assert 0 not in style.levels
    assert style.unit_name == "kelvin"
    np.testing.assert_allclose(style.shown(np.array([2.0])), 2)  # no offset
    absolute = style_of("temperature", np.array([270.0]), level=850)
    np.testing.assert_allclose(absolute.shown(np.array([273.15])), 0)


def test_units_are_those_of_weather_charts():
    height = style_of("geopotential", np.array([5e4]), level=500)
    assert height.shown(np.array([5520 * 9.80665])) == pytest.approx(552)
    assert (height.units, height.step) == ("dam", 8)
    pressure = style_of("mean_sea_level_pressure", np.array([1e5]))
    assert pressure.shown(np.array([101325.0])) == pytest.approx(1013.25)
    rain = style_of("precipitation_rate", np.array([1e-8]))
    assert rain.shown(np.array([1e-3 / 86400])) == pytest.approx(1)
    spread = style_of("temperature_std", np.array([0.0, 2.0]), level=850)
    assert spread.title == "ensemble spread of temperature at 850 hPa"
    assert (spread.units, spread.levels[0]) == ("K", 0)
    other = style_of("snow_depth", np.array([0.0, 1.0]), units="kg m-2")
    assert other.label == "Snow depth (kg m⁻²)"


def test_nice_levels_enclose():
    levels = nice_levels(0.13, 9.7)
    assert levels[0] <= 0.13 and levels[-1] >= 9.7
    assert 6 <= len(levels) <= 16


@pytest.mark.parametrize("name", ["water", "wind", "spread"])
def test_sequential_colours_darken_evenly(name):
    light = _lightness(colour_map(name)(np.linspace(0, 1, 20))[:, :3])
    assert (np.diff(light) < 0).all()
    assert np.diff(light).std() < 0.4 * np.abs(np.diff(light)).mean()


def test_diverging_colours_are_lightest_in_the_middle():
    light = _lightness(colour_map("difference")(np.linspace(0, 1, 21))[:, :3])
    assert (np.diff(light)[:10] > 0).all() and (np.diff(light)[10:] < 0).all()
    assert light[0] == pytest.approx(light[-1], abs=0.05)


def _lightness(rgb):
    """CIE L* / 100, independent of how the colours were made."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return 1.16 * np.cbrt(np.maximum(luminance, 0.008856)) - 0.16


def test_wind_has_its_direction_on_the_map():
    """Westerlies turn with the meridians around the pole."""
    projection = PolarStereographic()
    longitude, latitude = np.array([0.0, 90.0]), np.array([60.0, 60.0])
    x, y = _direction(projection, longitude, latitude, np.full(2, 10.0), np.zeros(2))
    size = np.hypot(x, y)
    np.testing.assert_allclose(x / size, [1, 0], atol=1e-6)
    np.testing.assert_allclose(y / size, [0, 1], atol=1e-6)


@pytest.mark.parametrize("value", [280.0, np.nan])
def test_a_field_without_contours(value):
    """No multiple of the step is within a field that is the same everywhere."""
    constant = plot_data.field(np.full((36, 72), value))
    axes = draw_map(plot_data.field(np.ones((36, 72)) * 250.0), contours=constant)
    lines = [x for x in axes.collections if isinstance(x, ContourSet) and not x.filled]
    assert lines == []
