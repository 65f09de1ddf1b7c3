"""The grid of an output: what is written on it is what the model's cells hold."""

import math

import numpy as np
import pytest

from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.spectral.grid import Grid

MODEL = Grid.linear(31)
SPACINGS = [90, 30, 7.5, 1.5, 1]


def field(grid=MODEL, shape=(2, 3)):
    rng = np.random.default_rng(0)
    return rng.normal(280, 20, (*shape, *grid.nodal_shape)).astype(np.float32)


def areas(latitude, longitudes):
    """Of cells that meet halfway between latitudes in degrees, shape (latitude,)."""
    middle = np.deg2rad((latitude[1:] + latitude[:-1]) / 2)
    bounds = np.concatenate([[-1], np.sin(middle), [1]])
    return np.diff(bounds) * 2 * np.pi / longitudes


def test_native_is_what_the_model_has():
    native = OutputGrid.native(MODEL)
    x = field()
    assert native.regrid(x) is x
    np.testing.assert_allclose(native.longitude, np.arange(64) * 5.625, atol=1e-12)
    np.testing.assert_allclose(np.deg2rad(native.latitude), MODEL.latitude, atol=1e-13)
    assert native.description == ("64 x 32 Gaussian (5.6 degrees)",)
    assert native.attributes == {
        "longitude_wavenumbers": 32,
        "total_wavenumbers": 33,
        "longitude_nodes": 64,
        "latitude_nodes": 32,
        "latitude_spacing": "gauss",
    }


def test_nodes_of_weatherbench():
    regular = OutputGrid.regular(MODEL, 1.5)
    assert (regular.longitude == np.arange(0, 360, 1.5)).all()
    assert (regular.latitude == np.arange(-90, 90.1, 1.5)).all()
    assert (len(regular.longitude), len(regular.latitude)) == (240, 121)
    assert regular.description == (
        "240 x 121 regular with poles (1.5 degrees),",
        "by conservative regridding from 64 x 32 Gaussian (5.6 degrees)",
    )
    assert regular.attributes == {
        "longitude_nodes": 240,
        "latitude_nodes": 121,
        "latitude_spacing": "equiangular_with_poles",
        "regridding": "conservative",
        "native_longitude_wavenumbers": 32,
        "native_total_wavenumbers": 33,
        "native_longitude_nodes": 64,
        "native_latitude_nodes": 32,
        "native_latitude_spacing": "gauss",
    }


def test_nodes_are_the_decimals_that_a_user_writes():
    tenth = OutputGrid.regular(MODEL, 0.1)
    assert tenth.longitude[3] == 0.3 and tenth.longitude[-1] == 359.9
    assert tenth.latitude[1] == -89.9 and tenth.latitude[900] == 0
    assert tenth.latitude[-1] == 90


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_constant_stays_constant(spacing):
    x = np.full((2, 3, *MODEL.nodal_shape), 287.65, np.float32)
    regridded = OutputGrid.regular(MODEL, spacing).regrid(x)
    assert regridded.dtype == np.float32
    assert regridded.shape == (2, 3, 360 / spacing, 180 / spacing + 1)
    assert (regridded == x[0, 0, 0, 0]).all()


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("model", [Grid.linear(3), MODEL, Grid.linear(127)])
def test_the_area_mean_is_conserved(model, spacing):
    regular, native = OutputGrid.regular(model, spacing), OutputGrid.native(model)
    x = field(model)
    means = [
        (y.astype(float) * areas(grid.latitude, len(grid.longitude))).sum((-1, -2))
        / (4 * np.pi)
        for grid, y in ((native, x), (regular, regular.regrid(x)))
    ]
    # Each value is rounded once, at random: the mean is better than one rounding.
    np.testing.assert_allclose(means[1], means[0], rtol=np.finfo(np.float32).eps)


def test_each_cell_is_the_mean_of_what_it_covers():
    """Cell by cell, with the overlaps of rectangles in (longitude, sin latitude)."""
    regular = OutputGrid.regular(MODEL, 30)
    x = field(shape=()).astype(float)

    def edges(latitude):
        middle = (latitude[1:] + latitude[:-1]) / 2
        return [-1, *(math.sin(math.radians(m)) for m in middle), 1]

    native = OutputGrid.native(MODEL)
    south_north, source_bands = edges(regular.latitude), edges(native.latitude)
    expected = np.zeros((12, 7))
    for i, j in np.ndindex(12, 7):
        total = area = 0.0
        for k, l in np.ndindex(MODEL.nodal_shape):
            height = min(south_north[j + 1], source_bands[l + 1])
            height -= max(south_north[j], source_bands[l])
            east = (k * 5.625 - i * 30 + 180) % 360 - 180  # from centre to centre
            width = min(15, east + 2.8125) - max(-15, east - 2.8125)
            if height > 0 and width > 0:
                total += width * height * x[k, l]
                area += width * height
        expected[i, j] = total / area
    np.testing.assert_allclose(regular.regrid(x), expected, rtol=1e-13)


@pytest.mark.parametrize("truncation, spacing", [(63, 1.5), (127, 1.5), (31, 30)])
def test_regular_fields_equal_the_reference(reference, truncation, spacing):
    model = Grid.linear(truncation)
    x = field(model, shape=(3,)).astype(float)

    def theirs():
        import jax
        from dinosaur import horizontal_interpolation, spherical_harmonic

        source = getattr(spherical_harmonic.Grid, f"TL{truncation}")()
        target = spherical_harmonic.Grid(
            latitude_nodes=round(180 / spacing) + 1,
            longitude_nodes=round(360 / spacing),
            latitude_spacing="equiangular_with_poles",
        )
        regridder = horizontal_interpolation.ConservativeRegridder(source, target)
        with jax.enable_x64(True):  # its weights in float32 are off by 3e-5
            return np.asarray(regridder(x))

    label = f"TL{truncation} to {spacing} degrees"
    expected = reference(label, theirs, 4000)
    ours = reference.sample(OutputGrid.regular(model, spacing).regrid(x), 4000)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
