"""Time members in one batch against one by one, and against the reference.

    pip install '.[reference]'
    python benchmarks/ensemble.py [--batches 1,2,4,8,16] [--repeat 3]

Both run the bundled checkpoint from the bundled ERA5 state, each with all members in
one program, in turn in one process, so that a machine that is busy slows both alike.
Printed is the time of one model step of so many members, the best of several: of our
model one member after the other, which is 1; and of all at once, ours and the
reference's, as a share of that. Below 1 it is faster.
"""

import argparse
import time

import jax
import jax.numpy as jnp
from side_by_side import bundled_reference

import ngcm_cli
from ngcm_cli import bundled_state
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.simulation.batch import BatchedModel
from ngcm_cli.simulation.simulation import member_key


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", default="1,2,4,8,16")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--without-reference", action="store_true")
    options = parser.parse_args()
    batches = [int(word) for word in options.batches.split(",")]

    model = ngcm_cli.load_model()
    data = bundled_state(model)
    forcing = Forcing.constant(data.forcing)
    batched = BatchedModel(model)
    one = model.encode(data.fields, data.forcing, data.time, member_key(0, 0))
    if not options.without_reference:
        theirs, inputs, forcings = bundled_reference()
        other = jax.jit(theirs.encode)(inputs, forcings, member_key(0, 0))
        step = jax.jit(jax.vmap(theirs.advance, in_axes=(0, None)))

    def alone(count):
        for _ in range(count):
            jax.block_until_ready(model.advance(one, data.forcing))

    print("members  ours  reference  one by one, s a step", flush=True)
    for size in batches:
        states = batched.stack([one] * size, size)
        sides = {"ours": lambda s=states: batched.advance(s, forcing, 1)}
        if not options.without_reference:
            many = jax.tree.map(lambda x, n=size: jnp.stack([x] * n), other)
            sides["reference"] = lambda s=many: step(s, forcings)
        sides = {"alone": lambda n=size: alone(n), **sides}
        best = _best(sides, options.repeat)
        _, *shares = [f"{best[side] / best['alone']:.2f}" for side in sides]
        theirs_share = shares[1] if shares[1:] else "-"
        print(
            f"{size:7}  {shares[0]:>4}  {theirs_share:>9}  {best['alone'] / size:.3f}",
            flush=True,
        )


def _best(sides: dict, repeat: int) -> dict[str, float]:
    """Seconds of the fastest call of each, in turn; the first call compiles."""
    best = dict.fromkeys(sides, float("inf"))
    for turn in range(repeat + 1):
        for name, call in sides.items():
            start = time.perf_counter()
            jax.block_until_ready(call())
            if turn:
                best[name] = min(best[name], time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
