"""Statistics in score files, from which files of other initial times are merged.

The group ``statistics`` of a file has the arrays of every forecast and variable as they
are added, ``FORECAST|VARIABLE|STATISTIC.sum`` and ``.weight``, on axes that are named
after their size; the first is that of the initial times with the numbers
``FORECAST|VARIABLE|rows``. Maps and spectra, added over initial times, have names that
begin with ``sums|``. The attribute ``layout`` has names and axes as JSON.
"""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.io.netcdf_library import netcdf_file
from ngcm_cli.time_format import format_time
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.score_layout import ScoreLayout, StatisticsSource
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.sums_over_times import Key, SumsOverTimes

_GROUP, _SUMS, _SEPARATOR = "statistics", "sums", "|"


def append_statistics(
    path: pathlib.Path, layout: ScoreLayout, source: StatisticsSource
) -> None:
    """Write the statistics of an evaluation into its score file, key by key."""
    needed = {n for metric in layout.metrics for n in METRICS[metric].statistics}
    with netcdf_file(path, "a") as file:
        group = file.createGroup(_GROUP)
        group.layout = json.dumps(_describe(layout))
        for name in "weights", "latitude", "longitude":
            _put(group, name, getattr(layout, name))
        for variable in layout.variables:
            for forecast in layout.forecasts:
                key = forecast, variable.name
                done = False
                for name in sorted(needed):
                    rows, statistics = source.read(key, [name])
                    if not statistics:
                        continue
                    if not done:
                        _put(group, _SEPARATOR.join((*key, "rows")), rows)
                        done = True
                    for end, values in statistics.to_arrays().items():
                        _put(group, _SEPARATOR.join((*key, end)), values)
        for key, statistics in source.sums().items():
            for end, values in statistics.to_arrays().items():
                _put(group, _SEPARATOR.join((_SUMS, *key, end)), values)


class MergedStatistics:
    """The statistics of several score files, of different initial times.

    Args:
        paths: of the files.

    Attributes:
        layout: names and axes of all together.

    Raises:
        InputDataError: a file has no statistics, or they do not fit together.
    """

    def __init__(self, paths: Sequence[pathlib.Path]):
        self._paths = paths
        layouts = [_read_layout(path) for path in paths]
        first = layouts[0]
        for path, other in zip(paths[1:], layouts[1:], strict=True):
            _check_equal(first, other, paths[0], path)
        times = np.concatenate([layout.init_times for layout in layouts])
        unique, counts = np.unique(times, return_counts=True)
        if (counts > 1).any():
            raise InputDataError(
                f"The initial time {format_time(unique[counts > 1][0])} is in two of "
                "the files.",
                "Merge files of different initial times.",
            )
        self._places = [np.searchsorted(unique, x.init_times) for x in layouts]
        self.layout = dataclasses.replace(first, init_times=unique)

    def read(self, key: Key, names: Iterable[str]) -> tuple[np.ndarray, Statistics]:
        """Return numbers of initial times, and statistics of these."""
        prefix = _SEPARATOR.join(key) + _SEPARATOR
        wanted = [name + end for name in names for end in (".sum", ".weight")]
        rows, parts = [], []
        for path, places in zip(self._paths, self._places, strict=True):
            with _opened(path) as group:
                if not {prefix + name for name in (*wanted, "rows")} <= set(
                    group.variables
                ):
                    continue
                rows.append(places[_get(group, f"{prefix}rows")])
                arrays = {name: _get(group, prefix + name) for name in wanted}
                parts.append(Statistics.from_arrays(arrays))
        if not parts:
            return np.array([], np.int64), Statistics()
        numbers = np.concatenate(rows)
        order = np.argsort(numbers)
        return numbers[order], Statistics.concatenate(parts, 0).take(order)

    def sums(self) -> dict[Key, Statistics]:
        """Return maps and spectra of all files.

        Raises:
            InputDataError: a file has some that another has not.
        """
        sums = SumsOverTimes(len(self.layout.lead_times))
        names: dict[Key, set[str]] = {}
        for path in self._paths:
            arrays: dict[Key, dict[str, np.ndarray]] = {}
            with _opened(path) as group:
                for name in group.variables:
                    if name.startswith(_SUMS + _SEPARATOR):
                        _, forecast, variable, end = name.split(_SEPARATOR)
                        found = arrays.setdefault((forecast, variable), {})
                        found[end] = _get(group, name)
            for key, found in arrays.items():
                if names.setdefault(key, set(found)) != set(found):
                    raise InputDataError(
                        f"{path} has other maps or spectra than the files before it.",
                        "Merge evaluations with the same maps and spectra.",
                    )
            sums.merge({k: Statistics.from_arrays(x) for k, x in arrays.items()})
        return sums.as_statistics()


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Any:
    check_chunks(path)
    try:
        with netcdf_file(path) as file:
            if _GROUP not in file.groups:
                raise InputDataError(
                    f"{path} has no statistics from which it can be merged.",
                    "Evaluate with --by-init, which writes them.",
                )
            yield file[_GROUP]
    except OSError as error:
        raise InputDataError(
            f"{path} cannot be opened: {error}.", "Give files of ngcm evaluate."
        ) from None


def _put(group: Any, name: str, values: np.ndarray) -> None:
    values = np.asarray(values)
    dimensions = []
    for size in values.shape:
        if f"n{size}" not in group.dimensions:
            group.createDimension(f"n{size}", size)
        dimensions.append(f"n{size}")
    # Weights repeat themselves, and are compressed to almost nothing.
    created = group.createVariable(
        name, values.dtype.str, dimensions, compression="zlib", complevel=1
    )
    created.set_auto_maskandscale(False)
    created[...] = values


def _get(group: Any, name: str) -> np.ndarray:
    variable = group[name]
    variable.set_auto_maskandscale(False)
    return np.asarray(variable[...])


def _describe(layout: ScoreLayout) -> dict[str, Any]:
    return {
        "forecasts": layout.forecasts,
        "baselines": layout.baselines,
        "reference": layout.reference,
        "variables": [dataclasses.asdict(variable) for variable in layout.variables],
        "metrics": layout.metrics,
        "init_times": [str(time) for time in layout.init_times],
        "lead_times": layout.lead_times.astype(np.int64).tolist(),
        "regions": layout.regions,
        "thresholds": dict(layout.thresholds),
    }


def _read_layout(path: pathlib.Path) -> ScoreLayout:
    with _opened(path) as group:
        found = json.loads(group.layout)
        arrays = {n: _get(group, n) for n in ("weights", "latitude", "longitude")}
    return ScoreLayout(
        forecasts=tuple(found["forecasts"]),
        baselines=tuple(found["baselines"]),
        reference=found["reference"],
        variables=tuple(map(_variable, found["variables"])),
        metrics=tuple(found["metrics"]),
        init_times=np.array(found["init_times"], "datetime64[s]"),
        lead_times=np.array(found["lead_times"], "timedelta64[s]"),
        regions=tuple(found["regions"]),
        thresholds={n: tuple(x) for n, x in found["thresholds"].items()},
        **arrays,
    )


def _variable(found: dict[str, Any]) -> ScoredVariable:
    lists = "levels", "components", "column_levels"
    tuples = {n: None if found[n] is None else tuple(found[n]) for n in lists}
    return ScoredVariable(**{**found, **tuples})


def _check_equal(
    first: ScoreLayout, other: ScoreLayout, path: pathlib.Path, other_path: pathlib.Path
) -> None:
    for field in dataclasses.fields(ScoreLayout):
        if field.name == "init_times":
            continue
        mine, theirs = getattr(first, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            same = np.array_equal(mine, theirs)
        elif isinstance(mine, dict):  # a threshold that is absent is NaN
            same = json.dumps(mine) == json.dumps(theirs)
        else:
            same = mine == theirs
        if not same:
            raise InputDataError(
                f"{path} and {other_path} have different "
                f"{field.name.replace('_', ' ')}.",
                "Merge evaluations with the same settings but for the initial times.",
            )
