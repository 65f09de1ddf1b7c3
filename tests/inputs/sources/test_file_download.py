"""Files on servers: fetched once, whole, and kept."""

import contextlib
import logging
import multiprocessing
import os
import re
import time

import numpy as np
import pytest
import servers
from servers import Fault

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources import download
from ngcm_cli.inputs.sources.download import download_file, downloaded_path
from ngcm_cli.inputs.sources.open import missing_chunks, open_dataset

always = float("inf")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, impatience):
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def network(tmp_path, native):
    """The way to a plain web server with an analysis in NetCDF."""
    folder = tmp_path / "web" / "data"
    folder.mkdir(parents=True)
    native.to_netcdf(folder / "era5.nc")
    with (
        servers.web(folder.parent) as address,
        servers.network_to(address) as network,
    ):
        yield network


@pytest.fixture
def url(network):
    return f"{network.address}/data/era5.nc"


@pytest.fixture
def body(tmp_path, network):
    return (tmp_path / "web" / "data" / "era5.nc").read_bytes()


def kept(home):
    """Return what is kept, but for the checksums beside it."""
    folder = home / "data" / "files"
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    return [name for name in names if not name.endswith(".crc32c")]


def refused(url, **options):
    with pytest.raises(InputDataError) as caught:
        open_dataset(url, **options)
    assert url.partition("?")[0] in caught.value.message
    assert caught.value.hint
    said = str(caught.value)
    assert "obstore" not in said and "Generic" not in said and "Debug" not in said
    return caught.value


def accept(file):
    pass


def test_it_is_fetched_once_and_kept(network, url, body, native, home, caplog):
    caplog.set_level(logging.INFO)
    seen = []
    for _ in range(2):
        with open_dataset(url, progress=lambda *now: seen.append(now)) as dataset:
            np.testing.assert_array_equal(dataset["temperature"], native["temperature"])
            assert missing_chunks(dataset, "temperature") == ()
    assert network.count("era5.nc") == 1
    assert seen[-1] == (len(body), len(body)) and seen == sorted(set(seen))
    assert {total for _, total in seen} == {len(body)}
    assert kept(home) == [downloaded_path(url).name]
    assert downloaded_path(url).read_bytes() == body
    first, second = caplog.messages
    assert f"Downloading '{url}' (" in first and str(downloaded_path(url)) in first
    assert "downloaded from" in second and str(downloaded_path(url)) in second
    with open_dataset(url, offline=True) as dataset:  # nor need anything be asked
        assert "temperature" in dataset
    assert network.count("era5.nc") == 1


def test_offline(network, url, home):
    error = refused(url, offline=True)
    assert "offline" in error.message and "local copy" in error.hint
    with pytest.raises(InputDataError, match="offline"):
        download_file(url, accept, offline=True)
    assert network.requests == [] and kept(home) == []


@pytest.mark.parametrize(
    "url, name",
    [
        ("https://host/data/era5.nc", r"era5-\w{12}\.nc"),
        ("gs://bucket/a/era5.grib2", r"era5-\w{12}\.grib2"),
        ("https://host/a%20b%2F..%2Fc%00.nc?token=1", r"c_-\w{12}\.nc"),
        ("https://host/get?file=era5.nc", r"get-\w{12}"),
        ("https://host/..", r"data-\w{12}"),
        ("https://host", r"data-\w{12}"),
        ("https://host/" + "x" * 300 + ".nc", r"x{60}-\w{12}\.nc"),
    ],
)
def test_names_can_be_read(url, name, home):
    file = downloaded_path(url)
    assert file.parent == home / "data" / "files"
    assert re.fullmatch(name, file.name)
    assert file.name != downloaded_path(url + "x").name


@pytest.mark.parametrize("cloud", ["gs", "s3"])
def test_from_object_stores(cloud, request, tmp_path, native, monkeypatch):
    native.to_netcdf(tmp_path / "a.nc")
    if cloud == "gs":
        address = request.getfixturevalue("google_store")
        servers.upload_to_google(address, tmp_path / "a.nc", "files/a.nc")
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address.removeprefix("http://"))
        url = "gs://public/files/a.nc"
    else:
        address = request.getfixturevalue("amazon_store")
        servers.upload_to_amazon(address, tmp_path / "a.nc", "files/a.nc")
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        url = "s3://era5/files/a.nc"
    with open_dataset(url) as dataset:
        np.testing.assert_array_equal(dataset["temperature"], native["temperature"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault("era5.nc", 2, status=429, headers={"Retry-After": "1"}),
        Fault("era5.nc", 3, status=503),
        Fault("era5.nc", 2, cut=5000),
        Fault("era5.nc", 1, cut=5000, stall=1.5),
    ],
    ids=repr,
)
@pytest.mark.parametrize("etags", [True, False])
def test_it_asks_again(network, url, body, fault, etags, hurry, monkeypatch):
    hurry(fault)
    monkeypatch.setattr("ngcm_cli.inputs.sources.object_store.MIN_CHUNK_BYTES", 1000)
    network.etags, network.faults = etags, [fault]
    seen = []
    file = download_file(url, accept, progress=lambda *now: seen.append(now))
    assert file.read_bytes() == body
    assert seen[-1] == (len(body), len(body))


def test_it_goes_on_where_the_connection_broke(
    google_store, google_network, tmp_path, monkeypatch
):
    """Where a server sends parts, as Google's does; plain web servers do not."""
    monkeypatch.setattr("ngcm_cli.inputs.sources.object_store.MIN_CHUNK_BYTES", 1000)
    body = os.urandom(200_000)
    (tmp_path / "a.bin").write_bytes(body)
    servers.upload_to_google(google_store, tmp_path / "a.bin", "files/a.bin")
    google_network.faults = [
        Fault("a.bin", 3, cut=50_000)
    ]  # more than allowed in a row
    seen = []
    progress = lambda *now: seen.append(now[0])
    file = download_file("gs://public/files/a.bin", accept, progress=progress)
    assert file.read_bytes() == body
    assert seen == sorted(seen)
    ranges = [part for path, part in google_network.requests if "a.bin" in path]
    assert ranges[0] is None and all(part.startswith("bytes=") for part in ranges[1:])
    assert len(ranges) == 4


def test_a_server_that_always_begins_anew_is_given_up(
    network, url, impatience, monkeypatch
):
    """Where each try brings something, but never more than an earlier one."""
    monkeypatch.setattr("ngcm_cli.inputs.sources.object_store.MIN_CHUNK_BYTES", 1000)
    network.faults = [Fault("era5.nc", always, cut=5000)]
    with pytest.raises(InputDataError, match="breaks the connection|part of a file"):
        download_file(url, accept)
    assert len(network.requests) <= 3 * (1 + impatience.failed_transfers)


def test_a_file_that_changes_half_way_is_fetched_anew(
    google_store, google_network, tmp_path, monkeypatch
):
    monkeypatch.setattr("ngcm_cli.inputs.sources.object_store.MIN_CHUNK_BYTES", 1000)
    new = os.urandom(100_000)
    for name, body in ("old", os.urandom(200_000)), ("new", new):
        (tmp_path / name).write_bytes(body)
    put = servers.upload_to_google
    put(google_store, tmp_path / "old", "files/changes.bin")
    google_network.faults = [Fault("changes.bin", 1, cut=50_000)]
    exchange = lambda done, total: (
        put(google_store, tmp_path / "new", "files/changes.bin")
        if total == 200_000 and done < 50_000
        else None
    )
    file = download_file("gs://public/files/changes.bin", accept, progress=exchange)
    assert file.read_bytes() == new


@pytest.mark.parametrize(
    "fault, words, hint",
    [
        (Fault(status=429), "after 4 tries the server still answers 429 Too", "later"),
        (Fault(status=403), "denied (403)", "logged in"),
        (Fault(status=404), "no Zarr store and no file", "path"),
        (Fault(status=200, body=b""), "is an empty file", "again"),
        (Fault(status=200, body=b"<!DOCTYPE html><p>Log in"), "is a web page", "Open"),
        (Fault(status=200, body=b'["no"]'), "is a text file", "NetCDF"),
        (Fault(cut=5000), "breaks the connection", "later"),
    ],
    ids=repr,
)
def test_it_gives_up_in_words(network, url, home, fault, words, hint):
    fault.path, fault.times = "era5.nc", always
    network.faults = [fault]
    error = refused(url)
    assert words in error.message
    assert hint in error.hint
    assert kept(home) == []


def test_a_grib_file_is_kept(network, home):
    """Whoever is told to convert it can do so."""
    grib = b"GRIB\0\0\0\2" + bytes(1000)
    network.faults = [Fault("a.grib", 1, status=200, body=grib)]
    url = f"{network.address}/a.grib"
    assert "GRIB" in refused(url).message
    assert downloaded_path(url).read_bytes() == grib


def test_a_disk_that_is_too_small(url, home, monkeypatch):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    error = refused(url)
    assert " takes " in error.message and "has only 1 kB left" in error.message
    assert "NGCM_HOME" in error.hint
    assert kept(home) == []


def test_a_folder_that_cannot_be_written(url, home):
    home.write_text("a file")
    with pytest.raises(InputDataError) as caught:
        open_dataset(url)
    assert "cannot be written" in caught.value.message
    assert "NGCM_HOME" in caught.value.hint


def test_a_disk_that_fills(url, home, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, piece):
            raise OSError(28, "No space left on device")

    fetch = download._fetch
    monkeypatch.setattr(
        download, "_fetch", lambda u, n, f, target, p: fetch(u, n, f, Full(target), p)
    )
    with pytest.raises(InputDataError) as caught:
        open_dataset(url)
    assert "No space left" in caught.value.message
    assert kept(home) == []


def _fetch_slowly(url, home):
    os.environ["NGCM_HOME"] = str(home)
    download_file(url, accept)


def test_it_follows_where_it_is_sent(network, url, native):
    moved = {"Location": f"{network.address}/data/era5.nc?signed=1"}
    network.faults = [Fault("/doi/1", always, status=302, headers=moved)]
    with open_dataset(f"{network.address}/doi/1") as dataset:
        np.testing.assert_array_equal(dataset["temperature"], native["temperature"])


def test_another_run_fetches_it(network, url, home, body):
    network.faults = [Fault("era5.nc", 1, cut=len(body) - 1, stall=3)]
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_fetch_slowly, args=(url, home))
    process.start()
    try:
        lock = home / "data" / "files" / f"{downloaded_path(url).name}.lock"
        deadline = time.monotonic() + 60
        while not lock.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(InputDataError, match="by another run"):
            open_dataset(url)
    finally:
        process.kill()
        process.join()
    with contextlib.closing(open_dataset(url)) as dataset:  # the lock died with it
        assert "temperature" in dataset
    assert kept(home) == [downloaded_path(url).name]


def test_a_damaged_copy_is_fetched_again(network, url, home, body, caplog):
    open_dataset(url).close()
    copy = downloaded_path(url)
    damaged = bytearray(body)
    damaged[len(body) // 2] ^= 1
    for wrong in damaged, body[:1000], b"<html>":
        copy.write_bytes(wrong)
        with pytest.raises(InputDataError, match="is damaged: "):
            download_file(url, accept, offline=True)
        open_dataset(url).close()
        assert copy.read_bytes() == body
        assert "is damaged" in caplog.text
    assert network.count("era5.nc") == 4


def test_a_body_that_is_no_dataset_is_not_kept(network, url, home, body):
    network.faults = [Fault("era5.nc", 1, status=200, body=body[:8] + bytes(5000))]
    assert "truncated" in str(refused(url))
    assert kept(home) == []
    open_dataset(url).close()
