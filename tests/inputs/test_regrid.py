import numpy as np
import pytest

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.regrid import (
    ConservativeRegridder,
    fill_nan_with_nearest,
    latitude_weights,
    longitude_weights,
)
from ngcm_cli.spectral.grid import Grid

TARGET = Grid.linear(31)


def regular(longitudes, latitudes, poles, start=0.0):
    longitude = np.sort((start + 360 / longitudes * np.arange(longitudes)) % 360)
    if poles:
        latitude = np.linspace(-90, 90, latitudes)
    else:
        latitude = (np.arange(latitudes) + 0.5) * 180 / latitudes - 90
    return np.deg2rad(longitude), np.deg2rad(latitude)


SOURCES = {
    "with poles": regular(144, 73, poles=True),
    "without poles": regular(180, 90, poles=False, start=1.0),
    "odd start": regular(120, 61, poles=True, start=-177.3),
    "coarser": regular(24, 13, poles=True),
    "gaussian": (Grid.linear(47).longitude, Grid.linear(47).latitude),
    "same": (TARGET.longitude, TARGET.latitude),
}
sources = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


def regridder(source):
    return ConservativeRegridder(*source, TARGET.longitude, TARGET.latitude)


def cell_areas(longitude, latitude):
    """Exact for equally spaced longitudes, by Archimedes' hat-box theorem."""
    middle = (latitude[1:] + latitude[:-1]) / 2
    bounds = np.concatenate([[-np.pi / 2], middle, [np.pi / 2]])
    bands = np.diff(np.sin(bounds)) * 2 * np.pi / len(longitude)
    return np.tile(bands, (len(longitude), 1))


@sources
def test_constant_stays_constant(source):
    field = np.full((2, len(source[0]), len(source[1])), 3.5)
    np.testing.assert_allclose(regridder(source)(field), 3.5, rtol=1e-14)


@sources
def test_area_mean_is_conserved(source):
    field = np.random.default_rng(0).normal(size=tuple(map(len, source)))
    before = (field * cell_areas(*source)).sum()
    after = regridder(source)(field) * cell_areas(TARGET.longitude, TARGET.latitude)
    assert after.sum() == pytest.approx(before, abs=1e-12)


@sources
def test_area_mean_of_what_is_there_is_conserved(source):
    """NaN-aware: mean times covered share is the integral over the covered part."""
    rng = np.random.default_rng(1)
    field = rng.normal(size=tuple(map(len, source)))
    field[rng.uniform(size=field.shape) < 0.3] = np.nan
    mean, covered = regridder(source)(field), regridder(source)(~np.isnan(field) + 0.0)
    areas = cell_areas(TARGET.longitude, TARGET.latitude)
    before = np.nansum(field * cell_areas(*source))
    assert np.nansum(mean * covered * areas) == pytest.approx(before, abs=1e-12)
    assert (np.isnan(mean) == (covered == 0)).all()


def test_one_cell_spreads_over_its_own_area_only():
    source = SOURCES["with poles"]
    field = np.full((144, 73), np.nan, np.float32)
    field[0, 36] = 5.0  # longitude 0, equator: straddles the first meridian
    seen = regridder(source)(field)
    assert set(np.argwhere(seen == 5)[:, 0]) == {0}
    assert np.isnan(seen).sum() == seen.size - 2  # one row north, one south


def test_same_grid_is_identity():
    field = np.random.default_rng(2).normal(size=TARGET.nodal_shape)
    np.testing.assert_allclose(regridder(SOURCES["same"])(field), field, rtol=1e-12)


def test_keeps_dtype_and_sums_in_double_precision():
    field = np.full((144, 73), 1 / 3, np.float32)
    field += np.float32(5e5)
    regridded = regridder(SOURCES["with poles"])(field)
    assert regridded.dtype == np.float32
    assert (regridded == field[0, 0]).all()


@pytest.mark.parametrize("name", SOURCES)
def test_weights_equal_the_reference(reference, name):
    source = SOURCES[name]

    def theirs(direction, source, target):
        import jax
        from dinosaur import horizontal_interpolation

        function = f"conservative_{direction}_weights"
        with jax.enable_x64(True):
            return getattr(horizontal_interpolation, function)(source, target)

    for direction, ours, pair in (
        ("latitude", latitude_weights, (source[1], TARGET.latitude)),
        ("longitude", longitude_weights, (source[0], TARGET.longitude)),
    ):
        label = f"{direction} weights from {name}"
        expected = reference(label, lambda d=direction, p=pair: theirs(d, *p), 2000)
        found = reference.sample(ours(*pair), 2000)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("share_of_land", [0.0, 0.4])
def test_regridder_equals_the_reference(reference, share_of_land):
    rng = np.random.default_rng(3)
    field = rng.normal(280, 20, (3, 144, 73)).astype(np.float32)
    field[:, rng.uniform(size=(144, 73)) < share_of_land] = np.nan
    field[:, 30:60, 30:50] = np.nan if share_of_land else 280

    def theirs():
        from dinosaur import horizontal_interpolation, spherical_harmonic

        grid = spherical_harmonic.Grid(
            latitude_nodes=73,
            longitude_nodes=144,
            latitude_spacing="equiangular_with_poles",
        )
        regridder = horizontal_interpolation.ConservativeRegridder
        return regridder(grid, spherical_harmonic.Grid.TL31(), skipna=True)(field)

    ours = regridder(SOURCES["with poles"])(field)
    assert np.isnan(ours).any() == bool(share_of_land)
    expected = reference(f"regridded, {share_of_land} of land", theirs, ours.size)
    np.testing.assert_allclose(ours, expected, rtol=3e-6)


def test_fill_takes_the_nearest_along_the_great_circle():
    rng = np.random.default_rng(4)
    places = np.stack(
        np.broadcast_arrays(
            np.cos(TARGET.latitude) * np.cos(TARGET.longitude)[:, None],
            np.cos(TARGET.latitude) * np.sin(TARGET.longitude)[:, None],
            np.sin(TARGET.latitude),
        ),
        axis=-1,
    ).reshape(-1, 3)
    index = np.arange(len(places), dtype=np.float32)  # names its donor
    field = np.where(rng.uniform(size=len(index)) < 0.8, np.nan, index)
    filled = fill_nan_with_nearest(field.reshape(TARGET.nodal_shape), TARGET).ravel()
    cosine = places @ places[~np.isnan(field)].T
    taken = (places * places[filled.astype(int)]).sum(axis=1)
    np.testing.assert_allclose(taken, cosine.max(axis=1), rtol=0, atol=1e-9)
    kept = ~np.isnan(field)
    assert (filled[kept] == field[kept]).all()


def test_fill_crosses_the_first_meridian_and_takes_the_lower_index_of_two():
    field = np.full(TARGET.nodal_shape, np.nan)
    field[-1, 16], field[1, 16], field[32, 0] = 7.0, 8.0, 9.0
    filled = fill_nan_with_nearest(field, TARGET)
    assert filled[0, 16] == 8.0  # both are one step away
    assert filled[-2, 16] == 7.0
    assert filled[32, 1] == 9.0


def test_fill_equals_the_reference_but_for_ties(reference):
    rng = np.random.default_rng(5)
    field = rng.normal(size=TARGET.nodal_shape)
    field[rng.uniform(size=field.shape) < 0.5] = np.nan

    def theirs():
        import xarray
        from dinosaur import xarray_utils

        array = xarray.DataArray(
            field,
            dims=("longitude", "latitude"),
            coords={
                "longitude": np.rad2deg(TARGET.longitude),
                "latitude": np.rad2deg(TARGET.latitude),
            },
        )
        return xarray_utils.fill_nan_with_nearest(array).values

    ours = fill_nan_with_nearest(field, TARGET)
    differing = (ours != reference("filled", theirs, ours.size)).mean()
    assert differing < 0.15  # equally near cells east and west
    assert not np.isnan(ours).any()


def test_fill_returns_complete_fields_untouched():
    field = np.ones(TARGET.nodal_shape, np.float32)
    assert fill_nan_with_nearest(field, TARGET) is field


def test_fill_refuses_a_field_without_data():
    with pytest.raises(InputDataError, match=r"no data at all.*Check the variable"):
        fill_nan_with_nearest(np.full(TARGET.nodal_shape, np.nan), TARGET)
