import pytest

from ngcm_cli.io import http
from ngcm_cli.io.http import Pace, RetryPolicy, TooSlow, google_storage_host


def test_waits_double_up_to_the_longest():
    policy = RetryPolicy(first_wait=0.5, longest_wait=3.0)
    assert [policy.wait(n) for n in range(6)] == [0.5, 0.5, 1.0, 2.0, 3.0, 3.0]
    assert policy.wait(1000) == 3.0


@pytest.mark.parametrize(
    "variable, host",
    [
        (None, "https://storage.googleapis.com"),
        ("", "https://storage.googleapis.com"),
        ("localhost:9023", "http://localhost:9023"),
        ("https://emulator.example.org/", "https://emulator.example.org"),
    ],
)
def test_an_emulator_replaces_the_object_store(monkeypatch, variable, host):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    if variable is not None:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", variable)
    assert google_storage_host() == host


def test_a_transfer_needs_a_rate(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(http.time, "monotonic", lambda: clock[0])
    pace = Pace(RetryPolicy(least_rate=100, period=60), done=5000)
    for clock[0] in range(10, 130, 10):  # 1000 bytes in ten seconds
        pace.advance(5000 + 100 * int(clock[0]))
    with pytest.raises(TooSlow):
        for clock[0] in range(160, 300, 10):
            pace.advance(17_000 + int(clock[0]))


def test_a_transfer_is_silent_when_nothing_new_comes(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(http.time, "monotonic", lambda: clock[0])
    pace = Pace(RetryPolicy(silence=30))
    clock[0] = 20
    pace.advance(5000)
    clock[0] = 49
    assert not pace.is_silent
    clock[0] = 51
    pace.advance(3000)  # sent again from the beginning
    assert pace.is_silent
