"""What the gradient of steps costs: compiling, time and memory.

    python benchmarks/gradient.py [--model MODEL] [--steps 24 48 96] [--rounds 2]
                                  [--reference]

Compiles one step and its gradient with respect to the state and the learned parameters
(the forcing is an argument, not differentiated) without any cache, and runs both;
prints the seconds of processor time (so that a busy machine does not matter) and the
ratios. With ``--steps``, the memory that XLA reserves for the gradient of so many
steps, which is compiled and not run. With ``--reference`` the same of the reference in
turn, unrolled as its interface does it; it must be installed. Without a model, the
bundled one; the reduced model of ``tests/reduced_model.py`` with ``--model reduced``.
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
from side_by_side import bundled_reference

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


def squares(tree):
    return sum(jnp.vdot(a, a) for a in jax.tree.leaves(tree))


def ours(model):
    """Return a function from a number of steps to a loss and its arguments."""
    data = bundled_state(model)
    state = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    forcing = {name: jnp.asarray(x) for name, x in data.forcing.items()}
    learned, constant = partition(model)
    x, rest = eqx.partition((learned, state), eqx.is_inexact_array)

    def of(steps):
        def loss(x, constant, rest, forcing):
            learned, state = eqx.combine(x, rest)
            state = eqx.combine(learned, constant).advance(state, forcing, steps)
            return squares(state.state)

        return loss, (x, constant, rest, forcing)

    return of


def theirs():
    """The same of the reference."""
    model, inputs, forcing = bundled_reference()
    start = model.encode(inputs, forcing, jax.random.key(0))
    forcing = jax.tree.map(lambda x: jnp.asarray(x)[None], forcing)
    # Its model cannot hold None, as a partitioned tree does: the leaves are divided.
    leaves, structure = jax.tree.flatten((model, start))
    x, rest = eqx.partition(leaves, eqx.is_inexact_array)

    def of(steps):
        def loss(x, rest, forcing):
            leaves = eqx.combine(x, rest)
            model, state = jax.tree.unflatten(structure, leaves)
            state, _ = model.unroll(
                state,
                forcing,
                steps=1,
                timedelta=np.timedelta64(steps, "h"),
                post_process_fn=lambda state, forcing: jnp.zeros(()),
            )
            return squares(eqx.filter(state.state, eqx.is_inexact_array))

        return loss, (x, rest, forcing)

    return of


def compiled(f, arguments):
    """The program, the processor seconds to trace and to compile it, and its memory."""
    start = time.process_time()
    lowered = eqx.filter_jit(f).lower(*arguments)
    traced = time.process_time()
    program = lowered.compile()
    memory = program.compiled.memory_analysis().temp_size_in_bytes / 1e6
    return program, traced - start, time.process_time() - traced, memory


def seconds(program, arguments, repeat=3):
    """Processor seconds of the fastest of some runs."""
    found = []
    for _ in range(repeat + 1):
        start = time.process_time()
        jax.block_until_ready(program(*arguments))
        found.append(time.process_time() - start)
    return min(found[1:])


def one_step(side, of):
    loss, arguments = of(1)
    total = []
    for kind, f in ("step", loss), ("gradient", eqx.filter_grad(loss)):
        jax.clear_caches()
        program, tracing, compiling, memory = compiled(f, arguments)
        total.append((tracing + compiling, seconds(program, arguments)))
        print(
            f"  {side} {kind:9} tracing {tracing:5.1f}, compiling {compiling:5.1f}, "
            f"running {total[-1][1]:.2f}; {memory:.0f} MB",
            flush=True,
        )
    ratios = [b / a for a, b in zip(*total, strict=True)]
    print(f"  {side} ratio: compiling {ratios[0]:.2f}, running {ratios[1]:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="tl63_stochastic_mini")
    parser.add_argument("--steps", type=int, nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--reference", action="store_true")
    options = parser.parse_args()

    model = load(options.model)
    sides = {"ours": ours(model)}
    if options.reference:
        sides["reference"] = theirs()
    jax.config.update("jax_enable_compilation_cache", False)

    print(f"{model.name}, one step; seconds of processor time")
    for _ in range(options.rounds):
        for side, of in sides.items():
            one_step(side, of)
    for steps in options.steps:
        for side, of in sides.items():
            loss, arguments = of(steps)
            *_, memory = compiled(eqx.filter_grad(loss), arguments)
            print(f"{steps} steps, {side}: {memory:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
