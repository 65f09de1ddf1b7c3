"""The thread that writes while the model computes."""

import signal
import threading

import pytest

from ngcm_cli.errors import OutputError
from ngcm_cli.io.background import BackgroundWriter


@pytest.fixture
def writer():
    writer = BackgroundWriter("writer")
    yield writer
    writer.close()


def fail():
    raise OutputError("The disk is full.", "Free some space.")


def test_at_most_one_piece_of_work_waits(writer):
    may_write, threads = threading.Event(), []

    def slow():
        assert may_write.wait(10)
        threads.append(threading.current_thread())

    writer.submit(slow)
    assert threads == []  # and we are back already
    second = threading.Thread(target=writer.submit, args=(slow,))
    second.start()
    second.join(0.1)
    assert second.is_alive()
    may_write.set()
    second.join()
    writer.wait()
    assert len(threads) == 2 and len(set(threads)) == 1
    assert threads[0].name.startswith("writer")


@pytest.mark.parametrize("call", ["submit", "wait"])
def test_a_failure_surfaces_once_at_the_next_call(writer, call):
    writer.submit(fail)
    with pytest.raises(OutputError, match="The disk is full"):
        writer.wait() if call == "wait" else writer.submit(lambda: None)
    writer.submit(lambda: None)
    writer.wait()


def test_a_failure_is_not_forgotten_after_an_interrupt(writer):
    """Ctrl-C while waiting, then what it asks for: no record may be missing."""
    may_fail = threading.Event()

    def fail_later():
        may_fail.wait()
        fail()

    writer.submit(fail_later)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(KeyboardInterrupt):
        writer.wait()
    signal.signal(signal.SIGALRM, before)
    may_fail.set()
    with pytest.raises(OutputError, match="The disk is full"):
        writer.wait()


def test_closing_hides_errors_of_the_disk_and_no_bugs():
    writer = BackgroundWriter("writer")
    writer.submit(fail)
    writer.close()
    writer = BackgroundWriter("writer")
    writer.submit(lambda: {}["bug"])
    with pytest.raises(KeyError, match="bug"):
        writer.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        writer.submit(lambda: None)
