"""Zarr stores: any order, again, after a kill; the same bytes in the end."""

import dataclasses
import itertools
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
from small_output import (
    SIGMA,
    contents,
    forecast_schema,
    opened,
    record,
    selection,
    stream,
)

from ngcm_cli.errors import OutputError
from ngcm_cli.output import zarr as zarr_module
from ngcm_cli.output.zarr import (
    ZarrWriter,
    create_store,
    extend_store,
    open_store,
    remove_partial_chunks,
)


def with_chunks(schema, records, chunks=1):
    """Return a schema with so many records in a chunk, and chunks in a file."""
    variables = {}
    for name, variable in schema.variables.items():
        at = len(schema.record_dimensions) - 1
        shapes = [
            (*variable.chunks[:at], size, *variable.chunks[at + 1 :])
            for size in (records, records * chunks)
        ]
        variables[name] = dataclasses.replace(
            variable, chunks=shapes[0], shards=shapes[1]
        )
    return dataclasses.replace(schema, variables=variables)


MONTH = {"end": "1984-01-31"}
DAILY = stream("daily", **MONTH).schema
SCHEMAS = {
    "monthly": stream("monthly").schema,
    "daily": DAILY,
    "zonal": stream("daily_zonal", **MONTH).schema,
    "global": stream("global", **MONTH).schema,
    "short chunks": with_chunks(stream("global", **MONTH).schema, 7),
    "short files": with_chunks(DAILY, 1, 7),
    "several": with_chunks(
        stream("daily_zonal", realizations=(3, 4), **MONTH).schema, 3, 4
    ),
    "version 2": with_chunks(DAILY, 1, 7).in_format(2),
    "forecast": forecast_schema(
        init_times=np.array(["1959-01-02", "1959-01-03"], "datetime64[s]")
    ),
    "ensemble": forecast_schema(realizations=(0, 1)),
    "ensemble in version 2": forecast_schema(realizations=(0, 1)).in_format(2),
}


def all_records(schema):
    """Return the indices of all records, along the record dimensions."""
    sizes = [len(schema.coordinates[d].values) for d in schema.record_dimensions]
    return list(itertools.product(*map(range, sizes)))


def write(writer, records):
    for record_ in records:
        write_one(writer, record_)
    writer.flush()


def write_one(writer, index):
    *others, _ = writer.schema.record_dimensions
    where = dict(zip(others, index, strict=False))
    writer.write(record(writer.schema, *index), time=index[-1], **where)


def assert_holds(path, schema, records):
    """Compare with the records that were written, and NaN everywhere else."""
    with xr.open_zarr(path, chunks=None) as ds:
        for name, variable in schema.variables.items():
            expected = np.full(variable.shape, np.nan, "f4")
            for index in records:
                expected[index] = record(schema, *index)[name]
            np.testing.assert_array_equal(ds[name].values, expected, strict=True)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_records_come_in_any_order(tmp_path, kind):
    schema, path = SCHEMAS[kind], tmp_path / "some.zarr"
    records = all_records(schema)
    some = np.random.default_rng(5).permutation(records)[: 2 * len(records) // 3 or 1]
    some = [tuple(map(int, index)) for index in some]
    write(opened(path, schema), some)
    assert_holds(path, schema, some)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_written_in_two_parts_or_twice_the_bytes_are_the_same(tmp_path, kind):
    schema = SCHEMAS[kind]
    records = all_records(schema)
    write(opened(tmp_path / "once", schema), records)
    once = contents(tmp_path / "once")
    # The second part begins within what the first has written, and within a chunk.
    write(opened(tmp_path / "twice", schema), records[: 2 * len(records) // 3])
    write(opened(tmp_path / "twice", schema), records[len(records) // 2 :])
    assert contents(tmp_path / "twice") == once
    write(opened(tmp_path / "once", schema), records)
    assert contents(tmp_path / "once") == once


def test_nothing_written_reads_as_nan(tmp_path):
    schema = SCHEMAS["global"]
    opened(tmp_path / "new.zarr", schema)
    assert_holds(tmp_path / "new.zarr", schema, [])


def test_a_record_with_some_of_the_fields_leaves_the_others_nan(tmp_path):
    schema = SCHEMAS["monthly"]
    field = record(schema, 1)["surface_pressure"]
    writer = opened(tmp_path / "s.zarr", schema)
    writer.write({"surface_pressure": field}, time=1)
    with xr.open_zarr(tmp_path / "s.zarr", chunks=None) as ds:
        assert np.isnan(ds.temperature.values).all()
        np.testing.assert_array_equal(ds.surface_pressure[1].values, field)


def test_records_are_written_by_the_file(tmp_path):
    """When one is full; and a flush writes what is in memory."""
    schema, path = SCHEMAS["short files"], tmp_path / "s.zarr"
    writer = opened(path, schema)
    for day in range(9):
        files = sorted(file.name for file in path.glob("temperature/c.*"))
        assert files == (["c.0.0.0.0"] if day >= 7 else [])
        write_one(writer, (day,))
    assert_holds(path, schema, [(day,) for day in range(7)])
    writer.flush()
    assert_holds(path, schema, [(day,) for day in range(9)])
    for name, variable in schema.variables.items():
        assert variable.file_count == 5 and not (path / name / "c").exists()


def test_memory_is_bounded(tmp_path, monkeypatch):
    schema, path = SCHEMAS["several"], tmp_path / "s.zarr"
    writer, read = opened(path, schema), []
    size = sum(x.nbytes for x in record(schema, 0, 0).values())
    monkeypatch.setattr(zarr_module, "BUFFER", 5 * size)
    for index in all_records(schema):
        write_one(writer, index)
        held = [x for series in writer._pending.values() for x in series.values()]
        read.append(sum(x.nbytes for x in held))
        assert read[-1] == writer._pending_bytes
    assert max(read) == 5 * size and 0 in read
    writer.flush()
    assert_holds(path, schema, all_records(schema))


def test_what_could_not_be_written_is_written_by_the_next_flush(tmp_path):
    schema, path = SCHEMAS["short files"], tmp_path / "s.zarr"
    writer, folder = opened(path, schema), path / "temperature"
    write_one(writer, (0,))
    folder.rename(tmp_path / "aside")
    with pytest.raises(OutputError, match="s.zarr/temperature was removed or moved"):
        writer.flush()
    (tmp_path / "aside").rename(folder)
    writer.flush()
    assert_holds(path, schema, [(0,)])


@pytest.mark.parametrize("kind", ["short files", "ensemble", "version 2"])
def test_the_number_of_files_is_known_before(tmp_path, kind):
    schema, path = SCHEMAS[kind], tmp_path / "s.zarr"
    write(opened(path, schema), all_records(schema))
    assert schema.file_count == len(contents(path))


def test_a_record_can_be_read_back(tmp_path):
    schema = SCHEMAS["ensemble"]
    writer = opened(tmp_path / "s.zarr", schema)
    write_one(writer, (1, 0, 1))
    for _ in range(2):
        np.testing.assert_array_equal(
            writer.read("temperature", (1, 0, 1)),
            record(schema, 1, 0, 1)["temperature"],
        )
        writer.flush()


def test_a_store_opens_as_climate(tmp_path):
    writer = opened(tmp_path / "s.zarr", SCHEMAS["several"])
    writer.set_attributes(status="complete", completed_records=30)
    with xr.open_zarr(tmp_path / "s.zarr", consolidated=True) as ds:
        assert ds.attrs["status"] == "complete"
        assert ds.attrs["completed_records"] == 30
        assert str(ds.time.values[0]) == "1984-01-01T12:00:00.000000000"
        assert ds.temperature.dims == ("realization", "time", "level", "latitude")
        assert ds.realization.values.tolist() == [3, 4]
        assert ds.cf["T"].name == "time" and ds.cf["Y"].name == "latitude"
        assert ds.cf["vertical"].name == "level"
        assert ds.cf.bounds["T"] == ["time_bnds"]
    opened(tmp_path / "g.zarr", SCHEMAS["global"])
    with xr.open_zarr(tmp_path / "g.zarr", consolidated=True) as ds:
        np.testing.assert_array_equal(ds.sigma.values, SIGMA)
        assert ds.cf["vertical"].name == "sigma"
        assert "latitude" not in ds.coords and "level" not in ds.coords


@pytest.mark.parametrize("kind", ["ensemble", "several"])
def test_both_versions_of_zarr_hold_the_same(tmp_path, kind):
    schema = SCHEMAS[kind]
    for name, version in (("3", schema), ("2", schema.in_format(2))):
        write(opened(tmp_path / name, version), all_records(version))
    assert (tmp_path / "2" / ".zmetadata").is_file()
    with (
        xr.open_zarr(tmp_path / "3", chunks=None) as third,
        xr.open_zarr(tmp_path / "2", chunks=None, zarr_format=2) as second,
    ):
        xr.testing.assert_identical(second.load(), third.load())
        for name in third.variables:
            assert second[name].dtype == third[name].dtype, name


@pytest.mark.parametrize("consolidated", [True, False])
def test_a_store_opens_as_a_forecast(tmp_path, consolidated):
    opened(tmp_path / "f.zarr", SCHEMAS["forecast"])
    with xr.open_zarr(tmp_path / "f.zarr", consolidated=consolidated) as ds:
        init = np.array(["1959-01-02", "1959-01-03"], "datetime64[s]")
        leads = np.array([0, 6, 12], "timedelta64[h]")
        np.testing.assert_array_equal(ds.init_time, init)
        np.testing.assert_array_equal(ds.lead_time, leads)
        np.testing.assert_array_equal(ds.valid_time, init[:, None] + leads)
        assert "valid_time" in ds.coords and "valid_time" in ds.temperature.coords
        assert ds.cf["forecast_period"].name == "lead_time"
        assert ds.cf["forecast_reference_time"].name == "init_time"
        assert ds.cf["time"].name == "valid_time"
        assert ds.cf.axes["X"] == ["longitude"] and ds.cf.axes["Y"] == ["latitude"]
        assert ds.cf["vertical"].attrs["units"] == "hPa"
        assert ds.cf["air_temperature"].name == "temperature"


@pytest.mark.parametrize("zarr_format", [3, 2])
def test_attributes_are_always_readable(tmp_path, zarr_format):
    """Also from the metadata that Zarr consolidates, and by who opened it before."""
    path, schema = tmp_path / "s.zarr", DAILY.in_format(zarr_format)
    writer, other = opened(path, schema), opened(path, schema)
    for count in range(3):
        writer.set_attributes(completed_records=count)
        with xr.open_zarr(path, consolidated=True) as ds:
            assert ds.attrs["completed_records"] == count
            assert ds.attrs["status"] == "running"
    before = contents(path)
    writer.set_attributes(completed_records=2)
    assert contents(path) == before
    other.set_attributes(status=None)
    with xr.open_zarr(path, consolidated=True) as ds:
        assert "status" not in ds.attrs
        assert ds.attrs["completed_records"] == 2


def test_a_store_opens_while_its_attributes_change(tmp_path):
    path, changing = tmp_path / "s.zarr", threading.Event()
    writer = opened(path, DAILY)

    def change():
        for count in range(60):
            writer.set_attributes(completed_records=count)
        changing.set()

    thread = threading.Thread(target=change)
    thread.start()
    seen = []
    while not changing.is_set():
        with xr.open_zarr(path, consolidated=True, chunks=None) as ds:
            assert ds.sizes["time"] == 30
            seen.append(ds.attrs.get("completed_records", -1))
    thread.join()
    assert seen == sorted(seen) and len(set(seen)) > 1


def test_history_grows_by_what_is_new(tmp_path):
    writer = opened(tmp_path / "s.zarr", DAILY)
    for line in ("first", "second", "first"):
        writer.add_history(line)
    assert open_store(tmp_path / "s.zarr", "r").attrs["history"] == "first\nsecond"


@pytest.mark.parametrize("zarr_format", [3, 2])
def test_members_are_added(tmp_path, zarr_format):
    path, before = tmp_path / "e.zarr", SCHEMAS["ensemble"].in_format(zarr_format)
    write(opened(path, before), all_records(before))
    after = forecast_schema(realizations=(0, 1, 7)).in_format(zarr_format)
    extend_store(path, after)
    write(ZarrWriter(path, after), [(2, 0, lead) for lead in range(3)])
    assert_holds(path, after, all_records(after))
    with xr.open_zarr(path, consolidated=True) as ds:
        assert ds.realization.values.tolist() == [0, 1, 7]
    whole = contents(path)
    extend_store(path, after)
    assert contents(path) == whole


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    (tmp_path / ".daily.zarr.0badcafe.partial" / "time").mkdir(parents=True)
    (tmp_path / ".other.zarr.0badcafe.partial").mkdir()
    opened(tmp_path / "daily.zarr", DAILY)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [".other.zarr.0badcafe.partial", "daily.zarr"]


def test_half_written_chunks_are_removed(tmp_path):
    path = tmp_path / "s.zarr"
    write(opened(path, DAILY), all_records(DAILY))
    before = contents(path)
    (path / "temperature" / "c.0.0.0badcafe.partial").write_bytes(b"half")
    (path / "zarr.0badcafe.partial").write_bytes(b"half")
    remove_partial_chunks(path)
    assert contents(path) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"end": "1984-02-01"},
        {"fields": selection(levels=(200, 500))},
        {"realizations": (0, 1)},
        {"fields": selection(("temperature", "surface_pressure", "geopotential"))},
    ],
)
def test_another_store_is_refused(tmp_path, changes):
    opened(tmp_path / "s.zarr", DAILY)
    before = contents(tmp_path)
    other = stream("daily", **(MONTH | changes)).schema
    with pytest.raises(OutputError, match="s.zarr does not hold what this run writes"):
        ZarrWriter(tmp_path / "s.zarr", other)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("content", [None, "", "[1]", "{"])
def test_a_damaged_store_is_refused(tmp_path, content):
    path = tmp_path / "s.zarr"
    opened(path, DAILY)
    if content is None:
        (path / "zarr.json").unlink()
    else:
        (path / "zarr.json").write_text(content)
    with pytest.raises(OutputError, match="s.zarr is not a Zarr store, or a damaged"):
        ZarrWriter(path, DAILY)


@pytest.mark.parametrize("left", [False, True])
def test_a_store_that_disappears_while_it_is_written(tmp_path, left):
    path = tmp_path / "s.zarr"
    writer = opened(path, DAILY)
    shutil.rmtree(path / "temperature" if left else path)
    with pytest.raises(OutputError, match=r"s.zarr.* was removed"):
        write_one(writer, (0,))
        writer.flush()


def test_a_store_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.rename", refuse)
    with pytest.raises(OSError, match="No space"):
        create_store(tmp_path / "s.zarr", DAILY)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_replaced_when_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "s.zarr"
    write(opened(path, DAILY), all_records(DAILY))
    before, other = contents(path), SCHEMAS["monthly"]
    with monkeypatch.context() as patch:
        patch.setattr(zarr, "consolidate_metadata", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            create_store(path, other, overwrite=True)
    assert contents(path) == before
    create_store(path, other, overwrite=True)
    assert_holds(path, other, [])
    assert [p.name for p in tmp_path.iterdir()] == ["s.zarr"]


WRITER = """
    import pathlib, sys
    sys.path.insert(0, {tests!r})
    from test_zarr_writer import SCHEMAS, all_records, opened, write_one
    writer = opened(pathlib.Path({path!r}), SCHEMAS[{kind!r}])
    for index in all_records(writer.schema):
        write_one(writer, index)
        writer.flush()
        print(index[-1], flush=True)
"""


@pytest.mark.parametrize("kind, killed", [("short files", 9), ("several", 24)])
def test_killed_and_written_again_the_bytes_are_the_same(tmp_path, kind, killed):
    schema, path = SCHEMAS[kind], tmp_path / "killed.zarr"
    tests = str(pathlib.Path(__file__).parent)
    code = textwrap.dedent(WRITER.format(tests=tests, path=str(path), kind=kind))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == killed:
            break
    time.sleep(0.003)  # into the middle of the next
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    first = ({"realization": 0} if kind == "several" else {}) | {"time": killed}
    with xr.open_zarr(path, chunks=None) as ds:  # whole records, or NaN
        assert np.isfinite(ds.temperature.isel(first).values).all()
        assert np.isnan(ds.temperature.isel(time=-1).values).any()
    records = all_records(schema)
    write(opened(path, schema), records[killed - 1 :])
    write(opened(tmp_path / "whole.zarr", schema), records)
    whole = contents(tmp_path / "whole.zarr")
    found = {name: x for name, x in contents(path).items() if ".partial" not in name}
    assert found == whole
