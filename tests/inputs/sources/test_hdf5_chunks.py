"""Chunks of NetCDF-4 files that would decode to more than their variable declares."""

import bz2
import subprocess
import sys
import zlib

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources import hdf5_chunks as module
from ngcm_cli.inputs.sources.checked_netcdf import open_netcdf
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks, doubtful_chunks
from ngcm_cli.inputs.sources.open import open_dataset
from ngcm_cli.output.netcdf import read_through
from ngcm_cli.plots.sources import open_source
from ngcm_cli.tracks.track_file import read_tracks
from ngcm_cli.verification.score_file import read_scores

SHAPE = 2, 20, 30
SMALL = 3 * 10**7  # bytes, of bombs that harm nobody


@pytest.fixture
def doubting(monkeypatch):
    """Count what chunks decode to as if the memory had a megabyte."""
    monkeypatch.setattr(module, "_HARMLESS", 10**6)


def deflated(size):
    """Return a stream of zeros, of which only a part is made."""
    part = min(size, 10**8)
    made = zlib.compressobj()
    head = made.compress(bytes(part)) + made.flush(zlib.Z_FULL_FLUSH)
    return head + (size // part - 1) * head[2:] + b"\x03\0" + bytes(4)


def zstandard(size):
    block = (2**17 << 3 | 2).to_bytes(3, "little") + b"\0"
    head = b"\x28\xb5\x2f\xfd\xa0" + size.to_bytes(4, "little")
    return head + size // 2**17 * block + b"\x09\0\0\0"


def netcdf(path, raw=None, at=(1, 0, 0), group=None, shape=SHAPE, **compression):
    """Write a file; one chunk of its variable has raw bytes."""
    values = np.random.default_rng(0).normal(288, 5, shape).astype("f4")
    with netCDF4.Dataset(path, "w") as file:
        place = file.createGroup(group) if group else file
        for name, size, last, unit in zip(
            ("time", "lat", "lon"), shape, (1, 90, 360 - 360 / shape[-1]),
            ("days since 2000-01-01", "degrees_north", "degrees_east"), strict=True,
        ):  # fmt: skip
            place.createDimension(name, size)
            axis = place.createVariable(name, "f8", (name,))
            axis[:], axis.units = (
                np.linspace(-90 if name == "lat" else 0, last, size),
                unit,
            )
        variable = place.createVariable(
            "sst", "f4", ("time", "lat", "lon"), chunksizes=(1, *shape[1:]),
            fill_value=-999, **(compression or {"compression": "zlib"}),
        )  # fmt: skip
        variable[:] = values
        variable.units = "K"
    if raw is not None:
        with h5py.File(path, "r+") as file:
            file[f"{group or ''}/sst"].id.write_direct_chunk(at, raw)
    return path


_READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (8 * 10**9,) * 2)
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.open import open_dataset
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open_dataset(sys.argv[1]) as dataset:
    try:
        dataset["sst"].load()
    except InputDataError as error:
        print(error.message)
print("kB:", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used)
"""


def test_a_bomb_stops_before_it_fills_the_memory(tmp_path):
    """Without the check it takes 3.1 GB."""
    path = netcdf(tmp_path / "a.nc", deflated(15 * 10**8))
    assert path.stat().st_size < 2 * 10**6
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    refused, used = done.stdout.splitlines()
    assert refused == (
        f"In '{path}' the chunk [1, 0, 0] of variable 'sst' would take more than "
        "1.05 MB in memory, far more than its shape."
    )
    assert int(used.split()[1]) < 300_000


BOMBS = {
    "zlib": ({"compression": "zlib", "fletcher32": True}, deflated),
    "bzip2": ({"compression": "bzip2"}, lambda size: bz2.compress(bytes(size))),
    "zstd": ({"compression": "zstd"}, zstandard),
    "blosc": (
        {"compression": "blosc_lz"},
        lambda size: b"\x02\x01\x01\x04" + size.to_bytes(4, "little") + bytes(12),
    ),
    "szip": ({"compression": "szip"}, lambda size: size.to_bytes(4, "little")),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_every_compressor_of_netcdf(tmp_path, doubting, kind):
    compression, made = BOMBS[kind]
    if not getattr(netCDF4, f"__has_{kind.replace('zstd', 'zstandard')}_support__", 1):
        pytest.skip(f"netCDF4 is built without {kind}")
    path = netcdf(tmp_path / "a.nc", **compression)
    with open_dataset(str(path)) as dataset:
        expected = dataset["sst"].load()
        assert np.isfinite(expected).all()
    netcdf(path, made(SMALL), **compression)
    with open_dataset(str(path)) as dataset:
        found = dataset["sst"]
        xr.testing.assert_identical(found[0].load(), expected[0])
        for part in slice(None), slice(1, 2), np.array([1]):
            with pytest.raises(InputDataError, match=r"the chunk \[1, 0, 0\]"):
                found[part, 3].load()


@pytest.mark.parametrize(
    "other", [{"scaleoffset": 2}, {"compression": "lzf"}, {"shuffle": True}]
)
def test_other_filters_of_hdf5(tmp_path, other):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.create_dataset("v", data=np.arange(4000.0), chunks=(500,), **other)
    check_chunks(tmp_path / "a.nc")


@pytest.mark.parametrize("number", [5, 6])
def test_packed_bits_declare_how_many_numbers_they_are(number):
    data = np.zeros(10, "u1")
    assert module._size(data, number, (0, 0, 1000, 1, 8), 10**6) == 8000


def test_what_is_compressed_twice(tmp_path):
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((50,))
    made.set_deflate(1)
    made.set_filter(h5py.h5z.FILTER_DEFLATE, 0, (1,))
    with h5py.File(tmp_path / "a.nc", "w") as file:
        space = h5py.h5s.create_simple((50,))
        array = h5py.h5d.create(file.id, b"v", h5py.h5t.IEEE_F32LE, space, made)
        array.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros(50, "f4"))
    with pytest.raises(InputDataError, match="'v' is compressed 2 times"):
        check_chunks(tmp_path / "a.nc")


def test_a_filter_that_a_chunk_skips_does_not_count(tmp_path, doubting):
    path = netcdf(tmp_path / "a.nc", compression="zlib", shuffle=False)
    with h5py.File(path, "r+") as file:
        values = np.full((1, *SHAPE[1:]), 3, "f4").tobytes()
        file["sst"].id.write_direct_chunk((1, 0, 0), values, filter_mask=1)
    with open_dataset(str(path)) as dataset:
        assert (dataset["sst"][1] == 3).all()


def test_a_coordinate_is_checked_before_xarray_reads_it(tmp_path, doubting):
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 50)
        variable = file.createVariable("x", "f4", ("x",), zlib=True, chunksizes=(50,))
        variable[:] = np.arange(50)
        file.createVariable("v", "f4", ("x",))[:] = 1
    with h5py.File(path, "r+") as file:
        file["x"].id.write_direct_chunk((0,), deflated(SMALL))
    with pytest.raises(InputDataError, match="of variable 'x' would take"):
        open_dataset(str(path))


def test_whole_chunks_are_read_as_xarray_reads_them(tmp_path):
    """Noise in 0.25 degrees, whose chunks are large enough to be doubted."""
    path = netcdf(tmp_path / "a.nc", shape=(2, 721, 1440))
    doubtful = doubtful_chunks(path, "a.nc")
    assert doubtful["sst"].offsets.tolist() == [[0, 0, 0], [1, 0, 0]]
    how = {"decode_timedelta": False, "cache": False}
    with (
        xr.open_dataset(path, engine="netcdf4", **how) as expected,
        open_netcdf(path, "a.nc", **how) as found,
    ):
        assert found["sst"].encoding == expected["sst"].encoding
        assert found.encoding == expected.encoding
        for index in (1, 5), ([1, 0], slice(3, 700, 7)), (slice(0), 0):
            chosen = dict(zip(("time", "lat"), index, strict=True))
            xr.testing.assert_identical(found.isel(chosen), expected.isel(chosen))
        places = {"lat": ("p", [0, 4]), "lon": ("p", [9, 2])}  # point by point
        at = {n: xr.DataArray(x[1], dims=x[0]) for n, x in places.items()}
        xr.testing.assert_identical(found.isel(at), expected.isel(at))


def test_groups_names_and_other_files(tmp_path, doubting):
    path = netcdf(tmp_path / "a.nc", deflated(SMALL), group="within")
    assert not doubtful_chunks(path, "a.nc")
    with pytest.raises(InputDataError, match="of variable 'within/sst' would"):
        check_chunks(path)
    check_chunks(tmp_path / "nothing.nc")
    xr.Dataset({"v": ("x", [1.0])}).to_netcdf(
        tmp_path / "3.nc", format="NETCDF3_64BIT", engine="netcdf4"
    )
    check_chunks(tmp_path / "3.nc")
    with netCDF4.Dataset(path, "w") as file:  # of the name of a dimension
        file.createDimension("x", 9)
        file.createDimension("y", 8)
        file.createVariable("x", "f4", ("y",), zlib=True, chunksizes=(8,))[:] = 1
    with h5py.File(path, "r+") as file:
        file["_nc4_non_coord_x"].id.write_direct_chunk((0,), deflated(SMALL))
    assert list(doubtful_chunks(path, "a.nc")) == ["x"]
    with h5py.File(tmp_path / "ring.nc", "w") as file:
        file.create_group("a")["b"] = file["/"]
        file["broken"] = h5py.SoftLink("/nothing")
    check_chunks(tmp_path / "ring.nc")


@pytest.mark.parametrize("read", [read_tracks, read_scores, read_through, open_source])
def test_every_reader_of_netcdf(tmp_path, doubting, read):
    path = netcdf(tmp_path / "a.nc", deflated(SMALL))
    with pytest.raises(Exception, match="'sst' would take more than"):
        read(path).load()


def test_a_file_that_cannot_be_checked(tmp_path):
    path = netcdf(tmp_path / "a.nc")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputDataError, match="a.nc' cannot be read") as caught:
        check_chunks(path)
    assert "nccopy" in caught.value.hint


def test_damage_is_refused_with_a_sentence_or_does_not_matter(
    tmp_path, doubting, monkeypatch
):
    """Of h5py it has many kinds of errors, among them TypeError."""
    monkeypatch.setattr(module, "_MOST_OF_DEFLATE", 10**9)  # every chunk is read
    path = netcdf(tmp_path / "a.nc")
    content, random, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 4):
            damaged[place] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            check_chunks(path)
        except InputDataError as error:
            assert "a.nc" in error.message
            refused += 1
    assert 0 < refused < 300
