"""Equations of mid-month values whose clipped interpolation has given monthly means.

The equations are piecewise smooth with a tridiagonal derivative; a semi-smooth Newton
method solves those of all cells together. `mid_month_values` uses it.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

AT_BOUND = 1e-5  # a mean this close to a bound counts as at the bound
CONVERGED = 1e-6  # of the means, in their units
# How far a value may lie beyond a bound, in ranges of the cell's means. Only where ice
# cover changes from 0 to 1 within a month would it go further, without limit.
REACH = 10
# Share of the derivative of the unclipped equations that is mixed in, per relative
# error. The second and third help the few cells that cycle with the first.
MIXTURES = (0.3, 3.0, 0.03)
FIRST_MIXTURE_ONLY, MOST_ITERATIONS, MOST_HALVINGS = 12, 80, 10


class Rows(NamedTuple):
    """One equation per month and cell: its error and its derivatives, (month, cell).

    The derivatives are by the values of the month before, of itself and after.
    """

    error: np.ndarray
    before: np.ndarray
    own: np.ndarray
    after: np.ndarray


def boundary_weights(lengths: np.ndarray, periodic: bool) -> np.ndarray:
    """Return weights of the neighbouring months in the values at month boundaries.

    The last month precedes the first if periodic; otherwise the first and the last
    value are constant beyond their mid-month. The weights of the month before at the
    beginning and of the month after at the end are of shape (2, month, 1).
    """
    before = lengths / (lengths + np.roll(lengths, 1))
    after = lengths / (lengths + np.roll(lengths, -1))
    if not periodic:
        before[0] = after[-1] = 0
    return np.stack([before, after])[..., None]


def solve_tridiagonal(
    before: np.ndarray, own: np.ndarray, after: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Solve a tridiagonal or cyclic tridiagonal system for every cell.

    Gaussian elimination; the corners of a cyclic system by the formula of Sherman and
    Morrison. Coefficients are of shape (month, cell or 1); the first of ``before`` is
    that of the last month, 0 if the system is not cyclic. ``right`` is (month, cell).
    """
    if not (before[0].any() or after[-1].any()):
        return _eliminate(before, own, after, right)
    pivot, own = -own[0], own.copy()
    own[0] = own[0] - pivot
    own[-1] = own[-1] - after[-1] * before[0] / pivot
    corner = np.zeros(np.broadcast_shapes(before.shape, after.shape))
    corner[0], corner[-1] = pivot, after[-1]
    plain = _eliminate(before, own, after, right)
    wrapped = _eliminate(before, own, after, corner)
    share = before[0] / pivot
    factor = (plain[0] + share * plain[-1]) / (1 + wrapped[0] + share * wrapped[-1])
    return plain - factor * wrapped


def _eliminate(before, own, after, right: np.ndarray) -> np.ndarray:
    ratio, solution = np.empty(np.shape(after)), np.empty(right.shape)
    ratio[0], solution[0] = after[0] / own[0], right[0] / own[0]
    for i in range(1, len(right)):
        pivot = own[i] - before[i] * ratio[i - 1]
        ratio[i] = after[i] / pivot
        solution[i] = (right[i] - before[i] * solution[i - 1]) / pivot
    for i in range(len(right) - 2, -1, -1):
        solution[i] -= ratio[i] * solution[i + 1]
    return solution


def _clipped_line(
    start: np.ndarray, end: np.ndarray, lower: float, upper: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of a clipped straight line, and its derivatives by its ends."""
    change = end - start
    level = change == 0
    change = np.where(level, 1, change)
    crossings = np.clip(
        (np.array([lower, upper])[:, None, None] - start) / change, 0, 1
    )
    enters, leaves = crossings.min(axis=0), crossings.max(axis=0)
    enters = np.where(level, 0, enters)
    leaves = np.where(level, (lower < start) & (start < upper), leaves)
    first, last = np.clip(start, lower, upper), np.clip(end, lower, upper)
    mean = enters * first + (leaves - enters) * (first + last) / 2 + (1 - leaves) * last
    by_end = (leaves**2 - enters**2) / 2
    return mean, leaves - enters - by_end, by_end


@dataclasses.dataclass(frozen=True, eq=False)
class BoundedMeans:
    """The equations of mid-month values under bounds.

    For a mean between the bounds, the mean of the clipped interpolation is that mean.
    For a mean at a bound, the largest value of the month (smallest at the upper bound),
    at its middle or either end, is the bound. The whole month is then at the bound, and
    its value lies no further beyond than the neighbours require; between two such
    months it is the bound itself.

    Attributes:
        means: Monthly means, (month, cell), within the bounds, which may be infinite.
        weights: Weights that ``boundary_weights`` returned.
    """

    means: np.ndarray
    weights: np.ndarray
    lower: float
    upper: float

    def select(self, cells: np.ndarray) -> "BoundedMeans":
        """Return the equations of some of the cells."""
        return dataclasses.replace(self, means=self.means[:, cells])

    def within_reach(self, values: np.ndarray) -> np.ndarray:
        """Return values limited to ``REACH`` ranges of the means beyond the bounds."""
        reach = REACH * self.scale
        return np.clip(values, self.lower - reach, self.upper + reach)

    @property
    def scale(self) -> np.ndarray:
        """Range of each cell's means, positive, (cell,)."""
        return np.maximum(np.ptp(self.means, axis=0), AT_BOUND)

    def rows(self, values: np.ndarray) -> Rows:
        """Return the equations at given values, (month, cell)."""
        before, after = self.weights
        begin = values + before * (np.roll(values, 1, axis=0) - values)
        end = values + after * (np.roll(values, -1, axis=0) - values)
        first, by_begin, by_mid = _clipped_line(begin, values, self.lower, self.upper)
        second, by_end, by_mid_too = _clipped_line(end, values, self.lower, self.upper)
        own = (1 - before) * by_begin + by_mid + (1 - after) * by_end + by_mid_too
        rows = Rows(
            (first + second) / 2 - self.means,
            before * by_begin / 2,
            own / 2,
            after * by_end / 2,
        )
        for bound, sign in (self.lower, 1), (self.upper, -1):
            at_bound = np.abs(self.means - bound) <= AT_BOUND
            if not at_bound.any():
                continue
            candidates = np.stack([values, begin, end])
            index = (sign * candidates).argmax(axis=0)
            value = np.take_along_axis(candidates, index[None], axis=0)[0]
            here = Rows(
                value - bound,
                np.where(index == 1, before, 0),
                np.choose(index, [np.ones_like(before), 1 - before, 1 - after]),
                np.where(index == 2, after, 0),
            )
            rows = Rows(*(np.where(at_bound, *x) for x in zip(here, rows, strict=True)))
        return rows

    def limited_rows(self, values: np.ndarray) -> Rows:
        """Return the equations; values at the end of their reach may keep an error."""
        rows = self.rows(values)
        wanted = values - rows.error
        allowed = self.within_reach(wanted)
        limited = wanted != allowed
        return Rows(
            np.where(limited, values - allowed, rows.error),
            np.where(limited, 0, rows.before),
            np.where(limited, 1, rows.own),
            np.where(limited, 0, rows.after),
        )

    def step(self, rows: Rows, mixture: float) -> np.ndarray:
        """Return a Newton step, regularized where the error is large.

        A month that is clipped entirely has the derivative zero, and one that is nearly
        so too small a derivative: there that of the unclipped equations is mixed in.
        """
        before, after = self.weights / 4
        share = np.minimum(mixture * np.abs(rows.error) / self.scale, 1)
        unclipped = rows.before + rows.own + rows.after > 1 - 1e-9
        share = np.where(unclipped, 0, share)
        # 1e-9 matters only where the matrix is singular.
        own = (1 - share) * rows.own + share * (1 - before - after) + 1e-9
        step = solve_tridiagonal(
            (1 - share) * rows.before + share * before,
            own,
            (1 - share) * rows.after + share * after,
            -rows.error,
        )
        return np.where(np.isfinite(step), step, -rows.error)

    @np.errstate(divide="ignore", over="ignore", invalid="ignore")
    def solve(self, values: np.ndarray) -> np.ndarray:
        """Return the mid-month values from a first guess, both (month, cell)."""
        result = self.within_reach(values)
        cells, equations = np.arange(result.shape[1]), self
        rows = equations.limited_rows(result)
        for iteration in range(MOST_ITERATIONS):
            remaining = np.flatnonzero((np.abs(rows.error) > CONVERGED).any(axis=0))
            cells, equations = cells[remaining], equations.select(remaining)
            if not len(cells):
                break
            late = iteration >= FIRST_MIXTURE_ONLY
            mixture = MIXTURES[iteration % len(MIXTURES) if late else 0]
            rows = Rows(*(x[:, remaining] for x in rows))
            old, change = result[:, cells], equations.step(rows, mixture)
            result[:, cells], rows = equations.improve(old, change, rows)
        return result

    def improve(
        self, old: np.ndarray, change: np.ndarray, rows: Rows
    ) -> tuple[np.ndarray, Rows]:
        """Apply a step, halved in the cells where it would make the error larger."""
        before = np.abs(rows.error).sum(axis=0)
        new = self.within_reach(old + change)
        rows = self.limited_rows(new)
        worse = np.flatnonzero(~(np.abs(rows.error).sum(axis=0) < before))
        for halving in range(1, MOST_HALVINGS + 1):
            if not len(worse):
                break
            part = self.select(worse)
            shorter = part.within_reach(old[:, worse] + change[:, worse] / 2**halving)
            fresh = part.limited_rows(shorter)
            new[:, worse] = shorter
            for total, part_ in zip(rows, fresh, strict=True):
                total[:, worse] = part_
            worse = worse[~(np.abs(fresh.error).sum(axis=0) < before[worse])]
        return new, rows
