"""Which record each topic is computed from, or why it cannot be."""

import dataclasses
from collections.abc import Mapping, Sequence

from ngcm_cli.diagnosis.records import Record
from ngcm_cli.diagnosis.remarks import Remarks
from ngcm_cli.diagnosis.topic import Stamp, Topic
from ngcm_cli.diagnosis.topics import TOPICS


@dataclasses.dataclass(frozen=True, eq=False)
class Chosen:
    """A topic, and what it is computed from.

    Attributes:
        topic: the topic.
        record: its data.
        needed: names of variables without which a time is left out.
        optional: names of others that are used.
    """

    topic: Topic
    record: Record
    needed: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all variables."""
        return tuple(dict.fromkeys((*self.needed, *self.optional)))


def choose(
    records: Sequence[Record],
    stamps: Mapping[Record, list[Stamp]],
    remarks: Remarks,
    is_zonal: bool,
) -> list[Chosen]:
    """Return the topics that can be computed, in their order.

    Args:
        records: those that there are.
        stamps: the times of each that are used.
        remarks: to which is added what each topic needs that is left out.
        is_zonal: whether zonal means are used, of fields too.
    """
    chosen = []
    for alternatives in TOPICS:
        usable = [x for x in alternatives if x.of_zonal_means or not is_zonal]
        if not usable:
            remarks.miss(alternatives[-1].title, "fields on longitudes, no zonal means")
            continue
        found = (_choose(topic, records, stamps) for topic in usable)
        first = next((x for x in found if x is not None), None)
        if first is not None:
            chosen.append(first)
        else:
            topic = usable[-1]
            remarks.miss(topic.title, _needs(topic, records, stamps))
    return chosen


def _choose(
    topic: Topic, records: Sequence[Record], stamps: Mapping[Record, list[Stamp]]
) -> Chosen | None:
    for kind in topic.kinds:
        for record in records:
            if record.kind != kind or _shortage(topic, record, stamps[record]):
                continue
            for names in topic.needs:
                if set(names) <= record.variables:
                    there = record.variables - {*names}
                    optional = tuple(x for x in topic.optional if x in there)
                    return Chosen(topic, record, names, optional)
    return None


def _shortage(topic: Topic, record: Record, stamps: list[Stamp]) -> str:
    """Return what a record lacks besides variables; empty if nothing."""
    if topic.records_only and any(stamp.lead is not None for stamp in stamps):
        return "a record in time, not forecasts"
    months = record.months(stamps)
    if months < topic.months:
        return f"{topic.months} months; there are {months}"
    if not any(topic.bin_of(stamp) is not None for stamp in stamps):
        return "longer forecasts"
    grid = record.grid
    levels = (grid.levels >= (grid.highest or 0)).sum() if len(grid.levels) else 0
    if levels < topic.levels:
        return f"at least {topic.levels} pressure levels; there are {levels}"
    return ""


def _needs(
    topic: Topic, records: Sequence[Record], stamps: Mapping[Record, list[Stamp]]
) -> str:
    having = [
        record
        for record in records
        if any(set(names) <= record.variables for names in topic.needs)
    ]
    if not having:
        alternatives = (" and ".join(names) for names in topic.needs)
        return topic.needs_text or ", or ".join(alternatives)
    fitting = [record for record in having if record.kind in topic.kinds]
    if not fitting:
        return " or ".join(topic.kinds)
    return _shortage(topic, fitting[0], stamps[fitting[0]])
