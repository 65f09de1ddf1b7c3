"""Processes that stop and go on in other numbers, with a forecast that costs nothing.

What is computed does not matter here, only who knows of it: every member is a constant.
"""

import numpy as np
import pytest
from ngcm_cli.ensemble import course
from ngcm_cli.ensemble.blocks import Output
from ngcm_cli.ensemble.parts import parts_folder
from ngcm_cli.ensemble.plan import plan_ensemble
from ngcm_cli.ensemble.processes import Processes
from ngcm_cli.ensemble.session import run_ensemble
from small import NAMES, SMALL, STATISTICS, Stop, read, stopping

from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import OutputError
from ngcm_cli.simulation import run

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(reduced_model, tmp_path, monkeypatch):
    def constants(plan, block, devices):
        shape = len(plan.model.levels), *plan.model.grid.nodal_shape
        for lead in range(plan.layout.count):
            fields = {
                name: np.stack([np.full(shape, value(m, lead)) for m in block.members])
                for name in plan.layout.variables
            }
            yield Output(lead, block.members, fields)

    monkeypatch.setattr(course, "forecast_block", constants)
    shared = {"model": reduced_model, "batch": 2, "statistics": STATISTICS}
    return SMALL | shared | {"output": tmp_path / "a.zarr"}


def value(member, lead) -> np.float32:
    return np.float32(250 + 0.1 * member + lead)


def go(settings, index, count, name="together", track=None, resume=False):
    """One of several processes."""
    plan = plan_ensemble(
        EnsembleConfig(**settings), Processes(index, count, name), resume=resume
    )
    run_ensemble(plan, track or (lambda reports, plan: reports))


def assert_right(path, members):
    ds = read(path)
    assert ds.attrs["status"] == "complete"
    values = np.array([[value(m, lead) for lead in range(3)] for m in range(members)])
    for name in NAMES:
        if name in ds:
            found = ds[name].isel(init_time=0, level=0, latitude=0, longitude=0)
            np.testing.assert_array_equal(found.transpose("realization", ...), values)
        for statistic in ("mean", "std", "min", "max"):
            found = ds[f"{name}_{statistic}"][0, :, 1, 3, 5]
            right = getattr(values.astype(float), statistic)(axis=0)
            np.testing.assert_allclose(found, right, rtol=1e-6)
        for percent in (10, 50, 90):
            right = np.percentile(values.astype(float), percent, axis=0)
            found = ds[f"{name}_p{percent}"][0, :, 1, 3, 5]
            np.testing.assert_allclose(found, right, rtol=1e-6)
    assert not parts_folder(path).exists()


@pytest.mark.parametrize("keep_members", [True, False])
def test_another_process_takes_a_block_that_was_begun(settings, keep_members):
    settings |= {"members": 6, "keep_members": keep_members}
    with pytest.raises(Stop):
        go(settings, 0, 2, track=stopping(1, 1))  # in block 2
    for index in range(3):
        go(settings, index, 3, "again", resume=True)  # process 2 computes it
    assert_right(settings["output"], 6)


@pytest.mark.parametrize("keep_members", [True, False])
def test_two_stop_and_one_goes_on(settings, keep_members):
    settings |= {"members": 12, "keep_members": keep_members}
    for index in range(2):
        with pytest.raises(Stop):
            go(settings, index, 2, track=stopping(1, 1))
    run.ensemble(resume=settings["output"])
    assert_right(settings["output"], 12)


def test_one_stops_and_more_go_on(settings):
    settings |= {"members": 12, "keep_members": False}
    with pytest.raises(Stop):
        go(settings, 0, 1, track=stopping(3, 2))
    for index in (3, 1, 0, 2):
        go(settings, index, 4, "again", resume=True)
    assert_right(settings["output"], 12)


def test_one_comes_when_all_is_done(settings, tmp_path, caplog):
    settings |= {"members": 2, "output": tmp_path / "a.nc"}
    go(settings, 0, 2)
    caplog.set_level("INFO")
    go(settings, 1, 2)
    assert "is whole: there is nothing left to do" in caplog.text
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]


def test_a_store_that_is_taken_away(settings):
    def track(reports, plan):
        for report in reports:
            if report.done == 1:
                settings["output"].rename(settings["output"].with_suffix(".gone"))
            yield report

    with pytest.raises(OutputError, match="is gone, or damaged"):
        go(settings | {"members": 4}, 0, 1, track=track)
