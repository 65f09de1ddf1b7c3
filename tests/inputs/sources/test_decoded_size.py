"""Compressed chunks that would decode to more than their array declares."""

import bz2
import gzip
import subprocess
import sys

import numcodecs
import numpy as np
import pytest
import zarr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources import decoded_size as module
from ngcm_cli.inputs.sources.decoded_size import decoded_size
from ngcm_cli.inputs.sources.open import open_dataset

MUCH = 10**10
BOMB = 3 * 10**9  # bytes


def stated(codec, size=None):
    return codec.codec_id, np.frombuffer(codec.encode(np.zeros(size, "u1")), "u1")


@pytest.mark.parametrize("size", [200, 255, 30_000, 70_000, 10**6])
@pytest.mark.parametrize(
    "codec",
    [numcodecs.Blosc(), numcodecs.Zstd(), numcodecs.LZ4(), numcodecs.GZip()]
    + [numcodecs.Zlib(), numcodecs.BZ2(), numcodecs.LZMA()],
    ids=lambda codec: codec.codec_id,
)
def test_what_a_chunk_decodes_to(codec, size, monkeypatch):
    monkeypatch.setattr(module, "_RATIOS", {})
    monkeypatch.setattr(module, "_COUNTED_AT_ONCE", 1000)
    name, data = stated(codec, size)
    assert decoded_size(data, name, 10**6) == size
    noise = np.random.default_rng(0).integers(0, 255, size, dtype="u1")
    if name not in ("blosc", "lz4"):  # which have no mark
        assert decoded_size(noise, name, 10**6) == 0
    cut = decoded_size(data[: len(data) // 2], name, 10**6)
    assert cut <= size
    assert decoded_size(data[:0], name, 10**6) == 0


def test_several_members_count_together(monkeypatch):
    monkeypatch.setattr(module, "_RATIOS", {})
    for name, compress in ("gzip", gzip.compress), ("bz2", bz2.compress):
        data = np.frombuffer(2 * compress(bytes(5000)), "u1")
        assert decoded_size(data, name, 10**5) == 10_000
        assert decoded_size(data, name, 4000) > 4000


def test_a_frame_of_zstandard_that_does_not_state_its_size():
    """Blocks of one repeated byte, four bytes each, hold the most."""
    block = (2**17 << 3 | 2).to_bytes(3, "little") + b"\0"
    end = (1 << 3 | 1).to_bytes(3, "little") + b"\0"
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + 100 * block + end
    data = np.frombuffer(frame, "u1")
    assert decoded_size(data, "zstd", MUCH) == 100 * 2**17 + 1
    assert len(numcodecs.Zstd().decode(frame)) == 100 * 2**17 + 1
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    data = np.frombuffer(skippable + frame, "u1")
    assert decoded_size(data, "zstd", MUCH) == 100 * 2**17 + 1


def bomb(codec):
    """Return the bytes of a chunk of three gigabytes of zeros."""
    if codec == "zstd":
        block = (2**17 << 3 | 2).to_bytes(3, "little") + b"\0"
        head, end = b"\x28\xb5\x2f\xfd\x00\x58", b"\x09\0\0\0"
        return head + BOMB // 2**17 * block + end
    compress = {"gzip": gzip.compress, "bz2": bz2.compress}[codec]
    return compress(bytes(10**8)) * (BOMB // 10**8)  # of many members


_READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (8 * 10**9,) * 2)
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.open import open_dataset
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    with open_dataset(path) as dataset:
        try:
            dataset["v"].load()
        except InputDataError as error:
            print(error)
more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used
print("kB:", more)
"""


def test_bombs_stop_before_they_fill_the_memory(tmp_path):
    codecs = {
        "zstd": numcodecs.Zstd(),
        "gzip": numcodecs.GZip(),
        "bz2": numcodecs.BZ2(),
    }
    paths = []
    for name, codec in codecs.items():
        path = tmp_path / f"{name}.zarr"
        array = zarr.create_array(
            path / "v", shape=(8,), chunks=(8,), dtype="f4", compressors=codec,
            zarr_format=2, attributes={"_ARRAY_DIMENSIONS": ["x"]},
        )  # fmt: skip
        array[:] = 1.0
        zarr.open_group(path, mode="a", zarr_format=2)
        (path / "v" / "0").write_bytes(bomb(name))
        paths.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", _READ, *paths],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and int(lines[-1].split()[1]) < 500_000
    for line in lines[:-1]:
        assert "The chunk v/0 would take more than 1.05 MB in memory" in line


def test_a_bomb_in_a_shard(tmp_path):
    path = tmp_path / "a.zarr"
    array = zarr.create_array(
        path / "v", shape=(64,), chunks=(8,), shards=(64,), dtype="f4",
        dimension_names=("x",),
    )  # fmt: skip
    array[:] = np.arange(64)
    zarr.open_group(path, mode="a", zarr_format=3)
    with open_dataset(str(path)) as dataset:
        np.testing.assert_array_equal(dataset["v"].load(), np.arange(64))
    shard = bytearray((path / "v/c/0").read_bytes())
    begin, size = np.frombuffer(bytes(shard[-132:-4]), "<u8").reshape(8, 2)[3]
    frame = b"\x28\xb5\x2f\xfd\xa0" + (4 * 10**9).to_bytes(4, "little")
    shard[begin : begin + len(frame)] = frame
    (path / "v/c/0").write_bytes(bytes(shard))
    for part in slice(None), slice(24, 32):
        with (
            open_dataset(str(path)) as dataset,
            pytest.raises(InputDataError, match="v/c/0 would take more than"),
        ):
            dataset["v"][part].load()


def test_what_is_compressed_twice(tmp_path):
    path = tmp_path / "a.zarr"
    array = zarr.create_array(
        path / "v", shape=(8,), dtype="f4", filters=[numcodecs.GZip()],
        compressors=numcodecs.Zlib(), zarr_format=2,
        attributes={"_ARRAY_DIMENSIONS": ["x"]},
    )  # fmt: skip
    array[:] = 1.0
    zarr.open_group(path, mode="a", zarr_format=2)
    with (
        open_dataset(str(path)) as dataset,
        pytest.raises(InputDataError, match="compressed 2 times, by gzip, zlib"),
    ):
        dataset["v"].load()
