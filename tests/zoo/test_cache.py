"""Weights that are fetched, kept and pinned: with real servers, disks and processes."""

import base64
import errno
import hashlib
import json
import os
import pathlib
import resource
import socket
import subprocess
import sys
import time
import urllib.request

import google_crc32c
import pytest
import yaml
from small_disk import small_disk

from ngcm_cli.checkpoint.card import PublishedCard
from ngcm_cli.errors import CheckpointError
from ngcm_cli.zoo import cache
from ngcm_cli.zoo.http_session import http_url
from ngcm_cli.zoo.pin import read_pin

BAD = "http://127.0.0.1:1/some.pkl"


def make_card(*locations, **weights):
    return PublishedCard.model_validate(
        {
            "format": 1,
            "name": "some",
            "summary": "A file",
            "paper": "none",
            "source": "a test",
            "licence": "CC0-1.0",
            "parameters": 175_000,
            "stochastic": False,
            "stable_for": "not stated",
            "grid": "TL63",
            "weights": {"locations": locations, **weights},
        }
    )


@pytest.fixture
def card(server):
    return make_card(server.url())


def refused(card, **how):
    with pytest.raises(CheckpointError) as caught:
        cache.fetch(card, **how)
    return caught.value


def left_over(home):
    return {path.name for path in (home / "models").iterdir()}


def test_weights_are_fetched_once_and_pinned(card, server, home, body, caplog):
    caplog.set_level("INFO")
    path = cache.fetch(card)
    assert path == home / "models" / "some.pkl"
    assert path.read_bytes() == body
    assert cache.fetch(card) == path
    assert len(server.requests) == 1
    pin = yaml.safe_load((home / "models" / "some.lock.yaml").read_text())
    assert pin["sha256"] == hashlib.sha256(body).hexdigest()
    assert (pin["bytes"], pin["location"]) == (len(body), server.url())
    assert pin["md5"] == base64.b64encode(hashlib.md5(body).digest()).decode()
    crc32c = google_crc32c.Checksum(body).digest()
    assert pin["crc32c"] == base64.b64encode(crc32c).decode()
    assert left_over(home) == {"some.pkl", "some.lock.yaml"}
    said = caplog.messages[0]
    assert said.startswith("Fetching the weights of some, about 700 kB, licence CC0")
    assert str(path) in said and server.url() in caplog.messages[1]


def test_the_lock_file_tells_people_what_it_is(card, home):
    cache.fetch(card)
    text = (home / "models" / "some.lock.yaml").read_text()
    assert text.startswith("# Pins the weights beside it")


def test_changed_weights_are_refused(card, body, home):
    path = cache.fetch(card)
    path.write_bytes(body[::-1])
    error = refused(card)
    assert hashlib.sha256(body).hexdigest()[:12] in error.message
    assert hashlib.sha256(body[::-1]).hexdigest()[:12] in error.message
    assert "ngcm models fetch some" in error.hint and "some.lock.yaml" in error.hint
    (home / "models" / "some.lock.yaml").unlink()  # which accepts them
    assert cache.fetch(card) == path


def test_fetching_again_must_give_what_was_pinned(card, server, body, home):
    cache.fetch(card).unlink()
    cache.fetch(card).unlink()
    server.body = body[::-1]
    error = refused(card)
    assert "has other weights than those pinned on 20" in error.message
    assert "some.lock.yaml" in error.hint
    assert left_over(home) == {"some.lock.yaml"}


def test_weights_put_there_by_hand_are_pinned_at_first_use(card, home, body, caplog):
    caplog.set_level("INFO")
    (home / "models").mkdir(parents=True)
    (home / "models" / "some.pkl").write_bytes(body)
    assert cache.fetch(card, offline=True).read_bytes() == body
    assert "are used for the first time: pinned to SHA-256 " in caplog.text
    pin = read_pin(card)
    assert pin.sha256 == hashlib.sha256(body).hexdigest() and pin.location is None


@pytest.mark.parametrize(
    "weights, sentence",
    [({"bytes": 9}, "700000 bytes, not 9"), ({"sha256": "0" * 64}, "not 000000000000")],
)
def test_what_the_card_says_is_checked(server, home, body, weights, sentence):
    card = make_card(server.url(), **weights)
    assert sentence in refused(card).message
    assert left_over(home) == set()
    (home / "models" / "some.pkl").write_bytes(body)
    assert sentence in refused(card).message


def test_another_model_of_the_same_name_is_refused(card):
    cache.fetch(card)
    assert "does not name" in refused(make_card("gs://other/some.pkl")).message


@pytest.mark.parametrize("text", ["{", "a: 1", "sha256: x\nbytes: 1\ndate: 1", ""])
def test_a_damaged_lock_file_is_named(card, home, text):
    cache.fetch(card)
    (home / "models" / "some.lock.yaml").write_text(text)
    error = refused(card)
    assert "some.lock.yaml cannot be read" in error.message and "Remove" in error.hint


def test_offline_names_the_two_ways_out(card, server, home):
    error = refused(card, offline=True)
    assert "The weights of some (about 700 kB) are not on this computer" in str(error)
    assert "ngcm models fetch some" in error.hint and "--model" in error.hint
    assert str(home / "models" / "some.pkl") in error.hint
    assert server.requests == [] and not home.exists()


def test_no_network_names_every_location_and_the_two_ways_out():
    error = refused(make_card(BAD, "gs://bucket/some.pkl"))
    assert f"{BAD} cannot be reached" in error.message
    assert "googleapis.com/bucket/some.pkl cannot be reached" in error.message
    assert "ngcm models fetch some" in error.hint and "--model" in error.hint


def test_the_page_of_a_proxy_is_no_model(card, server, body, home):
    server.body, server.checksums = b"<html>Please log in</html>", ()
    error = refused(card)
    assert "sends 26 bytes, too few for this model" in error.message
    assert "or give --model the path of a checkpoint" in error.hint
    assert left_over(home) == set()
    server.body = body
    assert cache.fetch(card).read_bytes() == body


def test_another_location_leaves_what_the_first_one_gave(server, body, home):
    one, other = server.url("a/some.pkl"), BAD
    server.cut_after, server.cuts, server.ranges = 300_000, 99, False
    refused(make_card(one, other))
    kept = (home / "models" / "some.pkl.partial").stat().st_size
    assert 0 < kept < len(body)
    server.cuts, server.ranges = 0, True
    server.requests.clear()
    assert cache.fetch(make_card(other, one)).read_bytes() == body
    assert [x["Range"] for x in server.requests] == [f"bytes={kept}-"]


def test_a_folder_in_the_way_is_named(card, server, home):
    weights = home / "models" / "some.pkl"
    weights.mkdir(parents=True)
    assert f"There is a folder at {weights}" in refused(card).message
    assert server.requests == []
    weights.rmdir()
    for name in "some.pkl.partial", "some.pkl.partial.json":
        (home / "models" / name).mkdir()
        assert "cannot be written: Is a directory" in refused(card).message
        (home / "models" / name).rmdir()


def test_locations_are_tried_in_order(server, body):
    card = make_card(BAD, server.url())
    assert cache.fetch(card).read_bytes() == body
    assert read_pin(card).location == server.url()


def test_the_same_address_is_asked_once(server, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
    server.missing = True
    both = "gs://bucket/a.pkl", "https://storage.googleapis.com/bucket/a.pkl"
    assert refused(make_card(*both)).message.count("answers 404") == 1
    assert len(server.requests) == 1


def test_a_wrong_checksum_is_refused_and_leaves_nothing(card, server, home):
    server.lies = True
    assert "with another checksum than it announces" in refused(card).message
    assert left_over(home) == set()


def test_a_folder_that_cannot_be_written_to_is_named(card, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "file"))
    error = refused(card)
    assert str(tmp_path / "file") in error.message and "NGCM_HOME" in error.hint


def test_a_full_disk_keeps_what_there_is(card, server, home, monkeypatch, body):
    with small_disk(home, size="1m"):
        ballast = home / "ballast"
        ballast.write_bytes(bytes(500_000))
        assert "take 700 kB, and " in refused(card).message
        free = type("usage", (), {"free": 10**9})  # as if it filled up meanwhile
        monkeypatch.setattr("shutil.disk_usage", lambda folder: free)
        error = refused(card)
        assert "is full: No space left on device" in error.message
        assert "kB of the weights were received and are kept" in error.hint
        partial = home / "models" / "some.pkl.partial"
        assert 400_000 < partial.stat().st_size < 600_000
        ballast.unlink()
        assert cache.fetch(card).read_bytes() == body
        assert int(server.requests[-1]["Range"].strip("bytes=-")) > 400_000


FETCH = """
import resource, signal
from ngcm_cli.zoo import cache
from zoo.test_cache import make_card
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
print(cache.fetch(make_card({url!r})))
"""


def fetch_in_a_process(server, limit=resource.RLIM_INFINITY):
    folder = pathlib.Path(__file__).parent
    paths = os.pathsep.join(map(str, (folder.parent, folder)))
    return subprocess.Popen(
        [sys.executable, "-c", FETCH.format(url=server.url(), limit=limit)],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_limit_on_file_sizes_is_a_full_disk(card, server, home):
    """RLIMIT_FSIZE stands for a quota: the write fails in the middle of the file."""
    process = fetch_in_a_process(server, limit=400_000)
    _, said = process.communicate(timeout=60)
    assert "is full: File too large" in said and "kept" in said
    assert (home / "models" / "some.pkl.partial").stat().st_size == 400_000
    cache.fetch(card)
    assert server.requests[-1]["Range"] == "bytes=400000-"


def test_an_error_of_the_disk_is_a_sentence(card, monkeypatch, home):
    def write(self, file, chunk):
        raise self._write_error(OSError(errno.EIO, os.strerror(errno.EIO)))

    monkeypatch.setattr("ngcm_cli.zoo.download._Download._write_chunk", write)
    assert "cannot be written: Input/output error" in refused(card).message


def wait_for(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_a_killed_fetch_is_resumed(card, server, home, body):
    server.pause = 0.2
    process = fetch_in_a_process(server)
    partial = home / "models" / "some.pkl.partial"
    wait_for(lambda: partial.exists() and partial.stat().st_size > 150_000)
    process.kill()
    process.communicate()
    kept = partial.stat().st_size
    assert kept < len(body) and not (home / "models" / "some.pkl").exists()
    server.pause = 0.0
    assert cache.fetch(card).read_bytes() == body
    assert server.requests[-1]["Range"] == f"bytes={kept}-"
    assert left_over(home) == {"some.pkl", "some.lock.yaml"}


def test_two_processes_download_once(card, server, body, caplog):
    caplog.set_level("INFO")
    server.pause = 0.1
    process = fetch_in_a_process(server)
    wait_for(lambda: server.requests)
    path = cache.fetch(card)
    out, said = process.communicate(timeout=60)
    assert path.read_bytes() == body and out == f"{path}\n", said
    assert len(server.requests) == 1
    assert "Another process is fetching some; waiting for it." in caplog.text


@pytest.fixture
def emulator(monkeypatch, tmp_path):
    """The object store's emulator, a process of its own."""
    pytest.importorskip("gcp_storage_emulator")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "gcp_storage_emulator", "start", "-H", "127.0.0.1", "-q", "-M"]
    process = subprocess.Popen(
        [sys.executable, *words, f"--port={port}", "--default-bucket=neuralgcm"],
        cwd=tmp_path,
    )
    host = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", host)

    def answers():
        try:
            urllib.request.urlopen(f"{host}/", timeout=1).close()
        except OSError:
            return False
        return True

    wait_for(answers)
    yield host
    process.terminate()
    process.wait(10)


def test_a_real_object_store(emulator, body, home):
    location = "gs://neuralgcm/models/v1/some.pkl"
    card = make_card(location)
    assert "answers 404" in refused(card).message
    upload = f"{emulator}/upload/storage/v1/b/neuralgcm/o?uploadType=media&name="
    request = urllib.request.Request(upload + "models/v1/some.pkl", body)
    urllib.request.urlopen(request, timeout=10).close()
    path = cache.fetch(card)
    assert path.read_bytes() == body
    pin = read_pin(card)
    assert pin.location == location and (pin.md5, pin.crc32c) != (None, None)
    # It is resumed, too, on the word of the checksums: the emulator has no ETag.
    path.unlink()
    (home / "models" / "some.pkl.partial").write_bytes(body[:300_000])
    note = {
        "address": http_url(location),
        "total": len(body),
        "validator": None,
        "announced": {"md5": pin.md5, "crc32c": pin.crc32c},
    }
    (home / "models" / "some.pkl.partial.json").write_text(json.dumps(note))
    assert cache.fetch(card).read_bytes() == body
