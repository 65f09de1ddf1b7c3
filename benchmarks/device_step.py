"""Time one model step on the device at hand, for any models, beside the reference.

    python benchmarks/device_step.py tl63_stochastic_mini [CHECKPOINT.pkl …] [--reference]

Prints, per model: seconds to compile one step, milliseconds of one step (median of the
calls, each waited for), and simulated days per day of wall time. With ``--reference`` the
published checkpoints among the models are run through the reference, too, in the same
process and on the same device, and the ratio ours/reference is printed. Inputs are the
bundled ERA5 state on each model's grid.
"""

import argparse
import pathlib
import statistics
import time

import jax
import numpy as np

import ngcm_cli
from ngcm_cli.checkpoint.reference import read_published
from ngcm_cli.run import bundled_state


def time_step(step, calls: int) -> tuple[float, float]:
    """Seconds of the first call beyond the others, and of the median call."""
    times = []
    for _ in range(calls + 1):
        start = time.perf_counter()
        jax.block_until_ready(step())
        times.append(time.perf_counter() - start)
    median = statistics.median(times[1:])
    return times[0] - median, median


def reference_step(path: str, data, levels):
    """A function that runs one step of the reference on the same inputs."""
    import xarray
    from neuralgcm.legacy.api import PressureLevelModel

    published = read_published(path)
    axes = ("longitude", "latitude")
    fields = ("geopotential_at_surface", "land_sea_mask")
    static = xarray.Dataset(
        {name: (axes, published.static[name]) for name in fields},
        {name: published.static[name] for name in (*axes, "level")},
    )
    static.geopotential_at_surface.attrs["units"] = "m**2 s**-2"
    static.land_sea_mask.attrs["units"] = "(0 - 1)"
    model = PressureLevelModel.from_checkpoint(
        {
            "model_config_str": published.config,
            "params": published.params,
            "aux_ds_dict": static.to_dict(),
        }
    )
    coordinates = {name: static[name] for name in axes} | {"level": list(levels)}
    coordinates["time"] = np.datetime64(data.time, "ns")
    dataset = xarray.Dataset(
        {name: (("level", *axes), x) for name, x in data.fields.items()}
        | {name: (axes, x[0]) for name, x in data.forcing.items()},
        coordinates,
    )
    inputs = model.inputs_from_xarray(dataset)
    forcings = model.forcings_from_xarray(dataset)
    state = model.encode(inputs, forcings, jax.random.key(0))
    return lambda: model.advance(state, forcings)


def main() -> None:
    """Print one line per model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--reference", action="store_true")
    args = parser.parse_args()
    print(f"device: {jax.devices()[0].device_kind}, jax {jax.__version__}")
    for name in args.models:
        model = ngcm_cli.load_model(name)
        data = bundled_state(model)
        state = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
        forcing = jax.device_put(data.forcing)
        compiled, step = time_step(lambda m=model, s=state, f=forcing: m.advance(s, f), args.calls)
        speed = float(model.time_step / np.timedelta64(1, "s")) / step
        line = f"{model.name:24} compile {compiled:6.1f} s   step {1000 * step:8.1f} ms"
        line += f"   {speed:10.0f} days/day"
        if args.reference and pathlib.Path(name).suffix == ".pkl":
            other = reference_step(name, data, model.levels)
            r_compiled, r_step = time_step(other, args.calls)
            line += f"   reference: compile {r_compiled:6.1f} s   step {1000 * r_step:8.1f} ms"
            line += f"   ratio {compiled / r_compiled:.2f}, {step / r_step:.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
