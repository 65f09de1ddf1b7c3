"""The course of a long run: its days, what goes wrong, and what is kept."""

import collections
import dataclasses
import json
import logging
import time
from collections.abc import Iterator

import jax
import numpy as np

from ngcm_cli.climate.days import Day, first_carry, one_day
from ngcm_cli.climate.plan import ClimatePlan, Run
from ngcm_cli.climate.records import completed, erase, write_day
from ngcm_cli.climate.restarts import Events, is_due, load_latest, save
from ngcm_cli.climate.watchdog import trouble
from ngcm_cli.errors import UnstableRunError
from ngcm_cli.gcm.perturbation import perturbed
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.output.run_folder import RunFolder
from ngcm_cli.time_format import format_time

log = logging.getLogger(__name__)

AMPLITUDE = 1e-6
"""Relative size of the perturbation after which an unstable run goes on."""
_ATTEMPTS = 3  # from one restart
_TOLD = 30.0  # seconds between two words on the progress


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """How the runs are after a day.

    Attributes:
        day: how many are done.
        time: of the first run.
        well: number of runs that go on, or have come to their end.
        look: global means and extremes of the first run that is well.
    """

    day: int
    time: np.datetime64
    well: int
    look: dict[str, np.ndarray]


class Course:
    """A long run in its folder, from its last restart to its end.

    Args:
        plan: what is done.
        folder: of the run; its stores are opened, or made.
        beginnings: the atmosphere of every start; of no account where there is a
            restart.
    """

    def __init__(
        self, plan: ClimatePlan, folder: RunFolder, beginnings: list[Analysis]
    ):
        self.plan = plan
        self.folder = folder
        kept = load_latest(folder.path, plan)
        # What does not belong here is refused before anything is made.
        for start in range(len(plan.climates)):
            for name, records in plan.stores(start).items():
                folder.open(name, records, make=kept is None or kept[0].day == 0)
        self.events = Events() if kept is None else kept[1]
        self.carry = first_carry(plan, beginnings) if kept is None else kept[0]
        self._began = time.time(), self.carry.day
        self._told = 0.0
        if kept is None:
            self.keep()

    def days(self) -> Iterator[Report]:
        """Go on to the end; every day is reported when it is well.

        Raises:
            UnstableRunError: no run is left.
            OutputError: the disk.
        """
        if self.carry.day == self.plan.length:
            log.info(f"The run in {self.folder.path} is complete.")
            return
        # What happened after the last restart has not happened.
        self.folder.mark(status="running", **self._words())
        for words in self.events.changes:
            self.folder.add_history(f"{words}, from {format_time(self._time)} on")
        self._flush()
        self._tell("running", force=True)
        while self.carry.day < self.plan.length:
            done, day = one_day(self.plan, self.carry)
            troubles = self._troubles(done.day, day)
            if troubles and self._rewind(troubles):
                continue
            well = self._well(done.day)
            self.folder.write(
                lambda put, done=done, day=day, well=well: write_day(
                    self.plan, done, day, well, put
                )
            )
            self.carry = done
            if is_due(self.plan, done.day):
                self.keep()
            self._tell("running")
            yield self._report(day)
        self.finish("complete")
        if self.events.lost:
            runs = len(self.plan.runs)
            well = runs - len(self.events.lost)
            log.warning(f"{well} of {runs} runs came to their end.")

    def keep(self) -> None:
        """Put everything on disk, and a restart of the last whole day."""
        self._flush()
        save(self.folder, self.plan, self.carry, self.events)

    def finish(self, status: str) -> None:
        """Put all records on disk and say how the run ended."""
        self._flush()
        self.folder.mark(status=status, **self._words())
        self._tell(status, force=True)

    def done(self) -> str:
        """A sentence on how far the run is."""
        return (
            f"{self.folder.path} holds {self.carry.day} of {self.plan.length} days, to "
            f"{format_time(self._time)}."
        )

    def _flush(self) -> None:
        plan, day = self.plan, self.carry.day
        self.folder.flush(
            {
                store: completed(plan, start, store, day)
                for start in range(len(plan.climates))
                for store in plan.stores(start)
            }
        )

    def _well(self, day: int) -> tuple[Run, ...]:
        """The runs that have not ended before a day, and are stable."""
        return tuple(
            run
            for run in self.plan.runs
            if run.number not in self.events.lost and day <= self.plan.days(run.start)
        )

    def _troubles(self, done: int, day: Day) -> dict[int, str]:
        """What is wrong with the runs, by number, and since when."""
        plan, troubles = self.plan, {}
        for run in self._well(done):
            for sample, looks in enumerate(day.looks):
                if len(plan.runs) > 1:
                    looks = {name: x[run.number] for name, x in looks.items()}
                words = trouble(looks, plan.climates[0].sigma)
                if words is not None:
                    when = plan.time(run.start, done - 1) + sample * plan.config.sample
                    troubles[run.number] = f"on {format_time(when)} {words}"
                    break
        return troubles

    def _rewind(self, troubles: dict[int, str]) -> bool:
        """Go back to the last restart and perturb what failed, if that is wanted.

        What has failed too often from there is lost, or all of it if it is not wanted.
        """
        plan = self.plan
        if plan.config.on_instability != "rewind":
            self._lose(troubles)
            return False
        kept = load_latest(self.folder.path, plan, due=True)
        assert kept is not None  # there is one of the first day
        carry, _ = kept
        restart = {
            n: format_time(plan.time(plan.runs[n].start, carry.day)) for n in troubles
        }
        tried = collections.Counter((x["run"], x["to"]) for x in self.events.rewinds)
        lost = {n: x for n, x in troubles.items() if tried[n, restart[n]] >= _ATTEMPTS}
        self._lose(lost)
        if len(lost) == len(troubles):
            return False
        self.folder.wait()
        rewinds = list(self.events.rewinds)
        for number, words in troubles.items():
            if number in lost:
                continue
            name, to = self._name(number), restart[number]
            log.warning(f"{name} goes back to {to}: {words}.")
            key = jax.random.fold_in(jax.random.key(plan.config.seed), len(rewinds))
            carry = dataclasses.replace(
                carry, state=_perturbed(carry.state, number, len(plan.runs), key)
            )
            rewinds.append(
                {
                    "run": number,
                    "trouble": words,
                    "to": to,
                    "relative_perturbation": AMPLITUDE,
                }
            )
        # Together: an interruption keeps both or neither.
        self.carry, self.events.rewinds = carry, rewinds
        self.folder.mark(**self._words())
        self._flush()
        self._tell("running", force=True)
        return True

    def _lose(self, troubles: dict[int, str]) -> None:
        """Give up runs after the days that are done.

        Raises:
            UnstableRunError: none is left.
        """
        if not troubles:
            return
        plan, day = self.plan, self.carry.day
        self.events.lost |= troubles
        # Before it went back, a run may have come as far as just before a restart.
        last = (day // plan.restart_days + 1) * plan.restart_days
        for run in [plan.runs[number] for number in troubles]:
            self.folder.write(lambda put, run=run: erase(plan, run, day, last, put))
        if len(self.events.lost) < len(plan.runs):
            for number, words in troubles.items():
                log.warning(f"{self._name(number)} is lost: {words}.")
            self.folder.mark(**self._words())
            return
        # Nothing of this day is written, and the last restart is from before it.
        self.finish("unstable")
        words = next(iter(troubles.values()))
        rewound = f" after {n} rewinds" if (n := len(self.events.rewinds)) else ""
        raise UnstableRunError(
            f"The run became unstable{rewound}: {words}.",
            f"What was written before is in {self.folder.path}. "
            + (
                "Try another seed."
                if rewound
                else f"Go on with `ngcm amip --resume {self.folder.path} "
                "--on-instability rewind`, or try another seed."
            ),
        )

    def _name(self, number: int) -> str:
        return f"Run {number}" if len(self.plan.runs) > 1 else "The run"

    def _words(self) -> dict[str, str | None]:
        """What happened, for the attributes of the stores; None for nothing."""
        events = self.events
        return {
            "lost": json.dumps(events.lost) if events.lost else None,
            "rewinds": json.dumps(events.rewinds) if events.rewinds else None,
        }

    @property
    def _time(self) -> np.datetime64:
        """That the first run has come to."""
        return self.plan.time(0, self.carry.day)

    def _tell(self, status: str, force: bool = False) -> None:
        now = time.time()
        if not force and now - self._told < _TOLD:
            return
        self._told = now
        if not force:
            self._flush()
        seconds, days = now - self._began[0], self.carry.day - self._began[1]
        self.folder.progress(
            {
                "status": status,
                "day": self.carry.day,
                "days": self.plan.length,
                "days_per_second": days / seconds if days else None,
                "runs": len(self.plan.runs),
                "lost": self.events.lost,
                "rewinds": self.events.rewinds,
            }
        )

    def _report(self, day: Day) -> Report:
        well, look = self._well(self.carry.day), day.looks[-1]
        if len(self.plan.runs) > 1:
            number = well[0].number if well else 0
            look = {name: x[number] for name, x in look.items()}
        count = len(self.plan.runs) - len(self.events.lost)
        return Report(self.carry.day, self.plan.time(0, self.carry.day), count, look)


def _perturbed(state, number: int, runs: int, key: jax.Array):
    if runs == 1:
        return perturbed(state, key, AMPLITUDE)
    own = perturbed(jax.tree.map(lambda x: x[number], state), key, AMPLITUDE)
    return jax.tree.map(lambda all_, x: all_.at[number].set(x), state, own)
