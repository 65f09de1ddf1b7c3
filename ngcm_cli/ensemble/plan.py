"""What an ensemble will do, checked: everything that can fail cheaply fails here."""

import dataclasses
import pathlib
from typing import Any

import jax

from ngcm_cli import origin
from ngcm_cli.config import EnsembleConfig
from ngcm_cli.diagnostics.ensemble_statistics import bytes_of_summary
from ngcm_cli.ensemble.blocks import Block, blocks_of, shared_by
from ngcm_cli.ensemble.memory import fitting_batch
from ngcm_cli.ensemble.processes import Processes
from ngcm_cli.ensemble.there import There, find, ranges, settings_of
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.members import Devices
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress
from ngcm_cli.output.ensemble_layout import EnsembleLayout
from ngcm_cli.output.place import check_space
from ngcm_cli.plan import Plan, check_init, check_members_differ, check_paths, plan_run
from ngcm_cli.provenance import now
from ngcm_cli.time_format import format_time


@dataclasses.dataclass(frozen=True)
class EnsemblePlan:
    """An ensemble that has passed every check that does not need the model to run.

    Attributes:
        config: what was asked for.
        resume: whether the output was to be there.
        first: the forecast from the first initial time.
        layout: what the output holds in the end.
        batch: members that run at once.
        devices: that share these.
        processes: that share all.
        there: what the output holds already, if it is there.
    """

    config: EnsembleConfig
    resume: bool
    first: Plan
    layout: EnsembleLayout
    batch: int
    devices: Devices
    processes: Processes
    there: There | None

    @property
    def output(self) -> pathlib.Path:
        """Where the ensemble goes."""
        return self.first.output

    @property
    def is_whole(self) -> bool:
        """Whether the store holds everything already."""
        asked, there = set(self.layout.realizations), self.there
        return there is not None and there.finished and asked <= set(there.members)

    def forecast(self, init: int) -> Plan:
        """The forecast that all members from an initial time share."""
        if init == 0:
            return self.first
        layout = self.layout
        config = self.config.forecast(layout.inits[init])
        loaded = self.first.card, self.first.model
        return dataclasses.replace(plan_run(config, loaded=loaded), output=self.output)

    def blocks(self) -> list[Block]:
        """The blocks in which the members lie."""
        return blocks_of(self.layout.realizations, self.batch)

    def share(self) -> list[tuple[int, Block]]:
        """Blocks that this process computes, with the place of their initial time."""
        inits, blocks = range(len(self.layout.inits)), self.blocks()
        pairs = [(init, block) for init in inits for block in blocks]
        return pairs[self.processes.index :: self.processes.count]

    def about(self) -> dict[str, Any]:
        """What the output keeps, for those who go on with it."""
        return {
            "settings": settings_of(self.config, self.layout.init),
            "batch": self.batch,
            "members": list(self.layout.realizations),
            "run": self.processes.run,
        }

    def renewed(self) -> "EnsemblePlan":
        """The plan again, from what is there by now."""
        return _arranged(
            self.config, self.resume, self.first, self.processes, self.batch
        )

    def describe(self) -> str:
        """What will be done, for people."""
        layout = self.layout
        words = [ranges(layout.realizations)]
        if len(layout.inits) > 1:
            words.append(f"from each of {len(layout.inits)} initial times")
        words.append(f"{self.batch} at once")
        if len(self.devices) > 1:
            words.append(f"on {len(self.devices)} devices")
        if self.processes.count > 1:
            words.append(f"in {self.processes.count} processes")
        lines = [f"{'Members':<10} {', '.join(words)}"]
        idle = len(jax.local_devices()) - len(self.devices)
        if idle:
            have = "devices have" if idle > 1 else "device has"
            alone = f"{idle} {have} no share, for {self.batch} do not divide evenly"
            lines.append(f"{'':<10} {alone}")
        if layout.statistics:
            lines.append(f"{'':<10} {', '.join(layout.statistics)} over all members")
        lines.append(f"{'Output':<10} {self.output}")
        lines.append(f"{'':<10} {format_size(layout.size)} in all")
        forecast, _, _ = self.first.describe().partition("\nOutput")
        return "\n".join([forecast, *lines])


def plan_ensemble(
    config: EnsembleConfig,
    processes: Processes,
    download: ByteProgress = no_progress,
    resume: bool = False,
) -> EnsemblePlan:
    """Check everything that can be checked before the model runs.

    Args:
        config: what is asked for.
        processes: that share it.
        download: sees how weights that are not here yet are getting on.
        resume: whether the output is there and waits for its members.
    """
    if config.scheduler is not None and processes.count > 1:
        raise ConfigError(
            "Either a Dask scheduler shares the work, or several processes do.",
            "Leave out --scheduler, or run one process.",
        )
    inits = config.init or (None,)
    base = config.forecast(inits[0])
    if config.output is not None:
        check_paths(base, config.output)
        find(config, config.output, resume, processes.run)  # before a download
    first = plan_run(base, download)
    check_members_differ(config, first.model)
    if config.init is not None and len(config.init) > 1 and not resume:
        for init in config.init:
            check_init(config.forecast(init), first.model, init)
        others = [config.forecast(init) for init in config.init[1:]]
        origin.check_inputs(others, first.model, download)
    output = config.output
    if output is None:
        stem = first.output.name.removesuffix(".zarr")
        output = pathlib.Path(f"{stem}_ensemble.zarr")
        check_paths(base, output)
    first = dataclasses.replace(first, output=output)
    return _arranged(config, resume, first, processes, config.batch)


def _arranged(
    config: EnsembleConfig,
    resume: bool,
    first: Plan,
    processes: Processes,
    batch: int | None,
) -> EnsemblePlan:
    """The plan for what is at the output now."""
    there = find(config, first.output, resume, processes.run)
    members = tuple(config.members)
    if there is not None:
        there.check(config, first)
        batch = there.batch
        if resume or there.run == processes.run:
            members = there.members
        else:
            members = *there.members, *members
    batch = batch or fitting_batch(first, len(members), processes.count)
    layout = _layout(config, first, members)
    devices = shared_by(jax.local_devices(), batch)
    plan = EnsemblePlan(config, resume, first, layout, batch, devices, processes, there)
    new = members if there is None else members[len(there.members) :]
    if new:
        size = dataclasses.replace(layout, realizations=new).size
        check_space(first.output, size + _on_the_way(plan))
    return plan


def _on_the_way(plan: EnsemblePlan) -> int:
    """Bytes that summaries of the members so far take beside the output."""
    layout, processes = plan.layout, plan.processes.count
    if not layout.statistics or (len(plan.blocks()) == 1 and processes == 1):
        return 0
    values = layout.bytes_per_lead // 4 * layout.count
    each = bytes_of_summary(layout.statistics, len(layout.realizations))
    return 2 * processes * values * each  # after the last block, and after this one


def _layout(
    config: EnsembleConfig, first: Plan, members: tuple[int, ...]
) -> EnsembleLayout:
    layout, inits = first.layout, config.init or (first.layout.init,)
    shared: dict[str, Any] = {
        field.name: getattr(layout, field.name) for field in dataclasses.fields(layout)
    }
    model, begin = first.card.name, format_time(layout.init)
    several = f" and {len(inits) - 1} other times" if len(inits) > 1 else ""
    shared["attributes"] = {
        **layout.attributes,
        "title": f"Ensemble by {model} from {begin}{several}",
        "history": f"{now()}: {origin.command(config)}",
    }
    return EnsembleLayout(
        **shared,
        starts=tuple(time.astype("datetime64[s]") for time in inits),
        realizations=members,
        statistics=config.statistics,
        keeps_members=config.keep_members,
    )
