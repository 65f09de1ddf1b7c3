"""Time how data become a state: reading, regridding, starting from what was prepared.

    pip install '.[test,reference]'
    python benchmarks/data.py [--repeat 3]

On a Zarr store in the layout of ARCO-ERA5, made for this: one time, seven variables on
37 levels, 0.25 degrees, to the 2.8-degree grid of the bundled model.

- read: the seven variables with xarray alone, one after the other;
- regrid: the same arrays, ours; beside it the reference's ``ConservativeRegridder``;
- state: as a run reads it, three variables at a time, checks included, and the largest
  memory of that process;
- start: from the beginning of a process to the first ``encode``, from prepared data and
  compiled programs; importing JAX alone beside it.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
TIME = "2020-08-22T12"


def build(folder: pathlib.Path) -> pathlib.Path:
    sys.path.insert(0, str(ROOT / "tests" / "inputs" / "sources"))
    import arco

    days = ("2020-08-21T12", TIME)
    return arco.build(folder / "era5.zarr", resolution=0.25, times=days)


def model_inputs():
    from ngcm_cli.inputs.model_inputs import ModelInputs
    from ngcm_cli.zoo import load_model

    return ModelInputs.of(load_model("tl63_stochastic_mini"))


def parts(store: str) -> dict[str, float]:
    import numpy as np

    from ngcm_cli.inputs.input_dataset import InputDataset

    wanted, taken = model_inputs(), {"read": 0.0, "regrid": 0.0}
    theirs = reference_regridder()
    with InputDataset.open(store, wanted.fields) as source:
        for name in wanted.fields:
            field = source.field(name, np.datetime64(TIME, "s"))
            start = time.perf_counter()
            array = field.array.isel(time=1).compute()
            taken["read"] += time.perf_counter() - start
            values = field.grid.reorder(
                array.transpose(..., "longitude", "latitude").values
            )
            start = time.perf_counter()
            ours = field.regrid(wanted.grid, values)
            taken["regrid"] += time.perf_counter() - start
            if theirs is not None:
                start = time.perf_counter()
                np.asarray(theirs(np.ascontiguousarray(values)))
                elapsed = time.perf_counter() - start
                taken["reference"] = taken.get("reference", 0.0) + elapsed
            del array, values, ours
    return taken


def reference_regridder():
    try:
        import numpy as np
        from dinosaur import horizontal_interpolation, spherical_harmonic
    except ImportError:
        return None
    fine = spherical_harmonic.Grid(
        latitude_nodes=721,
        longitude_nodes=1440,
        latitude_spacing="equiangular_with_poles",
    )
    regridder = horizontal_interpolation.ConservativeRegridder
    regrid = regridder(fine, spherical_harmonic.Grid.TL63(), skipna=True)
    np.asarray(regrid(np.zeros((37, 1440, 721), np.float32)))  # compile
    return regrid


def state(store: str) -> dict[str, float]:
    import resource

    import numpy as np

    from ngcm_cli.inputs.input_dataset import InputDataset
    from ngcm_cli.inputs.select_analysis import select_analysis

    wanted = model_inputs()
    start = time.perf_counter()
    with InputDataset.open(store, wanted.fields) as source:
        select_analysis(source, np.datetime64(TIME, "s"), wanted).read()
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 2**30
    return {"state": taken, "memory": peak}


def prepare(store: str) -> dict[str, float]:
    """As if the store were far away, into the folder that ``NGCM_HOME`` names."""
    import numpy as np

    from ngcm_cli.forcing.read_forcing import save_forcing
    from ngcm_cli.forcing.sst_record import SSTRecord
    from ngcm_cli.inputs.input_cache import InputCache
    from ngcm_cli.inputs.input_dataset import InputDataset
    from ngcm_cli.inputs.select_analysis import select_analysis
    from ngcm_cli.inputs.sources.named import ARCO
    from ngcm_cli.inputs.variables import SURFACE_VARIABLES

    wanted, when = model_inputs(), np.datetime64(TIME, "s")
    kept = InputCache.of(ARCO.name, wanted)
    with InputDataset.open(store, (*wanted.fields, *SURFACE_VARIABLES)) as source:
        kept.save_analysis(select_analysis(source, when, wanted).read())
        record = SSTRecord(source, wanted)
        forcing = record.read_time(record.latest(when)[0], [])
        save_forcing(kept, f"sea_for_{TIME}", forcing)
    return {}


class _Reached(BaseException):
    """The first encode."""


def start(store: str) -> dict[str, float]:
    began = float(os.environ["BEGAN"])
    import jax

    imported = time.time() - began
    import ngcm_cli
    from ngcm_cli.gcm.model import NeuralGCM

    def reached(*args):
        raise _Reached

    NeuralGCM.encode = reached
    try:
        ngcm_cli.forecast(init=TIME, offline=True, output=f"{store}.out.zarr")
    except _Reached:
        return {"start": time.time() - began, "jax": imported}
    raise RuntimeError("encode was not called", jax.__version__)


def call(task: str, store: pathlib.Path, home: str) -> dict[str, float]:
    environment = os.environ | {"NGCM_HOME": home, "BEGAN": str(time.time())}
    words = [sys.executable, __file__, "--task", task, "--store", str(store)]
    out = subprocess.run(words, env=environment, check=True, capture_output=True)
    return json.loads(out.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        tasks = {"parts": parts, "state": state, "prepare": prepare, "start": start}
        print(json.dumps(tasks[given.task](given.store)))
        return
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        store, home = build(pathlib.Path(folder)), f"{folder}/home"
        call("prepare", store, home)
        call("start", store, home)  # compiles the little that comes before encode
        for _ in range(given.repeat):
            for task in ("parts", "state", "start"):
                for name, value in call(task, store, home).items():
                    best[name] = min(value, best.get(name, value))
    print(f"read {best['read']:.2f} s, regrid {best['regrid']:.2f} s", end="")
    print(f", ratio {best['regrid'] / best['read']:.2f}")
    if "reference" in best:
        ratio = best["regrid"] / best["reference"]
        print(f"the reference regrids in {best['reference']:.2f} s, ratio {ratio:.2f}")
    print(f"whole state {best['state']:.2f} s, at most {best['memory']:.2f} GiB")
    print(f"first encode after {best['start']:.2f} s, JAX after {best['jax']:.2f} s")


if __name__ == "__main__":
    main()
