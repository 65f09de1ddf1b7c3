"""Trace and compile the encoder, a step and the decoder, ours and the reference's.

    pip install '.[reference]'
    python benchmarks/compiling.py [--rounds 2]

The bundled model, without any cache; each side in processes of its own, in turn, and
our encoder and decoder with the options that `ngcm_cli.gcm.programs` gives them. Prints
medians of processor seconds, which other processes hardly change, and ratios of ours to
the reference: below 1, ours is faster.
"""

import argparse
import json
import statistics
import time

import equinox as eqx
import jax
from side_by_side import bundled_reference, measured_by

import ngcm_cli
from ngcm_cli import bundled_state
from ngcm_cli.gcm.programs import OUTPUT_OPTIONS

SIDES = "ours", "reference"
PARTS = "encode", "step", "decode"


def programs(side: str):
    """Yield functions of a side with their arguments; take back what they return."""
    key = jax.random.key(0)
    if side == "reference":
        model, inputs, forcing = bundled_reference()
        state = yield lambda *x: model.encode(*x), (inputs, forcing, key)
        yield lambda *x: model.advance(*x), (state, forcing)
        yield lambda *x: model.decode(*x), (state, forcing)
        return
    model = ngcm_cli.load_model()
    data = bundled_state(model)
    given, static = eqx.partition((model, data.fields, data.forcing), eqx.is_array)

    def encode(given, key):
        model, fields, forcing = eqx.combine(given, static)
        return model.encode(fields, forcing, data.time, key)

    def step(given, state):
        model, _, forcing = eqx.combine(given, static)
        return model.advance(state, forcing)

    def decode(given, state):
        return eqx.combine(given, static)[0].decode(state)

    state = yield encode, (given, key)
    yield step, (given, state)
    yield decode, (given, state)


def measure(side: str) -> dict[str, float]:
    """Return the processor seconds from a function to its program, by part."""
    seconds, parts = {}, programs(side)
    state = None
    for name in PARTS:
        function, arguments = parts.send(state)
        start = time.process_time()
        once_per_output = side == "ours" and name != "step"
        options = OUTPUT_OPTIONS if once_per_output else None
        program = jax.jit(function).lower(*arguments).compile(options)
        seconds[name] = time.process_time() - start
        state = program(*arguments) if name == "encode" else state
    return seconds | {"together": sum(seconds.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        jax.config.update("jax_enable_compilation_cache", False)
        print(json.dumps(measure(given.side)))
        return
    found = {side: [] for side in SIDES}
    for _ in range(given.rounds):
        for side, rows in found.items():
            rows.append(measured_by(__file__, "--side", side))
    print("| | ours, CPU s | reference, CPU s | ratio |\n|---|---|---|---|")
    for name in (*PARTS, "together"):
        ours, theirs = (statistics.median(x[name] for x in found[s]) for s in SIDES)
        print(f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
