"""Compile one model step of published checkpoints, ours and the reference's in turn.

    pip install '.[reference]'
    python benchmarks/configurations.py CHECKPOINT.pkl ... [--repeat 2]

Each side traces and compiles in a process of its own, without any cache, and executes
nothing: no data are needed. ``compile`` is from a model to a program for one model
step, ``whole`` from the file to that program: what one of the two computes when it
opens a model the other leaves to tracing. Seconds are of CPUs, and ratios ours over
the reference.
"""

import argparse
import json
import pathlib
import statistics
import time

from side_by_side import measured_by

SIDES = "ours", "reference"


def ours(path: str) -> dict[str, float]:
    """Load and compile with this package."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    import ngcm_cli
    from ngcm_cli.gcm.forcing import Forcing
    from ngcm_cli.gcm.integration import _looped

    start = time.process_time()
    model = ngcm_cli.load_model(path)
    loaded = time.process_time()
    shape = (len(model.levels), *model.grid.nodal_shape)
    fields = {name: np.ones(shape, np.float32) for name in model.input_variables}
    surface = np.ones((1, *shape[1:]), np.float32)
    forcing = dict.fromkeys(model.forcing_variables, surface)
    state = eqx.filter_eval_shape(
        lambda: model.encode(
            fields, forcing, np.datetime64("2020-01-01T00", "s"), jax.random.key(0)
        )
    )

    def empty(x):  # of the same kind
        is_key = jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
        return jax.random.key(0) if is_key else jnp.zeros(x.shape, x.dtype)

    state = jax.tree.map(empty, state)
    begun = time.process_time()
    steps, minutes = jnp.int32(1), model.substep_minutes
    given = Forcing.constant(forcing)
    _looped.lower(model.step, state, given, steps, minutes).compile()
    compiling = time.process_time() - begun
    return {"compile": compiling, "whole": loaded - start + compiling}


def reference(path: str) -> dict[str, float]:
    """Load and compile with the reference."""
    import warnings

    warnings.simplefilter("ignore")
    import jax
    import numpy as np
    import xarray
    from neuralgcm.legacy.api import PressureLevelModel

    from ngcm_cli.checkpoint.published.reference import read_published

    start = time.process_time()
    # Its own loader executes the pickle, and cannot read all of them with this JAX.
    published = read_published(path)
    axes = ("longitude", "latitude")
    units = {"geopotential_at_surface": "m**2 s**-2", "land_sea_mask": "(0 - 1)"}
    static = xarray.Dataset(
        {k: (axes, published.static[k], {"units": u}) for k, u in units.items()},
        {k: published.static[k] for k in (*axes, "level")},
    )
    model = PressureLevelModel.from_checkpoint(
        {
            "model_config_str": published.config,
            "params": published.params,
            "aux_ds_dict": static.to_dict(),
        }
    )
    loaded = time.process_time()
    grid = published.static["land_sea_mask"].shape
    levels = published.static["level"].size
    clock = {"sim_time": np.float64(188693.6256)}
    fields = {k: np.ones((levels, *grid), np.float32) for k in model.input_variables}
    surface = np.ones((1, *grid), np.float32)
    forcing = dict.fromkeys(model.forcing_variables, surface) | clock
    encode, advance = type(model).encode, type(model).advance
    state = jax.eval_shape(encode, model, fields | clock, forcing, jax.random.key(0))
    begun = time.process_time()
    advance.lower(model, state, forcing).compile()
    compiling = time.process_time() - begun
    return {"compile": compiling, "whole": loaded - start + compiling}


def main() -> None:
    """Run both sides on every checkpoint and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        side = ours if args.side == "ours" else reference
        print(json.dumps(side(args.checkpoints[0])))
        return
    print("| checkpoint | | ours, s | reference, s | ratio |\n|---|---|---|---|---|")
    for path in args.checkpoints:
        rounds = [
            {side: measured_by(__file__, "--side", side, path) for side in SIDES}
            for _ in range(args.repeat)
        ]
        for row in "compile", "whole":
            a, b = (
                statistics.median(each[side][row] for each in rounds) for side in SIDES
            )
            name = pathlib.Path(path).stem
            print(f"| {name} | {row} | {a:.2f} | {b:.2f} | {a / b:.2f} |", flush=True)


if __name__ == "__main__":
    main()
