"""Time how forecasts are scored, beside merely reading them.

    pip install '.[test]'
    python benchmarks/evaluate.py [--starts 40] [--leads 41] [--levels 13]

On Zarr stores made for this: forecasts at 1.5 degrees, 6-hourly to ten days, one field
of all levels a chunk, and the truth in chunks of eight times.

- read: every field of forecasts and truth once, with xarray, in as many threads;
- evaluate: `ngcm_cli.evaluate` with the default metrics, regions and intervals, in a
  process of its own, with its largest memory;
- ratio: how much longer than reading that takes.
"""

import argparse
import concurrent.futures
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import xarray as xr
import zarr

VARIABLES = {
    "temperature": ("K", 250, 10),
    "geopotential": ("m2 s-2", 5e4, 1e3),
    "specific_humidity": ("kg kg-1", 5e-3, 1e-3),
}
LEVELS = [50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000]


def build(folder: pathlib.Path, starts: int, leads: int, levels: int, names: int):
    """Write forecasts and truth in the layout of WeatherBench 2."""
    place = {
        "level": np.array(LEVELS[-levels:], np.float64),
        "latitude": np.linspace(-90, 90, 121),
        "longitude": np.arange(240) * 1.5,
    }
    first = np.datetime64("2020-01-01T00", "ns")
    inits = first + (12 * np.arange(starts)).astype("timedelta64[h]")
    steps = (6 * np.arange(leads)).astype("timedelta64[h]").astype("timedelta64[ns]")
    last = inits[-1] + steps[-1]
    times = np.arange(first, last + np.timedelta64(1, "h"), np.timedelta64(6, "h"))
    made = {"time": inits, "prediction_timedelta": steps, **place}
    write(folder / "forecast.zarr", made, (1, 1), names)
    write(folder / "truth.zarr", {"time": times, **place}, (8,), names)


def write(path: pathlib.Path, axes: dict, chunks: tuple[int, ...], names: int) -> None:
    """Write a store whose fields are those of one time, turned around the globe."""
    xr.Dataset(coords=axes).to_zarr(path, zarr_format=2, consolidated=False)
    group = zarr.open_group(path, mode="a", use_consolidated=False)
    shape = tuple(map(len, axes.values()))
    before = len(chunks)
    random = np.random.default_rng(0)
    for name, (units, mean, deviation) in list(VARIABLES.items())[:names]:
        base = mean + deviation * random.normal(size=shape[before:])
        array = group.create_array(
            name, shape=shape, chunks=(*chunks, *shape[before:]), dtype="f4"
        )
        array.attrs.update({"_ARRAY_DIMENSIONS": list(axes), "units": units})
        counts = tuple(-(-shape[i] // chunks[i]) for i in range(before))
        for index in np.ndindex(counts):
            ends = zip(index, chunks, shape, strict=False)
            part = tuple(slice(i * n, min((i + 1) * n, end)) for i, n, end in ends)
            sizes = tuple(each.stop - each.start for each in part)
            field = np.roll(base, sum(index), axis=-1)
            array[part] = np.broadcast_to(field, (*sizes, *field.shape))


def read(folder: pathlib.Path) -> tuple[float, float]:
    """Return the seconds that reading all fields takes, of the clock and of CPUs."""
    started, used = time.perf_counter(), time.process_time()
    with concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as threads:
        for name, step in ("forecast.zarr", 1), ("truth.zarr", 8):
            stored = xr.open_zarr(
                folder / name, chunks=None, consolidated=False, decode_timedelta=True
            )
            for array in stored.data_vars.values():
                starts = range(0, stored.sizes["time"], step)
                list(
                    threads.map(
                        lambda i, array=array, step=step: (
                            array.isel(time=slice(i, i + step)).values.shape
                        ),
                        starts,
                    )
                )
    return time.perf_counter() - started, time.process_time() - used


def evaluate(folder: pathlib.Path, *others: str) -> None:
    """Score the forecasts in this process, and print its largest memory in MB."""
    import ngcm_cli

    variables = ",".join(list(VARIABLES)[: int(others[0])])
    started, used = time.perf_counter(), time.process_time()
    ngcm_cli.evaluate(
        str(folder / "forecast.zarr"),
        str(folder / "truth.zarr"),
        variables=variables,
        check_times="no",
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - started
    print(f"{seconds:.2f} {time.process_time() - used:.2f} {peak:.0f}")


def main() -> None:
    """Build the stores, and print a table."""
    if sys.argv[1:2] == ["--evaluate"]:
        evaluate(pathlib.Path(sys.argv[2]), *sys.argv[3:])
        return
    parser = argparse.ArgumentParser()
    for name, default in (
        ("starts", 40), ("leads", 41), ("levels", 13), ("variables", 1), ("repeat", 2),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        build(folder, given.starts, given.leads, given.levels, given.variables)
        readings, scorings, peaks = [], [], []
        for _ in range(given.repeat):
            readings.append(read(folder))
            done = subprocess.run(
                [sys.executable, __file__, "--evaluate", name, str(given.variables)],
                capture_output=True,
                text=True,
                check=True,
            )
            seconds, used, peak = map(float, done.stdout.split())
            scorings.append((seconds, used))
            peaks.append(peak)
    reading, scoring = min(readings), min(scorings)
    ratios = [ours / alone for ours, alone in zip(scoring, reading, strict=True)]
    print("|  | s | CPU s |\n|---|---|---|")
    print(f"| read | {reading[0]:.2f} | {reading[1]:.2f} |")
    print(f"| evaluate, {max(peaks):.0f} MB | {scoring[0]:.2f} | {scoring[1]:.2f} |")
    print(f"| ratio | {ratios[0]:.2f} | {ratios[1]:.2f} |")


if __name__ == "__main__":
    main()
