"""Stores of records: any order, again, after a kill; the same bytes in the end."""

import dataclasses
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import cf_xarray  # noqa: F401
import numpy as np
import pytest
import xarray as xr
from ngcm_cli.output.records import RecordStore
from small_climate import SIGMA, contents, record, small_climate

from ngcm_cli.errors import OutputError

DAYS = 30
CLIMATE = small_climate(end="1984-01-31")
SEVERAL = small_climate(end="1984-01-31", realizations=(3, 4))
STORES = {
    "monthly": small_climate().means("monthly"),
    "daily": CLIMATE.means("daily"),
    "zonal": CLIMATE.zonal("daily"),
    "global": CLIMATE.global_means(),
    "short chunks": dataclasses.replace(CLIMATE.global_means(), chunk=7),
    "several": dataclasses.replace(SEVERAL.zonal("daily"), chunk=7),
}


def all_records(records):
    """Index and run of every record."""
    runs = [None] if records.realizations is None else range(records.realizations)
    return [(index, run) for index in range(records.count) for run in runs]


def write(store, places):
    for index, run in places:
        store.write(index, record(store.records, index, run or 0), run)
    store.flush()


def assert_holds(path, records, places):
    """The records that were written, bit for bit, and NaN everywhere else."""
    with xr.open_zarr(path) as ds:
        for name in records.fields:
            expected = np.full(records.shape(name), np.nan, "f4")
            for index, run in places:
                where = (index,) if run is None else (run, index)
                expected[where] = record(records, index, run or 0)[name]
            np.testing.assert_array_equal(ds[name].values, expected, strict=True)


@pytest.mark.parametrize("kind", STORES)
def test_records_come_in_any_order(tmp_path, kind):
    records, path = STORES[kind], tmp_path / "some.zarr"
    places = all_records(records)
    some = np.random.default_rng(5).permutation(places)[: 2 * len(places) // 3 or 1]
    some = [(int(index), run) for index, run in some]
    write(RecordStore(path, records), some)
    assert_holds(path, records, some)


@pytest.mark.parametrize("kind", STORES)
def test_written_in_two_goes_or_twice_the_bytes_are_the_same(tmp_path, kind):
    records = STORES[kind]
    places = all_records(records)
    write(RecordStore(tmp_path / "once", records), places)
    once = contents(tmp_path / "once")
    # The second go begins within what the first has written, and within a chunk.
    write(RecordStore(tmp_path / "twice", records), places[: 2 * len(places) // 3])
    write(RecordStore(tmp_path / "twice", records), places[len(places) // 2 :])
    assert contents(tmp_path / "twice") == once
    write(RecordStore(tmp_path / "once", records), places)
    assert contents(tmp_path / "once") == once


def test_nothing_written_reads_as_nan(tmp_path):
    records = STORES["global"]
    RecordStore(tmp_path / "new.zarr", records)
    assert_holds(tmp_path / "new.zarr", records, [])


def test_a_record_with_some_of_the_fields_leaves_the_others_nan(tmp_path):
    records = STORES["monthly"]
    fields = record(records, 1)
    store = RecordStore(tmp_path / "s.zarr", records)
    store.write(1, {"surface_pressure": fields["surface_pressure"]})
    with xr.open_zarr(tmp_path / "s.zarr") as ds:
        assert np.isnan(ds.temperature.values).all()
        np.testing.assert_array_equal(
            ds.surface_pressure[1].values, fields["surface_pressure"]
        )


def test_a_store_opens_as_climate(tmp_path):
    store = RecordStore(tmp_path / "s.zarr", STORES["several"])
    store.mark(status="complete", completed_records=DAYS)
    with xr.open_zarr(tmp_path / "s.zarr", consolidated=True) as ds:
        assert ds.attrs["status"] == "complete"
        assert ds.attrs["completed_records"] == DAYS
        assert ds.attrs["frequency"] == "day"
        assert str(ds.time.values[0]) == "1984-01-01T12:00:00.000000000"
        assert ds.temperature.dims == ("realization", "time", "level", "latitude")
        assert ds.realization.values.tolist() == [3, 4]
        assert ds.cf["T"].name == "time" and ds.cf["Y"].name == "latitude"
        assert ds.cf["vertical"].name == "level"
        assert ds.cf.bounds["T"] == ["time_bnds"]
        assert ds.temperature.attrs["cell_methods"] == (
            "time: mean (interval: 6 hours) longitude: mean"
        )
    RecordStore(tmp_path / "g.zarr", STORES["global"])
    with xr.open_zarr(tmp_path / "g.zarr", consolidated=True) as ds:
        np.testing.assert_array_equal(ds.sigma.values, SIGMA)
        assert ds.cf["vertical"].name == "sigma"
        assert "latitude" not in ds.coords and "level" not in ds.coords


def test_what_killed_writers_left_is_removed(tmp_path):
    records, path = STORES["daily"], tmp_path / "daily.zarr"
    (tmp_path / ".daily.zarr.0badcafe.partial" / "time").mkdir(parents=True)
    (tmp_path / ".other.zarr.0badcafe.partial").mkdir()
    store = RecordStore(path, records)
    store.write(0, record(records, 0))
    before = contents(path)
    (path / "temperature" / "c" / "0" / "0.0badcafe.partial").write_bytes(b"half")
    (path / "zarr.0badcafe.partial").write_bytes(b"half")
    RecordStore(path, records)
    assert contents(path) == before
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".other.zarr.0badcafe.partial", "daily.zarr"]


@pytest.mark.parametrize(
    "other",
    [
        small_climate(end="1984-02-01"),
        small_climate(end="1984-01-31", levels=(200, 500)),
        small_climate(end="1984-01-31", realizations=(0, 1)),
        small_climate(
            end="1984-01-31",
            variables=("temperature", "surface_pressure", "geopotential"),
        ),
    ],
)
def test_another_store_is_refused(tmp_path, other):
    RecordStore(tmp_path / "s.zarr", CLIMATE.means("daily"))
    before = contents(tmp_path)
    with pytest.raises(OutputError, match="s.zarr does not hold what this run writes"):
        RecordStore(tmp_path / "s.zarr", other.means("daily"))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("content", [None, "", "[1]", "{"])
def test_a_damaged_store_is_a_sentence(tmp_path, content):
    path = tmp_path / "s.zarr"
    RecordStore(path, CLIMATE.means("daily"))
    if content is None:
        (path / "zarr.json").unlink()
    else:
        (path / "zarr.json").write_text(content)
    with pytest.raises(OutputError, match="s.zarr is not a Zarr store, or a damaged"):
        RecordStore(path, CLIMATE.means("daily"))


def test_a_store_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.rename", refuse)
    with pytest.raises(OSError, match="No space"):
        RecordStore(tmp_path / "s.zarr", CLIMATE.means("daily"))
    assert list(tmp_path.iterdir()) == []


WRITER = """
    import pathlib, sys
    sys.path.insert(0, {tests!r})
    from test_records import STORES, all_records, record, RecordStore
    store = RecordStore(pathlib.Path({path!r}), STORES[{kind!r}])
    for index, run in all_records(store.records):
        store.write(index, record(store.records, index, run or 0), run)
        store.flush()
        print(index, flush=True)
"""


@pytest.mark.parametrize("kind, killed", [("daily", 3), ("several", 24)])
def test_killed_and_written_again_the_bytes_are_the_same(tmp_path, kind, killed):
    records, path = STORES[kind], tmp_path / "killed.zarr"
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
    with xr.open_zarr(path) as ds:  # whole records, or NaN
        first = ds.temperature.isel(time=slice(0, killed)).values
        assert np.isfinite(first).all()
        assert np.isnan(ds.temperature.isel(time=-1).values).all()
    places = all_records(records)
    write(RecordStore(path, records), places[killed - 1 :])
    write(RecordStore(tmp_path / "whole.zarr", records), places)
    assert contents(path) == contents(tmp_path / "whole.zarr")
