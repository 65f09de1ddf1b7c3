"""The loop of ensembles: blocks of members, computed, written and summed up."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from ngcm_cli.diagnostics.ensemble_statistics import Summary, evaluate, merge, summarize
from ngcm_cli.ensemble.blocks import Block, forecast_block
from ngcm_cli.ensemble.parts import Known, Parts
from ngcm_cli.ensemble.plan import EnsemblePlan
from ngcm_cli.errors import OutputError
from ngcm_cli.output.ensemble_store import EnsembleStore


@dataclasses.dataclass(frozen=True)
class Report:
    """How far an ensemble is.

    Attributes:
        init: place of the initial time.
        members: that are being computed.
        lead: place of the lead time that they have reached.
        done: pieces of work before this one.
        pieces: of work there are.
        lost: members that were not finite at this lead time or before.
    """

    init: int
    members: tuple[int, ...]
    lead: int
    done: int
    pieces: int
    lost: tuple[int, ...]


class Course:
    """An ensemble on its way to disk.

    Args:
        plan: of the ensemble.
        store: to write to.
    """

    def __init__(self, plan: EnsemblePlan, store: EnsembleStore):
        self.plan = plan
        self.store = store

    def run(self, init: int | None = None) -> Iterator[Report]:
        """Compute the share of this process that is missing, block by block.

        Args:
            init: place of the only initial time to do this for; None is all.
        """
        share = [pair for pair in self.plan.share() if init in (None, pair[0])]
        work = [
            (place, block)
            for place, blocks in itertools.groupby(share, key=lambda pair: pair[0])
            for block in self._missing(place, [block for _, block in blocks])
        ]
        done = 0
        for place, pairs in itertools.groupby(work, key=lambda pair: pair[0]):
            forecast, blocks = self.plan.forecast(place), [block for _, block in pairs]
            for block in blocks:
                last = block is blocks[-1]
                for output, lost in self._block(forecast, place, block, last):
                    yield Report(place, block.members, output, done, len(work), lost)
                done += 1
            self.sum_up(place)

    def finish(self) -> None:
        """The statistics that are missing, of members that are all whole."""
        for init in range(len(self.plan.layout.inits)):
            self.sum_up(init)

    def tidy(self) -> None:
        """Remove what killed processes left that does not count, while none works."""
        for init in range(len(self.plan.layout.inits)):
            self._parts(init).tidy(self._whole_blocks(init))

    def sum_up(self, init: int) -> None:
        """The statistics from an initial time, if all of its members are whole."""
        layout, parts = self.plan.layout, self._parts(init)

        def is_due() -> bool:
            if self.store.is_summed_up(init):
                return False
            return self.store.completed(init) >= set(layout.realizations)

        def write() -> None:
            with parts.alone("statistics"):
                if is_due():  # still
                    known = parts.known(self._whole_blocks(init))
                    leads = range(layout.count)
                    for lead, name in itertools.product(leads, layout.variables):
                        summaries = self._read(lead, name, init, known)
                        self._evaluate(init, lead, name, summaries)
                    self.store.sum_up(init)
                    parts.forget()

        if is_due():
            self.store.submit(write)
            self.store.wait()

    def _missing(self, init: int, blocks: list[Block]) -> list[Block]:
        """Those of the blocks that have members who are not whole, with these.

        Where members are not kept, a block counts only as a whole, and only if the
        summaries know of it.
        """
        members, layout = self.store.completed(init), self.plan.layout
        if not (layout.keeps_members or self.store.is_summed_up(init)):
            known = self._parts(init).known(self._whole_blocks(init))
            members = frozenset().union(*(one.members for one in known))
        missing = []
        for block in blocks:
            left = tuple(m for m in block.members if m not in members)
            if left and not layout.keeps_members:
                left = block.members
            if left:
                missing.append(dataclasses.replace(block, members=left))
        return missing

    def _whole_blocks(self, init: int) -> frozenset[int]:
        """Numbers of the blocks all of whose members are whole."""
        whole, blocks = self.store.completed(init), self.plan.blocks()
        return frozenset(b.number for b in blocks if whole.issuperset(b.members))

    def _block(
        self, forecast, init: int, block: Block, last: bool
    ) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Compute and write a block; yields lead times and the members lost so far."""
        plan, store, layout = self.plan, self.store, self.plan.layout
        parts, finite = self._parts(init), dict.fromkeys(block.members, layout.count)
        process = plan.processes.index
        # By one process alone, the last block is summed up as it comes.
        final = last and plan.processes.count == 1
        before: list[Known] = []
        if layout.statistics:
            whole = self._whole_blocks(init)
            before = parts.known(whole, None if final else process)
            parts.forget_but(process, self._own(before))
        for output in forecast_block(forecast, block, plan.devices):
            for member in _not_finite(output.fields, block.members):
                finite[member] = min(finite[member], output.lead)
            lost = tuple(m for m, count in finite.items() if count <= output.lead)
            fields = {
                name: _without(layout.select(name, output.fields[name]), block, lost)
                for name in layout.variables
            }

            def write(fields=fields, lead=output.lead) -> None:
                if layout.keeps_members:
                    for row, member in enumerate(block.members):
                        own = {name: x[row] for name, x in fields.items()}
                        store.write_member(member, init, lead, own)
                for name, x in fields.items() if layout.statistics else ():
                    own = self._summary(block.members, x)
                    known = self._read(lead, name, init, before)
                    known = itertools.chain(known, [own])
                    if final:
                        self._evaluate(init, lead, name, known)
                    else:
                        merged = self._merged(known)
                        parts.write(lead, name, process, block.number, merged)

            store.submit(write)
            yield output.lead, lost

        def finish() -> None:
            if layout.statistics and not final:
                members = frozenset(block.members)
                members = members.union(*(known.members for known in before))
                parts.close(Known(process, block.number, members))
            store.complete(finite, init)
            if final and layout.statistics:
                store.sum_up(init)
                parts.forget()
            elif layout.statistics:
                parts.forget_but(process, block.number)

        store.submit(finish)
        store.wait()

    def _own(self, known: list[Known]) -> int | None:
        """The block after which this process knew what it knows."""
        own = self.plan.processes.index
        return next((one.block for one in known if one.process == own), None)

    def _read(
        self, lead: int, name: str, init: int, known: list[Known]
    ) -> Iterator[Summary]:
        """The summaries of processes, one after the other: they are large."""
        parts = self._parts(init)
        return (parts.read(lead, name, one) for one in known)

    def _evaluate(
        self, init: int, lead: int, name: str, known: Iterable[Summary]
    ) -> None:
        """Write the statistics of members that are summed up, and of all others."""
        layout, batch, seen = self.plan.layout, self.plan.batch, set[int]()

        def all_members() -> Iterator[Summary]:
            for summary in known:
                seen.update(summary.members)
                yield summary
            others = sorted(set(layout.realizations) - seen)
            if others and not layout.keeps_members:
                raise OutputError(
                    f"What was known of some members of {self.plan.output} is gone.",
                    self.store.progress(),
                )
            for start in range(0, len(others), batch):
                some = tuple(others[start : start + batch])
                x = self.store.read_members(some, init, lead, name)
                yield self._summary(some, x)

        fields = evaluate(self._merged(all_members()), layout.statistics)
        self.store.write_statistics(init, lead, name, fields)

    def _summary(self, members: tuple[int, ...], x: np.ndarray) -> Summary:
        layout = self.plan.layout
        return summarize(members, x, layout.statistics, len(layout.realizations))

    def _merged(self, known: Iterable[Summary]) -> Summary:
        layout = self.plan.layout
        names, total = layout.statistics, len(layout.realizations)
        return functools.reduce(lambda a, b: merge(a, b, names, total), known)

    def _parts(self, init: int) -> Parts:
        return Parts(self.plan.output, init)


def _not_finite(
    fields: dict[str, np.ndarray], members: tuple[int, ...]
) -> tuple[int, ...]:
    """The members that have a value that is not finite."""
    return tuple(
        member
        for row, member in enumerate(members)
        if not all(np.isfinite(x[row]).all() for x in fields.values())
    )


def _without(x: np.ndarray, block: Block, lost: tuple[int, ...]) -> np.ndarray:
    """Fields of a block's members, NaN for those that are lost."""
    if not lost:
        return x
    rows = [block.members.index(member) for member in lost]
    x = np.array(x)
    x[rows] = np.nan
    return x
