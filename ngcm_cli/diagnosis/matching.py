"""The times of a run and of a reference that are compared."""

from collections.abc import Iterable, Sequence

import numpy as np

from ngcm_cli.config.diagnose import Period
from ngcm_cli.diagnosis.records import Record, described
from ngcm_cli.diagnosis.remarks import Remarks
from ngcm_cli.diagnosis.topic import Stamp
from ngcm_cli.errors import ConfigError

Stamps = dict[Record, list[Stamp]]


def within(records: Sequence[Record], period: Period | None) -> Stamps:
    """Return the times in a period; of forecasts by their initial time.

    Raises:
        ConfigError: there are none.
    """
    every = {record: record.stamps() for record in records}
    if period is None:
        return every
    start = lambda s: s.valid if s.lead is None else s.valid - s.lead
    chosen = {
        record: [s for s in stamps if period.begin <= start(s) < period.end]
        for record, stamps in every.items()
    }
    if not any(chosen.values()):
        shown = described(s for stamps in every.values() for s in stamps)
        raise ConfigError(
            f"Nothing of {records[0].name} is in the period {period}; it has {shown}.",
            "Give another --period.",
        )
    return chosen


def match(
    run: Stamps, reference: Sequence[Record], remarks: Remarks
) -> tuple[Stamps, Stamps]:
    """Return the times of run and reference that are compared.

    Forecasts are compared at the valid times that the reference has, records over the
    months of the run.

    Raises:
        ConfigError: there are none, or the reference are forecasts and the run is not.
    """
    first = next(iter(run))
    if first.is_forecast:
        return _match_forecasts(first, run[first], reference[0], remarks)
    months = _months(run.values())
    beside: Stamps = {}
    for source in reference:
        if source.is_forecast:
            raise ConfigError(
                f"{source.name} are forecasts, and {first.name} is a record.",
                "Compare it with a record in time.",
            )
        beside[source] = [s for s in source.stamps() if _month(s) in months]
    there = _months(beside.values())
    if not there:
        raise _no_overlap(first, reference[0], [s for x in run.values() for s in x])
    if len(there) < len(months):
        remarks.note(
            f"the reference has {len(there)} of the {len(months)} months of the run, "
            f"{min(there)} to {max(there)}; --period leaves out the others"
        )
    return run, beside


def _match_forecasts(
    run: Record, stamps: list[Stamp], source: Record, remarks: Remarks
) -> tuple[Stamps, Stamps]:
    places = {stamp: source.index_of(stamp) for stamp in stamps}
    both = [stamp for stamp, place in places.items() if place is not None]
    if not both:
        raise _no_overlap(run, source, stamps)
    lacking = len(stamps) - len(both)
    if lacking:
        remarks.note(
            f"{lacking} of {len(stamps)} times are not in the reference, and left out "
            "of both"
        )
    theirs = [Stamp(s.valid, s.lead, places[s] or {}) for s in both]
    return {run: both}, {source: theirs}


def _month(stamp: Stamp) -> np.datetime64:
    return stamp.valid.astype("datetime64[M]")


def _months(stamps: Iterable[list[Stamp]]) -> set[np.datetime64]:
    return {_month(stamp) for each in stamps for stamp in each}


def _no_overlap(run: Record, reference: Record, stamps: list[Stamp]) -> ConfigError:
    return ConfigError(
        f"{reference.name} has none of the times of {run.name}, {described(stamps)}; "
        f"it has {described(reference.stamps())}.",
        "Name a reference of the same period.",
    )
