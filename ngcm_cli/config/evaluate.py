"""The settings of ``ngcm evaluate``."""

import pathlib
import re
import shlex
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import parse_duration

COMPUTE = "compute"
"""A climatology from the truth itself."""

PERSISTENCE, CLIMATOLOGY = "persistence", "climatology"
PROBABILISTIC = "probabilistic-climatology"
BASELINES = PERSISTENCE, CLIMATOLOGY, PROBABILISTIC
"""Baselines that are made from truth and climatology; others are forecasts."""

_LABEL = re.compile(r"([A-Za-z0-9][A-Za-z0-9 ._+-]*)=(.+)")
_MOST_LEADS = 10_000


class NamedLocation(NamedTuple):
    """A forecast: its name in scores, empty where none is given, and its location."""

    name: str
    location: str

    def __str__(self) -> str:
        return f"{self.name}={self.location}" if self.name else self.location


def parse_locations(value: Any) -> tuple[NamedLocation, ...]:
    """Return the locations of ``PATH`` and ``NAME=PATH``, one or a list.

    Raises:
        ConfigError: one is empty, or given twice.
    """
    found = []
    items = [value] if isinstance(value, str | NamedLocation) else value
    for item in items:
        if isinstance(item, NamedLocation):
            found.append(item)
            continue
        several = str(item).split(",")
        if {each.strip() for each in several} <= {*BASELINES}:
            found += [NamedLocation("", each.strip()) for each in several]
            continue
        text = str(item).strip()
        if not text:
            raise ConfigError("A location is empty.", "Give a path or a URL.")
        match = _LABEL.fullmatch(text)
        is_path = pathlib.Path(text).exists()
        if match is None or is_path:
            found.append(NamedLocation("", text))
        else:
            found.append(NamedLocation(match[1], match[2]))
    for number, each in enumerate(found):
        if each in found[:number]:
            raise ConfigError(
                f"{each} is given twice.",
                "Give each once, or, to score it twice, with different names: a=PATH.",
            )
    return tuple(found)


def _leads(value: Any) -> tuple[np.timedelta64, ...]:
    """Return the lead times of ``1d,3d,5d`` or of a range ``1d/10d/1d``."""
    leads: list[np.timedelta64] = []
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    for item in filter(None, (str(item).strip() for item in items)):
        first, *rest = item.split("/")
        if not rest:
            leads.append(parse_duration(first))
            continue
        start, end = parse_duration(first), parse_duration(rest[0])
        step = parse_duration(rest[1]) if len(rest) == 2 else np.timedelta64(86400, "s")
        if len(rest) > 2 or step <= np.timedelta64(0, "s") or end < start:
            raise ConfigError(
                f"'{item}' is not a range of lead times.",
                "Give it as FIRST/LAST/STEP: 1d/10d/1d.",
            )
        if (end - start) // step >= _MOST_LEADS:
            raise ConfigError(
                f"The range '{item}' has more than {_MOST_LEADS} lead times.",
                "Give a longer step.",
            )
        leads.extend(np.arange(start, end + np.timedelta64(1, "s"), step))
    if not leads:
        raise ConfigError("No lead time is given.", "Give some, such as 1d,3d,5d.")
    return tuple(sorted(set(leads)))


def _regions(value: Any) -> tuple[str, ...] | None:
    """Return regions: names, and boxes ``name=south:north,west:east`` with a comma."""
    if value is None:
        return None
    items = value if isinstance(value, list | tuple) else [value]
    parts = [part.strip() for item in items for part in str(item).split(",")]
    names: list[str] = []
    for part in filter(None, parts):
        if names and "=" in names[-1] and "," not in names[-1]:
            names[-1] += f",{part}"
        else:
            names.append(part)
    return tuple(dict.fromkeys(names))


def _years(value: Any) -> tuple[int, int]:
    """Return the first and the last year of ``1990/2019`` or ``1990,2019``."""
    if isinstance(value, tuple):
        return value
    match = re.fullmatch(r"\s*([0-9]{4})\s*(?:[/,]\s*([0-9]{4})\s*)?", str(value))
    if not match:
        raise ConfigError(
            f"'{value}' is not a period of years.", "Give it as 1990/2019."
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise ConfigError(
            f"The period {value} ends before it begins.", "Give the earlier year first."
        )
    return first, last


def _thresholds(value: Any) -> tuple[tuple[str, float], ...]:
    """Return the variables and values of ``t850:300,tcwv:40``."""
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    found = []
    for item in items:
        if isinstance(item, tuple):
            found.append(item)
            continue
        for part in filter(None, (x.strip() for x in str(item).split(","))):
            name, colon, number = part.rpartition(":")
            try:
                found.append((name.strip(), float(number)))
            except ValueError:
                colon = ""
            if not (colon and name.strip() and np.isfinite(found[-1][1])):
                raise ConfigError(
                    f"'{part}' is not a threshold.",
                    "Give VARIABLE:VALUE in SI units, such as temperature:300.",
                )
    return tuple(found)


Locations = Annotated[
    tuple[NamedLocation, ...], pydantic.BeforeValidator(parse_locations)
]
Leads = Annotated[tuple[np.timedelta64, ...], pydantic.BeforeValidator(_leads)]
Regions = Annotated[tuple[str, ...], pydantic.BeforeValidator(_regions)]
Years = Annotated[tuple[int, int], pydantic.BeforeValidator(_years)]
Thresholds = Annotated[
    tuple[tuple[str, float], ...], pydantic.BeforeValidator(_thresholds)
]


class EvaluateConfig(CheckedSettings):
    """The settings of ``ngcm evaluate``.

    Attributes:
        forecast: forecasts to score, each ``PATH`` or ``NAME=PATH``; with ``merge`` the
            score files to merge.
        truth: analysis or record that is taken for the truth.
        climatology: a climatology by day of year and hour, a long record from which
            it is computed, or ``compute``, from the truth.
        climatology_years: first and last year of a record from which a climatology is
            computed; None is all of it.
        baseline: ``persistence``, ``climatology``, ``probabilistic-climatology`` or
            other forecasts.
        variables: variables to score, such as ``z500``; None is the headline variables
            that forecasts and truth have.
        regions: regions, besides the globe; None is all that have a name.
        grid: spacing in degrees of the grid to compare on; None is the coarsest of
            those of forecasts and truth.
        lead: lead times; None is all.
        init: initial times; None is all.
        metrics: metrics; None is those that forecasts and climatology allow.
        thresholds: events whose probability is scored, as variable and value in SI
            units; None is none.
        output: path of the score file.
        overwrite: replace an existing score file.
        by_init: also write scores of every initial time, and the sums that merging
            needs.
        maps: also write maps of bias and root-mean-square error.
        spectra: also write the spectra of forecasts and truth.
        format: format of the table that is printed on stdout; None prints it beside the
            messages, and the path of the score file on stdout.
        check_times: refuse a truth that agrees better at other times.
        merge: merge score files instead of scoring forecasts.
        scheduler: address of a Dask scheduler whose workers share the initial times.
        resume: continue an evaluation that was interrupted.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "evaluate"

    forecast: Locations = ()
    truth: values.Text | None = None
    climatology: values.Text | None = None
    climatology_years: Years | None = None
    baseline: Locations = ()
    variables: values.Names | None = None
    regions: Regions | None = None
    grid: values.Spacing = None
    lead: Leads | None = None
    init: values.Times | None = None
    metrics: values.Names | None = None
    thresholds: Thresholds | None = None
    output: values.Path = pathlib.Path("scores.nc")
    overwrite: values.Switch = False
    by_init: values.Switch = False
    maps: values.Switch = False
    spectra: values.Switch = False
    format: values.TableFormat | None = None
    check_times: values.Switch = True
    merge: values.Switch = False
    scheduler: values.Text | None = None
    resume: values.Switch = False
    offline: values.Switch = False

    def command_line(self) -> str:
        """Return the command line of these settings, the forecasts without a flag."""
        names = [str(each) for each in self.forecast]
        flag = shlex.join(["--forecast", ",".join(names)])
        return super().command_line().replace(flag, shlex.join(names), 1)

    @pydantic.model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.forecast:
            what = "score files" if self.merge else "a forecast"
            raise ConfigError(
                f"There is nothing to {'merge' if self.merge else 'score'}.",
                f"Name {what}.",
            )
        if self.merge:
            if self.truth is not None or self.baseline:
                raise ConfigError(
                    "Score files are merged without truth and baselines.",
                    "Leave them out, or leave out merge.",
                )
            if len(self.forecast) < 2:
                raise ConfigError("One score file is not merged.", "Name two or more.")
        elif self.truth is None:
            raise ConfigError(
                "There is no truth to compare with.",
                "Give truth: an analysis such as a NetCDF file or Zarr store, or arco.",
            )
        for name in ("variables", "metrics", "regions"):
            if getattr(self, name) == ():
                raise ConfigError(
                    f"{name} is empty.", "Name at least one, or leave it out."
                )
        if self.output.suffix not in (".nc", ".nc4"):
            raise ConfigError(
                f"The output {self.output} does not end in .nc.",
                "Scores are written as NetCDF: give a name such as scores.nc.",
            )
        return self

    @pydantic.model_validator(mode="after")
    def _has_a_climatology(self) -> Self:
        needs = {str(each) for each in self.baseline} & {CLIMATOLOGY, PROBABILISTIC}
        if needs and self.climatology is None:
            raise ConfigError(
                f"The baseline {min(needs)} needs a climatology.",
                "Give climatology: a file, a long record, or compute.",
            )
        if self.climatology_years is not None and self.climatology is None:
            raise ConfigError(
                "climatology_years is given, but no climatology.",
                "Give climatology, too, or leave it out.",
            )
        return self
