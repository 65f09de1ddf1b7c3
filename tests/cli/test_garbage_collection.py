"""When Python looks for unreachable objects during a command."""

import gc

import pytest

from ngcm_cli.cli.garbage_collection import late_collection


@pytest.fixture(autouse=True)
def enabled():
    """As a process begins: enabled, and nothing set aside."""
    assert gc.isenabled()
    frozen = gc.get_freeze_count()
    yield
    gc.enable()
    assert gc.get_freeze_count() <= frozen


def test_the_search_begins_when_the_start_is_over():
    with late_collection() as begin:
        assert not gc.isenabled()
        made = [[] for _ in range(10_000)]
        begin()
        assert gc.isenabled()
        assert gc.get_freeze_count() >= len(made)
        cycle: list = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() >= 1  # what came after is found
        begin()  # after every window
        assert gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_command_that_fails_leaves_it_enabled():
    with pytest.raises(KeyError), late_collection():
        raise KeyError
    assert gc.isenabled()


def test_it_stays_disabled_where_it_was():
    gc.disable()
    with late_collection() as begin:
        begin()
        assert not gc.isenabled()
    assert not gc.isenabled()
