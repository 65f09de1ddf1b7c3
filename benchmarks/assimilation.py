"""An identical twin: what 4D-Var gains, and what it costs.

    python benchmarks/assimilation.py [--model MODEL] [--steps 6] [--places 400]
        [--iterations 30] [--gauss-newton]

The truth is the encoded bundled state plus an error drawn from the covariance of the
background. Observations of it, in random places and with random errors, are assimilated
(``tests/assimilation/twin_observations.py``). Prints the cost by seconds of processor
time, and errors of analysis and forecasts as shares of those of the background. With
``--gauss-newton`` the minimisation is a second time one of the quadratic cost around
the background, by conjugate gradients with products of the Hessian from ``jvp`` and
``vjp`` (Gauss-Newton), for comparison. Without a model, the bundled one; the reduced
model of ``tests/reduced_model.py`` with ``--model reduced``.
"""

import argparse
import pathlib
import sys
import tempfile
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import ngcm_cli
from ngcm_cli.assimilation.background_error import BackgroundError
from ngcm_cli.assimilation.observation_operator import (
    ObservationOperator,
    padded_size,
)
from ngcm_cli.assimilation.observation_table import read_observations
from ngcm_cli.assimilation.variational import Window, minimize, value_and_gradient
from ngcm_cli.gcm import Forcing

TESTS = pathlib.Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "assimilation")]
from gradient import load  # noqa: E402
from twin_observations import ERRORS, observe, write_table  # noqa: E402

NAMES = (*ERRORS, "geopotential")


@eqx.filter_jit
def hessian_product(window, control, v):
    """Of the quadratic cost around a control: v + Jᵀ W² J v."""
    _, moved = jax.jvp(window.equivalents, (control,), (v,))
    _, back = jax.vjp(window.equivalents, control)
    (seen,) = back(moved * window.weight**2)
    return jax.tree.map(jnp.add, v, seen)


def dot(a, b):
    return float(sum(jnp.vdot(x, b[name]) for name, x in a.items()))


def conjugate_gradients(window, iterations, report):
    """Minimise the quadratic cost; report iterations and the norm of its gradient."""
    (_, _), gradient = value_and_gradient(window, window.zero())
    x = window.zero()
    r = jax.tree.map(jnp.negative, gradient)
    p, square = r, dot(r, r)
    for n in range(iterations + 1):
        report(n, square**0.5)
        if n == iterations or square**0.5 < 0.01 * dot(gradient, gradient) ** 0.5:
            return x
        q = hessian_product(window, window.zero(), p)
        step = square / dot(p, q)
        x = jax.tree.map(lambda a, b, s=step: a + s * b, x, p)
        r = jax.tree.map(lambda a, b, s=step: a - s * b, r, q)
        square, before = dot(r, r), square
        p = jax.tree.map(lambda a, b, s=square / before: a + s * b, r, p)
    return x


def twin(model, steps, places):
    """The problem, and the truth."""
    data = ngcm_cli.bundled_state(model)
    background = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    errors = BackgroundError.default(model, background)
    truth = errors.add(background, errors.draw(jax.random.key(5)))
    states = [truth]
    for _ in range(steps):
        states.append(model.advance(states[-1], data.forcing, 1))
    rows = observe(states, model, data.time, places)
    with tempfile.TemporaryDirectory() as folder:
        table = read_observations(write_table(pathlib.Path(folder) / "o.csv", rows))
    value, weight = np.zeros((2, padded_size(len(table))), np.float32)
    value[: len(table)], weight[: len(table)] = table.value, 1 / table.error
    window = Window(
        model=model,
        background=background,
        forcing=Forcing.constant(data.forcing),
        errors=errors,
        operator=ObservationOperator.of(table, model, data.time, steps),
        value=jnp.asarray(value),
        weight=jnp.asarray(weight),
    )
    return window, truth, len(table)


def rms_error(model, state, truth):
    """By variable, from 100 hPa down."""
    errors, grid = {}, model.grid
    ours, true = (model.decode(x, NAMES) for x in (state, truth))
    for name in NAMES:
        apart = np.float64(ours[name]) - np.float64(true[name])
        if len(apart) > 1:
            apart = apart[np.array(model.levels) >= 100]
        square = (apart**2 * grid.area_weights).sum((-2, -1)).mean()
        errors[name] = np.sqrt(
            square / (grid.area_weights.sum() * grid.longitude_nodes)
        )
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="tl63_stochastic_mini")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--places", type=int, default=400)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--gauss-newton", action="store_true")
    given = parser.parse_args()
    model = load(given.model)
    window, truth, count = twin(model, given.steps, given.places)
    began = time.process_time()
    value_and_gradient(window, window.zero())
    print(f"{count} observations; compiling {time.process_time() - began:.0f} s")
    began = time.process_time()
    jax.block_until_ready(eqx.filter_jit(Window.equivalents)(window, window.zero()))
    began = time.process_time()
    jax.block_until_ready(eqx.filter_jit(Window.equivalents)(window, window.zero()))
    print(f"forward {time.process_time() - began:.2f} s")
    began = time.process_time()

    def report(x):
        print(
            f"  {x.evaluations:3d} evaluations {time.process_time() - began:7.1f} s: "
            f"cost {x.cost:9.2f}, gradient {x.gradient:8.3f}",
            flush=True,
        )

    minimum = minimize(window, given.iterations, 0.01, report)
    print(minimum.reason)
    if given.gauss_newton:
        jax.block_until_ready(hessian_product(window, window.zero(), window.zero()))
        began = time.process_time()
        x = conjugate_gradients(
            window,
            given.iterations,
            lambda n, norm: print(
                f"  {n:3d} products {time.process_time() - began:7.1f} s: "
                f"gradient of the quadratic cost {norm:8.3f}",
                flush=True,
            ),
        )
        (cost, _), gradient = value_and_gradient(window, x)
        norm = dot(gradient, gradient) ** 0.5
        print(f"Gauss-Newton: cost {float(cost):.2f}, gradient {norm:.3f}")
    states = truth, window.background, window.state(minimum.control)
    lead = 0
    for hours in (0, 6, 6, 12, 24):
        lead += hours
        states = [model.advance(x, window.forcing, hours) for x in states]
        before, after = (rms_error(model, x, states[0]) for x in states[1:])
        shares = "  ".join(f"{n} {after[n] / before[n]:.2f}" for n in NAMES)
        print(f"after {lead:2d} h: {shares}", flush=True)


if __name__ == "__main__":
    main()
