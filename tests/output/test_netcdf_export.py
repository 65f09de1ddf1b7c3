"""NetCDF files made of a store: the same content, whole or not there."""

import cf_xarray  # noqa: F401
import netCDF4
import numpy as np
import pytest
import xarray as xr
from small_output import forecast_schema, opened, record

from ngcm_cli.errors import OutputError
from ngcm_cli.output import netcdf
from ngcm_cli.output.netcdf import export_netcdf

SCHEMAS = {
    "forecast": forecast_schema(),
    "ensemble": forecast_schema(realizations=(3, 4), statistics=("mean", "p10")),
    "statistics": forecast_schema(
        realizations=(0, 1), statistics=("std",), keep_members=False
    ),
}


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "out.partial.zarr", SCHEMAS["forecast"])


def filled(path, schema):
    writer = opened(path, schema)
    sizes = [len(schema.coordinates[d].values) for d in schema.record_dimensions]
    for index in np.ndindex(*sizes):
        fields, member = record(schema, *index), index[0]
        writer.write(fields, time=index[-1], realization=member, init_time=index[-2])
    writer.set_attributes(status="complete")
    return path


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_file_holds_what_the_store_holds(tmp_path, kind):
    source = filled(tmp_path / "s.zarr", SCHEMAS[kind])
    export_netcdf(source, tmp_path / "out.nc")
    with (
        xr.open_zarr(source, chunks=None) as expected,
        xr.open_dataset(tmp_path / "out.nc") as found,
    ):
        expected.load()
        if kind != "ensemble":  # one forecast: along its valid time
            expected = expected.isel(init_time=0).swap_dims(lead_time="valid_time")
            expected = expected.rename(valid_time="time")
            expected.time.attrs["axis"] = "T"
        xr.testing.assert_identical(found.load(), expected)
        for name in SCHEMAS[kind].variables:
            assert found[name].dtype == np.float32
            assert not found[name].isnull().any()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.nc", "s.zarr"]


def test_fields_are_compressed_in_the_same_chunks(tmp_path, store):
    export_netcdf(store, tmp_path / "out.nc")
    with xr.open_dataset(tmp_path / "out.nc") as ds:
        encoding = ds["temperature"].encoding
        assert encoding["zlib"] and encoding["shuffle"]
        assert encoding["chunksizes"] == (1, 3, 4, 8)
        assert ds.cf["surface_air_pressure"].name == "surface_pressure"


@pytest.mark.parametrize("kind", ["forecast", "statistics"])
def test_one_forecast_is_read_by_programs_that_know_four_dimensions(tmp_path, kind):
    """CDO, ncview and Ferret pass over a variable with two dimensions of time."""
    export_netcdf(filled(tmp_path / "s.zarr", SCHEMAS[kind]), tmp_path / "out.nc")
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        assert file.dimensions["time"].isunlimited()  # ncrcat joins such files
        axes = {
            name: x.axis for name, x in file.variables.items() if "axis" in x.ncattrs()
        }
        assert axes == {"time": "T", "level": "Z", "latitude": "Y", "longitude": "X"}
        for name in SCHEMAS[kind].variables:
            at_surface = name.startswith("surface")
            levels = () if at_surface else ("level",)
            dimensions = ("time", *levels, "latitude", "longitude")
            assert file[name].dimensions == dimensions
            assert set(file[name].coordinates.split()) <= set(file.variables)
        assert file["init_time"].dimensions == ()
        assert file["lead_time"].dimensions == ("time",)
        # Not all of these programs know integers of 64 bits.
        assert {x.dtype.str for x in file.variables.values()} <= {"<f4", "<f8", "<i4"}
    with xr.open_dataset(tmp_path / "out.nc") as ds:
        assert ds.cf["time"].name == ds.cf["T"].name == "time"
        assert ds.cf["forecast_reference_time"].item() == ds.init_time.item()
        valid = ds.cf["forecast_reference_time"] + ds.cf["forecast_period"]
        np.testing.assert_array_equal(valid, ds.time)


def test_an_existing_file_is_replaced(tmp_path, store):
    (tmp_path / "out.nc").write_text("old")
    export_netcdf(store, tmp_path / "out.nc")
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        assert file.status == "complete"


def test_a_link_stays_a_link(tmp_path, store):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out.nc").symlink_to(tmp_path / "disk" / "real.nc")
    export_netcdf(store, tmp_path / "out.nc")
    assert (tmp_path / "out.nc").is_symlink()
    assert [p.name for p in (tmp_path / "disk").iterdir()] == ["real.nc"]


@pytest.mark.parametrize(
    "error", [RuntimeError("NetCDF: HDF error"), OSError(28, "No space left on device")]
)
def test_a_failed_export_keeps_the_store_and_the_old_file(
    tmp_path, store, monkeypatch, error
):
    (tmp_path / "out.nc").write_text("old")

    def broken(group, file):
        raise error

    monkeypatch.setattr(netcdf, "_copy", broken)
    with pytest.raises(OutputError, match="The whole output is in .*out.partial.zarr"):
        export_netcdf(store, tmp_path / "out.nc")
    assert (tmp_path / "out.nc").read_text() == "old"
    with xr.open_zarr(store) as ds:
        assert ds.attrs["status"] == "complete"
    assert len(list(tmp_path.iterdir())) == 2
