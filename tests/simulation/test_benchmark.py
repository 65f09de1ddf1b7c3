import dataclasses
import json
import re
import time
import types

import jax
import pytest

from ngcm_cli import benchmark
from ngcm_cli.cli.bench import format_benchmark
from ngcm_cli.config.bench import BenchConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.simulation import benchmark as module
from ngcm_cli.simulation.batch import BatchedModel
from ngcm_cli.testing import TinyModel

CARD = types.SimpleNamespace(weights=types.SimpleNamespace(sha256="0" * 64))
STEP = 0.02


@dataclasses.dataclass
class Late:
    """A result that is there after some seconds, as JAX sees it."""

    seconds: float

    def block_until_ready(self):
        time.sleep(self.seconds)
        return self


@pytest.fixture
def slow_model(monkeypatch):
    """A model whose step takes a known time for each member, for those who wait.

    Not in a callback of the program: on few cores JAX may wait for one for ever (its
    issue 25861).
    """
    model, advance = TinyModel(), BatchedModel.advance

    def slowly(batched, states, forcing, steps):
        members = len(jax.tree.leaves(states)[0])
        return advance(batched, states, forcing, steps), Late(STEP * members * steps)

    monkeypatch.setattr(BatchedModel, "advance", slowly)
    monkeypatch.setattr(module, "open_model", lambda *_, **__: (CARD, model))
    return model


def test_it_measures_the_time_of_a_step(slow_model):
    found = benchmark(members="1,2", steps=5)
    one, two = found.throughput
    assert (one.members, one.steps, two.members) == (1, 5, 2)
    assert STEP <= one.step_seconds < 10 * STEP  # the machine may be busy
    assert two.step_seconds >= 2 * STEP
    assert two.member_step_seconds == two.step_seconds / 2
    days = 3600 / one.step_seconds
    assert one.simulated_days_per_day == pytest.approx(days)
    assert one.simulated_years_per_day == pytest.approx(days / 365.25)
    assert one.compile_seconds >= 0
    assert one.peak_memory_bytes > 1e7
    assert found.grid == slow_model.grid.nodal_shape
    assert found.time_step_seconds == 3600
    assert found.too_many_members == ()


def test_programs_are_compiled_anew_and_the_cache_is_as_before(slow_model):
    assert jax.config.values["jax_enable_compilation_cache"]
    before = jax.config.values["jax_compilation_cache_dir"]
    benchmark(steps=1)
    assert jax.config.values["jax_enable_compilation_cache"]
    assert jax.config.values["jax_compilation_cache_dir"] == before


def test_members_that_do_not_fit_are_named(slow_model, monkeypatch):
    measure = module._throughput

    def full(model, state, forcing, members, steps):
        if members > 1:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return measure(model, state, forcing, members, steps)

    monkeypatch.setattr(module, "_throughput", full)
    found = benchmark(members="1,4,8", steps=1)
    assert [x.members for x in found.throughput] == [1]
    assert found.too_many_members == (4, 8)
    assert "Not enough memory for 4, 8 members." in format_benchmark(found, "table")
    with pytest.raises(ConfigError, match="too little memory for 4 members of tiny"):
        benchmark(members="4", steps=1)


def test_members_that_would_fill_the_host_are_not_tried(slow_model, monkeypatch):
    monkeypatch.setattr(module, "free_memory", lambda device: 8000)
    assert benchmark(members="1,500", steps=1).too_many_members == (500,)
    with pytest.raises(ConfigError, match="too little memory for 500 members of tiny"):
        benchmark(members="500", steps=1)


def test_results_can_be_shared(slow_model):
    found = benchmark(members="1,2", steps=1, precision="float32")
    content = json.loads(format_benchmark(found, "json"))
    assert content["model"] == "tiny" and content["precision"] == "float32"
    assert content["software"]["jax_version"] == jax.__version__
    rows = content["throughput"]
    assert rows == [dataclasses.asdict(x) for x in found.throughput]
    for style in ("table", "md"):
        text = format_benchmark(found, style)
        assert "tiny, 8 x 4, 3 levels, step of 60 min" in text
        assert re.search("Precision:? +float32", text)
        assert "Days per day" in text
    fast = dataclasses.replace(found.throughput[0], simulated_days_per_day=929_123.4)
    text = format_benchmark(dataclasses.replace(found, throughput=(fast,)), "table")
    assert " 929100 " in text and "e+" not in text
    lines = format_benchmark(found, "csv").splitlines()
    assert lines[0].startswith("members,devices,steps,compile_seconds")
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


@pytest.mark.parametrize("wrong", ["", "0", "-1", "1,x", "1.5"])
def test_numbers_of_members_that_are_none(wrong):
    with pytest.raises(ConfigError, match="members: .* is not a positive whole number"):
        BenchConfig(members=wrong)


def test_a_precision_that_there_is_not():
    with pytest.raises(ConfigError, match="'double' is none of published, float32"):
        BenchConfig(precision="double")


def test_the_model_is_measured_in_the_precision_asked_for(monkeypatch):
    asked = []

    def open_model(name, *, precision, offline):
        asked.append(precision)
        return CARD, TinyModel()

    monkeypatch.setattr(module, "open_model", open_model)
    assert benchmark(steps=1, precision="fast").precision == "fast"
    assert asked == ["fast"]


def test_numbers_of_members_are_sorted_and_named_once():
    assert BenchConfig(members="8,1,8").members == (1, 8)
    assert BenchConfig(members=4).members == (4,)
