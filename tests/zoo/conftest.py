"""A server with one file, a cache folder of its own, and few retries."""

import random

import object_server
import pytest

from ngcm_cli.io.http import RetryPolicy
from ngcm_cli.zoo import http_session


@pytest.fixture(scope="session")
def body():
    return random.Random(1).randbytes(700_000)


@pytest.fixture
def server(body):
    with object_server.serving(body) as behaviour:
        yield behaviour


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Nothing is shared with the user, and nothing but this computer is reached."""
    folder = tmp_path / "home"
    monkeypatch.setenv("NGCM_HOME", str(folder))
    for name in "http_proxy", "https_proxy", "all_proxy", "no_proxy":
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    # What would go out goes nowhere.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    return folder


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    quick = RetryPolicy(
        connection_retries=1,
        busy_retries=3,
        failed_transfers=2,
        first_wait=0.01,
        longest_wait=0.1,
        timeout=5,
    )
    monkeypatch.setattr(http_session, "RETRY", quick)
    return quick
