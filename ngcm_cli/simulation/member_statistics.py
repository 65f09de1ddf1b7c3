"""Statistics over the members of an ensemble, block by block while it runs.

One process alone evaluates them as its last block comes; of several processes the last
one to finish does so, from the partial statistics of all.
"""

import functools
import itertools
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

from ngcm_cli.diagnostics.ensemble_statistics import Summary, evaluate, merge, summarize
from ngcm_cli.errors import OutputError
from ngcm_cli.output.partial_statistics import PartialStatistics, SavedPartial
from ngcm_cli.output.schema import statistic_name
from ngcm_cli.output.streams import Stream
from ngcm_cli.output.zarr import ZarrWriter
from ngcm_cli.simulation.task import Task


class MemberStatistics:
    """The statistics of the members from one initial time."""

    def __init__(
        self,
        stream: Stream,
        writer: ZarrWriter,
        folder: pathlib.Path,
        init: int,
        members: tuple[int, ...],
        batch: int,
        process: int,
    ):
        self.stream = stream
        self.writer = writer
        self.init = init
        self.members = members
        self.batch = batch
        self.process = process
        self.partial = PartialStatistics(folder)
        self._before: list[SavedPartial] = []
        self._is_final = False

    def begin(self, task: Task, complete: frozenset[int], is_final: bool) -> None:
        """Prepare for the members of a block.

        Args:
            task: of the block.
            complete: numbers of the blocks that are complete.
            is_final: whether no other block is missing, and none is another process's.
        """
        self._is_final = is_final
        self._before = self.partial.saved(complete, None if is_final else self.process)
        own = [p.block for p in self._before if p.process == self.process]
        self.partial.keep_only(self.process, {*own, task.block.number})

    def add(self, task: Task, lead: int, name: str, x: np.ndarray) -> None:
        """Add the values of a block's members at one lead time.

        Args:
            task: of the block.
            lead: index of the lead time.
            name: of the variable.
            x: values, (member, ...); NaN of members that failed.
        """
        summary = self._summary(task.block.members, x)
        summaries = itertools.chain(self._read(lead, name, self._before), [summary])
        if self._is_final:
            self._evaluate(lead, name, summaries)
        else:
            merged = self._merged(summaries)
            self.partial.write(lead, name, self.process, task.block.number, merged)

    def finish(self, task: Task) -> bool:
        """Write which members the summaries are of; then the block may be complete.

        Returns:
            Whether the statistics of all members are written.
        """
        if not self._is_final:
            members = frozenset(task.block.members)
            members = members.union(*(partial.members for partial in self._before))
            saved = SavedPartial(self.process, task.block.number, members)
            self.partial.complete(saved)
        return self._is_final

    def keep_latest(self, task: Task) -> None:
        """Remove the partial statistics that a complete block has replaced."""
        if self._is_final:
            self.partial.remove()
        else:
            self.partial.keep_only(self.process, {task.block.number})

    def write_all(self, complete: frozenset[int], leads: int) -> None:
        """Write the statistics of all members, all of whose blocks are complete."""
        partials = self.partial.saved(complete)
        assert self.stream.fields is not None
        for lead, name in itertools.product(range(leads), self.stream.fields.variables):
            self._evaluate(lead, name, self._read(lead, name, partials))

    def known_members(self, complete: frozenset[int]) -> frozenset[int]:
        """Return the members of whom there are partial statistics."""
        return frozenset().union(*(p.members for p in self.partial.saved(complete)))

    def _read(
        self, lead: int, name: str, partials: list[SavedPartial]
    ) -> Iterator[Summary]:
        """Read summaries one after the other: they are large."""
        return (self.partial.read(lead, name, partial) for partial in partials)

    def _evaluate(self, lead: int, name: str, summaries: Iterable[Summary]) -> None:
        """Write the statistics of summarized members and of all others, if kept."""
        seen: set[int] = set()

        def all_members() -> Iterator[Summary]:
            for summary in summaries:
                seen.update(summary.members)
                yield summary
            others = sorted(set(self.members) - seen)
            if others and not self.stream.keep_members:
                raise OutputError(
                    f"The partial statistics of some members of {self.writer.path} are "
                    "gone.",
                    "Start again with --overwrite.",
                )
            for start in range(0, len(others), self.batch):
                some = tuple(others[start : start + self.batch])
                rows = (self.members.index(member) for member in some)
                x = [self.writer.read(name, (row, self.init, lead)) for row in rows]
                yield self._summary(some, np.stack(x))

        fields = evaluate(
            self._merged(all_members()), self.stream.statistics, self.stream.ddof
        )
        named = {statistic_name(name, s): x for s, x in fields.items()}
        self.writer.write(named, time=lead, init_time=self.init)

    def _summary(self, members: tuple[int, ...], x: np.ndarray) -> Summary:
        return summarize(members, x, self.stream.statistics, len(self.members))

    def _merged(self, summaries: Iterable[Summary]) -> Summary:
        names, total = self.stream.statistics, len(self.members)
        return functools.reduce(lambda a, b: merge(a, b, names, total), summaries)
