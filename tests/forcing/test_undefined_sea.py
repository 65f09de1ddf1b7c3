"""What is undefined in a file: ice on open water, water under ice, the sea on land."""

import numpy as np
import pytest
import xarray as xr
import zarr
from earth import (
    COVER,
    FREEZING,
    GRID,
    LAND,
    LATITUDE,
    SEA,
    TEMPERATURE,
    at_sea,
    given,
    read,
)
from earth import sea_file as write

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.model_inputs import ModelInputs


@pytest.fixture
def whole(tmp_path):
    """What the model is given of a file in which nothing is undefined at sea."""
    path = write(tmp_path / "whole.nc", at_sea(TEMPERATURE), at_sea(COVER))
    return given(read(path))


def test_open_water_without_a_value_has_no_ice(tmp_path, whole):
    cover = np.where(COVER > 0.15, at_sea(COVER), np.nan)
    forcing = read(write(tmp_path / "ice.nc", at_sea(TEMPERATURE), cover))
    sst, ice = given(forcing)
    np.testing.assert_array_equal(sst, whole[0])
    warm = SEA & (TEMPERATURE > FREEZING + 0.2)
    assert warm.any() and (ice[warm] == 0).all()
    defined = SEA & (COVER > 0.15)
    np.testing.assert_allclose(ice[defined], COVER[defined], atol=1e-6)
    assert "undefined on open water in the data: set to 0" in " ".join(forcing.notes)


def test_a_store_whose_fill_value_is_no_ice(tmp_path, whole):
    """Zarr 2 declares zeros as missing where the fill value is 0, its default."""
    path = tmp_path / "ice.zarr"
    source = xr.open_dataset(
        write(tmp_path / "ice.nc", at_sea(TEMPERATURE), np.where(SEA, COVER, 0))
    ).load()
    source.to_zarr(path, zarr_format=2, encoding={"siconc": {"_FillValue": 0.0}})
    assert zarr.open_array(path / "siconc", mode="r").fill_value == 0
    np.testing.assert_allclose(given(read(path)), whole, atol=1e-6)


def sparse(source, path, chunks=(1, 4, 4), gone=(), **packing):
    """Write a record in Zarr 2 whose chunks of zeros of ice are not stored.

    Ice is packed as 16-bit integers where a packing is given.
    """
    data = xr.open_dataset(source).load()
    data.drop_vars("siconc").to_zarr(path, zarr_format=2, consolidated=False)
    ice = data["siconc"].values
    if packing:
        scale, offset = packing["scale_factor"], packing.get("add_offset", 0.0)
        ice = np.rint((ice - offset) / scale).astype("i2")
    group = zarr.open_group(path, mode="a", zarr_format=2)
    array = group.create_array(
        "siconc",
        shape=ice.shape,
        dtype=ice.dtype,
        chunks=chunks,
        fill_value=0,
        config={"write_empty_chunks": False},
    )
    array.attrs.update(
        _ARRAY_DIMENSIONS=list(data["siconc"].dims), units="1", **packing
    )
    array[:] = ice
    for key in gone:
        (path / "siconc" / key).unlink()
    return path


@pytest.mark.parametrize("packing", [{}, {"scale_factor": 0.01, "add_offset": 0.0}])
def test_chunks_of_no_ice_need_not_be_stored(tmp_path, whole, packing):
    cover = np.where(SEA, COVER, 0)
    source = write(tmp_path / "ice.nc", at_sea(TEMPERATURE), cover)
    path = sparse(source, tmp_path / "ice.zarr", **packing)
    assert len(list((path / "siconc").glob("0.*"))) < 32
    np.testing.assert_allclose(given(read(path)), whole, atol=0.006)


def test_chunks_of_ice_that_are_lost(tmp_path):
    cover = np.where(SEA, COVER, 0)
    source = write(tmp_path / "ice.nc", at_sea(TEMPERATURE), cover)
    times = "0", "1"
    south = [f"{t}.{east}.0" for t in times for east in range(8)]
    path = sparse(source, tmp_path / "a.zarr", gone=south[:2] + south[8:10])
    with pytest.raises(InputDataError, match="'siconc' .* is 0 on .* % of the sea at"):
        read(path)
    path = sparse(source, tmp_path / "b.zarr")
    for chunk in (path / "siconc").glob("[01].*"):
        chunk.unlink()
    with pytest.raises(InputDataError, match="'siconc' .*is incomplete: the chunk"):
        read(path)
    path = sparse(source, tmp_path / "c.zarr", scale_factor=0.001, add_offset=0.5)
    (path / "siconc" / "0.0.0").unlink()  # it would be half of ice
    with pytest.raises(InputDataError, match="'siconc' .*is incomplete: the chunk"):
        read(path)


def test_zeros_on_land_are_no_ice_of_the_sea(tmp_path):
    """On a finer grid coastal cells would be diluted by them."""
    paths = []
    for name, cover in ("nan", at_sea(COVER)), ("zero", np.where(SEA, COVER, 0)):
        paths.append(write(tmp_path / f"{name}.nc", at_sea(TEMPERATURE), cover))
    coarse = ModelInputs(type(GRID).linear(7), (), ())
    one, other = (given(read(path, model=coarse)) for path in paths)
    np.testing.assert_array_equal(one, other)


def test_water_under_ice_freezes(tmp_path, whole):
    sst = np.where(COVER > 0.15, np.nan, at_sea(TEMPERATURE))
    forcing = read(write(tmp_path / "sst.nc", sst, at_sea(COVER)))
    np.testing.assert_allclose(given(forcing), whole, atol=0.02)
    assert "undefined under sea ice in the data: set to" in " ".join(forcing.notes)


def test_water_under_ice_without_ice(tmp_path):
    """Where there may be ice in July, and nowhere else."""
    sst = np.where(COVER > 0.15, np.nan, at_sea(TEMPERATURE))
    lake = (slice(0, 1), slice(8, 10))  # at sea to the model, but not in the file
    sst[lake] = np.nan
    forcing = read(write(tmp_path / "sst.nc", sst, None))
    given_sst, ice = given(forcing)
    hidden = (COVER > 0.5) & SEA
    np.testing.assert_allclose(given_sst[hidden], FREEZING, atol=1e-3)
    assert ice[hidden].mean() > 0.6 and (ice[hidden] >= 0.15).all()
    warm = TEMPERATURE > FREEZING + 3
    assert (ice[warm] == 0).all() and given_sst[lake].min() > 285
    assert "may be under ice in the season" in " ".join(forcing.notes)


def test_few_cells_without_a_value_are_no_ice(tmp_path):
    sst = at_sea(TEMPERATURE)
    sst[0, -1] = np.nan
    forcing = read(write(tmp_path / "sst.nc", sst, None))
    assert "1 of them sea; filled from the nearest" in " ".join(forcing.notes)
    assert "may be under ice" not in " ".join(forcing.notes)


@pytest.mark.parametrize("ice", [True, False])
def test_the_mark_of_the_met_office(tmp_path, whole, ice):
    """-1000 under ice, in degrees Celsius, and not declared."""
    sst = np.where(COVER > 0.9, -1000, at_sea(TEMPERATURE) - 273.15)
    cover = at_sea(COVER) if ice else None
    path = write(tmp_path / "sst.nc", sst, cover, units_of=("degC", "1"))
    forcing = read(path)
    np.testing.assert_allclose(given(forcing)[0], whole[0], atol=0.02)
    assert "is -1000 where the sea is under ice" in " ".join(forcing.notes)
    if not ice:
        assert (given(forcing)[1][(COVER > 0.9) & SEA] == 1).all()


def test_a_mark_in_the_tropics_is_refused(tmp_path):
    sst = np.where(SEA, TEMPERATURE - 273.15, -1000)
    with pytest.raises(InputDataError, match="values from -1000"):
        read(write(tmp_path / "sst.nc", sst, units_of=("degC", "1")))


@pytest.mark.parametrize("constant", [273.15, FREEZING, 260.0])
def test_a_constant_on_land(tmp_path, whole, constant):
    sst = np.where(SEA, TEMPERATURE, constant)
    forcing = read(write(tmp_path / "sst.nc", sst, np.where(SEA, COVER, 0)))
    np.testing.assert_allclose(given(forcing), whole, atol=1e-3)
    assert f"is {constant:g} K on land; this is taken as missing" in forcing.notes[0]


def test_a_constant_at_freezing_on_islands_that_the_model_lacks(tmp_path, whole):
    """Nothing freezes in the tropics: they are filled from the water around them."""
    island = (np.abs(LATITUDE) < 20) & ((np.arange(GRID.nodal_shape[0]) == 20)[:, None])
    sst = np.where(SEA & ~island, TEMPERATURE, FREEZING)
    forcing = read(write(tmp_path / "sst.nc", sst, np.where(SEA, COVER, 0)))
    found, expected = given(forcing)[0], whole[0]
    assert SEA[island].all() and (found[island] > 299).all()
    np.testing.assert_allclose(found[~island], expected[~island], atol=1e-3)


def test_land_that_is_filled_from_the_sea_is_no_constant(tmp_path):
    forcing = read(write(tmp_path / "sst.nc"))
    np.testing.assert_allclose(given(forcing), (TEMPERATURE, COVER), atol=1e-4)
    assert "on land" not in " ".join(forcing.notes)


@pytest.mark.parametrize("profile", ["uniform", "zonal", "flat towards the poles"])
def test_an_idealized_sea_has_no_land(tmp_path, profile):
    warmth = np.cos(np.deg2rad(LATITUDE))
    sst = {
        "uniform": 280 + 0 * warmth,
        "zonal": 275 + 25 * warmth,
        "flat towards the poles": np.maximum(273.15, 300 - 27 / 0.75 * (1 - warmth**2)),
    }[profile]
    sst = np.broadcast_to(sst, GRID.nodal_shape)
    path = write(tmp_path / "sst.nc", sst, 0 * sst)
    np.testing.assert_allclose(given(read(path))[0], sst, atol=1e-4)


@pytest.mark.parametrize("stated", [{"long_name": "SST anomalies"}, {}])
def test_anomalies_are_no_temperatures(tmp_path, stated):
    anomaly = at_sea(3 * np.cos(np.arange(LAND.size).reshape(LAND.shape)))
    path = write(tmp_path / "a.nc", anomaly, None, units_of=("degC", "1"), **stated)
    with pytest.raises(InputDataError, match="anomal"):
        read(path)


def test_anomalies_by_their_standard_name(tmp_path):
    name = {"standard_name": "sea_surface_temperature_anomaly"}
    path = write(tmp_path / "a.nc", at_sea(TEMPERATURE), None, **name)
    with pytest.raises(InputDataError, match="an anomaly by its attributes"):
        read(path)


@pytest.mark.parametrize("mask", ["nan", "zero"])
def test_a_sea_half_a_turn_off(tmp_path, mask):
    sst = at_sea(TEMPERATURE) if mask == "nan" else np.where(SEA, TEMPERATURE, 273.15)
    path = write(tmp_path / "sst.nc", np.roll(sst, len(sst) // 2, axis=0), None)
    with pytest.raises(InputDataError, match="turned by 180 degrees"):
        read(path)
