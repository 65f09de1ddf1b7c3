"""The loop of a training: kept bits, returns after NaN, early end, the result.

The loss is a plain one that compiles in seconds; `test_twin` trains with the real one.
"""

import csv
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
import small_training
import xarray as xr
import yaml
from command_line import ngcm
from small_training import SETTINGS, plain_loss, write_settings

import ngcm_cli
from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.native import read_weights
from ngcm_cli.checkpoint.seeded_weights import seeded_weights
from ngcm_cli.training import setup, trainer, update
from ngcm_cli.training.training_directory import TrainingDirectory

STEM = "tl15_reduced_trained"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    small_training.write_files(folder)
    return folder


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(update, "batch_loss", plain_loss)


@pytest.fixture
def folder(files, tmp_path):
    """A folder with a model, data and a run file."""
    for name in ("model", "data.nc", "train.yaml"):
        (tmp_path / name).symlink_to(files / name)
    return tmp_path


@pytest.fixture(scope="module")
def finished(files):
    """The directory of the training, from beginning to end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(update, "batch_loss", plain_loss)
        done = ngcm("train", "--config", "train.yaml", folder=files)
    assert done.returncode == 0, done.stderr
    return files / "out", done


def last_arrays(run: pathlib.Path) -> dict[str, np.ndarray]:
    directory = TrainingDirectory(run)
    return directory.read_checkpoint(directory.checkpoints()[-1])[0]


def same_bits(one: pathlib.Path, other: pathlib.Path) -> bool:
    first, second = last_arrays(one), last_arrays(other)
    assert first.keys() == second.keys()
    return all(first[n].tobytes() == second[n].tobytes() for n in first)


def rows(run: pathlib.Path, kind: str) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["kind"] == kind]


def test_result_is_a_model(finished, files):
    """It loads, runs as any other, and its card says where it comes from."""
    run, done = finished
    assert done.stdout == f"{run.relative_to(files)}/model\n"
    assert "stage 2    6 updates of" in done.stderr
    model = ngcm_cli.load_model(str(run / "model"))
    assert model.name == STEM
    card, parent = (
        read_card(run / f"model/{STEM}.yaml"),
        read_card(files / SETTINGS["model"]),
    )
    assert card.licence == parent.licence and card.spec == parent.spec
    assert card.training.parent_sha256 == parent.weights.sha256
    assert card.training.settings["stages"][1]["parameters"] == "decoder.tower.encode.*"
    shown = ngcm("models", "show", str(run / "model"), folder=files).stdout
    assert "updates from the weights of tl15_reduced" in shown


def test_the_best_weights_are_kept(finished, files):
    """The averages of the update with the least held-out loss; it was made less."""
    run, _ = finished
    losses = {int(x["update"]): float(x["loss"]) for x in rows(run, "held_out")}
    assert list(losses) == [0, 4, 8, 12, 16]
    card = read_card(run / f"model/{STEM}.yaml")
    assert card.training.updates == min(losses, key=losses.get) > 0
    assert card.training.held_out_loss == pytest.approx(min(losses.values()), rel=1e-6)
    if card.training.updates == 16:
        stored = read_weights(card, run / "model")
        found = {n: x for n, x in last_arrays(run).items() if n.startswith("average/")}
        assert all(
            (stored[n.removeprefix("average/")] == x).all() for n, x in found.items()
        )


def test_metrics_are_complete(finished):
    run, _ = finished
    found = rows(run, "train")
    assert [int(row["update"]) for row in found] == list(range(1, 17))
    assert [row["stage"] for row in found] == ["1"] * 10 + ["2"] * 6
    rates = [float(row["learning_rate"]) for row in found]
    assert rates[:3] == [0.005, 0.01, 0.01] and rates[9] < 1e-3 and rates[10] == 1e-3
    assert all(float(row["loss"]) == float(row["data"]) for row in found)


def held_out_losses(run: pathlib.Path) -> dict[str, str]:
    found = rows(run, "held_out")
    losses = {row["update"]: row["loss"] for row in found}
    assert len(losses) == len(found)
    return losses


def test_a_stage_trains_what_it_names(finished):
    """In the second stage one layer of the decoder, from averaged weights on."""
    directory = TrainingDirectory(finished[0])
    assert directory.checkpoints() == [8, 12, 16]
    before, after = (directory.read_checkpoint(n)[0] for n in (12, 16))
    for name in (name for name in before if name.startswith("learned/")):
        changed = (before[name] != after[name]).any()
        assert changed == name.startswith("learned/decoder.tower.encode."), name
        average = "average/" + name.removeprefix("learned/")
        assert (before[average] != after[average]).any() == changed, average


def killed(folder: pathlib.Path, after: int) -> None:
    """Start the training as a process, and kill it after a checkpoint, or a later one.

    On a busy machine it may be gone, as old ones are, before anyone looks.
    """
    here = pathlib.Path(__file__)
    script = here.with_name("small_training.py")
    path = os.pathsep.join([str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, str(script), "train", "--config", "train.yaml"],
        cwd=folder, env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    directory = TrainingDirectory(folder / "out")
    try:
        while (
            process.poll() is None and max(directory.checkpoints(), default=0) < after
        ):
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        said = process.communicate()[1]
    assert process.returncode == -signal.SIGKILL, said


def test_killed_and_resumed_training_has_the_same_bits(finished, folder):
    killed(folder, after=4)
    assert len(rows(folder / "out", "train")) < 16
    done = ngcm("train", "--resume", "out", folder=folder)
    assert done.returncode == 0, done.stderr
    assert same_bits(folder / "out", finished[0])
    ours, theirs = (rows(run, "train") for run in (folder / "out", finished[0]))
    assert [x["loss"] for x in ours] == [x["loss"] for x in theirs]
    again = ngcm("train", "--resume", "out", folder=folder)  # nothing is left to do
    assert again.returncode == 0 and same_bits(folder / "out", finished[0])


def test_interrupted_training_saves_its_last_update(finished, folder, monkeypatch):
    """Ctrl-C between checkpoints, and when a better model is about to be written."""
    from ngcm_cli.cli import train as command

    def interrupted(progress, display):
        for step in progress:
            if step.done == 6:
                raise KeyboardInterrupt
            yield step

    with monkeypatch.context() as patch:
        patch.setattr(command, "_shown", interrupted)
        done = ngcm("train", "--config", "train.yaml", folder=folder)
    assert done.returncode == 130
    assert "6 of 16 updates are saved. Resume with `ngcm train --resume out`" in (
        done.stderr
    )

    def unwritten(*result):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "write_result", unwritten)
        assert ngcm("train", "--resume", "out", folder=folder).returncode == 130
    assert ngcm("train", "--resume", "out", folder=folder).returncode == 0
    assert same_bits(folder / "out", finished[0])
    ours, theirs = (
        run / f"model/{STEM}.safetensors" for run in (folder / "out", finished[0])
    )
    assert ours.read_bytes() == theirs.read_bytes()
    assert held_out_losses(folder / "out") == held_out_losses(finished[0])


def test_nan_returns_to_a_checkpoint_with_other_batches(folder, monkeypatch):
    """A loss that is NaN for some random keys: counted, and the training ends well.

    Weights that were better, of before a return, are not written over by others.
    """

    def sometimes(model, examples, keys, *rest):
        total, terms = plain_loss(model, examples, keys, *rest)
        unlucky = jnp.any(jnp.abs(jax_normal(keys)) > 2)
        return jnp.where(unlucky, jnp.nan, total), terms

    written, write = [], trainer.write_result
    monkeypatch.setattr(update, "batch_loss", sometimes)
    monkeypatch.setattr(
        trainer, "write_result", lambda *x: (written.append(x[-1]), write(*x))
    )
    stage = {"rollout": "6h", "updates": 24, "learning_rate": "1e-3"}
    stages = [stage | {"parameters": "decoder"}]
    own = {"stages": stages, "evaluate_every": 1, "seed": 2}
    (folder / "train.yaml").unlink()
    write_settings(folder, **own)
    done = ngcm("train", "--config", "train.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    returns = done.stderr.count("Returning to update")
    assert returns > 0
    found = rows(folder / "out", "train")
    assert [int(x["update"]) for x in found] == list(range(1, 25))
    assert int(found[-1]["returns"]) == returns
    assert all(np.isfinite(float(x["loss"])) for x in found)
    assert written == sorted(written, reverse=True)


def jax_normal(keys):
    return jax.vmap(lambda key: jax.random.normal(key, ()))(keys)


def test_diverging_training_stops_with_the_best_weights(folder, monkeypatch):
    """Exit code 3; the model in the directory is whole."""

    def steep(model, examples, keys, *rest):
        total, terms = plain_loss(model, examples, keys, *rest)
        return jnp.exp(total**4), terms

    monkeypatch.setattr(update, "batch_loss", steep)
    stage = {"rollout": "6h", "updates": 40, "learning_rate": "10"}
    stages = [stage | {"parameters": "decoder"}]
    (folder / "train.yaml").unlink()
    write_settings(folder, stages=stages)
    done = ngcm("train", "--config", "train.yaml", folder=folder)
    assert done.returncode == 3
    assert "The training diverges" in done.stderr and "learning_rate" in done.stderr
    card = read_card(folder / f"out/model/{STEM}.yaml")
    stored = read_weights(card, folder / "out/model")
    assert all(np.isfinite(x).all() for x in stored.values())


def test_patience_ends_a_training_early(folder, monkeypatch):
    """A held-out loss that never falls: after two evaluations it is enough.

    Sea-surface temperature follows the data; --force starts though memory seems small.
    """

    def level(model, examples, keys, *rest):
        total, terms = plain_loss(model, examples, keys, *rest)
        return 1 + 0 * total, terms

    monkeypatch.setattr(update, "batch_loss", level)
    (folder / "train.yaml").unlink()
    own = {"patience": 2, "sst": "prescribed"}
    write_settings(folder, **own, stages=SETTINGS["stages"][:1])
    monkeypatch.setattr(setup, "free_memory", lambda device: 1000)
    done = ngcm("train", "--config", "train.yaml", "--force", folder=folder)
    assert done.returncode == 0, done.stderr
    assert len(rows(folder / "out", "train")) == 8
    assert "No update made them better" in done.stderr
    card = read_card(folder / f"out/model/{STEM}.yaml")
    stored, parent = (
        read_weights(card, folder / "out/model"),
        safetensors.numpy.load_file(folder / "model/tl15_reduced.safetensors"),
    )
    assert all(np.array_equal(stored[name], x) for name, x in parent.items())


def test_adamw_decays_what_is_trained(folder, monkeypatch):
    """Without a gradient weights shrink by rate times decay; others keep their bits."""

    def level(model, examples, keys, *rest):
        total, terms = plain_loss(model, examples, keys, *rest)
        return 1 + 0 * total, terms

    monkeypatch.setattr(update, "batch_loss", level)
    (folder / "train.yaml").unlink()
    stage = {"rollout": "6h", "updates": 4, "learning_rate": "0.1", "warm_up": 2}
    stages = [stage | {"parameters": "decoder.tower.encode.*"}]
    write_settings(folder, stages=stages, optimizer="adamw", weight_decay="0.5")
    done = ngcm("train", "--config", "train.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    found = last_arrays(folder / "out")
    before = safetensors.numpy.load_file(folder / "model/tl15_reduced.safetensors")
    factor = (1 - 0.05 * 0.5) * (1 - 0.1 * 0.5) ** 3
    for name, x in before.items():
        if name.startswith("decoder.tower.encode."):
            np.testing.assert_allclose(found[f"learned/{name}"], factor * x, rtol=1e-5)
        elif not name.startswith("static."):
            np.testing.assert_array_equal(found[f"learned/{name}"], x)


def test_data_that_change_before_a_resume(finished, folder):
    """Other values are refused, also at a time that no sample has."""
    shutil.copytree(finished[0], folder / "copy")
    kept = (folder / "data.nc").read_bytes()
    path = (folder / "data.nc").resolve()
    try:
        path.write_bytes(kept)  # another time of change
        done = ngcm("train", "--resume", "copy", folder=folder)
        assert done.returncode == 0 and "Their values are the same" in done.stderr
        with xr.open_dataset(path) as stored:
            changed = stored.load().copy(deep=True)
        changed.temperature[10, 2, 3, 4] += 0.1
        changed.to_netcdf(path)
        done = ngcm("train", "--resume", "copy", folder=folder)
        assert done.returncode == 2 and "data.nc, were changed since" in done.stderr
        changed.temperature[0, 2, 3, 4] += 0.1
        changed.to_netcdf(path)
        done = ngcm("train", "--resume", "copy", folder=folder)
        assert done.returncode == 2 and "data.nc, were changed since" in done.stderr
        assert "reading all of them" not in done.stderr
    finally:
        path.write_bytes(kept)


def test_new_model_from_seeded_weights(folder):
    """It begins with random weights of unit variance and with biases of zero."""
    (folder / "train.yaml").unlink()
    stage = SETTINGS["stages"][0] | {"updates": 1, "warm_up": 1}
    own = {name: x for name, x in SETTINGS.items() if name != "model"}
    own |= {"stages": [stage], "initialize": SETTINGS["model"]}
    (folder / "train.yaml").write_text(yaml.safe_dump(own))
    done = ngcm("train", "--config", "train.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    begun, _ = TrainingDirectory(folder / "out").read_checkpoint(0)
    assert not begun["learned/decoder.tower.encode.layers.0.bias"].any()
    weight = begun["learned/decoder.tower.encode.layers.0.weight"]
    assert weight.std() * np.sqrt(weight.shape[1]) == pytest.approx(1, rel=0.05)
    assert read_card(folder / f"out/model/{STEM}.yaml").training.initialized
    arrays = {n.removeprefix("learned/"): x for n, x in begun.items() if n[0] == "l"}
    again, other = seeded_weights(arrays, 0), seeded_weights(arrays, 1)
    assert all((again[name] == x).all() for name, x in arrays.items())
    assert (other["decoder.tower.encode.layers.0.weight"] != weight).any()


@pytest.mark.slow
def test_two_devices_share_a_batch(finished, folder):
    """As many examples on each; the weights agree to the rounding of sums.

    The second stage, and so the evaluation, has one forecast and one device.
    """
    here = pathlib.Path(__file__)
    path = os.pathsep.join([str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    flags = "--xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, str(here.with_name("small_training.py")), "train"]
        + ["--config", "train.yaml"],
        cwd=folder, env=os.environ | {"PYTHONPATH": path, "XLA_FLAGS": flags},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours, theirs = last_arrays(folder / "out"), last_arrays(finished[0])
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6)


def two_processes(folder: pathlib.Path, *words: str) -> None:
    """Run a command in two processes at once, of which one is late."""
    here = pathlib.Path(__file__)
    path = os.pathsep.join([str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    late = "import runpy, sys, time\nfrom ngcm_cli.training.data import TrainingData\n"
    late += "check = TrainingData.check_values\n"
    late += "def slow(*x): time.sleep(35); return check(*x)\n"
    late += "TrainingData.check_values = slow\n"
    late += "runpy.run_path(sys.argv.pop(1), run_name='__main__')\n"
    started = []
    for index in range(2):
        program = ["-c", late] if index else []
        script = str(here.with_name("small_training.py"))
        command = [sys.executable, *program, script, *words]
        command += ["--coordinator", address, "--process", f"{index}/2"]
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
    said = [process.communicate(timeout=600)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], said


@pytest.mark.long
def test_two_processes_share_a_batch(folder):
    """Weights agree with those of one to the rounding of sums, and resume exactly.

    One process is later than what CPUs wait for in a joint computation.
    """
    (folder / "train.yaml").unlink()
    stages = [stage | {"batch": 2} for stage in SETTINGS["stages"]]
    write_settings(folder, stages=stages)
    words = "train", "--config", "train.yaml", "--output"
    assert ngcm(*words, "alone", folder=folder).returncode == 0
    two_processes(folder, *words, "together")
    ours, theirs = (last_arrays(folder / name) for name in ("together", "alone"))
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6)
    shutil.copytree(folder / "together", folder / "again")
    for path in (folder / "again/checkpoints").glob("000000*.safetensors"):
        if int(path.stem) > 8:
            path.unlink()
    two_processes(folder, "train", "--resume", "again")
    assert same_bits(folder / "again", folder / "together")


def test_directory_is_not_written_over(finished, files):
    done = ngcm("train", "--config", "train.yaml", folder=files)
    assert done.returncode == 2 and "is a training already" in done.stderr


def test_resume_refuses_what_it_cannot_continue(finished, folder):
    done = ngcm("train", "--resume", "model", folder=folder)
    assert done.returncode == 2 and "is not the directory of a training" in done.stderr
    done = ngcm("train", "--resume", "out", "--seed", 1, folder=folder)
    assert done.returncode == 2 and "--seed cannot be given" in done.stderr
    copy = folder / "changed"
    shutil.copytree(finished[0], copy)
    settings = (copy / "train.yaml").read_text()
    (copy / "train.yaml").write_text(settings.replace("'0.01'", "'0.02'"))
    done = ngcm("train", "--resume", "changed", folder=folder)
    assert done.returncode == 2 and "settings" in done.stderr


def test_damaged_checkpoint(finished, folder):
    shutil.copytree(finished[0], folder / "copy")
    path = folder / "copy/checkpoints/00000016.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    done = ngcm("train", "--resume", "copy", folder=folder)
    assert done.returncode == 2 and "is damaged" in done.stderr
    path.unlink()  # as the message says
    assert ngcm("train", "--resume", "copy", folder=folder).returncode == 0
    assert same_bits(folder / "copy", finished[0])


def test_memory_is_estimated_before_the_start(folder, monkeypatch):
    monkeypatch.setattr(setup, "free_memory", lambda device: 1000)
    done = ngcm("train", "--config", "train.yaml", folder=folder)
    assert done.returncode == 2 and "1 kB are free" in done.stderr
    assert not (folder / "out").exists()


def test_dry_run_writes_nothing(folder):
    done = ngcm("train", "--config", "train.yaml", "--dry-run", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "stage 1    10 updates" in done.stdout and "of memory" in done.stdout
    assert not (folder / "out").exists()


def test_picture(finished, files):
    done = ngcm("plot", "training", str(finished[0]), folder=files)
    assert done.returncode == 0, done.stderr
    assert (files / "out_training.png").read_bytes()[:4] == b"\x89PNG"
