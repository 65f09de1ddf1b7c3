"""The result of a comparison with published forecasts, as a table and sentences."""

import numpy as np

from ngcm_cli.time_format import format_duration
from ngcm_cli.verification.published.comparison import ComparedField, Comparison
from ngcm_cli.verification.published.differences import (
    LARGEST,
    OF_SCORE,
    ROUNDING,
)
from ngcm_cli.verification.published.plan import SHORT

_MARKS = {True: "ok", False: "FAILED", None: "-"}
_SINGLE = (
    *("variable", "hPa", "lead", "difference", "of std", "of error", "1 - r"),
    *("RMSE ours", "published", "change", "verdict"),
)
_ENSEMBLE = (
    *("variable", "hPa", "lead", "difference", "by chance", "spread ours"),
    *("published", "RMSE ours", "published", "CRPS ours", "published", "verdict"),
)


def table(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return the rows of a table of all fields, the first with headings."""
    if comparison.members is None:
        return [_SINGLE, *map(_single, comparison.fields)]
    return [_ENSEMBLE, *map(_ensemble, comparison.fields)]


def _place(field: ComparedField) -> tuple[str, ...]:
    units = f" ({field.units})" if field.units else ""
    lead = format_duration(field.lead)
    return f"{field.variable}{units}", f"{field.level:g}", lead


def _single(field: ComparedField) -> tuple[str, ...]:
    x = field.difference
    return (
        *_place(field),
        _number(x.rms),
        _number(x.of_deviation, 2),
        _number(x.of_error, 2),
        _number(1 - x.correlation, 2),
        _number(x.our_error, 4),
        _number(x.published_error, 4),
        _percent(x.error_change),
        _MARKS[field.passed],
    )


def _ensemble(field: ComparedField) -> tuple[str, ...]:
    x = field.difference
    return (
        *_place(field),
        _number(x.rms),
        _number(x.sampling),
        _number(x.our_spread),
        _number(x.published_spread),
        _number(x.our_error, 4),
        _number(x.published_error, 4),
        _number(x.our_crps, 4),
        _number(x.published_crps, 4),
        _MARKS[field.passed],
    )


def _number(value: float, digits: int = 3) -> str:
    if np.isnan(value):
        return "-"
    if value == 0:
        return "0"
    return f"{value:.{digits}g}"


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:+.2f}%"


def explanation(comparison: Comparison) -> list[str]:
    """Return what the columns are, how rows are judged, and notes."""
    starts, members = comparison.starts, comparison.members
    of = f"{starts} start{'s' if starts > 1 else ''}"
    first = (
        f"Area-weighted means over the globe and {of}, on {comparison.grid}. "
        "'difference' is the root-mean-square difference of ours and the published"
    )
    short = format_duration(SHORT)
    third = (
        f"a third of the published error, but from {ROUNDING:g} to {LARGEST:g} "
        f"standard deviations ({LARGEST:g} without a truth)"
    )
    if members is None:
        lines = [
            f"{first}; 'of std' the same in standard deviations of the published "
            "field, 'of error' divided by the published RMSE, r the correlation of "
            "both; RMSE is against the truth, and 'change' that of ours over the "
            "published, less one.",
            f"Up to {short} the difference must be at most {third}, and scores within "
            f"{100 * OF_SCORE:g} percent unless it is the smallest of these. Later, "
            "rounding grows as the weather's errors do, until two runs of the same "
            "model differ by as much as forecasts with independent errors, about 1.4 "
            "times their error. Those rows are not judged; their scores should stay "
            "alike.",
        ]
    else:
        lines = [
            f"{first} means of {members} members each. Members have random numbers of "
            "their own, so that none of ours can equal a published one: means differ "
            "'by chance' by the root of the sum of the variances over the number of "
            "members. RMSE is that of the means, CRPS the fair score of the members.",
            f"Up to {short} the difference must be at most 1.3 times that by chance "
            f"and, added as squares, {third}; and the spreads within 25 percent.",
        ]
    return [*lines, *comparison.notes]


def conclusion(comparison: Comparison) -> str:
    """Return how many rows agree, and the largest change of a score."""
    judged = [field for field in comparison.fields if field.passed is not None]
    passed = len(judged) - len(comparison.failed)
    text = f"{passed} of {len(judged)} fields agree with the published forecasts."
    changes = [abs(field.difference.error_change) for field in comparison.fields]
    known = [change for change in changes if not np.isnan(change)]
    if known and not any(known):
        text += " All scores are equal."
    elif known:
        largest = comparison.fields[int(np.nanargmax(changes))]
        text += (
            f" The score that differs most is that of {largest.variable} at "
            f"{largest.level:g} hPa after {format_duration(largest.lead)}, by "
            f"{_percent(largest.difference.error_change)}."
        )
    return text


def failure(comparison: Comparison) -> str:
    """Return which fields fail, and why where that is known; empty if none."""
    parts = []
    for cause, fields in comparison.causes.items():
        names = ", ".join(dict.fromkeys(field.variable for field in fields))
        count = f"{len(fields)} field{'s' if len(fields) > 1 else ''}"
        parts.append(f"{names} ({count}): {cause or 'no simple cause was found'}")
    return "; ".join(parts)
