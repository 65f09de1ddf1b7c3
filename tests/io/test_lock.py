"""Who may write to an output, and for how long."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from ngcm_cli.errors import OutputError
from ngcm_cli.io.lock import Lock, LockedError, SharedLock, exclusive_file_lock


def shared(folder, owner="ours", several=True) -> SharedLock:
    return SharedLock(folder / ".a.lock", folder / "a.zarr", owner, several)


def test_processes_of_a_run_share_it(tmp_path):
    with shared(tmp_path) as first, shared(tmp_path) as second:
        assert first.acquire()
        first.share()
        assert Lock.is_held(tmp_path / ".a.lock")
        assert not second.acquire()
        assert not first.is_last_holder()
        assert second.is_last_holder()
    assert not list(tmp_path.iterdir())


def test_while_one_is_alone_the_others_wait(tmp_path):
    waited = []
    with shared(tmp_path) as first, shared(tmp_path) as second:
        assert first.acquire()
        thread = threading.Thread(target=lambda: waited.append(second.acquire()))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and not waited
        first.share()
        thread.join(10)
        assert waited == [False]


def test_a_failure_lets_another_process_try(tmp_path):
    with shared(tmp_path) as second:
        with shared(tmp_path) as first:
            assert first.acquire()
        assert second.acquire()


def test_another_run_is_refused(tmp_path):
    with shared(tmp_path) as first, shared(tmp_path, "theirs", False) as second:
        first.acquire()
        for _ in range(2):
            with pytest.raises(OutputError, match="Another run is writing to .*a.zarr"):
                second.acquire()
            first.share()
    with shared(tmp_path, "theirs") as second:
        assert second.acquire()


def test_the_lock_of_a_killed_run_is_free(tmp_path):
    code = f"""
        import pathlib, sys
        from ngcm_cli.io.lock import SharedLock
        folder = pathlib.Path({str(tmp_path)!r})
        lock = SharedLock(folder / ".a.lock", folder / "a.zarr", "theirs", False)
        lock.acquire()
        print("locked", flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"locked\n"
            assert Lock.is_held(tmp_path / ".a.lock")
            with pytest.raises(OutputError, match="Another run"):
                shared(tmp_path, several=False).acquire()
        finally:
            process.send_signal(signal.SIGKILL)
    assert (tmp_path / ".a.lock").exists()
    assert not Lock.is_held(tmp_path / ".a.lock")
    with shared(tmp_path, several=False) as lock:
        assert lock.acquire()
    assert not list(tmp_path.iterdir())


def test_reading_whether_it_is_held_is_not_in_the_way(tmp_path):
    """`Lock.is_held` holds the lock for a moment, and a run that begins waits."""
    file = tmp_path / ".a.lock"
    file.touch()
    with open(file, "rb") as reader, shared(tmp_path, several=False) as lock:
        fcntl.flock(reader, fcntl.LOCK_SH | fcntl.LOCK_NB)
        end = threading.Timer(0.03, lambda: fcntl.flock(reader, fcntl.LOCK_UN))
        end.start()
        assert lock.acquire()
        end.join()
        assert Lock.is_held(file)
    assert not Lock.is_held(file)


def test_reading_whether_it_is_held_does_not_look_like_a_process(tmp_path):
    with shared(tmp_path) as lock:
        lock.acquire()
        lock.share()
        with open(tmp_path / ".a.lock", "rb") as reader:
            fcntl.flock(reader, fcntl.LOCK_SH)
            end = threading.Timer(0.03, lambda: fcntl.flock(reader, fcntl.LOCK_UN))
            end.start()
            assert lock.is_last_holder()
            end.join()


@pytest.mark.parametrize("missing", ["module", "support"])
def test_a_disk_without_locks(tmp_path, monkeypatch, missing):
    def flock(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    if missing == "module":
        monkeypatch.setattr("ngcm_cli.io.lock.fcntl", None)
    else:
        monkeypatch.setattr("fcntl.flock", flock)
    with shared(tmp_path, several=False) as alone:
        assert alone.acquire()
        alone.share()
        assert alone.is_last_holder()
    with shared(tmp_path) as first, pytest.raises(OutputError, match="has no locks"):
        first.acquire()


def test_a_directory_that_cannot_be_written_to(tmp_path):
    with pytest.raises(OutputError, match="a.zarr cannot be written to: No such file"):
        shared(tmp_path / "missing").acquire()


def test_one_writer_at_a_time(tmp_path):
    file = tmp_path / "lock"
    assert not Lock.is_held(file)
    lock = Lock(file)
    assert Lock.is_held(file)
    with pytest.raises(LockedError):
        Lock(file)
    lock.release()
    assert not file.exists()
    Lock(file).release()


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
