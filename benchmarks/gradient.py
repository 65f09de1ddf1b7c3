"""What the gradient of steps costs: compiling, time and memory.

    python benchmarks/gradient.py [--model MODEL] [--steps 24 48 96] [--rounds 2]

Compiles one step and its gradient with respect to the state and the learned parameters
(the forcing is an argument, not differentiated), in turn in one process and without any
cache; prints the seconds of processor time of both (so that a busy machine does not
matter) and their ratio. With ``--steps``,
the time of that many steps forward and with their gradient, and the
memory that XLA reserves for it. Without a model, the bundled one; the reduced model of
``tests/reduced_model.py`` with ``--model reduced``.
"""

import argparse
import pathlib
import sys
import tempfile
import time

import equinox as eqx
import jax
import jax.numpy as jnp

import ngcm_cli
from ngcm_cli import bundled_state
from ngcm_cli.checkpoint.parameters import partition


def load(name):
    if name != "reduced":
        return ngcm_cli.load_model(name)
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
    from reduced_model import write_reduced_model

    with tempfile.TemporaryDirectory() as folder:
        return ngcm_cli.load_model(write_reduced_model(pathlib.Path(folder)))


def loss_of(model, state, steps):
    """Loss after some steps, and what it is a function of."""
    learned, constant = partition(model)
    x, rest = eqx.partition((learned, state), eqx.is_inexact_array)

    def loss(x, constant, rest, forcing):
        learned, state = eqx.combine(x, rest)
        state = eqx.combine(learned, constant).advance(state, forcing, steps)
        return sum(jnp.vdot(a, a) for a in jax.tree.leaves(state.state))

    return loss, (x, constant, rest)


def compiled(f, arguments):
    """The program, and the processor seconds to trace and to compile it."""
    start = time.process_time()
    lowered = eqx.filter_jit(f).lower(*arguments)
    traced = time.process_time()
    program = lowered.compile()
    return program, traced - start, time.process_time() - traced


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="tl63_stochastic_mini")
    parser.add_argument("--steps", type=int, nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()

    model = load(options.model)
    data = bundled_state(model)
    jax.config.update("jax_enable_compilation_cache", False)
    state = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    state = jax.block_until_ready(state)
    forcing = {name: jnp.asarray(x) for name, x in data.forcing.items()}

    print(f"{model.name}, one step; seconds of processor time")
    loss, arguments = loss_of(model, state, 1)
    for _ in range(options.rounds):
        total = []
        for kind, f in ("step", loss), ("gradient", eqx.filter_grad(loss)):
            jax.clear_caches()
            program, tracing, compiling = compiled(f, (*arguments, forcing))
            memory = program.compiled.memory_analysis().temp_size_in_bytes
            total.append(tracing + compiling)
            print(
                f"  {kind:9} tracing {tracing:5.1f}, compiling {compiling:5.1f}, "
                f"{memory / 1e6:.0f} MB"
            )
        print(f"  ratio {total[1] / total[0]:.2f}")

    for steps in options.steps:
        loss, arguments = loss_of(model, state, steps)
        for kind, f in ("forward", loss), ("gradient", eqx.filter_grad(loss)):
            program, *_ = compiled(f, (*arguments, forcing))
            memory = program.compiled.memory_analysis().temp_size_in_bytes
            jax.block_until_ready(program(*arguments, forcing))
            start = time.perf_counter(), time.process_time()
            jax.block_until_ready(program(*arguments, forcing))
            wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
            print(
                f"{steps} steps {kind:9} {1e3 * wall / steps:8.1f} ms a step "
                f"({1e3 * cpu / steps:.1f} ms of processors), {memory / 1e6:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
