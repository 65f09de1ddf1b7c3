"""Time one compiled step of the bundled model, ours and the reference's in turn.

    pip install '.[reference]'
    python benchmarks/step.py [--rounds 8]

Both are in one process and take turns, so that a busy machine slows both alike. Prints
medians of processor time, which other processes hardly change, the least wall times,
and the ratios of the reference to ours: above 1, ours is faster.
"""

import argparse
import statistics
import time

import jax
from side_by_side import bundled_reference

import ngcm_cli
from ngcm_cli import bundled_state


def calls():
    """Functions of no argument that take one step, by side."""
    ours = ngcm_cli.load_model()
    data = bundled_state(ours)
    key = jax.random.key(0)
    state = ours.encode(data.fields, data.forcing, data.time, key)
    theirs, inputs, forcing = bundled_reference()
    start = theirs.encode(inputs, forcing, key)
    step = jax.jit(lambda state, forcing: theirs.advance(state, forcing))
    return {
        "ours": lambda: ours.advance(state, data.forcing),
        "reference": lambda: step(start, forcing),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds

    sides = calls()
    cpu, wall = {name: [] for name in sides}, {name: [] for name in sides}
    for index in range(1 + rounds):
        for name, call in sides.items():
            start = time.process_time(), time.perf_counter()
            jax.block_until_ready(call())
            if index:  # the first compiles
                cpu[name].append(time.process_time() - start[0])
                wall[name].append(time.perf_counter() - start[1])
    for kind, pick, times in (
        ("processor, median", statistics.median, cpu),
        ("wall, least", min, wall),
    ):
        ours, theirs = pick(times["ours"]), pick(times["reference"])
        print(
            f"{kind:18} ours {ours:.2f} s, reference {theirs:.2f} s, "
            f"ratio {theirs / ours:.2f}"
        )


if __name__ == "__main__":
    main()
