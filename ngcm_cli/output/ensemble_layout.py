"""The shape of an ensemble on disk: members, and statistics over them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.output.layout import ATTRIBUTES, Coordinate, Layout, describe
from ngcm_cli.output.template import Variable

COMPLETED = "completed_lead_times"
"""Variable that counts, for every member and initial time, what is whole."""

FINITE = "finite_lead_times"
"""Variable that counts those before a member became unstable."""

SUMMED = "completed_statistics"
"""Variable that counts, for every initial time, the whole lead times of statistics."""

_WORDS = {
    "mean": ("Mean", "mean"),
    "std": ("Standard deviation", "standard_deviation"),
    "min": ("Least", "minimum"),
    "max": ("Greatest", "maximum"),
}
_INITS = ("realization", "init_time")


@dataclasses.dataclass(frozen=True)
class EnsembleLayout(Layout):
    """What the output of an ensemble holds, before any of it exists.

    Attributes:
        starts: initial times; the first of them is ``init``.
        realizations: numbers of the members.
        statistics: over the members, `config.values.STATISTICS` and other percentiles.
        keeps_members: whether the members themselves are written.
    """

    starts: tuple[np.datetime64, ...] = ()
    realizations: Sequence[int] = ()
    statistics: tuple[str, ...] = ()
    keeps_members: bool = True

    @property
    def inits(self) -> tuple[np.datetime64, ...]:
        """Initial times in the output."""
        return self.starts

    @property
    def size(self) -> int:
        """Uncompressed bytes of everything."""
        copies = len(self.statistics)
        copies += len(self.realizations) if self.keeps_members else 0
        return self.bytes_per_lead * self.count * len(self.starts) * copies

    def coordinates(self) -> dict[str, Coordinate]:
        """Every coordinate, by name."""
        numbers = Coordinate(
            ("realization",),
            np.array(self.realizations, np.int64),
            ATTRIBUTES["realization"],
        )
        return {"realization": numbers} | super().coordinates()

    def on_disk(self) -> list[Variable]:
        """Every variable: members, statistics over them, and what is whole."""
        members = len(self.realizations)
        shape = members, len(self.starts)
        variables = [
            Variable(
                name, _INITS, shape, (1, 1), {"long_name": words, "units": "1"}, "int32"
            )
            for name, words in (
                (COMPLETED, "Lead times that are whole"),
                (FINITE, "Lead times before a value is not finite"),
            )
        ]
        if self.statistics:
            words = {"long_name": "Lead times whose statistics are whole", "units": "1"}
            variables.append(
                Variable(SUMMED, _INITS[1:], shape[1:], (1,), words, "int32")
            )
        for name in self.variables:
            dimensions = self.dimensions(name)
            field = self.chunk(name)[2:]
            shape = (len(self.starts), self.count, *field)
            chunk = (1, 1, *field)
            attributes = self.variable_attributes(name)
            if self.keeps_members:
                variables.append(
                    Variable(
                        name,
                        ("realization", *dimensions),
                        (members, *shape),
                        (1, *chunk),
                        attributes,
                    )
                )
            variables += [
                Variable(
                    statistic_name(name, statistic),
                    dimensions,
                    shape,
                    chunk,
                    attributes | _of_statistic(name, statistic),
                )
                for statistic in self.statistics
            ]
        return variables


def statistic_name(name: str, statistic: str) -> str:
    """Of a statistic of a variable, on disk."""
    return f"{name}_{statistic}"


def _of_statistic(name: str, statistic: str) -> dict[str, Any]:
    """CF attributes of a statistic that differ from those of the members."""
    attributes = describe(name)
    if statistic in _WORDS:
        words, method = _WORDS[statistic]
        methods = f"{attributes.get('cell_methods', '')} realization: {method}".strip()
        changed: dict[str, Any] = {"cell_methods": methods}
    else:  # CF has no method for percentiles
        words, changed = f"Percentile {statistic[1:]}", {}
    changed["long_name"] = f"{words} over the ensemble of: {VARIABLES[name].long_name}"
    if statistic == "std" and "units_metadata" in attributes:
        changed["units_metadata"] = "temperature: difference"
    return changed
