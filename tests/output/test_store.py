"""The store: what is on disk, when, and what is left when a run stops."""

import errno
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time

import cf_xarray  # noqa: F401
import numpy as np
import pytest
import xarray as xr
import zarr
from ngcm_cli.output.layout import Layout
from ngcm_cli.output.store import Store, check_output
from small_disk import small_disk

from ngcm_cli.errors import ConfigError, OutputError, UnstableRunError
from ngcm_cli.output import store as store_module
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(3)  # 8 x 4


def layout(count=3, **changes):
    settings = {
        "init": np.datetime64("1959-01-02T00", "s"),
        "every": np.timedelta64(6 * 3600, "s"),
        "count": count,
        "variables": ("temperature", "u_component_of_wind"),
        "levels": (500, 850),
        "model_levels": (200.0, 500.0, 850.0),
        "grid": OutputGrid.native(GRID),
        "attributes": {"title": "A test", "seed": 7},
    }
    return Layout(**{**settings, **changes})


def fields(lead):
    """Distinct everywhere, in the model's order of axes; one level at the surface."""
    x = np.arange(3 * 8 * 4, dtype=np.float32).reshape(3, 8, 4) + 1000 * lead
    return {
        "temperature": x,
        "u_component_of_wind": -x,
        "geopotential": x,
        "surface_pressure": x[2:],
    }


def write(
    path, count=3, upto=None, variables=("temperature", "u_component_of_wind"), **kwargs
):
    with Store(path, layout(count, variables=variables), **kwargs) as store:
        for lead in range(count if upto is None else upto):
            store.append(fields(lead))


def opened(path):
    if path.suffix == ".zarr":
        return xr.open_zarr(path)
    return xr.open_dataset(path)


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_what_is_written(tmp_path, name):
    path = tmp_path / name
    write(path)
    with opened(path) as ds:
        assert ds["temperature"].dims == (
            "init_time",
            "lead_time",
            "level",
            "latitude",
            "longitude",
        )
        assert set(ds.data_vars) == {"temperature", "u_component_of_wind"}
        assert ds["temperature"].dtype == np.float32
        expected = np.stack([fields(i)["temperature"][1:] for i in range(3)])
        expected = expected.transpose(0, 1, 3, 2)[None]
        np.testing.assert_array_equal(ds["temperature"], expected)
        np.testing.assert_array_equal(ds["u_component_of_wind"], -expected)
        hours = np.array([0, 6, 12], "timedelta64[h]")
        init = np.datetime64("1959-01-02T00")
        np.testing.assert_array_equal(ds["init_time"], [init])
        np.testing.assert_array_equal(ds["lead_time"], hours)
        np.testing.assert_array_equal(ds["valid_time"], [init + hours])
        assert ds["valid_time"].dims == ("init_time", "lead_time")
        assert "valid_time" in ds.coords
        np.testing.assert_array_equal(ds["level"], [500, 850])
        np.testing.assert_array_equal(ds["longitude"], np.arange(8) * 45.0)
        assert np.all(np.diff(ds["latitude"]) > 0)
        assert ds["latitude"].values[0] == pytest.approx(-59.4444, abs=1e-4)
        assert ds.attrs["Conventions"] == "CF-1.11"
        assert ds.attrs["title"] == "A test"
        assert ds.attrs["seed"] == 7
        assert ds.attrs["status"] == "complete"
        assert ds.attrs["completed_lead_times"] == 3
        assert ds.attrs["longitude_wavenumbers"] == 4
        assert ds.attrs["total_wavenumbers"] == 5
        assert ds.attrs["longitude_nodes"] == 8
        assert ds.attrs["latitude_nodes"] == 4
        assert ds.attrs["latitude_spacing"] == "gauss"
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_cf_is_understood(tmp_path, name):
    write(tmp_path / name)
    with opened(tmp_path / name) as ds:
        assert ds.cf["air_temperature"].name == "temperature"
        assert ds.cf["eastward_wind"].attrs["units"] == "m s-1"
        assert ds.cf["forecast_period"].name == "lead_time"
        assert ds.cf["forecast_reference_time"].name == "init_time"
        assert ds.cf["time"].name == "valid_time"
        assert ds.cf.axes["T"] == ["valid_time"]
        assert ds.cf.axes["X"] == ["longitude"]
        assert ds.cf.axes["Y"] == ["latitude"]
        assert ds.cf.axes["Z"] == ["level"]
        assert ds.cf["vertical"].attrs["positive"] == "down"
        assert ds.cf["vertical"].attrs["units"] == "hPa"


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_a_surface_field_has_no_level(tmp_path, name):
    write(tmp_path / name, variables=("surface_pressure", "temperature"))
    with opened(tmp_path / name) as ds:
        surface = ds["surface_pressure"]
        assert surface.dims == ("init_time", "lead_time", "latitude", "longitude")
        assert surface.dtype == np.float32
        expected = np.stack([fields(i)["surface_pressure"][0].T for i in range(3)])
        np.testing.assert_array_equal(surface[0], expected)
        assert surface.attrs == {
            "standard_name": "surface_air_pressure",
            "long_name": "Surface pressure",
            "units": "Pa",
        }
        assert set(surface.coords) == {*surface.dims, "valid_time"}
        assert ds["temperature"].sizes["level"] == 2
        assert set(surface.cf.axes) == {"T", "X", "Y"}


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_surface_fields_alone_make_no_level(tmp_path, name):
    write(tmp_path / name, variables=("surface_pressure",))
    with opened(tmp_path / name) as ds:
        assert "level" not in ds.variables and "level" not in ds.dims
        assert ds.cf["surface_air_pressure"].name == "surface_pressure"
        assert set(ds.cf.axes) == {"T", "X", "Y"}
        assert not ds["surface_pressure"].isnull().any()


def test_size_of_surface_fields():
    at_surface = 4 * 4 * 8
    assert layout(variables=("surface_pressure",)).bytes_per_lead == at_surface
    both = layout(variables=("surface_pressure", "temperature"))
    assert both.bytes_per_lead == 3 * at_surface


def test_without_consolidated_metadata_it_opens_too(tmp_path):
    write(tmp_path / "out.zarr")
    with xr.open_zarr(tmp_path / "out.zarr", consolidated=False) as ds:
        assert ds["lead_time"].dtype.kind == "m"


def test_one_chunk_is_one_lead_time(tmp_path):
    write(tmp_path / "out.zarr")
    array = zarr.open_group(tmp_path / "out.zarr")["temperature"]
    assert array.chunks == (1, 1, 2, 4, 8)
    chunks = [
        p for p in (tmp_path / "out.zarr/temperature/c").rglob("*") if p.is_file()
    ]
    assert len(chunks) == 3


def test_one_chunk_of_a_surface_field_is_one_lead_time(tmp_path):
    write(tmp_path / "out.zarr", variables=("surface_pressure",))
    array = zarr.open_group(tmp_path / "out.zarr")["surface_pressure"]
    assert array.chunks == (1, 1, 4, 8)
    chunks = (tmp_path / "out.zarr/surface_pressure/c").rglob("*")
    assert len([p for p in chunks if p.is_file()]) == 3


def test_full_disk_leaves_no_half_lead_time_of_surface_fields(tmp_path, monkeypatch):
    full_disk(monkeypatch, after=1)
    variables = ("surface_pressure", "temperature")
    with pytest.raises(OutputError, match="holds 1 of 3 lead times"):
        write(tmp_path / "out.zarr", variables=variables)
    with xr.open_zarr(tmp_path / "out.zarr") as ds:
        for variable in ds.data_vars.values():
            assert not variable[0, :1].isnull().any()
            assert variable[0, 1:].isnull().all()


def test_netcdf_is_compressed_in_the_same_chunks(tmp_path):
    write(tmp_path / "out.nc")
    with xr.open_dataset(tmp_path / "out.nc") as ds:
        encoding = ds["temperature"].encoding
        assert encoding["zlib"] and encoding["shuffle"]
        assert encoding["chunksizes"] == (1, 1, 2, 4, 8)


def test_half_hours_and_half_levels(tmp_path):
    half = layout(every=np.timedelta64(1800, "s"), levels=(0.5,), model_levels=(0.5, 1))
    with Store(tmp_path / "out.zarr", half) as store:
        for lead in range(3):
            store.append({k: v[:2] for k, v in fields(lead).items()})
    with xr.open_zarr(tmp_path / "out.zarr") as ds:
        minutes = np.array([0, 30, 60], "timedelta64[m]")
        np.testing.assert_array_equal(ds["lead_time"], minutes)
        assert ds["level"].values == [0.5]


def test_existing_output_is_refused(tmp_path):
    write(tmp_path / "out.zarr")
    with pytest.raises(OutputError, match="exists. .*--overwrite"):
        write(tmp_path / "out.zarr")


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_existing_output_is_overwritten_by_the_first_lead_time(tmp_path, name):
    path = tmp_path / name
    write(path, count=3)
    with Store(path, layout(2), overwrite=True) as store:
        with opened(path) as ds:
            assert ds.sizes["lead_time"] == 3
        store.append(fields(0))
        store.append(fields(1))
    with opened(path) as ds:
        assert ds.sizes["lead_time"] == 2
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_overwrite_keeps_the_old_output_of_a_run_that_did_not_start(tmp_path):
    path = tmp_path / "out.zarr"
    write(path)
    with (
        pytest.raises(UnstableRunError) as caught,
        Store(path, layout(2), overwrite=True),
    ):
        raise UnstableRunError("Unstable.")
    assert caught.value.__notes__ == [f"Nothing was written to {path}."]
    with xr.open_zarr(path) as ds:
        assert ds.attrs["status"] == "complete"


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_overwrite_keeps_the_old_output_until_a_lead_time_is_whole(
    tmp_path, monkeypatch, name
):
    path = tmp_path / name
    write(path)
    full_disk(monkeypatch, after=0)
    with pytest.raises(OutputError, match="disk is full. Nothing was written"):
        write(path, overwrite=True)
    with opened(path) as ds:
        assert ds.attrs["status"] == "complete"
        assert not ds["temperature"].isnull().any()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_overwrite_puts_the_old_output_back(tmp_path, monkeypatch):
    path = tmp_path / "out.zarr"
    write(path)
    rename = os.rename

    def fail_to_take_place(source, target):
        if target == path and not str(source).endswith(".old"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_to_take_place)
    with pytest.raises(OutputError, match="Nothing was written"):
        write(path, count=2, overwrite=True)
    with opened(path) as ds:
        assert ds.sizes["lead_time"] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_one_run_at_a_time(tmp_path, name):
    path = tmp_path / name
    with Store(path, layout(1)) as store:
        store.append(fields(0))
        with pytest.raises(OutputError, match="Another run is writing to .*out"):
            Store(path, layout(1), overwrite=True)
    write(path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_lock_of_a_killed_run_is_no_lock(tmp_path):
    (tmp_path / ".out.zarr.lock").touch()
    write(tmp_path / "out.zarr")
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


def test_lock_is_released_where_the_output_is_refused(tmp_path):
    write(tmp_path / "out.zarr")
    for _ in range(2):
        with pytest.raises(OutputError, match="exists"):
            Store(tmp_path / "out.zarr", layout())
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


def test_disk_without_locks(tmp_path, monkeypatch):
    def flock(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    write(tmp_path / "out.zarr")
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]


def test_overwrite_spares_what_is_no_forecast(tmp_path):
    (tmp_path / "thesis.zarr").mkdir()
    (tmp_path / "thesis.zarr" / "chapter1.tex").touch()
    with pytest.raises(OutputError, match="is not a Zarr store, so it is not"):
        check_output(tmp_path / "thesis.zarr", overwrite=True)
    (tmp_path / "folder.nc").mkdir()
    with pytest.raises(OutputError, match="is not a file, so it is not"):
        check_output(tmp_path / "folder.nc", overwrite=True)


def test_overwrite_through_a_link_replaces_what_it_points_to(tmp_path):
    (tmp_path / "disk").mkdir()
    write(tmp_path / "disk/real.zarr")
    (tmp_path / "out.zarr").symlink_to(tmp_path / "disk/real.zarr")
    write(tmp_path / "out.zarr", count=2, overwrite=True)
    assert (tmp_path / "out.zarr").is_symlink()
    with xr.open_zarr(tmp_path / "disk/real.zarr") as ds:
        assert ds.sizes["lead_time"] == 2


@pytest.mark.parametrize("name", ["out", "out.grib", "out.zarr.gz"])
def test_unknown_format(tmp_path, name):
    with pytest.raises(ConfigError, match="no known format. End its name in"):
        check_output(tmp_path / name)


def test_missing_folder(tmp_path):
    with pytest.raises(OutputError, match="does not exist. Create it"):
        check_output(tmp_path / "not" / "there" / "out.zarr")


def test_folder_that_cannot_be_written_to():
    # Not even root writes into /proc.
    with pytest.raises(OutputError, match="/proc, cannot be written to"):
        check_output(pathlib.Path("/proc/out.zarr"))


def test_check_leaves_nothing(tmp_path):
    check_output(tmp_path / "out.zarr")
    assert not list(tmp_path.iterdir())


def test_store_of_a_running_run_opens(tmp_path):
    path = tmp_path / "out.zarr"
    with Store(path, layout()) as store:
        store.append(fields(0))
        store.append(fields(1))  # waits for the first
        with xr.open_zarr(path) as ds:
            assert ds.attrs["status"] == "running"
            assert ds.attrs["completed_lead_times"] >= 1
            assert not ds["temperature"][0, 0].isnull().any()
            assert ds["temperature"][0, 2].isnull().all()
        store.append(fields(2))


def test_writing_overlaps_with_computing(tmp_path, monkeypatch):
    """The next lead time is computed while the last is written, and only one waits."""
    may_write, threads = threading.Event(), []
    commit = Store._commit

    def slow(self, index, chosen):
        assert may_write.wait(10)
        threads.append(threading.current_thread())
        commit(self, index, chosen)

    monkeypatch.setattr(Store, "_commit", slow)
    with Store(tmp_path / "out.zarr", layout()) as store:
        store.append(fields(0))
        assert store.completed == 0  # and we are back already
        second = threading.Thread(target=store.append, args=(fields(1),))
        second.start()
        second.join(0.1)
        assert second.is_alive()  # one write in flight: the second has to wait
        may_write.set()
        second.join()
        store.append(fields(2))
    assert len(set(threads)) == 1
    assert threads[0] is not threading.main_thread()


def full_disk(monkeypatch, after):
    """Let the store of zarr fail as a full disk does, after so many chunks."""
    from zarr.storage import _local

    put, count = _local._put, 0

    def failing(path, value, *args, **kwargs):
        nonlocal count
        if "/c/" in str(path) and "temperature" in str(path):
            count += 1
            if count > after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return put(path, value, *args, **kwargs)

    monkeypatch.setattr(_local, "_put", failing)


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_full_disk_says_how_far_it_got(tmp_path, monkeypatch, name):
    full_disk(monkeypatch, after=2)
    with pytest.raises(OutputError, match="the disk is full") as caught:
        write(tmp_path / name, count=5)
    left = tmp_path / ("out.zarr" if name == "out.zarr" else "out.partial.zarr")
    assert (
        f"{left} holds 2 of 5 lead times, through 1959-01-02T06:00, and opens as it is."
        in str(caught.value)
    )
    assert not hasattr(caught.value, "__notes__")
    with xr.open_zarr(left) as ds:
        assert ds.attrs["status"] == "failed"
        assert ds.attrs["completed_lead_times"] == 2
        for variable in ds.data_vars.values():
            assert not variable[0, :2].isnull().any()
            assert variable[0, 2:].isnull().all()
    assert [p for p in tmp_path.iterdir()] == [left]


def test_full_disk_at_the_last_lead_time(tmp_path, monkeypatch):
    full_disk(monkeypatch, after=2)
    with pytest.raises(OutputError, match="holds 2 of 3 lead times"):
        write(tmp_path / "out.zarr", count=3)


def test_full_disk_at_the_start_leaves_nothing(tmp_path, monkeypatch):
    def full(path, layout):
        path.mkdir()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store_module, "_write_template", full)
    with pytest.raises(OutputError, match="disk is full. Nothing was written"):
        write(tmp_path / "out.zarr")
    assert not list(tmp_path.iterdir())


def test_full_disk_at_the_first_lead_time_leaves_nothing(tmp_path, monkeypatch):
    full_disk(monkeypatch, after=0)
    with pytest.raises(OutputError, match="disk is full. Nothing was written"):
        write(tmp_path / "out.zarr")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_really_full(tmp_path):
    with small_disk(tmp_path / "disk", size="600k") as disk:
        noise = np.random.default_rng(0)
        grid = OutputGrid.native(Grid.linear(31))
        big = layout(count=100, grid=grid)
        with (
            pytest.raises(OutputError, match="the disk is full") as caught,
            Store(disk / "out.zarr", big) as store,
        ):
            for _ in range(100):
                x = noise.normal(size=(3, 64, 32)).astype(np.float32)
                store.append({"temperature": x, "u_component_of_wind": x})
        with xr.open_zarr(disk / "out.zarr") as ds:
            done = ds.attrs["completed_lead_times"]
            assert 5 < done < 100
            assert f"holds {done} of 100 lead times" in str(caught.value)
            for variable in ds.data_vars.values():
                assert not variable[0, :done].isnull().any()
                assert variable[0, done:].isnull().all()


def test_interrupt_keeps_what_is_whole(tmp_path):
    path = tmp_path / "out.zarr"
    with pytest.raises(KeyboardInterrupt) as caught, Store(path, layout()) as store:
        store.append(fields(0))
        raise KeyboardInterrupt
    assert caught.value.__notes__ == [
        f"{path} holds 1 of 3 lead times, through 1959-01-02T00:00, and opens as it is."
    ]
    with xr.open_zarr(path) as ds:
        assert ds.attrs["status"] == "interrupted"
        assert ds.attrs["completed_lead_times"] == 1


def test_interrupted_netcdf_leaves_its_store_which_is_not_lost_silently(tmp_path):
    path = tmp_path / "out.nc"
    with pytest.raises(KeyboardInterrupt) as caught, Store(path, layout()) as store:
        store.append(fields(0))
        raise KeyboardInterrupt
    left = tmp_path / "out.partial.zarr"
    assert str(left) in caught.value.__notes__[0]
    with pytest.raises(OutputError, match="left by an interrupted run"):
        check_output(path)
    write(path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["out.nc"]


def test_failed_export_keeps_the_store_and_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.nc"
    path.write_text("old")

    def broken(group, file):
        raise RuntimeError("NetCDF: HDF error")

    monkeypatch.setattr("ngcm_cli.output.netcdf._copy", broken)
    with pytest.raises(OutputError, match="The whole forecast is in .*out.partial"):
        write(path, overwrite=True)
    assert path.read_text() == "old"
    with xr.open_zarr(tmp_path / "out.partial.zarr") as ds:
        assert ds.attrs["status"] == "complete"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_short_run_is_not_called_complete(tmp_path):
    write(tmp_path / "out.zarr", count=3, upto=2)
    with xr.open_zarr(tmp_path / "out.zarr") as ds:
        assert ds.attrs["status"] == "failed"


def test_a_short_run_makes_no_netcdf(tmp_path):
    path = tmp_path / "out.nc"
    with pytest.raises(OutputError, match="ended early.*partial.zarr holds 2 of 3"):
        write(path, count=3, upto=2)
    assert [p.name for p in tmp_path.iterdir()] == ["out.partial.zarr"]
    with xr.open_zarr(tmp_path / "out.partial.zarr") as ds:
        assert ds.attrs["status"] == "failed"


def test_partial_store_behind_a_link_is_removed(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out.partial.zarr").symlink_to(tmp_path / "disk/real.zarr")
    write(tmp_path / "out.nc")
    assert not list((tmp_path / "disk").iterdir())
    with xr.open_dataset(tmp_path / "out.nc") as ds:
        assert ds.attrs["status"] == "complete"


def test_partial_store_that_stays_is_only_mentioned(tmp_path, monkeypatch, caplog):
    rmtree = shutil.rmtree

    def refuse(path, *args, **kwargs):
        if path == tmp_path / "out.partial.zarr":
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        rmtree(path, *args, **kwargs)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    write(tmp_path / "out.nc")
    assert "out.partial.zarr could not be removed" in caplog.text
    assert (tmp_path / "out.nc").exists()


WRITER = """
    import sys, time
    sys.path[:0] = {tests!r}
    from test_store import Store, fields, layout
    import pathlib
    with Store(pathlib.Path({path!r}), layout(count=2000)) as store:
        for lead in range(2000):
            store.append(fields(lead))
"""


@pytest.mark.parametrize("commits", [1, 7, 23])
def test_killed_at_any_moment_the_store_opens(tmp_path, commits):
    path = tmp_path / "out.zarr"
    tests = [str(folder) for folder in pathlib.Path(__file__).parents[:2]]
    code = textwrap.dedent(WRITER.format(tests=tests, path=str(path)))
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None
        metadata = path / "zarr.json"
        if metadata.exists():
            attributes = json.loads(metadata.read_text())["attributes"]
            if attributes["completed_lead_times"] >= commits:
                break
    process.send_signal(signal.SIGKILL)
    process.wait()
    with xr.open_zarr(path) as ds:
        done = ds.attrs["completed_lead_times"]
        assert commits <= done < 2000
        assert ds.attrs["status"] == "running"
        for name, sign in {"temperature": 1, "u_component_of_wind": -1}.items():
            values = ds[name][0, : done + 2].values
            whole = np.stack([fields(i)["temperature"][1:] for i in range(done + 1)])
            whole = sign * whole.transpose(0, 1, 3, 2)
            np.testing.assert_array_equal(values[:done], whole[:done])
            # The one in flight may be there already, and is then right.
            flying = values[done]
            assert np.isnan(flying).all() or (flying == whole[done]).all()
            assert np.isnan(values[done + 1]).all()
    write(path, overwrite=True)  # the lock died with its process
    assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"]
