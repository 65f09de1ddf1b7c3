"""Restart files of a task: bit by bit, the newest that is whole and fits."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from runs import AMIP, ENSEMBLE, SIDE_BY_SIDE, Stop, assert_same, stopping

from ngcm_cli.config import AmipConfig, EnsembleConfig
from ngcm_cli.errors import OutputError
from ngcm_cli.gcm.state_arrays import to_arrays
from ngcm_cli.output.restart_file import list_restarts, read_restart, write_restart
from ngcm_cli.output.run_directory import RunDirectory
from ngcm_cli.simulation import checkpoint
from ngcm_cli.simulation.run_state import compute_window, first_state
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.stability import StabilityRecord

RECORD = StabilityRecord({1: {"time": "x", "reason": "y"}}, [{"realization": 1}])
CONFIGS = [
    lambda: AmipConfig(**{**SIDE_BY_SIDE.settings, "days": 9, "restart_every": "2d"}),
    lambda: EnsembleConfig(
        **{**ENSEMBLE.settings, "lead": "4d", "restart_every": "12h"}
    ),
]


@dataclasses.dataclass
class Kept:
    """A task, its states by number of windows, and where its restart files are."""

    simulation: object
    directory: RunDirectory
    task: object
    states: dict

    def save(self, windows, conditions=None):
        checkpoint.save(
            *(self.simulation, self.directory, self.task, self.states[windows]),
            *(RECORD, conditions or {}),
        )

    def load(self, conditions=None, due=False):
        return checkpoint.load_latest(
            self.simulation, self.directory, self.task, conditions or {}, due
        )

    @property
    def paths(self):
        return list_restarts(self.directory.restarts(self.task.name))


@pytest.fixture(params=CONFIGS, ids=["climate", "ensemble"])
def kept(request, tiny, tmp_path) -> Kept:
    simulation = set_up(request.param())
    task = simulation.tasks()[0]
    states = {0: first_state(simulation, task)}
    for windows in range(1, 8):
        before = states[windows - 1]
        states[windows], _ = compute_window(simulation, task, before)
    return Kept(simulation, RunDirectory(tmp_path), task, states)


def assert_same_state(ours, expected):
    assert ours.windows == expected.windows
    a, b = to_arrays(ours.state), to_arrays(expected.state)
    assert sorted(a) == sorted(b)
    for name in b:
        assert a[name].tobytes() == b[name].tobytes(), name
    pairs = (ours.month, expected.month), (ours.monitor, expected.monitor)
    for one, other in pairs:
        leaves, others = jax.tree.leaves(one), jax.tree.leaves(other)
        assert jax.tree.structure(one) == jax.tree.structure(other)
        for x, y in zip(leaves, others, strict=True):
            assert x.dtype == y.dtype
            assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def test_bit_by_bit(kept):
    assert kept.load() is None
    for windows in (3, 4):
        kept.save(windows)
        state, record = kept.load()
        assert_same_state(state, kept.states[windows])
        assert record == RECORD
    following, _ = compute_window(kept.simulation, kept.task, state)
    assert_same_state(following, kept.states[5])


def test_two_that_were_due_are_kept(kept):
    """And those after them, which an interruption leaves."""
    for windows in (1, 2, 3, 4, 6, 7):
        kept.save(windows)
    times = [read_restart(path)[1]["windows"] for path in kept.paths]
    assert times == [4, 6, 7]
    assert kept.load()[0].windows == 7
    assert kept.load(due=True)[0].windows == 6


def test_conditions(kept):
    kept.save(2, {"process": 0})
    kept.save(3, {"process": 1})
    assert kept.load({"process": 0})[0].windows == 2
    assert kept.load({"process": 2}) is None


def test_damaged_files_are_passed_over(kept, caplog):
    for windows in (2, 4):
        kept.save(windows)
    kept.paths[-1].write_bytes(b"not NetCDF")
    assert kept.load()[0].windows == 2
    assert "is damaged" in caplog.text
    kept.paths[0].write_bytes(b"")
    with pytest.raises(OutputError, match="is damaged"):
        kept.load()


def test_another_model_is_refused(kept):
    kept.save(2)
    (path,) = kept.paths
    arrays, metadata = read_restart(path)
    named = {
        name: (tuple(f"{name}{i}" for i in range(x.ndim)), x)
        for name, x in arrays.items()
        if name != "vorticity"
    }
    write_restart(path, named, metadata)
    with pytest.raises(OutputError, match="does not fit the model"):
        kept.load()


def test_other_members_are_passed_over(kept):
    kept.save(2)
    block = dataclasses.replace(kept.task.block, size=3)
    other = dataclasses.replace(kept.task, block=block)
    assert other.name == kept.task.name
    kept.task = other
    assert kept.load() is None


def test_another_version_is_announced(kept, monkeypatch, caplog):
    kept.save(2)
    now = checkpoint.versions()
    monkeypatch.setattr(checkpoint, "versions", lambda: {**now, "jax": "9.9"})
    assert kept.load()[0].windows == 2
    assert f"written with jax {now['jax']}, this is 9.9: from here on" in caplog.text


def test_a_state_that_is_not_finite_is_not_kept(tiny, tmp_path):
    """However late it is: the restart file before must do."""
    from ngcm_cli.simulation import task_run

    compute = task_run.compute_window

    def spoilt(simulation, task, state):
        following, results = compute(simulation, task, state)
        if state.windows == 1:
            monitor = following.monitor | {"finite": jnp.zeros(1, bool)}
            following = dataclasses.replace(following, monitor=monitor)
        return following, results

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr(task_run, "compute_window", spoilt)
        AMIP.start(tmp_path, stopping(0, 2))
    (path,) = list_restarts(tmp_path / AMIP.output / "restarts/0-0")
    assert read_restart(path)[1]["windows"] == 1


@pytest.mark.slow
def test_the_reduced_model_over_the_end_of_a_month(reduced_model, tmp_path):
    """All of its state: random fields, water budget, fluxes, monthly means."""
    settings = {
        "model": reduced_model,
        "start": "2019-12-30",
        "days": 3,
        "restart_every": "1d",
    }
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    whole.mkdir()
    stopped.mkdir()
    AMIP.start(whole, **settings)
    for windows in (1, 2):  # before and after the first of January
        start = AMIP.start if windows == 1 else AMIP.resume
        with pytest.raises(Stop):
            start(stopped, stopping(0, windows), **(settings if windows == 1 else {}))
    AMIP.resume(stopped)
    assert_same(stopped / AMIP.output, whole / AMIP.output)
    (*_, ours), (*_, theirs) = (
        list_restarts(folder / AMIP.output / "restarts/0-0")
        for folder in (stopped, whole)
    )
    (arrays, about), (others, about_other) = read_restart(ours), read_restart(theirs)
    assert about["windows"] == about_other["windows"] == 3
    assert sorted(arrays) == sorted(others)
    for name, x in arrays.items():
        assert x.tobytes() == others[name].tobytes(), name
