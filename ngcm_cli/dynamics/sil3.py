"""SIL3, the implicit-explicit Runge-Kutta scheme of the dynamical core, for diffrax.

Whitaker & Kar (2013), Implicit-Explicit Runge-Kutta Methods for Fast-Slow Wave Problems,
Monthly Weather Review 141, doi:10.1175/MWR-D-13-00132.1. Second order with three explicit
evaluations. ``diffrax.Sil3`` carries the same coefficients but solves its implicit stages by
iteration; here the implicit term is linear and its inverse is known exactly.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp

EXPLICIT, IMPLICIT = diffrax.Sil3.tableau.tableaus
_STAGES = 3
_EXPLICIT_ROWS = EXPLICIT.a_lower
_IMPLICIT_ROWS = IMPLICIT.a_lower
IMPLICIT_FRACTIONS: tuple[float, ...] = tuple(map(float, IMPLICIT.a_diagonal[1:]))
"""Fractions of the step by which the three stages are implicit: 1/6, 1/3, 1/4."""


def _combine(y: Any, terms: list[tuple[float, Any]]) -> Any:
    """Y + Σ coefficient · tendency, leaving out exact zeros."""
    for coefficient, tendency in terms:
        if coefficient != 0:
            scale = jnp.float32(coefficient)
            y = jax.tree.map(lambda a, b, s=scale: a + s * b, y, tendency)
    return y


class SIL3(diffrax.AbstractSolver):
    """SIL3 with an exact linear solve, for one fixed step size.

    Called with ``diffrax.MultiTerm(explicit_term, implicit_term)``. A step of another
    size than ``step_size`` is refused (diffrax then raises), because the inverses belong
    to one step size.

    Attributes:
        step_size: h, the only step size this solver takes.
        solves: for each stage the map y ↦ (1 − η G)⁻¹ y, with η = h times
            ``IMPLICIT_FRACTIONS`` and G the linear implicit term.
    """

    step_size: float = eqx.field(static=True)
    solves: tuple[Callable[[Any], Any], ...]

    term_structure: ClassVar = diffrax.MultiTerm[
        tuple[diffrax.AbstractTerm, diffrax.AbstractTerm]
    ]
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms) -> int:
        """Second order."""
        return 2

    def init(self, terms, t0, t1, y0, args) -> None:
        """Nothing is carried from step to step."""
        return None

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """One step of length ``step_size`` from y0."""
        explicit, implicit = terms.terms
        h = self.step_size
        fast = [implicit.vf(t0, y0, args)]
        slow = [explicit.vf(t0, y0, args)]
        for stage in range(_STAGES):
            known = _combine(
                y0,
                [(h * a, f) for a, f in zip(_EXPLICIT_ROWS[stage], slow, strict=True)]
                + [
                    (h * a, g) for a, g in zip(_IMPLICIT_ROWS[stage], fast, strict=True)
                ],
            )
            y = self.solves[stage](known)
            t = t0 + h * EXPLICIT.c[stage]
            if stage < _STAGES - 1:  # the last explicit tendency has no weight
                slow.append(explicit.vf(t, y, args))
            fast.append(implicit.vf(t, y, args))
        y1 = _combine(
            y0,
            [(h * b, f) for b, f in zip(EXPLICIT.b_sol, slow, strict=False)]
            + [(h * b, g) for b, g in zip(IMPLICIT.b_sol, fast, strict=True)],
        )
        is_own_step = jnp.abs((t1 - t0) / h - 1) < 1e-3
        result = diffrax.RESULTS.where(
            is_own_step, diffrax.RESULTS.successful, diffrax.RESULTS.internal_error
        )
        return y1, None, {"y0": y0, "y1": y1}, None, result

    def func(self, terms, t0, y0, args):
        """The whole tendency, explicit and implicit."""
        return terms.vf(t0, y0, args)


class Filtered(diffrax.AbstractWrappedSolver):
    """A solver whose result is filtered after every step.

    Attributes:
        solver: takes the step.
        filter: maps the state after a step to the filtered state.
    """

    solver: diffrax.AbstractSolver
    filter: Callable[[Any], Any]

    @property
    def term_structure(self):
        """That of the wrapped solver."""
        return self.solver.term_structure

    @property
    def interpolation_cls(self):
        """That of the wrapped solver."""
        return self.solver.interpolation_cls

    def order(self, terms):
        """That of the wrapped solver."""
        return self.solver.order(terms)

    def init(self, terms, t0, t1, y0, args):
        """That of the wrapped solver."""
        return self.solver.init(terms, t0, t1, y0, args)

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """One step, then the filter."""
        y1, error, dense, solver_state, result = self.solver.step(
            terms, t0, t1, y0, args, solver_state, made_jump
        )
        y1 = self.filter(y1)
        return y1, error, {**dense, "y1": y1}, solver_state, result

    def func(self, terms, t0, y0, args):
        """That of the wrapped solver."""
        return self.solver.func(terms, t0, y0, args)
