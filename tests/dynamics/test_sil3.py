import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from agreement import EPS, assert_agrees, rms

from ngcm_cli.dynamics.sil3 import (
    EXPLICIT,
    IMPLICIT,
    IMPLICIT_FRACTIONS,
    SIL3,
    Filtered,
)

# A slow and a fast oscillation that act on each other, like wind and gravity waves.
SLOW = np.array(
    [
        [-0.1, 1.0, 0.3, 0.0],
        [-1.0, -0.1, 0.0, 0.2],
        [0.4, 0.0, -0.2, 0.1],
        [0.0, -0.3, 0.2, 0.0],
    ]
)
FAST = np.zeros((4, 4))
FAST[2:, 2:] = [[0.0, 6.0], [-6.0, 0.0]]
START = jnp.array([1.0, 0.5, -0.3, 0.8])


def solver(step: float) -> SIL3:
    inverses = [np.linalg.inv(np.eye(4) - step * f * FAST) for f in IMPLICIT_FRACTIONS]
    inverses = jnp.asarray(np.stack(inverses), jnp.float32)
    return SIL3(step, lambda stage, y: inverses[stage] @ y)


def terms(slow=SLOW, fast=FAST):
    return diffrax.MultiTerm(
        diffrax.ODETerm(lambda t, y, args: jnp.asarray(slow, jnp.float32) @ y),
        diffrax.ODETerm(lambda t, y, args: jnp.asarray(fast, jnp.float32) @ y),
    )


def solve(scheme, step: float, steps: int, saveat=None, terms=terms, **options):
    return diffrax.diffeqsolve(
        terms(),
        scheme,
        0.0,
        step * steps,
        step,
        START,
        saveat=saveat or diffrax.SaveAt(t1=True),
        max_steps=steps + 2,
        **options,
    )


def test_coefficients():
    """Whitaker & Kar (2013), and the conditions for second order."""
    explicit = [[1 / 3], [1 / 6, 1 / 2], [1 / 2, -1 / 2, 1]]
    implicit = [[1 / 6], [1 / 3, 0], [3 / 8, 0, 3 / 8]]
    for tableau, rows in (EXPLICIT, explicit), (IMPLICIT, implicit):
        for ours, expected in zip(tableau.a_lower, rows, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-15)
    np.testing.assert_allclose(EXPLICIT.b_sol, [1 / 2, -1 / 2, 1, 0])
    np.testing.assert_allclose(IMPLICIT.b_sol, [3 / 8, 0, 3 / 8, 1 / 4])
    np.testing.assert_allclose(IMPLICIT_FRACTIONS, [1 / 6, 1 / 3, 1 / 4])

    nodes = np.append(0, EXPLICIT.c)
    np.testing.assert_allclose(nodes, [0, 1 / 3, 2 / 3, 1])
    for tableau in EXPLICIT, IMPLICIT:
        assert sum(tableau.b_sol) == pytest.approx(1)
        assert np.dot(tableau.b_sol, nodes) == pytest.approx(1 / 2)
    # Rows of the implicit part, its diagonal included, end at the same times.
    for row, own, time in zip(
        IMPLICIT.a_lower, IMPLICIT_FRACTIONS, nodes[1:], strict=True
    ):
        assert sum(row) + own == pytest.approx(time)
    assert solver(1.0).order(None) == 2


def test_the_scheme_by_hand():
    """One step against the formulas in float64."""
    h = 0.25
    f, g = (lambda y: SLOW @ y), (lambda y: FAST @ y)
    y0 = np.asarray(START, np.float64)

    def stage(known, fraction):
        return np.linalg.solve(np.eye(4) - h * fraction * FAST, known)

    y1 = stage(y0 + h / 3 * f(y0) + h / 6 * g(y0), 1 / 6)
    y2 = stage(y0 + h / 6 * f(y0) + h / 2 * f(y1) + h / 3 * g(y0), 1 / 3)
    last = y0 + h * (f(y0) / 2 - f(y1) / 2 + f(y2)) + h * 3 / 8 * (g(y0) + g(y2))
    y3 = stage(last, 1 / 4)
    expected = last + h / 4 * g(y3)
    ours = solve(solver(h), h, 1).ys[0]
    # Tendencies h G y = 1.5 y: a dozen roundings of numbers a little larger than y.
    assert_agrees("y", "1", ours, expected, 6 * EPS * rms(expected))


def test_second_order_convergence():
    exact = scipy.linalg.expm(2.0 * (SLOW + FAST)) @ np.asarray(START, np.float64)
    errors = [
        rms(np.asarray(solve(solver(2.0 / n), 2.0 / n, n).ys[0]) - exact)
        for n in (20, 40, 80)
    ]
    # Halving the step divides the error by 4; the third-order rest of it is h ω of
    # that, 0.6 to 0.15 here, and rounding (1e-6) is far below 1e-4.
    ratios = np.divide(errors[:-1], errors[1:])
    assert np.all((ratios > 3.4) & (ratios < 4.8)), (errors, ratios)
    assert errors[-1] > 30 * EPS * rms(exact)


def test_agreement_with_the_scheme_of_diffrax():
    step, steps = 0.1, 20
    ours = solve(solver(step), step, steps).ys[0]
    newton = diffrax.VeryChord(rtol=1e-6, atol=1e-7)
    theirs = solve(
        diffrax.Sil3(root_finder=newton),
        step,
        steps,
        stepsize_controller=diffrax.ConstantStepSize(),
    ).ys[0]
    # Theirs iterates each of 3 stages to 1e-6 relative, 20 times.
    assert_agrees("y", "1", ours, theirs, np.sqrt(3 * steps) * 1e-6 * rms(theirs))


def test_fast_oscillations_are_damped_not_amplified():
    """A step of ten radians of the fast wave, which no explicit scheme survives."""
    step = 10 / 6
    ours = solve(solver(step), step, 200, terms=lambda: terms(0 * SLOW)).ys[0]
    assert rms(ours) <= rms(START) * (1 + 200 * EPS)


def test_another_step_size_is_refused():
    with pytest.raises(eqx.EquinoxRuntimeError, match="(?i)internal"):
        solve(solver(0.1), 0.05, 4)
    with pytest.raises(eqx.EquinoxRuntimeError, match="(?i)internal"):
        # The last step is cut short at t1.
        diffrax.diffeqsolve(terms(), solver(0.1), 0.0, 0.25, 0.1, START)


def test_the_filter_is_applied_after_every_step():
    step, factor = 0.1, jnp.array([1.0, 0.5, 0.9, 0.0])
    filtered = Filtered(solver(step), lambda y: y * factor)
    every = diffrax.SaveAt(steps=True)
    ours = np.asarray(solve(filtered, step, 3, every).ys[:3])
    y = START
    for after in ours:
        y = diffrax.diffeqsolve(terms(), solver(step), 0.0, step, step, y).ys[0]
        y = y * factor
        assert_agrees("y", "1", after, y, 4 * EPS * rms(y))
    assert np.all(ours[:, 3] == 0)
    assert filtered.order(None) == 2


@pytest.mark.parametrize("minutes, steps", [(20, 3), (12, 5), (6, 5), (3.75, 8)])
def test_the_number_of_steps_is_exact(minutes, steps):
    """Time is added up in float32, but no step is lost or added; each doubles y."""
    step = minutes / 60 * 0.525024

    @jax.jit
    def run(y0):
        doubling = Filtered(SIL3(step, lambda stage, y: y), lambda y: 2 * y)
        nothing = diffrax.ODETerm(lambda t, y, args: jnp.zeros_like(y))
        both = diffrax.MultiTerm(nothing, nothing)
        return diffrax.diffeqsolve(
            both, doubling, 0.0, steps * step, step, y0, max_steps=steps
        ).ys[0]

    assert run(jnp.float32(1)) == 2**steps


def test_members_are_stepped_alike():
    step = 0.1

    def run(y0):
        return diffrax.diffeqsolve(
            terms(), solver(step), 0.0, 0.3, step, y0, max_steps=4
        ).ys[0]

    starts = jnp.stack([START, -2 * START])
    mapped = jax.vmap(run)(starts)
    for ours, start in zip(mapped, starts, strict=True):
        assert_agrees("y", "1", ours, run(start), 4 * EPS * rms(start))
