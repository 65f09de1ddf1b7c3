"""Time this package and the reference side by side, and print the ratios.

    pip install '.[reference]'
    python benchmarks/side_by_side.py [--repeat 3] [--hours 6]

Both run the bundled checkpoint from the bundled ERA5 state, each in processes of its
own, in turn (ours, reference, ours, …), so that a machine that is busy slows both
alike. Ratios are ours over the reference: below 1, ours is faster.

- compile: first call of one model step minus the next, without any persistent cache;
- step: the fastest of several calls of one compiled model step;
- cold: a whole forecast from a fresh process and empty caches to a store on disk;
- warm: the same again. The reference keeps nothing between processes.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SIDES = "ours", "reference"


def ours(hours: int, output: str | None) -> dict[str, float]:
    """Load, compile and step our model, or run our command."""
    import jax

    import ngcm_cli
    from ngcm_cli import bundled_state

    if output is not None:
        start = time.perf_counter()
        ngcm_cli.forecast(lead=f"{hours}h", every=f"{hours}h", output=output)
        return {"whole": time.perf_counter() - start}
    model = ngcm_cli.load_model()
    data = bundled_state(model)
    key = jax.random.key(0)
    state = model.encode(data.fields, data.forcing, data.time, key)
    return _time_step(lambda: model.advance(state, data.forcing))


def bundled_reference():
    """The reference with the bundled checkpoint and state: model, inputs, forcings."""
    import warnings

    warnings.simplefilter("ignore")
    import xarray
    from dinosaur import horizontal_interpolation, spherical_harmonic, xarray_utils
    from neuralgcm.legacy.api import PressureLevelModel

    from ngcm_cli.checkpoint.published.reference import read_published

    package = importlib.util.find_spec("neuralgcm")
    assert package is not None and package.origin is not None
    folder = pathlib.Path(package.origin).parent / "data"
    # Its own loader cannot read this file with a current JAX.
    published = read_published(folder / "tl63_stochastic_mini.pkl")
    axes = ("longitude", "latitude")
    static = xarray.Dataset(
        {
            k: (axes, published.static[k])
            for k in ("geopotential_at_surface", "land_sea_mask")
        },
        {k: published.static[k] for k in (*axes, "level")},
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
    data = xarray.load_dataset(folder / "era5_tl31_19590102T00.nc")
    regridder = horizontal_interpolation.ConservativeRegridder(
        spherical_harmonic.Grid.TL31(), model.data_coords.horizontal
    )
    data = xarray_utils.regrid(data, regridder)
    return model, model.inputs_from_xarray(data), model.forcings_from_xarray(data)


def reference(hours: int, output: str | None) -> dict[str, float]:
    """The same with the reference, as its documentation does it."""
    start = time.perf_counter()
    import jax
    import numpy as np

    model, inputs, forcings = bundled_reference()
    state = model.encode(inputs, forcings, jax.random.key(0))
    if output is None:
        return _time_step(lambda: model.advance(state, forcings))
    forcing = jax.tree.map(lambda x: np.asarray(x)[None], forcings)
    _, frames = model.unroll(
        state,
        forcing,
        steps=2,
        timedelta=np.timedelta64(hours, "h"),
        start_with_input=True,
    )
    model.data_to_xarray(frames, times=np.arange(2) * hours).to_zarr(output)
    return {"whole": time.perf_counter() - start}


def _time_step(step) -> dict[str, float]:
    """Seconds to compile and to run one call."""
    import jax

    times = []
    for _ in range(6):
        start = time.perf_counter()
        jax.block_until_ready(step())
        times.append(time.perf_counter() - start)
    return {"compile": times[0] - min(times[1:]), "step": min(times[1:])}


def measured_by(script: str, *arguments: str, **variables: str) -> dict[str, float]:
    """Return the JSON that a script prints last, in a process of its own.

    Args:
        script: its file.
        arguments: of its command line.
        variables: of its environment, which leaves JAX without a cache otherwise.
    """
    environment = os.environ | {"PYTHONWARNINGS": "ignore"} | variables
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, script, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _run(side: str, hours: int, home: str, output: str | None) -> dict[str, float]:
    """One measurement; ``process`` is the whole duration of its process."""
    arguments = ["--side", side, "--hours", str(hours)]
    if output is not None:
        arguments += ["--output", output]
    start = time.perf_counter()
    found = measured_by(__file__, *arguments, NGCM_HOME=home)
    return found | {"process": time.perf_counter() - start}


def main() -> None:
    """Run both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--hours", type=int, default=6)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        side = ours if args.side == "ours" else reference
        print(json.dumps(side(args.hours, args.output)))
        return
    rows: dict[str, dict[str, list[float]]] = {}
    for i in range(args.repeat):
        with tempfile.TemporaryDirectory() as folder:
            for side in SIDES:
                steps = _run(side, args.hours, f"{folder}/none", None)
                for name in ("compile", "step"):
                    rows.setdefault(name, {}).setdefault(side, []).append(steps[name])
                for name in ("cold", "warm"):
                    output = f"{folder}/{side}-{name}.zarr"
                    whole = _run(side, args.hours, f"{folder}/home", output)["process"]
                    rows.setdefault(name, {}).setdefault(side, []).append(whole)
        print(f"round {i + 1} of {args.repeat} done", file=sys.stderr)
    print(f"{'':10}{'ours':>10}{'reference':>12}{'ratio':>8}   (median seconds)")
    for name, sides in rows.items():
        a, b = (statistics.median(sides[side]) for side in SIDES)
        print(f"{name:10}{a:10.2f}{b:12.2f}{a / b:8.2f}")


if __name__ == "__main__":
    main()
