"""What the sea does during a run.

- ``persist``: the fields of 24 hours before the initial time, for the whole run;
- ``anomaly-persist``: their difference from the climatology persists, and the
  climatology goes on with the seasons;
- ``climatology``: the monthly climatology alone;
- ``prescribed``: the record of the data, linear in time between its fields.

The climatology is AMIP's, unless the data are monthly means and the climatology is all
that is asked for.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ngcm_cli import units
from ngcm_cli.forcing.midmonth import mid_month_values, month_lengths
from ngcm_cli.forcing.sea import INSTEAD, SEA_ICE, SST, WANTED, Sea, interpolated
from ngcm_cli.forcing.sea_patch import check_has_sea, patch, patch_words
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.prepared import Prepared
from ngcm_cli.time_format import format_time

if TYPE_CHECKING:
    from ngcm_cli.forcing.sea_record import SeaRecord
    from ngcm_cli.inputs.source import Source

_DAY = np.timedelta64(86400, "s")


@dataclasses.dataclass(frozen=True)
class SeaRequest:
    """What a run asks of the sea.

    Attributes:
        mode: one of `config.SEA_MODES`.
        start: initial time.
        end: of the run.
        offset: K, added to the temperature everywhere.
        climatology: path of the climatology that comes with ngcm.
        patch: of the sea that is warmer than the rest, as `sea_patch.patch` takes it.
        instead: flags that do without a record that covers the run, in words.
        without_ice: why the record has no ice, in words, if that is known.
    """

    mode: str
    start: np.datetime64
    end: np.datetime64
    offset: float
    climatology: str
    patch: tuple[float, float, float, float] | None = None
    instead: str = INSTEAD
    without_ice: str = ""

    def warming(self, needs: Needs) -> float | np.ndarray:
        """K, to be added to the temperature: one number, or (1, longitude, latitude).

        Raises:
            ConfigError: the patch is no patch of the sea.
        """
        if self.patch is None:
            return self.offset
        hump = patch(needs.grid, *self.patch)
        if needs.land is not None:
            check_has_sea(hump, needs.land, *self.patch[:2])
        return (np.float32(self.offset) + hump)[None]


def select_sea(
    request: SeaRequest,
    needs: Needs,
    open_source: Callable[[], "Source"] | None,
    prepared: Prepared | None,
) -> Callable[[], Sea]:
    """Check that the data cover the run; what is returned reads them.

    Args:
        request: what the run asks for.
        needs: of the model.
        open_source: opens the record; None for the climatology that comes with ngcm.
        prepared: where fields on the model's grid are kept, if they are.

    Raises:
        InputDataError: the data do not cover the run, or lack what is needed.
        ConfigError: the patch is no patch of the sea.
    """
    start, end, mode = request.start, request.end, request.mode
    warming = request.warming(needs)
    key = {
        "climatology": "sea_climatology",
        "prescribed": f"sea_{format_time(start)}_{format_time(end)}",
    }.get(mode, f"sea_for_{format_time(start)}")
    kept = prepared.load_sea(key) if prepared else None
    acquire: Callable[[], Sea]
    if kept is not None:
        acquire = lambda: kept
    elif open_source is None and mode == "climatology":
        acquire = lambda: _climatology(request, needs)
    else:
        assert open_source is not None
        from ngcm_cli.forcing.sea_record import SeaRecord

        record = SeaRecord.of(open_source(), needs, request.instead)
        acquire = _acquiring(request, record)

    def read() -> Sea:
        sea = acquire()
        if kept is None and prepared:
            prepared.save_sea(key, sea)
        return dataclasses.replace(_evolved(sea, request, needs), warming=warming)

    return read


def _acquiring(request: SeaRequest, record: "SeaRecord") -> Callable[[], Sea]:
    """What reads the part of a record that a run needs, once that is known to exist."""
    notes = list(record.calendar_notes)
    if request.mode == "climatology":
        return lambda: _as_year(record.monthly_means(notes), notes)
    if request.mode == "prescribed":
        record.check_covers(request.start, request.end)
        return lambda: record.between(request.start, request.end, notes)
    time, why = record.latest(request.start)
    when = "" if time is None else f" of {format_time(time)}"
    what = f"{SST} and {SEA_ICE}" if record.has_ice else SST
    notes.append(f"{what}{when} ({why}).")
    return lambda: record.observed(time, notes)


def _as_year(means: dict[str, np.ndarray], notes: list[str]) -> Sea:
    """Mid-month values of one year, stamped in 2001, which is as long as most."""
    months = np.arange("2001-01", "2002-01", dtype="datetime64[M]")
    fields, times = {}, months
    for name, x in means.items():
        bounds = units.SEA_BOUNDS_SI[name]
        times, values = mid_month_values(x, months, *bounds, periodic=True)
        fields[name] = values[:, None]
    return Sea(times, fields, tuple(dict.fromkeys(notes)))


def _climatology(request: SeaRequest, needs: Needs) -> Sea:
    from ngcm_cli.forcing.sea_record import SeaRecord
    from ngcm_cli.inputs.source import Source

    with Source.open(request.climatology, WANTED) as source:
        notes: list[str] = []
        return _as_year(SeaRecord.of(source, needs).monthly_means(notes), notes)


def _seasonal(
    year: Sea, start: np.datetime64, end: np.datetime64
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The climatology at every mid-month in and around a span, as one record."""
    first, last = (t.astype("datetime64[M]") for t in (start, end))
    months = np.arange(first - 1, last + 2)
    times = months.astype("datetime64[s]") + month_lengths(months) // 2
    place = months.astype(int) % 12
    return times, {name: x[place] for name, x in year.fields.items()}


def _evolved(sea: Sea, request: SeaRequest, needs: Needs) -> Sea:
    """From what was acquired to what the run is given."""
    start, end, mode = request.start, request.end, request.mode
    notes = list(sea.notes)
    if mode == "persist":
        notes.append("The sea stays like this through the run.")
    elif mode == "climatology":
        sea = Sea(*_seasonal(sea, start, end), ())
        notes.append("The sea follows a monthly climatology, the same in every year.")
    elif mode == "anomaly-persist":
        sea = _with_seasons(sea, request, _climatology(request, needs))
        notes.append(
            "Its difference from AMIP's monthly climatology stays through the run, and "
            "the climatology goes on."
        )
    if SEA_ICE not in sea.fields:
        sea = _with_ice(sea, request, _climatology(request, needs))
        notes.append(
            f"{SEA_ICE} is not in the data: taken from AMIP's climatology, the same in "
            f"every year{request.without_ice and '; '}{request.without_ice}."
        )
    if request.offset:
        notes.append(f"{SST}: {request.offset:+g} K everywhere.")
    if request.patch:
        notes.append(f"{SST}: {patch_words(*request.patch)}")
    return dataclasses.replace(sea, notes=tuple(dict.fromkeys(notes)))


def _with_seasons(sea: Sea, request: SeaRequest, year: Sea) -> Sea:
    """What was observed, and from then on the changes of the climatology.

    The climatology is held within its bounds before the anomaly is added, so that it is
    given at many times: every day, or a thousand times in a long run.
    """
    start, end = request.start, request.end
    when = sea.times[0] if sea.dated else start
    record = Sea(*_seasonal(year, min(when, start), end), ())
    then = record.at(when)
    step = max(_DAY, (end - start) // 1000)
    times = np.unique(np.append(np.arange(start, end, step), [start, end]))
    now = [record.at(time) for time in times]
    fields = {}
    for name, observed in sea.fields.items():
        changed = np.stack([fields[name] for fields in now]) - then[name] + observed
        fields[name] = np.clip(changed, *units.SEA_BOUNDS_SI[name])
    return Sea(times, fields, ())


def _with_ice(sea: Sea, request: SeaRequest, year: Sea) -> Sea:
    """The climatology's ice beside the temperature of another record."""
    times, seasonal = _seasonal(year, request.start, request.end)
    if request.mode == "persist":
        # One field for the whole run is not held within bounds later.
        ice = Sea(times, {SEA_ICE: seasonal[SEA_ICE]}, ()).at(request.start)[SEA_ICE]
        return dataclasses.replace(sea, fields=sea.fields | {SEA_ICE: ice[None]})
    both = np.union1d(times, sea.times)
    return Sea(
        both,
        {
            SST: interpolated(sea.times, sea.fields[SST], both),
            SEA_ICE: interpolated(times, seasonal[SEA_ICE], both),
        },
        sea.notes,
    )
