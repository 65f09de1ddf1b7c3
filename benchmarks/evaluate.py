"""Time how forecasts are scored, beside merely reading them.

    pip install '.[test]'
    python benchmarks/evaluate.py [--starts 40 120] [--leads 41] [--levels 13]
    python benchmarks/evaluate.py --starts 732 --levels 3 --variables 3 --runs 48

On Zarr stores made for this: forecasts at 1.5 degrees, 6-hourly to ten days, one field
of all levels a chunk, and the truth in chunks of eight times. The values are noise, of
which so many neighbours are equal as ``--runs`` says: with 1 the stores are as large as
the fields, and reading is as fast as it can be; with 48 a year takes 3.4 GB.

- read: every field of forecasts and truth once, with xarray, in as many threads, and in
  blocks of 24 MB, which is faster than whole forecasts;
- evaluate: a process that runs `ngcm_cli.evaluate` with the default metrics, regions
  and intervals, from its start to its end, and its largest memory;
- ratio: how much longer than reading that takes;
- with two numbers of initial times, also what the further ones add to both;
- with ``--bandwidth``, in MB/s, both wait for each chunk as if it came from a slower
  disk or over a network; else the files are in the memory of the machine.
"""

import argparse
import asyncio
import concurrent.futures
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
import zarr

VARIABLES = {
    "temperature": ("K", 250, 10),
    "u_component_of_wind": ("m s-1", 0, 10),
    "specific_humidity": ("kg kg-1", 5e-3, 1e-3),
}
LEVELS = [50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000]
FIRST, STEP = np.datetime64("2020-01-01T00", "ns"), np.timedelta64(6, "h")
BETWEEN_STARTS = np.timedelta64(12, "h")
READ_BYTES = 24 << 20


def build(folder: pathlib.Path, given: argparse.Namespace) -> None:
    """Write forecasts and truth in the layout of WeatherBench 2."""
    place = {
        "level": np.array(LEVELS[-given.levels :], np.float64),
        "latitude": np.linspace(-90, 90, 121),
        "longitude": np.arange(240) * 1.5,
    }
    inits = FIRST + BETWEEN_STARTS * np.arange(max(given.starts))
    steps = (STEP * np.arange(given.leads)).astype("timedelta64[ns]")
    times = np.arange(FIRST, inits[-1] + steps[-1] + STEP, STEP)
    made = {"time": inits, "prediction_timedelta": steps, **place}
    write(folder / "forecast.zarr", made, (1, 1), given)
    write(folder / "truth.zarr", {"time": times, **place}, (8,), given)


def write(
    path: pathlib.Path, axes: dict, chunks: tuple[int, ...], given: argparse.Namespace
) -> None:
    """Write a store whose fields are those of one time, turned around the globe."""
    xr.Dataset(coords=axes).to_zarr(path, zarr_format=2, consolidated=False)
    group = zarr.open_group(path, mode="a", use_consolidated=False)
    shape = tuple(map(len, axes.values()))
    before = len(chunks)
    random = np.random.default_rng(0)
    for name, (units, mean, deviation) in list(VARIABLES.items())[: given.variables]:
        noise = random.normal(size=(*shape[before:-1], shape[-1] // given.runs))
        base = mean + deviation * np.repeat(noise, given.runs, axis=-1)
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


def read(folder: pathlib.Path, starts: int, leads: int) -> tuple[float, float]:
    """Return the seconds that reading all fields takes, of the clock and of CPUs."""
    started, used = time.perf_counter(), time.process_time()
    times = 2 * (starts - 1) + leads
    with concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as threads:
        for name, count in ("forecast.zarr", starts), ("truth.zarr", times):
            stored = xr.open_zarr(
                folder / name, chunks=None, consolidated=False, decode_timedelta=True
            ).isel(time=slice(count))
            for array in stored.data_vars.values():
                list(threads.map(lambda part: part.values.shape, parts(array)))
    return time.perf_counter() - started, time.process_time() - used


def parts(array: xr.DataArray) -> Iterator[xr.DataArray]:
    """Yield the parts of an array that are read at once."""
    *records, axis = array.dims[:-3]
    field = 4 * math.prod(array.shape[-3:])
    count = max(8, READ_BYTES // field // 8 * 8)
    for index in np.ndindex(*(array.sizes[dim] for dim in records)):
        for first in range(0, array.sizes[axis], count):
            chosen = dict(zip(records, index, strict=True))
            yield array[{**chosen, axis: slice(first, first + count)}]


def limit_bandwidth(megabytes: float) -> None:
    """Have all stores of this process share a bandwidth, in MB/s."""
    store: Any = zarr.storage.LocalStore
    get, lock, free = store.get, threading.Lock(), 0.0

    async def get_in_time(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal free
        found = await get(self, *arguments, **options)
        if found is not None:
            with lock:
                free = max(free, time.perf_counter()) + len(found) / megabytes / 1e6
                wait = free - time.perf_counter()
            await asyncio.sleep(max(wait, 0))
        return found

    store.get = get_in_time


def evaluate(folder: str, starts: str, variables: str, bandwidth: str) -> None:
    """Score the first forecasts in this process, and print its largest memory in MB."""
    import ngcm_cli

    if float(bandwidth):
        limit_bandwidth(float(bandwidth))
    inits = FIRST + BETWEEN_STARTS * np.arange(int(starts))
    ngcm_cli.evaluate(
        f"{folder}/forecast.zarr",
        f"{folder}/truth.zarr",
        variables=",".join(list(VARIABLES)[: int(variables)]),
        init=",".join(np.datetime_as_string(inits, "h")),
        check_times="no",
    )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def score(*arguments: str) -> tuple[float, float, float]:
    """Return seconds of a process that scores, of clock and CPUs, and its memory."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, __file__, "--evaluate", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds - started, used, float(done.stdout)


def main() -> None:
    """Build the stores, and print a table."""
    if sys.argv[1:2] == ["--evaluate"]:
        evaluate(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, nargs="+", default=[40])
    for name, default in (
        ("leads", 41), ("levels", 13), ("variables", 1), ("runs", 1), ("repeat", 3),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--bandwidth", type=float, default=0)
    given = parser.parse_args()
    print("| initial times | | read | evaluate | ratio |\n|---|---|---|---|---|")
    best = []
    with tempfile.TemporaryDirectory() as folder:
        build(pathlib.Path(folder), given)
        if given.bandwidth:
            limit_bandwidth(given.bandwidth)
        for starts in given.starts:
            readings, scorings = [], []
            for _ in range(given.repeat):
                readings.append(read(pathlib.Path(folder), starts, given.leads))
                scorings.append(
                    score(folder, *map(str, (starts, given.variables, given.bandwidth)))
                )
            # The best clock and the best CPU time, of whichever rounds.
            reading = np.min(readings, axis=0)
            scoring = np.min(scorings, axis=0)[:2]
            best.append((reading, scoring))
            memory = max(memory for *_, memory in scorings)
            print_rows(f"{starts}, {memory:.0f} MB", reading, scoring)
    if len(best) > 1:
        more = [last - first for first, last in zip(best[0], best[-1], strict=True)]
        print_rows("what the last has more", *more)


def print_rows(what: str, reading: np.ndarray, scoring: np.ndarray) -> None:
    """Print seconds of the clock and of CPUs."""
    for name, alone, ours in zip(("s", "CPU s"), reading, scoring, strict=True):
        print(f"| {what} | {name} | {alone:.2f} | {ours:.2f} | {ours / alone:.2f} |")
        what = ""


if __name__ == "__main__":
    main()
