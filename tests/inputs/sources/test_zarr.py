"""Zarr stores on servers, over a network that behaves well or badly."""

import contextlib
import subprocess
import sys

import arco
import numpy as np
import pytest
import servers
import xarray as xr
import zarr
from servers import Fault

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.recognition import recognise
from ngcm_cli.inputs.sources.fill_values import Fill, fill_of
from ngcm_cli.inputs.sources.object_store import is_url, redacted_url
from ngcm_cli.inputs.sources.open import (
    expect_chunks,
    missing_chunks,
    open_dataset,
    reading_error,
)
from ngcm_cli.inputs.sources.zarr import open_store

GOOGLE = "gs://public/ar/era5.zarr"
T0 = "temperature/0.0.0.0"
always = float("inf")


@pytest.fixture(scope="module")
def era5(tmp_path_factory):
    """The store that is on the servers, here."""
    return arco.build(tmp_path_factory.mktemp("here") / "era5.zarr", beyond=3)


@pytest.fixture
def web_network(era5, impatience):
    """The way to a plain web server that has it."""
    with (
        servers.web(era5.parent) as address,
        servers.network_to(address) as network,
    ):
        yield network


@pytest.fixture
def opened(google_network):
    """The store as Google has it, opened, with nothing read of its fields yet."""
    with open_dataset(GOOGLE) as dataset:
        yield dataset


def read(dataset, name="temperature", time=0):
    return dataset[name].isel(time=time).compute().values


def refused(url, **options):
    with pytest.raises(InputDataError) as caught:
        open_dataset(url, **options)
    assert url.partition("?")[0] in caught.value.message
    assert caught.value.hint
    said = str(caught.value)
    assert "obstore" not in said and "Generic" not in said and "Debug" not in said
    return caught.value


def unreadable(dataset, name="temperature"):
    with pytest.raises(InputDataError) as caught:
        read(dataset, name)
    said = str(caught.value)
    assert "/".join([GOOGLE, name, ""]) in said
    assert "obstore" not in said and "Generic" not in said and "Debug" not in said
    return caught.value


def expected(era5, name="temperature", time=0):
    with xr.open_dataset(
        era5, engine="zarr", chunks=None, decode_timedelta=False
    ) as dataset:
        return dataset[name].isel(time=time).values


# Where everything goes well


def test_each_chunk_is_fetched_once(google_network, era5):
    seen = []
    progress = lambda *now: seen.append(now)
    with open_dataset(GOOGLE, progress=progress) as dataset:
        assert seen == [] and expect_chunks(dataset, 2)
        for name in "temperature", "sea_ice_cover":
            assert google_network.count(f"{name}/0.0.0") == 0
            np.testing.assert_array_equal(read(dataset, name), expected(era5, name))
        store = dataset.encoding["ngcm_store"]
        assert store.chunk_reads("temperature") == {T0: 1}
        assert missing_chunks(dataset, "temperature") == ()
        assert list(dataset["latitude"].values[[0, -1]]) == [90, -90]
        assert dataset.attrs["valid_time_stop"] == "2020-01-01"
    assert google_network.count(T0) == google_network.count("ice_cover/0.0.0") == 1
    metadata = [path for path, _ in google_network.requests if "/." in path]
    assert len(metadata) == len(set(metadata)) <= 4
    sizes = (era5 / T0).stat().st_size + (era5 / "sea_ice_cover/0.0.0").stat().st_size
    for axis in dataset.coords:  # xarray looks at the first time before it reads all
        reads = store.chunk_reads(str(axis))[f"{axis}/0"]
        assert reads == google_network.count(f"{axis}/0") <= 3
        sizes += reads * (era5 / str(axis) / "0").stat().st_size
    assert store.bytes_read == sizes
    fields = [(era5 / T0), era5 / "sea_ice_cover/0.0.0"]
    assert seen[0][1] == 2 * fields[0].stat().st_size, "as large as the first"
    assert seen[-1] == 2 * (sum(field.stat().st_size for field in fields),)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_was_opened_is_recognised(opened):
    found = recognise(opened, [*arco.UPPER_AIR, *arco.SURFACE])
    assert set(found.data_vars) == {*arco.UPPER_AIR, *arco.SURFACE}
    assert list(found["level"].values) == list(arco.LEVELS)


def test_a_chunk_that_is_not_there_is_remembered(opened, google_network):
    assert np.isnan(read(opened, time=2)).all()
    assert missing_chunks(opened, "temperature") == ("temperature/2.0.0.0",)
    assert missing_chunks(opened, "geopotential") == ()
    assert google_network.count("temperature/2.0.0.0") == 1


def test_a_chunk_that_was_removed_is_remembered(google_store, google_network, tmp_path):
    store = arco.build(tmp_path / "a.zarr", variables=["temperature"])
    servers.upload_to_google(google_store, store, "removed.zarr")
    servers.remove_from_google(google_store, f"removed.zarr/{T0}")
    with open_dataset("gs://public/removed.zarr") as dataset:
        assert np.isnan(read(dataset)).all()
        assert missing_chunks(dataset, "temperature") == (T0,)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("url", [True, False])
def test_every_kind_of_store_is_watched(tmp_path, native, version, url, impatience):
    """A local directory, and a plain web server that lists nothing."""
    by_level = {"temperature": {"chunks": (1, 1, *native["temperature"].shape[2:])}}
    with pytest.warns() if version == 3 else contextlib.nullcontext():
        native.to_zarr(
            tmp_path / "a.zarr",
            zarr_format=version,
            consolidated=True,
            encoding=by_level,
        )
    folder = "temperature/c" if version == 3 else "temperature"
    gone = f"{folder}/0/1/0/0" if version == 3 else f"{folder}/0.1.0.0"
    (tmp_path / "a.zarr" / gone).unlink()
    with servers.web(tmp_path) as address:
        path = f"{address}/a.zarr/" if url else str(tmp_path / "a.zarr")
        with open_dataset(path) as dataset:
            values = read(dataset)
            assert np.isnan(values[1]).all()
            np.testing.assert_array_equal(
                values[[0, 2, 3]], native["temperature"].values[0, [0, 2, 3]]
            )
            assert missing_chunks(dataset, "temperature") == (gone,)
            store = dataset.encoding["ngcm_store"]
            reads = store.chunk_reads("temperature")
    assert len(reads) == 4 and set(reads.values()) == {1}
    assert store.bytes_read > 4 * native["temperature"].size / 2


@pytest.mark.parametrize("version", [2, 3])
def test_public_data_of_google_without_consolidated_metadata(
    google_store, google_network, tmp_path, native, version
):
    native.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False)
    servers.upload_to_google(google_store, tmp_path / "a.zarr", f"{version}.zarr")
    with open_dataset(f"gs://public/{version}.zarr") as dataset:
        assert set(dataset.data_vars) == set(native.data_vars)
        np.testing.assert_array_equal(read(dataset), native["temperature"][0])


def test_zero_is_a_value_where_it_is_the_default_of_a_store(tmp_path):
    """Zarr 2 fills chunks with zero, which xarray would take as a mask."""
    store = zarr.create_group(tmp_path / "a.zarr", zarr_format=2)
    fields = {"plain": np.float32([0, 1, 2]), "packed": np.int16([0, 1, 2])}
    fields |= {"declared": fields["plain"], "x": np.float64([-1, 0, 1])}
    for name, values in fields.items():
        store.create_array(name, data=values, fill_value=0)
        store[name].attrs["_ARRAY_DIMENSIONS"] = ["x"]
    store["packed"].attrs["scale_factor"] = 0.5
    store["declared"].attrs["_FillValue"] = 0.0
    with open_dataset(str(tmp_path / "a.zarr")) as dataset:
        names = "plain", "x", "packed"
        read = {name: dataset[name].values.tolist() for name in names}
        assert read == {"plain": [0, 1, 2], "x": [-1, 0, 1], "packed": [0, 0.5, 1]}
        assert np.isnan(dataset["declared"][0]) and dataset["declared"][2] == 2
        assert fill_of(dataset, "packed") == Fill(0.0, 0.5)
        assert fill_of(dataset, "plain") == Fill(0.0)
        assert np.isnan(fill_of(dataset, "declared").value)


def test_shards_are_read_in_part(tmp_path, impatience):
    """With ranges, which Amazon's store and Google's have."""
    array = zarr.create_array(
        tmp_path / "a.zarr/x", shape=(64,), chunks=(8,), shards=(64,), dtype="f4"
    )
    array[:] = np.arange(64)
    store = open_store(str(tmp_path / "a.zarr"))
    part = zarr.open_array(store, path="x", mode="r")
    np.testing.assert_array_equal(part[8:16], np.arange(8, 16))
    assert set(store.chunk_reads("x")) == {"x/c/0"}
    assert 0 < store.bytes_read < 64 * 4 + 8 * 16


def test_local_data_need_no_client_of_object_stores(tmp_path, native):
    native.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    code = (
        "import sys\n"
        "from ngcm_cli.inputs.sources.open import open_dataset\n"
        f"open_dataset({str(tmp_path / 'a.zarr')!r}).load().close()\n"
        "print(*{'obstore', 'requests', 'aiohttp', 'fsspec'} & set(sys.modules))"
    )
    words = [sys.executable, "-W", "ignore", "-c", code]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "obstore" not in loaded.stdout.split()


# Where it goes badly for a while


@pytest.mark.parametrize(
    "fault",
    [
        Fault(T0, 2, status=429),
        Fault(T0, 2, status=429, headers={"Retry-After": "1"}),
        Fault(T0, 2, status=503, headers={"Retry-After": "1"}),
        Fault(T0, 3, status=500),
        Fault(T0, 1, status=408),
        Fault(T0, 2, cut=0),
        Fault(T0, 2, cut=1000),
        Fault(T0, 1, stall=1.5),
        Fault(T0, 1, cut=1000, stall=1.5),
    ],
    ids=repr,
)
@pytest.mark.parametrize("etags", [True, False])
def test_it_asks_again(google_network, era5, fault, etags, hurry):
    hurry(fault)
    google_network.etags = etags
    times, google_network.faults = fault.times, [fault]
    with open_dataset(GOOGLE) as dataset:
        np.testing.assert_array_equal(read(dataset), expected(era5))
        assert dataset.encoding["ngcm_store"].chunk_reads("temperature") == {T0: 1}
    assert google_network.count(T0) == times + 1


def test_progress_does_not_count_twice(google_network, era5, monkeypatch):
    monkeypatch.setattr("ngcm_cli.inputs.sources.object_store.MIN_CHUNK_BYTES", 1000)
    seen = []
    with open_dataset(GOOGLE, progress=lambda *now: seen.append(now[0])) as dataset:
        assert seen == []
        assert expect_chunks(dataset, 1)
        google_network.faults = [Fault(T0, 2, cut=5000)]
        read(dataset)
    assert seen[-1] == (era5 / T0).stat().st_size
    assert seen == sorted(seen)


def test_metadata_are_asked_for_again(google_network, era5):
    google_network.faults = [
        Fault(".zmetadata", 2, status=429),
        Fault("latitude/0", 1, cut=10),
        Fault(".zgroup", 1, cut=3),
    ]
    with open_dataset(GOOGLE) as dataset:
        np.testing.assert_array_equal(read(dataset), expected(era5))


# Where it goes badly for good


@pytest.mark.parametrize(
    "fault, words, hint",
    [
        (Fault(status=429), "after 4 tries the server still answers 429 Too", "later"),
        (Fault(status=503), "still answers 503 Service Unavailable", "later"),
        (Fault(status=500), "answers 500 Internal Server Error", "later"),
        (Fault(status=403), "denied (403)", "GOOGLE_APPLICATION_CREDENTIALS"),
        (Fault(status=401), "denied (401)", "GOOGLE_APPLICATION_CREDENTIALS"),
        (Fault(status=400), "answers 400 Bad Request", "URL"),
        (Fault(cut=1000), "breaks the connection", "later"),
        (Fault(cut=1000, stall=1.5), "does not answer, or stops sending", "later"),
        (Fault(stall=1.5), "does not answer, or stops sending", "later"),
    ],
    ids=repr,
)
def test_it_gives_up_in_words(google_network, fault, words, hint, hurry):
    hurry(fault)
    fault.path, fault.times = T0, always
    google_network.faults = [fault]
    with open_dataset(GOOGLE) as dataset:
        error = unreadable(dataset)
    assert words in error.message
    assert hint in error.hint


def test_what_a_reader_says_of_it(google_network, opened):
    google_network.faults = [Fault(T0, always, status=403)]
    with pytest.raises(ValueError) as caught:
        read(opened)
    error = reading_error("temperature", caught.value)
    assert "Variable temperature cannot be read: Access to" in error.message
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.hint
    broken = reading_error("temperature", RuntimeError("bad blosc"))
    assert "bad blosc" in broken.message and "damaged" in broken.hint


def test_nothing_there(google_network):
    for url in "gs://public/ar/era6.zarr", "gs://nobody/era5.zarr":
        error = refused(url)
        assert "no Zarr store and no file" in error.message and "404" in error.message
        assert "bucket and the path" in error.hint


def test_no_access_at_all(google_network):
    google_network.faults = [Fault(times=always, status=403)]
    error = refused(GOOGLE)
    assert "denied (403)" in error.message
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.hint


def test_a_server_that_is_busy_from_the_beginning(google_network, impatience):
    google_network.faults = [Fault(times=always, status=429)]
    assert "429 Too Many Requests" in refused(GOOGLE).message
    asked = [path for path, _ in google_network.requests]
    assert max(map(asked.count, asked)) == impatience.busy_retries + 1


def test_broken_metadata(google_network):
    google_network.faults = [Fault(".zmetadata", always, status=200, body=b"{")]
    assert "cannot be opened" in refused(GOOGLE).message


def test_no_server(impatience):
    port = servers.free_port()
    error = refused(f"http://127.0.0.1:{port}/era5.zarr")
    assert "cannot be reached" in error.message
    assert "network" in error.hint


def test_no_such_server(impatience):
    error = refused("http://no-such-server.invalid/era5.zarr")
    assert "cannot be found" in error.message
    assert "network" in error.hint


def test_no_proxy(impatience):
    error = refused("gs://gcp-public-data-arco-era5/ar/era5.zarr")
    assert "cannot be reached through the proxy" in error.message
    assert "HTTPS_PROXY" in error.hint


def test_a_certificate_that_is_not_trusted(impatience, era5, tmp_path, monkeypatch):
    with servers.web(era5.parent, certificate=tmp_path / "own.pem") as address:
        error = refused(f"{address}/era5.zarr")
        assert "certificate that is not trusted" in error.message
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
        assert "SSL_CERT_FILE" in error.hint
        with open_dataset(f"{address}/era5.zarr") as dataset:
            np.testing.assert_array_equal(read(dataset), expected(era5))


# Web servers


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>", b"\x89HDF" + bytes(9_000_000)])
def test_what_is_no_metadata_is_none(web_network, era5, body):
    """Some servers answer everything with their page, or with the file they have."""
    web_network.faults = [Fault("zarr.json", always, status=200, body=body)]
    with open_dataset(f"{web_network.address}/era5.zarr") as dataset:
        np.testing.assert_array_equal(read(dataset), expected(era5))


def test_signatures_of_an_address_go_along_and_stay_secret(web_network, era5):
    with open_dataset(f"{web_network.address}/era5.zarr?token=secret") as dataset:
        np.testing.assert_array_equal(read(dataset), expected(era5))
    assert {path.partition("?")[2] for path, _ in web_network.requests} == {
        "token=secret"
    }
    error = refused(f"{web_network.address}/era6.zarr?token=secret")
    assert "secret" not in str(error)
    assert redacted_url("https://me:secret@host/a/") == "https://host/a"


@pytest.mark.parametrize("version", [2, 3])
def test_a_web_server_cannot_list(tmp_path, native, impatience, version):
    native.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False)
    with servers.web(tmp_path) as address:
        error = refused(f"{address}/a.zarr")
    assert "no consolidated metadata" in error.message
    assert "zarr.consolidate_metadata" in error.hint


# Amazon


@pytest.fixture
def amazon_network(amazon_store, impatience, monkeypatch):
    with servers.network_to(amazon_store) as network:
        monkeypatch.setenv("AWS_ENDPOINT_URL", network.address)
        yield network


@pytest.mark.parametrize("consolidated", [True, False])
def test_amazon(amazon_store, amazon_network, native, tmp_path, consolidated):
    native.to_zarr(tmp_path / "a.zarr", zarr_format=2, consolidated=consolidated)
    name = f"{consolidated}/a.zarr"
    servers.upload_to_amazon(amazon_store, tmp_path / "a.zarr", name)
    with open_dataset(f"s3://era5/{name}") as dataset:
        np.testing.assert_array_equal(read(dataset), native["temperature"][0])
        assert set(dataset.data_vars) == set(native.data_vars)
    assert amazon_network.count(T0) == 1


def test_amazon_with_and_without_credentials(
    amazon_store, amazon_network, era5, monkeypatch
):
    servers.upload_to_amazon(amazon_store, era5, "private.zarr", public=False)
    error = refused("s3://era5/private.zarr")
    assert "denied (403)" in error.message
    assert "AWS_ACCESS_KEY_ID" in error.hint
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with open_dataset("s3://era5/private.zarr") as dataset:
        np.testing.assert_array_equal(read(dataset), expected(era5))


def test_amazon_in_another_region(amazon_network):
    amazon_network.faults = [Fault(times=always, status=301)]
    error = refused("s3://era5/a.zarr")
    assert "another region" in error.message
    assert "AWS_REGION" in error.hint


def test_amazon_has_no_such_bucket(amazon_network):
    assert "404" in refused("s3://nobody/a.zarr").message


# Addresses


def test_addresses():
    for url in "gs://a/b", "s3://a/b", "https://a/b", "http://a/b", "GS://a/b":
        assert is_url(url)
    for path in "era5.zarr", "/data/era5.zarr", r"C:\era5.nc", "a:b/c.nc":
        assert not is_url(path)


@pytest.mark.parametrize(
    "url, hint",
    [
        ("file:///data/era5.nc", "the path alone: '/data/era5.nc'"),
        ("ftp://host/era5.nc", "gs://, s3://, https://"),
        ("az://host/era5.zarr", "gs://, s3://, https://"),
        ("gs://", "gs://NAME/PATH"),
        ("https:///", "https://NAME/PATH"),
    ],
)
def test_addresses_that_are_none(url, hint):
    with pytest.raises(InputDataError) as caught:
        open_dataset(url)
    assert hint in caught.value.hint


def test_google_credentials_that_are_not_there(impatience, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no.json"))
    error = refused(GOOGLE)
    assert "credentials" in error.hint


def test_offline(google_network):
    error = refused(GOOGLE, offline=True)
    assert "offline" in error.message and "local copy" in error.hint
    assert google_network.requests == []
