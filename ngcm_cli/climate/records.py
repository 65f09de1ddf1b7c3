"""Where what a day gave belongs in the stores of a run."""

from collections.abc import Iterator, Mapping

import jax
import numpy as np

from ngcm_cli.climate.days import Carry, Day
from ngcm_cli.climate.plan import DAY, ClimatePlan, Run
from ngcm_cli.output.climate import GLOBAL, Climate
from ngcm_cli.output.run_folder import Put

Arrays = Mapping[str, np.ndarray]
_OVER_SAMPLES = {"mean": np.mean, "maximum": np.max, "minimum": np.min}


def write_day(
    plan: ClimatePlan, done: Carry, day: Day, well: tuple[Run, ...], put: Put
) -> None:
    """Hand the records that a day completes to the stores.

    Args:
        plan: of the run.
        done: the runs after the day.
        day: what it gave, still on the device; this waits for it.
        well: the runs whose records are wanted.
        put: takes the store, the index, the fields and the run within the store.
    """
    several = len(plan.runs) > 1
    ended = [run for run in well if _month_ends(plan, run, done.day)]
    kinds = plan.config.means if well else ()
    month = jax.device_get(day.month.fields) if "monthly" in kinds and ended else {}
    mean = jax.device_get(day.mean.fields) if "daily" in kinds else {}
    instants = jax.device_get(day.instants)
    for run in well:
        climate, within = plan.climates[run.start], plan.place(run.start)
        row = run.member if plan.config.members > 1 else None
        own = (lambda x, n=run.number: x[n]) if several else (lambda x: x)
        looks = [{name: own(x) for name, x in look.items()} for look in day.looks[:-1]]
        put(f"{within}global.zarr", done.day - 1, _global(looks), row)
        for index, fields in _instants(plan, done.day - 1, instants):
            chosen = _selected(climate, fields, own)
            put(f"{within}instants.zarr", index, chosen, row)
        if mean:
            _put_means(put, f"{within}daily", done.day - 1, climate, mean, own, row)
        if month and run in ended:
            index = _months(plan, run, done.day) - 1
            _put_means(put, f"{within}monthly", index, climate, month, own, row)


def erase(plan: ClimatePlan, run: Run, first: int, last: int, put: Put) -> None:
    """Take back the records that the days of a run after the first ones complete.

    Args:
        plan: of the run.
        run: that lost them.
        first: days whose records stay.
        last: days to which there may be some.
        put: as in ``write_day``.
    """
    row = run.member if plan.config.members > 1 else None
    for store, records in plan.stores(run.start).items():
        nothing = {name: np.full((), np.nan) for name in records.fields}
        stay, end = (completed(plan, run.start, store, x) for x in (first, last))
        for index in range(stay, end):
            put(store, index, nothing, row)


def completed(plan: ClimatePlan, start: int, store: str, days: int) -> int:
    """How many records of a store the first days of a run make."""
    days = min(days, plan.days(start))
    name = store.rsplit("/", 1)[-1].removesuffix(".zarr").removesuffix("_zonal")
    if name == "monthly":
        run = Run(start * plan.config.members, start, 0)
        months = _months(plan, run, days)
        return months if _month_ends(plan, run, days) else max(months - 1, 0)
    if name == "instants":
        assert plan.config.every is not None
        return -int(-days * DAY // plan.config.every)
    return days


def _put_means(put: Put, name: str, index: int, climate: Climate, fields, own, row):
    chosen = _selected(climate, fields, own)
    zonal = {name: x.mean(axis=-1, dtype=np.float64) for name, x in chosen.items()}
    put(f"{name}.zarr", index, chosen, row)
    put(f"{name}_zonal.zarr", index, zonal, row)


def _selected(climate: Climate, fields, own) -> dict[str, np.ndarray]:
    return {name: climate.select(name, own(x)) for name, x in fields.items()}


def _global(looks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Of a day, from its samples."""
    return {
        name: _OVER_SAMPLES[how](np.stack([look[name] for look in looks]), axis=0)
        for name, (_, how, _) in GLOBAL.items()
    }


def _instants(
    plan: ClimatePlan, day: int, instants: list
) -> Iterator[tuple[int, dict]]:
    if plan.config.every is None:
        return
    samples = [s for s in range(plan.samples) if plan.is_instant(day, s)]
    for sample, fields in zip(samples, instants, strict=True):
        since = day * DAY + sample * plan.config.sample
        yield int(since // plan.config.every), fields


def _months(plan: ClimatePlan, run: Run, days: int) -> int:
    """Calendar months that the first days of a run touch."""
    first = plan.time(run.start, 0).astype("datetime64[M]")
    last = plan.time(run.start, days - 1).astype("datetime64[M]")
    return int((last - first).astype(int)) + 1 if days else 0


def _month_ends(plan: ClimatePlan, run: Run, days: int) -> bool:
    """Whether a month or the run ends when so many days are done."""
    return plan.is_new_month(run.start, days) or days == plan.days(run.start)
