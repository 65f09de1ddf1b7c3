"""Opening local data; test_zarr.py and test_file_download.py use servers."""

import gzip
import os
import re

import netCDF4
import numpy as np
import pytest
import servers
import xarray as xr
import zarr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.location import is_remote
from ngcm_cli.inputs.sources.netcdf import declared_size
from ngcm_cli.inputs.sources.open import open_dataset, reading_error


def refused(path):
    with pytest.raises(InputDataError) as caught:
        open_dataset(str(path))
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


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
    assert "NetCDF or GRIB file or a Zarr directory" in error.hint


def test_binary_rubbish(tmp_path):
    (tmp_path / "a.nc").write_bytes(bytes(range(256)))
    assert "not a dataset" in refused(tmp_path / "a.nc").message


@pytest.mark.parametrize(
    "head, kind, hint",
    [
        (b"PK\x03\x04\0", "ZIP", "Unpack"),
        (gzip.compress(b"CDF\x01", mtime=0), "gzip", "gunzip"),
    ],
)
def test_other_formats(tmp_path, head, kind, hint):
    (tmp_path / "a.nc").write_bytes(head)
    error = refused(tmp_path / "a.nc")
    assert kind in error.message
    assert hint in error.hint


@pytest.mark.parametrize("unlimited", [[], ["time"]])
@pytest.mark.parametrize("format", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT"])
def test_truncated_netcdf(tmp_path, native, format, unlimited):
    """Beginning in the middle of the header, ending with the last byte."""
    native.to_netcdf(tmp_path / "a.nc", format=format, unlimited_dims=unlimited)
    whole = (tmp_path / "a.nc").read_bytes()
    for size in (40, 300, len(whole) // 2, len(whole) - 4):
        (tmp_path / "cut.nc").write_bytes(whole[:size])
        error = refused(tmp_path / "cut.nc")
        assert "truncated" in error.message or (format == "NETCDF4" and size == 40)
        assert "again" in error.hint


@pytest.mark.parametrize(
    "format",
    ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"],
)
@pytest.mark.parametrize("kind", ["i1", "i2", "f4", "f8", "S1"])
@pytest.mark.parametrize("variables", [1, 3])
@pytest.mark.parametrize("records", [None, 0, 1, 5])
def test_whole_netcdf(tmp_path, format, kind, variables, records):
    """What netCDF-C has written is as long as declared, to the padding."""
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w", format=format) as file:
        file.title = "odd"
        file.createDimension("x", 3)
        file.createDimension("t", 5 if records is None else None)
        for number in range(variables):
            values = file.createVariable(f"v{number}", kind, ("t", "x"))
            values.valid = np.arange(3, dtype="i2")
            values[: 5 if records is None else records] = b"a" if kind == "S1" else 1
        file.createVariable("scalar", kind, ())[...] = b"b" if kind == "S1" else 2
    size, declared = path.stat().st_size, declared_size(path)
    assert declared <= size and (declared > size - 4 or records == 0)


def test_a_truncated_file_on_a_server_is_not_kept(
    tmp_path, native, monkeypatch, impatience
):
    native.to_netcdf(tmp_path / "a.nc", format="NETCDF3_64BIT")
    whole = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "a.nc").write_bytes(whole[:-1000])
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))
    with (
        servers.web(tmp_path) as address,
        pytest.raises(InputDataError, match="a.nc' is truncated"),
    ):
        open_dataset(f"{address}/a.nc")
    assert not list((tmp_path / "home").rglob("*.nc"))


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize(
    "url, words",
    [
        ("http://[::1", "is not a URL"),
        ("http://a b/x.nc", "is not a URL"),
        ("https://example.org:port/x.nc", "is not a URL"),
        ("https:///x.nc", "names no server"),
        ("s3:///x.zarr", "names no bucket"),
        ("s3://UPPER_case bucket/x", "'UPPER_case bucket' has characters other than"),
        ("gs://a%b/x", "'a%b' has characters other than"),
        ("ftp://example.org/x", "begins with 'ftp://', a scheme that is not read"),
        ("file:///x.nc", "begins with 'file://', a scheme that is not read"),
    ],
)
def test_what_is_no_address(url, words, offline):
    """Nothing is asked of the network, and it is said whether it may be or not."""
    with pytest.raises(InputDataError) as caught:
        open_dataset(url, offline=offline)
    assert url in caught.value.message and words in caught.value.message
    assert caught.value.hint
    with pytest.raises(InputDataError, match=re.escape(caught.value.message)):
        is_remote(url)


def test_passwords_are_not_shown():
    with pytest.raises(InputDataError) as caught:
        open_dataset("https://me:secret@[::1/x?signature=hidden")
    assert "secret" not in str(caught.value) and "hidden" not in str(caught.value)


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


def test_incomplete_zarr_metadata(tmp_path, native):
    native.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    (tmp_path / "a.zarr" / ".zgroup").unlink()
    error = refused(tmp_path / "a.zarr")
    assert "incomplete" in error.message
    assert "begin with a dot" in error.hint


def test_no_variables(tmp_path):
    xr.Dataset(coords={"time": [0]}).to_netcdf(tmp_path / "a.nc")
    assert "no variables" in refused(tmp_path / "a.nc").message


def test_undecodable_times(tmp_path, native):
    days = ("time", [1], {"units": "fortnights since 1900-01-01"})
    native.assign_coords(time=days).to_netcdf(tmp_path / "a.nc")
    error = refused(tmp_path / "a.nc")
    assert "times" in error.message and "fortnights" in error.message
    assert "hours since" in error.hint


@pytest.mark.parametrize(
    "error, words",
    [
        (MemoryError("Unable to allocate 9 TiB"), "there is not enough memory."),
        (EOFError(), "cannot be read: EOFError."),
        (OSError("It ended."), "cannot be read: It ended."),
    ],
)
def test_why_values_cannot_be_read(error, words):
    said = reading_error("'t'", error)
    assert said.message.endswith(words) and said.hint
