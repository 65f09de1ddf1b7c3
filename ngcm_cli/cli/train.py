"""``ngcm train``: train a model further, or a new one."""

import pathlib
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ngcm_cli.cli.console import format_seconds, messages, print_line
from ngcm_cli.cli.interrupts import leaving_at_interrupt
from ngcm_cli.cli.options import OUTPUT_NAMES, Offline, option, switch, text
from ngcm_cli.cli.progress import Display
from ngcm_cli.cli.run_command import DryRun, Resume, with_options
from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.sources.named import metavar
from ngcm_cli.io.progress import format_number

if TYPE_CHECKING:
    from ngcm_cli.training.trainer import TrainingProgress

_OPTIONS: dict[str, Any] = {
    "config": Annotated[
        pathlib.Path | None,
        option("YAML", "Run file with the settings of the training."),
    ],
    "model": text(
        "NAME|PATH", "Model to train further.  [default: tl63_stochastic_mini]"
    ),
    "initialize": text(
        "NAME|PATH", "Model whose architecture to train, from random weights."
    ),
    "data": text(metavar("PATH", "URL"), "Analyses to train on."),
    "train": text(
        "FIRST/LAST/STEP", "Times to train on, as 2018-01-01/2018-12-31T18/6h."
    ),
    "held_out": text("FIRST/LAST/STEP", "Times to judge the weights by."),
    "seed": text("N", "Seed of batches and random numbers.  [default: 0]"),
    "output": text(
        "DIRECTORY",
        "Directory to create.  [default: MODEL_trained, in this directory]",
        *OUTPUT_NAMES,
    ),
    "coordinator": text(
        "HOST:PORT",
        "Train on several hosts, the first of which listens here; not needed under "
        "SLURM and on Cloud TPUs.",
    ),
    "process": text(
        "I/N", "Number of this process, from 0, and of all of them: 0/2 or 1/2."
    ),
    "offline": Offline,
    "resume": Resume,
    "force": switch("--force/--no-force", "Start though memory seems too small."),
    "dry_run": DryRun,
}


def train(
    config: pathlib.Path | None = None,
    resume: pathlib.Path | None = None,
    force: bool | None = None,
    dry_run: bool | None = None,
    **given: Any,
) -> None:
    """Train a model on your data, further or from random weights.

    The run file names data, times and stages; options override it. Prints the path of
    the trained model, which every --model takes.

    Example: ngcm train --config train.yaml
    """
    flags = {name: x for name, x in given.items() if x is not None}
    with messages() as console:
        from ngcm_cli.config.run_file import read_run_file
        from ngcm_cli.config.train import HOSTS, NESTED, TrainConfig

        fixed = [name for name in flags if name not in HOSTS]
        if resume is not None and (config is not None or fixed):
            named = "config" if config is not None else fixed[0]
            raise ConfigError(
                f"--{named.replace('_', '-')} cannot be given with --resume.",
                "A training is resumed with its own settings: leave it out.",
            )
        settings: dict[str, Any] = {}
        if config is not None:
            settings = read_run_file(config, tuple(TrainConfig.model_fields), NESTED)
        settings |= flags
        if "initialize" in flags:
            settings.pop("model", None)
        checked = None if resume is not None else TrainConfig(**settings)
        started = time.monotonic()
        with Display(console, "Reading the model and the data") as display:
            with leaving_at_interrupt(display.leave):
                from ngcm_cli.training import run
            if dry_run:
                if checked is None:
                    raise ConfigError(
                        "--dry-run cannot be given with --resume.", "Leave it out."
                    )
                plan = run.plan(checked, bool(force))
            else:
                path = run.train(
                    checked,
                    resume=resume,
                    force=bool(force),
                    track=lambda progress: _shown(progress, display),
                    download=display.download,
                    count=display.count,
                    **(flags if resume is not None else {}),
                )
        if dry_run:
            typer.echo(plan)
            return
        seconds = format_seconds(time.monotonic() - started)
        print_line(console, f"Trained in {seconds}.")
        typer.echo(path)


def _shown(
    progress: Iterable["TrainingProgress"], display: Display
) -> Iterator["TrainingProgress"]:
    """Show every update of a training, and yield it."""
    first: tuple[float, int] | None = None
    seconds, before = 0.0, time.monotonic()
    for step in progress:
        now = time.monotonic()
        first = first or (now, step.done)
        terms = [
            f"{name} {x:.3g}"
            for name, x in step.numbers.items()
            if name not in ("loss", "gradient_norm")
        ]
        fields = [
            (0, f"update {step.done} of {step.total}"),
            (1, f"loss {step.numbers['loss']:.4g}"),
            (5, f"stage {step.stage}"),
            *((7, term) for term in terms),
            (3, f"held out {step.best_loss:.4g}"),
            (6, f"rate {step.learning_rate:.2g}"),
        ]
        if step.done > first[1]:  # the first came with reading
            seconds = (now - first[0]) / (step.done - first[1])
            left = format_seconds(seconds * (step.total - step.done))
            speed = step.simulated_hours / max(now - before, 1e-9)
            fields += [
                (4, f"{format_number(speed)} simulated h/s"),
                (2, f"{left} left"),
            ]
        before = now
        display.show(fields, step.done, step.total)
        yield step
    display.end()


with_options(train, _OPTIONS)
