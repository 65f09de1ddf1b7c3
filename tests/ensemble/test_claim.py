"""Who may write to an output."""

import threading

import pytest
from ngcm_cli.ensemble.claim import Claim
from ngcm_cli.ensemble.processes import Processes

from ngcm_cli.errors import OutputError
from ngcm_cli.io.lock import exclusive_file_lock


def claim(folder, run="ours", index=0, count=2) -> Claim:
    return Claim(folder / "a.zarr", Processes(index, count, run))


def test_processes_of_a_run_share_it(tmp_path):
    with claim(tmp_path) as first, claim(tmp_path, index=1) as second:
        assert first.take()
        first.share()
        assert not second.take()
        assert not first.last()
        assert second.last()
    assert not list(tmp_path.iterdir())


def test_while_one_is_alone_the_others_wait(tmp_path):
    waited = []
    with claim(tmp_path) as first, claim(tmp_path, index=1) as second:
        assert first.take()
        thread = threading.Thread(target=lambda: waited.append(second.take()))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and not waited
        first.share()
        thread.join(10)
        assert waited == [False]


def test_who_fails_alone_lets_another_try(tmp_path):
    with claim(tmp_path, index=1) as second:
        with claim(tmp_path) as first:
            assert first.take()
        assert second.take()


def test_another_run_is_refused(tmp_path):
    with claim(tmp_path) as first, claim(tmp_path, run="theirs") as second:
        first.take()
        for _ in range(2):
            with pytest.raises(OutputError, match="Another run is writing to"):
                second.take()
            first.share()
    with claim(tmp_path, run="theirs") as second:
        assert second.take()


def test_a_disk_without_locks(tmp_path, monkeypatch):
    monkeypatch.setattr("ngcm_cli.ensemble.claim.fcntl", None)
    with claim(tmp_path, count=1) as alone:
        assert alone.take()
        alone.share()
        assert alone.last()
    with claim(tmp_path) as first, pytest.raises(OutputError, match="has no locks"):
        first.take()


def test_waiting_for_each_other(tmp_path):
    order = []

    def second():
        with exclusive_file_lock(tmp_path / "lock"):
            order.append(2)

    with exclusive_file_lock(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append(1)
    thread.join(10)
    assert order == [1, 2]
