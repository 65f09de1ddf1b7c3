import gzip
import os

import numpy as np
import pytest
import xarray as xr
import zarr

from ngcm_cli.data.dataset import recognise
from ngcm_cli.data.opening import open_dataset
from ngcm_cli.data.variables import VARIABLES
from ngcm_cli.errors import InputDataError
from ngcm_cli.gcm.fields import ATMOSPHERE, FORCING

READ = (*ATMOSPHERE, *FORCING)
CDS = {
    "temperature": "t",
    "geopotential": "z",
    "u_component_of_wind": "u",
    "v_component_of_wind": "v",
    "specific_humidity": "q",
    "specific_cloud_ice_water_content": "ciwc",
    "specific_cloud_liquid_water_content": "clwc",
    "sea_surface_temperature": "sst",
    "sea_ice_cover": "siconc",
    "time": "valid_time",
    "level": "pressure_level",
}
CMIP = {
    "temperature": "ta",
    "u_component_of_wind": "ua",
    "v_component_of_wind": "va",
    "specific_humidity": "hus",
    "specific_cloud_ice_water_content": "cli",
    "specific_cloud_liquid_water_content": "clw",
    "sea_surface_temperature": "tos",
    "sea_ice_cover": "siconc",
    "level": "plev",
    "latitude": "lat",
    "longitude": "lon",
}


def refused(path):
    with pytest.raises(InputDataError) as caught:
        open_dataset(str(path))
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


# Opening


@pytest.mark.parametrize("format", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT"])
def test_opens_netcdf_lazily(tmp_path, native, format):
    native.to_netcdf(tmp_path / "a.nc", format=format)
    with open_dataset(str(tmp_path / "a.nc")) as dataset:
        assert set(dataset.data_vars) == set(native.data_vars)
        assert not dataset["temperature"].variable._in_memory


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
def test_opens_zarr_lazily(tmp_path, native, version, consolidated):
    if version == 3:
        native.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
        if consolidated:
            with pytest.warns(match="Consolidated metadata"):
                zarr.consolidate_metadata(tmp_path / "a.zarr")
    else:
        native.to_zarr(tmp_path / "a.zarr", zarr_format=2, consolidated=consolidated)
    with open_dataset(str(tmp_path / "a.zarr")) as dataset:
        assert set(dataset.data_vars) == set(native.data_vars)
        assert not dataset["temperature"].variable._in_memory


def test_missing_path(tmp_path):
    error = refused(tmp_path / "era5.nc")
    assert "no file or directory" in error.message
    assert "Check the path" in error.hint


def test_empty_file(tmp_path):
    (tmp_path / "a.nc").write_bytes(b"")
    error = refused(tmp_path / "a.nc")
    assert "empty file" in error.message
    assert "Download" in error.hint


def test_web_page(tmp_path):
    (tmp_path / "a.nc").write_text("\n<!DOCTYPE html><html><body>Login</body></html>")
    error = refused(tmp_path / "a.nc")
    assert "web page" in error.message
    assert "download again" in error.hint


def test_text(tmp_path):
    (tmp_path / "a.csv").write_text("time,temperature\n2020,280\n")
    error = refused(tmp_path / "a.csv")
    assert "text file" in error.message
    assert "NetCDF file or a Zarr directory" in error.hint


def test_binary_rubbish(tmp_path):
    (tmp_path / "a.nc").write_bytes(bytes(range(256)))
    assert "not a dataset" in refused(tmp_path / "a.nc").message


@pytest.mark.parametrize(
    "head, kind, hint",
    [
        (b"PK\x03\x04\0", "ZIP", "Unpack"),
        (gzip.compress(b"CDF\x01"), "gzip", "gunzip"),
    ],
)
def test_other_formats(tmp_path, head, kind, hint):
    (tmp_path / "a.nc").write_bytes(head)
    error = refused(tmp_path / "a.nc")
    assert kind in error.message
    assert hint in error.hint


def test_truncated_netcdf(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc")
    whole = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(whole[: len(whole) // 2])
    error = refused(tmp_path / "cut.nc")
    assert "cannot be opened" in error.message
    assert "truncated" in error.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc")
    (tmp_path / "a.nc").chmod(0)
    assert "permissions" in refused(tmp_path / "a.nc").hint


def test_directory_without_zarr_metadata(tmp_path, native):
    native.to_netcdf(tmp_path / "january.nc")
    error = refused(tmp_path)
    assert "no Zarr metadata" in error.message
    assert "january.nc" in error.message
    assert "Name a file" in error.hint


def test_empty_directory(tmp_path):
    assert "it is empty" in refused(tmp_path).message


def test_broken_zarr_metadata(tmp_path):
    (tmp_path / "zarr.json").write_text("{")
    assert "cannot be opened" in refused(tmp_path).message


def test_no_variables(tmp_path):
    xr.Dataset(coords={"time": [0]}).to_netcdf(tmp_path / "a.nc")
    assert "no variables" in refused(tmp_path / "a.nc").message


def test_undecodable_times(tmp_path, native):
    days = ("time", [1], {"units": "fortnights since 1900-01-01"})
    native.assign_coords(time=days).to_netcdf(tmp_path / "a.nc")
    error = refused(tmp_path / "a.nc")
    assert "times" in error.message and "fortnights" in error.message
    assert "hours since" in error.hint


# Recognising


def same_values(recognised, expected):
    for name in READ:
        ours = recognised[name].transpose(*expected[name].dims)
        np.testing.assert_array_equal(ours, expected[name])


@pytest.mark.parametrize("names", [{}, CDS, CMIP], ids=["era5", "cds", "cmip"])
def test_known_names(native, names):
    found = recognise(native.rename(names), READ)
    assert set(found.coords) == {"time", "level", "latitude", "longitude"}
    same_values(found, native.isel(time=0))
    assert found["temperature"].attrs["found"] == names.get(
        "temperature", "temperature"
    )


def test_capitals(native):
    renamed = native.rename(
        {"temperature": "T", "geopotential": "Z", "sea_surface_temperature": "SST"}
    )
    same_values(recognise(renamed, READ), native.isel(time=0))


def test_foreign_names_with_cf_attributes(native):
    renamed = native.rename({n: f"var{i}" for i, n in enumerate(READ)})
    for i, name in enumerate(READ):
        renamed[f"var{i}"].attrs["standard_name"] = VARIABLES[name].standard_name
    renamed = renamed.rename(level="height_axis", latitude="rows", longitude="columns")
    renamed["height_axis"].attrs["standard_name"] = "air_pressure"
    renamed["rows"].attrs["units"] = "degrees_north"
    renamed["columns"].attrs["units"] = "degrees_east"
    same_values(recognise(renamed, READ), native.isel(time=0))


def test_singleton_dimensions_are_squeezed(native):
    wide = native.expand_dims({"number": [0], "expver": ["0001"], "realization": [1]})
    same_values(recognise(wide, READ), native.isel(time=0))


def test_surface_fields_with_a_single_level_of_their_own(native):
    surface = native["sea_surface_temperature"].expand_dims({"surface": [0.0]})
    dataset = native.assign(sea_surface_temperature=surface)
    same_values(recognise(dataset, READ), native.isel(time=0))


def test_surface_geopotential_is_not_the_geopotential(native):
    both = native.rename(geopotential="phi")
    both["z"] = both["phi"].isel(level=-1, drop=True)
    both["t2m"] = both["temperature"].isel(level=-1, drop=True)
    both["t2m"].attrs["standard_name"] = "air_temperature"
    same_values(recognise(both, READ), native.isel(time=0))


def test_valid_time_of_a_forecast(native):
    """Like our own output: valid_time depends on two axes, one of which is single."""
    steps = native.isel(time=[0, 0]).rename(time="lead_time")
    steps = steps.assign_coords(lead_time=[0, 6]).expand_dims(init_time=[0])
    valid = np.array([["2020-01-01T00", "2020-01-01T06"]], "datetime64[ns]")
    steps = steps.assign_coords(valid_time=(("init_time", "lead_time"), valid))
    found = recognise(steps, READ)
    np.testing.assert_array_equal(found["time"], valid[0])
    assert found["temperature"].sizes["time"] == 2


@pytest.mark.parametrize(
    "factor, units, attribute",
    [
        (1, "hPa", "hPa"),
        (1, "hPa", ""),
        (1, "hPa", "millibars"),
        (100, "Pa", "Pa"),
        (100, "Pa", ""),
    ],
)
def test_pressure_units(native, factor, units, attribute):
    dataset = native.assign_coords(level=native["level"] * factor)
    dataset["level"].attrs["units"] = attribute
    found = recognise(dataset, ["temperature"])
    np.testing.assert_allclose(found["level"], native["level"])


def recognition_refused(dataset):
    with pytest.raises(InputDataError) as caught:
        recognise(dataset, READ)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("factor, attribute", [(1, "Pa"), (100, "hPa")])
def test_pressure_that_contradicts_its_units(native, factor, attribute):
    dataset = native.assign_coords(level=native["level"] * factor)
    dataset["level"].attrs["units"] = attribute
    error = recognition_refused(dataset)
    assert f"'{attribute}'" in error.message and "'level'" in error.message
    assert "correct the units" in error.hint


def test_model_levels(native):
    native["level"].attrs["standard_name"] = (
        "atmosphere_hybrid_sigma_pressure_coordinate"
    )
    error = recognition_refused(native)
    assert "model levels" in error.message
    assert "pressure levels" in error.hint


def test_no_longitude(native):
    error = recognition_refused(native.mean("longitude"))
    assert "no longitude" in error.message and "latitude (8)" in error.message


def test_curvilinear_grid(native):
    dataset = native.rename(latitude="j", longitude="i").drop_vars(["i", "j"])
    mesh = np.meshgrid(native["longitude"], native["latitude"])
    dataset = dataset.assign_coords(
        lon=(("j", "i"), mesh[0]), lat=(("j", "i"), mesh[1])
    )
    error = recognition_refused(dataset)
    assert "curvilinear" in error.message
    assert "remapcon" in error.hint


def test_unstructured_grid(native):
    flat = native.stack(cell=("latitude", "longitude")).reset_index("cell")
    assert "unstructured" in recognition_refused(flat).message


def test_ensemble(native):
    error = recognition_refused(native.expand_dims(number=[0, 1]))
    assert "number (2)" in error.message
    assert "isel(number=0)" in error.hint


def test_two_variables_for_one(native):
    both = native.rename(temperature="t").assign(ta=native["temperature"])
    error = recognition_refused(both)
    assert "t, ta" in error.message and "temperature" in error.message
    assert "rename it" in error.hint


def test_several_initial_times_with_lead_times(native):
    valid = np.array("2020-01-01", "datetime64[ns]") + np.zeros((2, 2), "m8[h]")
    dataset = native.squeeze("time", drop=True).expand_dims(init=[0, 1], step=[0, 1])
    dataset = dataset.assign_coords(valid_time=(("init", "step"), valid))
    error = recognition_refused(dataset)
    assert "init (2), step (2)" in error.message
    assert "Select one" in error.hint
