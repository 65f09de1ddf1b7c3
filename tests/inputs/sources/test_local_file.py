"""Files and sizes that are refused before anything is read."""

import os
import tracemalloc

import netCDF4
import numpy as np
import pytest
import zarr
from small_analysis import MODEL_INPUTS, native_analysis

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.data_report import report_data
from ngcm_cli.inputs.recognition import recognise
from ngcm_cli.inputs.sources.open import open_dataset


@pytest.fixture
def bounded():
    """Nothing of the size that is claimed is allocated."""
    tracemalloc.start()
    yield
    assert tracemalloc.get_traced_memory()[1] < 3e8
    tracemalloc.stop()


@pytest.mark.parametrize("kind, opened", [("pipe", "fifo"), ("device", "/dev/zero")])
def test_what_is_no_file(tmp_path, kind, opened):
    if opened == "fifo":
        opened = str(tmp_path / "a.nc")
        os.mkfifo(opened)
    with pytest.raises(InputDataError, match=f"is a {kind}, not a file"):
        open_dataset(opened)


def test_a_sparse_file(tmp_path):
    path = tmp_path / "a.grib"
    path.write_bytes(b"GRIB" + bytes(100))
    os.truncate(path, 30 * 10**9)
    with pytest.raises(InputDataError, match="of its 30 GB only"):
        open_dataset(str(path))


def test_a_name_too_long_for_any_file():
    with pytest.raises(InputDataError, match="There is no file"):
        open_dataset("x" * 5000)


def netcdf(path, sizes):
    with netCDF4.Dataset(path, "w") as file:
        for name, size in sizes.items():
            file.createDimension(name, size)
            axis = file.createVariable(
                name, "f8", (name,), chunksizes=(size // 64 + 1,)
            )
            axis.units = {"level": "hPa"}.get(name, "degrees_north")
            if size < 10**6:
                axis[:] = np.linspace(1, 90, size)
        file.createVariable("ta", "f4", tuple(sizes), zlib=True).units = "K"


def store(path, sizes, chunk):
    group = zarr.open_group(path, mode="w")
    for name, size in sizes.items():
        axis = group.create_array(
            name, shape=(size,), dtype="f8", chunks=(size // 64 + 1,),
            dimension_names=(name,),
        )  # fmt: skip
        axis.attrs["units"] = {"level": "hPa"}.get(name, "degrees_north")
        if size < 10**6:
            axis[:] = np.linspace(1, 90, size)
    field = group.create_array(
        "ta", shape=tuple(sizes.values()), dtype="f4", chunks=chunk,
        dimension_names=tuple(sizes),
    )  # fmt: skip
    field.attrs["units"] = "K"


def test_a_dimension_of_two_to_the_31(tmp_path, bounded):
    sizes = {"level": 3, "lat": 2**31, "lon": 8}
    netcdf(tmp_path / "a.nc", sizes)
    store(tmp_path / "a.zarr", sizes, (1, 100, 8))
    for name in ("a.nc", "a.zarr"):
        with pytest.raises(InputDataError, match="'lat' has 2147483648 values"):
            open_dataset(str(tmp_path / name))


def test_fields_and_chunks_that_fill_the_memory(tmp_path, bounded):
    """A few kilobytes that would become 12 GB."""
    sizes = {"level": 37, "lat": 9000, "lon": 9000}
    netcdf(tmp_path / "a.nc", sizes)
    store(tmp_path / "a.zarr", sizes, (1, 100, 100))
    times = {"time": 10**6, "level": 3, "lat": 18, "lon": 36}
    store(tmp_path / "b.zarr", times, (10**6, 1, 18, 36))
    for name, words in (
        ("a.nc", "One time of variable 'ta' takes 12 GB"),
        ("a.zarr", "One time of variable 'ta' takes 12 GB"),
        ("b.zarr", "One chunk of variable 'ta' takes 2.59 GB"),
    ):
        with (
            open_dataset(str(tmp_path / name)) as dataset,
            pytest.raises(InputDataError, match=words),
        ):
            recognise(dataset, ["temperature"])


@pytest.mark.parametrize("variables", [20, 2000])
def test_recognition_looks_at_each_of_many_variables_once(monkeypatch, variables):
    """An array of each would take minutes for ten thousand."""
    dataset = native_analysis()
    one = dataset["temperature"].variable
    dataset = dataset.assign({f"v{number}": one for number in range(variables)})
    made = []
    make = type(dataset)._construct_dataarray
    monkeypatch.setattr(
        type(dataset),
        "_construct_dataarray",
        lambda self, name: made.append(name) or make(self, name),
    )
    recognise(dataset, MODEL_INPUTS.readable)
    assert len(made) < 100


@pytest.mark.parametrize("key", ["units", "standard_name", "cell_methods"])
@pytest.mark.parametrize("name", ["temperature", "level", "time"])
def test_attributes_that_should_be_text(tmp_path, key, name):
    """As they are in damaged files; what they say decides, not a traceback."""
    native_analysis().to_netcdf(tmp_path / "a.nc")
    with netCDF4.Dataset(tmp_path / "a.nc", "a") as file:
        file[name].setncattr(key, np.array([1.5, 2.5]))
    try:
        report = report_data(str(tmp_path / "a.nc"), MODEL_INPUTS)
        assert report.usable == (key != "units" or name == "level")
    except InputDataError as error:
        assert name == "time" and key == "units" and "[1.5 2.5]" in str(error)
