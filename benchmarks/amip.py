"""Time the days of a long run against the bare step of the model, in turn.

    python benchmarks/amip.py [--model NAME|PATH] [--days 5]

A day of `ngcm amip` with everything it does by default, means, global series, watchdog,
water budget, writing and, at the end, a restart, follows a day of nothing but
``advance`` of the model as it is loaded, in one process, so that a machine that is busy
slows both alike. The ratio is that of the sums; those of the medians and of the fastest
days are printed beside it. 1.05 means that five percent go to what is not the model.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import jax

import ngcm_cli
from ngcm_cli.climate.course import Course
from ngcm_cli.climate.folder import open_folder
from ngcm_cli.climate.plan import plan_climate
from ngcm_cli.config import AmipConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="tl63_stochastic_mini")
    parser.add_argument("--days", type=int, default=5)
    options = parser.parse_args()
    model = ngcm_cli.load_model(options.model)
    steps = int(86400 // model.step_seconds)
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "run"
        config = AmipConfig(model=options.model, days=options.days + 1, output=output)
        plan, beginnings = plan_climate(config)
        forcing = plan.forcing(0)
        key, fields = jax.random.key(0), beginnings[0].fields
        state = model.encode(fields, forcing, plan.time(0, 0), key)
        bare, whole = [], []
        with open_folder(plan) as place:
            reports = Course(plan, place, beginnings).days()
            for day in range(options.days + 1):
                start = time.perf_counter()
                state = model.advance(state, forcing, steps=steps)
                jax.block_until_ready(state)
                middle = time.perf_counter()
                next(reports)
                end = time.perf_counter()
                if day:  # the first one compiles
                    bare.append(middle - start)
                    whole.append(end - middle)
                    print(f"day {day}: {bare[-1]:.2f} s bare, {whole[-1]:.2f} s amip")
            for _ in reports:  # the end of the run
                pass
    years = 86400 * options.days / sum(whole) / 365.25
    ratios = (f(whole) / f(bare) for f in (sum, statistics.median, min))
    print("ratio {:.3f}, of medians {:.3f}, of the fastest {:.3f}".format(*ratios))
    print(f"{years:.3g} simulated years per day")


if __name__ == "__main__":
    main()
