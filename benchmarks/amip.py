"""Time a long run against the bare steps of the model, in turn.

    python benchmarks/amip.py [--model NAME|PATH|reduced] [--days 3] [--turns 2]

Days of ``ngcm amip`` with everything it does by default (means, global series,
stability checks, water budget, writing, restart files) follow days of nothing but
``advance`` of the model as it is loaded, in one process, so that a machine that is busy
slows both alike. The first day of each compiles and does not count. Printed are the
ratios, by the clock and by CPU time, of the sums and of the quickest days: 1.05 means
that five percent go to what is not the model. The largest memory of the process is
printed after the second day of a run, and by how much it has grown at its end.
``--model reduced`` is that of ``tests/reduced_model.py``.
"""

import argparse
import pathlib
import resource
import sys
import tempfile
import time

import jax
import numpy as np

import ngcm_cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="tl63_stochastic_mini")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    if options.model == "reduced":
        sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
        from reduced_model import write_reduced_model

        options.model = str(write_reduced_model(pathlib.Path(tempfile.mkdtemp())))
    model = ngcm_cli.load_model(options.model)
    data = ngcm_cli.bundled_state(model)
    steps = int(86400 // model.step_seconds)
    start = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))

    def bare():
        state = start
        for _ in range(options.days + 1):
            state = model.advance(state, data.forcing, steps=steps)
            jax.block_until_ready(state)
            yield

    def amip():
        with tempfile.TemporaryDirectory() as folder:
            ticks, memory = [], []

            def track(progress, simulation):
                for step in progress:
                    ticks.append((time.perf_counter(), time.process_time()))
                    memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
                    yield step

            ngcm_cli.amip(
                model=options.model,
                days=options.days + 1,
                output=pathlib.Path(folder) / "run",
                track=track,
            )
        second, grown = memory[1] / 1024, (memory[-1] - memory[1]) / 1024
        print(f"memory: {second:.0f} MB, grown by {grown:.1f} MB")
        return ticks

    all_days = {"bare": [], "amip": []}
    for turn in range(options.turns):
        ticks = [(time.perf_counter(), time.process_time()) for _ in bare()]
        for name, seen in (("bare", ticks), ("amip", amip())):
            days = np.diff(seen, axis=0)
            all_days[name].extend(days)
            wall, cpu = days.mean(0)
            print(f"turn {turn}: {name} {wall:.2f} s a day, {cpu:.2f} s of CPU")
    for what, of in (("all days", np.sum), ("the quickest day", np.min)):
        clock, cpu = of(all_days["amip"], axis=0) / of(all_days["bare"], axis=0)
        print(f"{what}: ratio by the clock {clock:.3f}, by CPU time {cpu:.3f}")
    years = 86400 / np.mean(all_days["amip"], axis=0)[0] / 365.25
    print(f"{years:.3g} simulated years per day")


if __name__ == "__main__":
    main()
