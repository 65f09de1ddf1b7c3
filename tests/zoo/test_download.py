"""One file, from a server that behaves well or badly."""

import hashlib
import json
import logging

import pytest

from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.http import RetryPolicy
from ngcm_cli.zoo import http_session
from ngcm_cli.zoo.download import Unavailable, download
from ngcm_cli.zoo.http_session import http_url


@pytest.fixture
def target(tmp_path):
    return tmp_path / "some.pkl"


@pytest.fixture
def get(server, target, body):
    """Download, check that what came is the file, and return what progress saw."""

    def get(expected=None):
        seen = []
        got = download(server.url(), target, lambda *now: seen.append(now))
        expected = body if expected is None else expected
        assert got.file.read_bytes() == expected
        assert got.sha256 == hashlib.sha256(expected).hexdigest()
        assert got.bytes == len(expected)
        assert {path.name for path in target.parent.glob("some*")} == {got.file.name}
        return seen

    return get


def unavailable(server, target):
    with pytest.raises(Unavailable) as caught:
        download(server.url(), target, lambda *now: None)
    return str(caught.value)


def begun(server, target, size, **note):
    """Leave what an earlier try left."""
    target.with_name("some.pkl.partial").write_bytes(server.body[:size])
    headers = server.headers()
    announced = dict(p.split("=", 1) for p in headers["x-goog-hash"].split(","))
    note = {
        "address": server.url(),
        "total": len(server.body),
        "validator": headers.get("ETag"),
        "announced": announced,
    } | note
    target.with_name("some.pkl.partial.json").write_text(json.dumps(note))


def test_a_file_comes_whole(server, get, body):
    seen = get()
    assert seen[-1] == (len(body), len(body))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert server.requests[0]["Accept-Encoding"] == "identity"
    assert "Range" not in server.requests[0]


@pytest.mark.parametrize("checksums", [(), ("md5",), ("crc32c",)])
@pytest.mark.parametrize("length", [True, False])
def test_checksums_and_length_may_be_absent(server, get, checksums, length):
    server.checksums, server.length = checksums, length
    get()


@pytest.mark.parametrize(
    "note",
    [
        {"announced": {"sha1": "x"}},
        {"validator": 5},
        {"validator": 'W\n"x"'},
        {"validator": "\u2603"},
        {"total": "many"},
        {"more": 1},
    ],
)
def test_an_odd_note_is_no_note(server, target, get, note):
    begun(server, target, 1000, **note)
    get()
    assert "Range" not in server.requests[0]


def test_a_note_that_is_nested_without_end_is_no_note(server, target, get):
    begun(server, target, 1000)
    target.with_name("some.pkl.partial.json").write_text("[" * 100_000)
    get()


def test_a_server_that_always_begins_anew_is_given_up(server, target, impatience):
    """Where each try brings something, but never more than an earlier one."""
    server.ranges, server.cut_after, server.cuts = False, 200_000, 10_000
    assert unavailable(server, target) == "breaks the connection"
    assert len(server.requests) <= 2 + impatience.failed_transfers


def test_a_file_that_nothing_can_be_compared_with_is_refused(server, target):
    server.checksums, server.length, server.closes = (), False, True
    assert unavailable(server, target) == "does not say how long the file is"


@pytest.mark.parametrize("checksums", [("md5",), ("crc32c",), ("crc32c", "md5")])
def test_a_wrong_checksum_is_refused(server, target, checksums):
    server.checksums, server.lies = checksums, True
    assert "another checksum than it announces" in unavailable(server, target)
    assert list(target.parent.glob("some*")) == []


def test_a_connection_cut_half_way_is_resumed(server, get, body, caplog):
    caplog.set_level(logging.INFO)
    server.cut_after, server.cuts = 300_000, 1
    seen = get()
    assert seen[-1] == (len(body), len(body))
    first, second = server.requests
    kept = int(second["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 200_000 < kept <= 300_000
    assert second["If-Range"] == server.headers()["ETag"]
    assert "The connection broke at " in caplog.text


def test_it_goes_on_as_long_as_something_comes(server, get):
    server.cut_after, server.cuts = (
        70_000,
        9,
    )  # more than allowed in a row
    get()
    assert len(server.requests) == 10


def test_it_gives_up_when_nothing_comes(server, target, impatience):
    server.cut_after, server.cuts = 0, 1000
    assert "breaks the connection" in unavailable(server, target)
    assert len(server.requests) == impatience.failed_transfers + 1


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_an_etag_the_checksums_vouch_for_the_pieces(server, get, etag):
    server.etag = etag
    server.cut_after, server.cuts = 300_000, 1
    get()
    assert "Range" in server.requests[1] and "If-Range" not in server.requests[1]


def test_with_nothing_to_vouch_for_it_a_new_process_starts_again(server, target, get):
    begun(server, target, 300_000, validator=None, announced={})
    get()
    assert "Range" not in server.requests[0]


def test_a_server_that_ignores_ranges_starts_again(server, get):
    server.ranges = False
    server.cut_after, server.cuts = 300_000, 1
    get()
    assert len(server.requests) == 2


def test_a_file_that_changes_between_tries_starts_again(server, target, get, body):
    begun(server, target, 300_000)
    server.body = body[::-1]
    get(body[::-1])
    assert len(server.requests) == 1  # If-Range made it one request


@pytest.mark.parametrize("etag", ["made", None])
def test_a_server_that_mixes_two_files_is_found_out(server, target, get, body, etag):
    server.etag = etag
    other = body[::-1] + b"longer"
    begun(server, target, 300_000, validator=None)
    server.body = other
    get(other)
    assert "Range" in server.requests[0] and "Range" not in server.requests[1]


def test_pieces_of_two_files_are_fetched_again(server, target, get, body):
    begun(server, target, 300_000)
    target.with_name("some.pkl.partial").write_bytes(bytes(300_000))
    get()
    assert len(server.requests) == 2


def test_a_shorter_file_starts_again(server, target, get):
    begun(server, target, 300_000, validator=None)
    server.body = server.body[:100_000]
    get(server.body)
    assert len(server.requests) == 2


def test_an_earlier_try_is_gone_on_with(server, target, get):
    begun(server, target, 300_000)
    get()
    assert server.requests[0]["Range"] == "bytes=300000-"


def test_a_file_that_was_whole_is_only_checked(server, target, get, body):
    begun(server, target, len(body))
    get()
    assert server.requests == []


@pytest.mark.parametrize("note", [{"address": "http://other/"}, {"surplus": 1}])
def test_a_note_of_something_else_is_dropped(server, target, get, note):
    begun(server, target, 300_000, **note)
    get()
    assert "Range" not in server.requests[0]


def test_a_busy_server_is_asked_again(server, get):
    server.busy, server.retry_after = 2, "0"
    get()
    assert len(server.requests) == 3


def test_no_server_makes_us_wait_for_hours(server, get):
    server.busy, server.retry_after = 1, "3600"
    get()


def test_a_server_that_stays_busy_is_given_up(server, target, impatience):
    server.busy = 100
    assert unavailable(server, target) == "answers 503 Service Unavailable"
    assert len(server.requests) == impatience.busy_retries + 1


def test_what_is_not_there_is_said_at_once(server, target):
    server.missing = True
    assert unavailable(server, target) == "answers 404 Not Found"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "address, reason",
    [
        ("http://127.0.0.1:1/x", "cannot be reached"),
        ("https://storage.googleapis.com/x", "cannot be reached through the proxy"),
        ("http://", "is not a valid URL"),
    ],
)
def test_no_network_is_a_sentence(target, address, reason):
    with pytest.raises(Unavailable) as caught:
        download(address, target, lambda *now: None)
    assert str(caught.value) == reason


def test_a_server_that_falls_silent_is_given_up(server, target, monkeypatch):
    quick = RetryPolicy(connection_retries=0, failed_transfers=0, timeout=0.2)
    monkeypatch.setattr(http_session, "RETRY", quick)
    server.pause = 1.0
    assert unavailable(server, target) == "stops sending"


@pytest.mark.parametrize("length", [True, False])
def test_a_file_larger_than_the_model_is_refused(server, target, length):
    server.length = length
    with pytest.raises(Unavailable, match="sends more than 100 kB"):
        download(server.url(), target, lambda *now: None, 100_000)
    assert list(target.parent.glob("some*")) == []


def test_a_server_that_sends_drop_by_drop_is_given_up(server, target, monkeypatch):
    slow = RetryPolicy(least_rate=1e9, period=0.1)
    monkeypatch.setattr(http_session, "RETRY", slow)
    server.pause = 0.1
    assert unavailable(server, target) == "sends too slowly"


def test_a_disk_that_is_too_small_is_refused_before_it_is_filled(
    server, target, monkeypatch
):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    with pytest.raises(CheckpointError) as caught:
        download(server.url(), target, lambda *now: None)
    assert "take 700 kB, and " in caught.value.message
    assert "has only 1 kB left" in caught.value.message
    assert list(target.parent.glob("some*")) == []


def test_addresses(monkeypatch):
    public = "https://storage.googleapis.com/bucket/a/b.pkl"
    assert http_url("gs://bucket/a/b.pkl") == public
    assert http_url(public) == public
    assert http_url("https://example.org/b.pkl") == "https://example.org/b.pkl"
    for host in "localhost:9023", "http://localhost:9023", "http://localhost:9023/":
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", host)
        assert http_url("gs://bucket/b") == "http://localhost:9023/bucket/b"
        assert http_url("https://example.org/b") == "https://example.org/b"
