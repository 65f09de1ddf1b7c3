"""SIL3, the implicit-explicit Runge-Kutta scheme of the dynamical core, for diffrax.

Whitaker & Kar (2013), Implicit-Explicit Runge-Kutta Methods for Fast-Slow Wave
Problems, Monthly Weather Review 141, doi:10.1175/MWR-D-13-00132.1. Second order with
three explicit evaluations. ``diffrax.Sil3`` carries the same coefficients but solves
its implicit stages by iteration; here the implicit term is linear and its inverse is
known exactly.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

EXPLICIT, IMPLICIT = diffrax.Sil3.tableau.tableaus
assert IMPLICIT.a_diagonal is not None  # it is diagonally implicit
IMPLICIT_FRACTIONS: tuple[float, ...] = tuple(map(float, IMPLICIT.a_diagonal[1:]))
"""Fractions of the step by which the three stages are implicit: 1/6, 1/3, 1/4."""

_STAGES = len(IMPLICIT_FRACTIONS)


def _rows(lower: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return weights of the tendencies so far in each stage, zero for those to come."""
    return np.stack([np.pad(row, (0, _STAGES - len(row))) for row in lower])


def _add(y: Any, *increments: Any) -> Any:
    """Return y plus the sum of small increments, rounded once at the size of y."""
    return jax.tree.map(lambda a, *b: a + sum(b), y, *increments)


def _weighted(weights: jax.Array | np.ndarray, tendencies: Any) -> Any:
    """Return Σ weight · tendency, over the leading axis of the tendencies."""
    return jax.tree.map(
        lambda k: sum(weights[i] * k[i] for i in range(len(k))), tendencies
    )


def _put(buffer: Any, i: jax.Array, tendency: Any) -> Any:
    return jax.tree.map(lambda b, k: b.at[i].set(k), buffer, tendency)


class SparseTerm(diffrax.ODETerm):
    """A term whose vector field may return arrays of one element for those of zeros.

    They stay so, where ``diffrax.ODETerm`` would fill them up.
    """

    def vf(self, t, y, args):
        """Return what the vector field does."""
        return self.vector_field(t, y, args)


class SIL3(diffrax.AbstractSolver):
    """SIL3 with an exact linear solve, for one fixed step size.

    Called with ``diffrax.MultiTerm(explicit_term, implicit_term)``. A step of another
    size than ``step_size`` is refused (diffrax then raises), because the inverses
    belong to one step size.

    Attributes:
        step_size: h, the only step size this solver takes.
        solve: maps (stage, y) to (1 − η G)⁻¹ y, with η = h times the stage's entry of
            ``IMPLICIT_FRACTIONS`` and G the linear implicit term.
    """

    step_size: float = eqx.field(static=True)
    solve: Callable[[Int[Array, ""], Any], Any]

    term_structure: ClassVar = diffrax.MultiTerm[
        tuple[diffrax.AbstractTerm, diffrax.AbstractTerm]
    ]
    interpolation_cls: ClassVar = diffrax.LocalLinearInterpolation

    def order(self, terms) -> int:
        """Return 2: the scheme is of second order."""
        return 2

    def init(self, terms, t0, t1, y0, args) -> None:
        """Return None: nothing is carried from step to step."""
        return None

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """Take one step of length ``step_size`` from y0."""
        explicit, implicit = terms.terms
        dtype = jnp.result_type(*jax.tree.leaves(y0))
        h = jnp.asarray(self.step_size, dtype)
        slow_weights = h * _rows(EXPLICIT.a_lower).astype(dtype)
        fast_weights = h * _rows(IMPLICIT.a_lower).astype(dtype)
        nodes = np.concatenate([[0], EXPLICIT.c]).astype(dtype)

        # On a CPU the stages are a loop rather than written out three times: that makes
        # a smaller program, which compiles faster. On a GPU the copies of the loop took
        # a third of a step.
        def stage(i, carry):
            y, slow, fast = carry
            t = t0 + h * jnp.asarray(nodes)[i]
            slow = _put(slow, i, explicit.vf(t, y, args))
            fast = _put(fast, i, implicit.vf(t, y, args))
            known = _add(
                y0, _weighted(slow_weights[i], slow), _weighted(fast_weights[i], fast)
            )
            return self.solve(i, known), slow, fast

        def none(like: Any) -> Any:
            return jax.tree.map(lambda x: jnp.zeros((_STAGES, *x.shape), x.dtype), like)

        unroll = None if jax.default_backend() == "cpu" else True
        y, slow, fast = jax.lax.fori_loop(
            0,
            _STAGES,
            stage,
            (y0, none(y0), none(jax.eval_shape(implicit.vf, t0, y0, args))),
            unroll=unroll,
        )
        last = implicit.vf(t0 + h, y, args)  # the last explicit one has no weight
        slow_sum = _weighted(h * EXPLICIT.b_sol[:_STAGES].astype(dtype), slow)
        fast_sum = _weighted(h * IMPLICIT.b_sol[:_STAGES].astype(dtype), fast)
        last = jax.tree.map(lambda g: h * IMPLICIT.b_sol[-1].astype(dtype) * g, last)
        y1 = _add(y0, slow_sum, fast_sum, last)
        is_own_step = jnp.abs((t1 - t0) / h - 1) < 1e-3
        result = diffrax.RESULTS.where(
            is_own_step, diffrax.RESULTS.successful, diffrax.RESULTS.internal_error
        )
        return y1, None, {"y0": y0, "y1": y1}, None, result

    def func(self, terms, t0, y0, args):
        """Return the whole tendency, explicit and implicit."""
        return terms.vf(t0, y0, args)


def take_step(
    solver: diffrax.AbstractSolver,
    terms: diffrax.MultiTerm,
    step_size: float,
    y: Any,
    args: Any = None,
) -> Any:
    """Return y one step later, by equations that do not depend on time.

    Args:
        solver: `SIL3`, or one that wraps it.
        terms: explicit and implicit term.
        step_size: that of the solver.
        y: where to start.
        args: that the terms take.
    """
    return solver.step(terms, 0.0, step_size, y, args, None, made_jump=False)[0]


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
        """Return that of the wrapped solver."""
        return self.solver.order(terms)

    def init(self, terms, t0, t1, y0, args):
        """Return that of the wrapped solver."""
        return self.solver.init(terms, t0, t1, y0, args)

    def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
        """Take one step, then apply the filter."""
        y1, error, dense, solver_state, result = self.solver.step(
            terms, t0, t1, y0, args, solver_state, made_jump
        )
        y1 = self.filter(y1)
        return y1, error, {**dense, "y1": y1}, solver_state, result

    def func(self, terms, t0, y0, args):
        """Return that of the wrapped solver."""
        return self.solver.func(terms, t0, y0, args)
