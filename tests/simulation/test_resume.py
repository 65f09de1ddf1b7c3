"""Runs that are stopped at some moment and resumed: the same bytes in the end."""

import os
import shutil

import pytest
from runs import (
    AMIP,
    CASES,
    ENSEMBLE,
    FORECAST,
    SIDE_BY_SIDE,
    STATISTICS_ONLY,
    Stop,
    after,
    assert_same,
    command,
    contents,
    read,
    seeing,
    snapshot,
    stopping,
)

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.output.partial_statistics import PartialStatistics
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.simulation.recorder import Recorder

_WHOLE: dict = {}


@pytest.fixture
def whole(tiny, tmp_path_factory):
    """Return a function from a case to the output of its uninterrupted run."""

    def of(case):
        if case not in _WHOLE:
            folder = tmp_path_factory.mktemp("whole")
            _WHOLE[case] = case.start(folder)
        return _WHOLE[case]

    return of


def assert_finished(case, folder, expected):
    """Assert that an output is that of an uninterrupted run, and nothing beside it."""
    assert_same(folder / case.output, expected)
    beside = [path.name for path in folder.iterdir()]
    assert beside == [case.output]


def moments(cases):
    """Return every window of every task of some cases."""
    return [
        pytest.param(case, task, windows, id=f"{case}-{task}-{windows}")
        for case in cases
        for task in range(case.tasks)
        for windows in range(1, case.windows + 1)
    ]


@pytest.mark.parametrize("case, task, windows", moments(CASES))
def test_stopped_after_every_window(whole, tmp_path, case, task, windows):
    """By an error, and by a kill, of which a copy is what is left."""
    expected = whole(case)
    folder, killed = tmp_path / "stopped", tmp_path / "killed"
    folder.mkdir()

    def stop():
        snapshot(folder, killed)
        raise Stop

    with pytest.raises(Stop) as caught:
        case.start(folder, after(task, windows, stop))
    assert f"ngcm {case.command} --resume" in caught.value.__notes__[0]
    for stopped in (folder, killed):
        seen = []
        case.resume(stopped, seeing(seen))
        assert_finished(case, stopped, expected)
        assert len({one.task for one in seen}) <= case.tasks - task
        # Of the task that was stopped nothing before the last restart file.
        assert len(seen) <= (case.tasks - task) * case.windows
