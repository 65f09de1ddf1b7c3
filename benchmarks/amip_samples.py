"""Time six hours of a long run against six hours of bare steps, in turn.

    python benchmarks/amip_samples.py [--model NAME|PATH] [--samples 12]

Finer than `amip.py`, for machines whose speed changes from minute to minute, and
without what is written. In turn: the steps of the model as it is loaded; a sample of a
long run, which is its steps, decoding, means, global means and watchdog; and these
steps alone, with the account of water and the held pressure. Printed are ratios of the
sums to the first, of seconds by the clock and of the CPU.
"""

import argparse
import time

import jax

import ngcm_cli
from ngcm_cli.climate import days
from ngcm_cli.climate.plan import plan_climate
from ngcm_cli.config import AmipConfig
from ngcm_cli.gcm.model import NeuralGCM


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="tl63_stochastic_mini")
    parser.add_argument("--samples", type=int, default=12)
    options = parser.parse_args()
    model = ngcm_cli.load_model(options.model)
    plan, beginnings = plan_climate(AmipConfig(model=options.model, days=1))
    forcing, carry = plan.forcing(0), days.first_carry(plan, beginnings)
    state, month = carry.state, carry.month
    fields, key = beginnings[0].fields, jax.random.key(plan.config.seed)
    bare = model.encode(fields, forcing, plan.time(0, 0), key)

    def steps():
        return days._each(plan, NeuralGCM.advance, state, forcing, plan.steps)

    def sample():
        look, fields = days._look(plan.model, state), days._fields(plan, state)
        after = steps()
        fields |= days._rates(plan, after)
        return look, month.add(fields), after

    calls = {
        "bare": lambda: model.advance(bare, forcing, steps=plan.steps),
        "sample": sample,
        "steps": steps,
    }
    wall, cpu = (dict.fromkeys(calls, 0.0) for _ in range(2))
    for turn in range(options.samples + 1):
        for name, call in calls.items():
            started = time.perf_counter(), time.process_time()
            jax.block_until_ready(call())
            if turn:  # the first one compiles
                wall[name] += time.perf_counter() - started[0]
                cpu[name] += time.process_time() - started[1]
    print("sums to bare steps: clock  CPU")
    for name in ("sample", "steps"):
        ratios = (seconds[name] / seconds["bare"] for seconds in (wall, cpu))
        print("{:18} {:6.3f} {:6.3f}".format(name, *ratios))


if __name__ == "__main__":
    main()
