import pytest

from ngcm_cli.io.http import RetryPolicy, google_storage_host


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
