"""Members that become unstable, disks and devices that are full."""

import contextlib
import sys

import jax
import numpy as np
import pytest
from ngcm_cli.ensemble import blocks
from ngcm_cli.ensemble.parts import parts_folder
from ngcm_cli.ensemble.plan import plan_ensemble
from ngcm_cli.ensemble.processes import Processes
from ngcm_cli.ensemble.session import run_ensemble
from small import NAMES, SMALL, STATISTICS, assert_same, go, read
from small_disk import fill, small_disk

from ngcm_cli.cli import main
from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import ConfigError, OutputError, UnstableRunError
from ngcm_cli.simulation import run

pytestmark = pytest.mark.slow


@pytest.fixture
def spoilt(monkeypatch):
    """The second member of every block is lost after six hours, for that moment."""
    outputs = blocks.outputs

    def spoil(*args, **settings):
        for lead, chunk in enumerate(outputs(*args, **settings)):
            if lead == 1:
                fields = {name: np.array(x) for name, x in chunk.fields.items()}
                fields["temperature"][1, 0, 3, 5] = np.inf  # at a level not written
                yield blocks.dataclasses.replace(chunk, fields=fields)
            else:
                yield chunk

    monkeypatch.setattr(blocks, "outputs", spoil)


def test_a_lost_member(five, reduced_model, tmp_path, spoilt, monkeypatch, capsys):
    path = tmp_path / "a.zarr"
    settings = {"model": reduced_model, "members": 3, "batch": 2}
    with pytest.raises(UnstableRunError) as caught:
        go(path, **settings, statistics="mean,max")
    assert caught.value.exit_code == 3
    assert "1 from 1959-01-02T00 after 6h." in caught.value.message
    ours, theirs = read(path), read(five)
    assert ours.attrs["status"] == "complete"
    assert ours["finite_lead_times"].values.tolist() == [[3], [1], [3]]
    for name in NAMES:
        x = ours[name].values
        assert np.isnan(x[1, :, 1:]).all()
        whole = theirs[name].values[:3]
        assert x[[0, 2]].tobytes() == whole[[0, 2]].tobytes()
        assert x[1, :, 0].tobytes() == whole[1, :, 0].tobytes()
        mean = ours[f"{name}_mean"].values
        np.testing.assert_allclose(mean[:, 0], whole[:, :, 0].mean(0), rtol=1e-6)
        rest = whole[[0, 2], :, 1:].mean(0)
        np.testing.assert_allclose(mean[:, 1:], rest, rtol=1e-5, atol=1e-5)
    # Who asks again is told again.
    monkeypatch.setattr(sys, "argv", ["ngcm", "ensemble", "--resume", str(path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 3
    assert "Members became unstable: 1 from" in capsys.readouterr().err


def test_a_full_disk(five, reduced_model, tmp_path):
    with small_disk(tmp_path / "disk", size="16m") as disk:
        path = disk / "a.zarr"

        def track(reports, plan):
            for report in reports:
                if (report.done, report.lead) == (1, 1):
                    fill(disk)
                yield report

        settings = {"model": reduced_model, "members": 5, "batch": 2}
        with pytest.raises(OutputError) as caught:
            go(path, track, **settings, statistics=STATISTICS)
        assert caught.value.message == f"Writing {path} stopped: the disk is full."
        assert caught.value.hint.startswith(f"Free some space. {path} holds 2 of 5")
        (disk / "ballast").unlink()
        run.ensemble(resume=path)
        assert_same(read(path), read(five))
        assert not parts_folder(path).exists()


def test_a_full_disk_when_the_statistics_are_written(five, reduced_model, tmp_path):
    """Of an ensemble that several processes share, so that they come last."""
    with small_disk(tmp_path / "disk", size="16m") as disk:
        path = disk / "a.zarr"
        settings = {"model": reduced_model, "members": 5, "batch": 2}
        settings |= {"statistics": STATISTICS, "output": path}
        config = EnsembleConfig(**SMALL | settings)

        def track(reports, plan):
            yield from reports
            fill(disk)

        for index in range(2):
            plan = plan_ensemble(config, Processes(index, 2, "together"))
            last = index == 1
            problem = pytest.raises(OutputError, match="the disk is full")
            with problem if last else contextlib.nullcontext():
                run_ensemble(plan, track if last else lambda reports, plan: reports)
        (disk / "ballast").unlink()
        run.ensemble(resume=path)
        ours, theirs = read(path), read(five)
        for name in NAMES:
            assert ours[name].values.tobytes() == theirs[name].values.tobytes()
        assert ours.attrs["status"] == "complete"


def test_a_full_device(reduced_model, tmp_path, monkeypatch):
    def full(*args, **settings):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        yield

    monkeypatch.setattr(blocks, "outputs", full)
    settings = {"model": reduced_model, "members": 2, "batch": 2}
    with pytest.raises(ConfigError, match="too little memory for 2 mem") as caught:
        go(tmp_path / "a.zarr", **settings)
    assert "smaller --batch" in caught.value.hint
    assert "holds 0 of 2 members" in caught.value.__notes__[0]
