import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from gcm import bundled
from gcm.bundled import assert_identical

from ngcm_cli.errors import UnstableRunError
from ngcm_cli.gcm import rollout

LEVELS = (200.0, 500.0)


class Counter:
    """Its state is a number of steps; it writes down what it is asked for."""

    levels = LEVELS
    time_step = np.timedelta64(1800, "s")

    def __init__(self, broken_from=None):
        self.calls, self.asked = [], []
        self.broken_from = broken_from

    def advance(self, state, forcing, steps=1):
        self.calls.append(f"advance {state} by {steps}")
        return state + steps

    def decode(self, state, variables=None, forcing=None):
        self.calls.append(f"decode {state}")
        self.asked.append(variables)
        x = jnp.full((2, 3, 3), float(state))
        if self.broken_from is not None and state >= self.broken_from:
            x = x.at[1, 2, 0].set(np.inf)
        fields = {"humidity": jnp.zeros((2, 3, 3)), "temperature": x, "pressure": x[1:]}
        return {name: fields[name] for name in variables or ("humidity", "temperature")}


def test_outputs_are_at_the_start_and_after_every_interval():
    chunks = list(rollout(Counter(), 100, {}, every=6, count=3))
    assert [chunk.step for chunk in chunks] == [0, 6, 12, 18]
    assert [chunk.state for chunk in chunks] == [100, 106, 112, 118]
    assert [chunk.fields["temperature"][0, 0, 0] for chunk in chunks] == [
        *(100, 106, 112, 118)
    ]
    assert all(type(chunk.fields["temperature"]) is np.ndarray for chunk in chunks)


def test_no_interval_gives_the_start_alone():
    model = Counter()
    (chunk,) = rollout(model, 0, {}, every=6, count=0)
    assert chunk.step == 0 and model.calls == ["decode 0"]


def test_it_computes_one_output_ahead_and_no_further():
    model = Counter()
    run = rollout(model, 0, {}, every=2, count=5)
    assert model.calls == []
    next(run)
    assert model.calls == ["decode 0", "advance 0 by 2", "decode 2"]
    next(run)
    assert model.calls[3:] == ["advance 2 by 2", "decode 4"]
    run.close()
    assert len(model.calls) == 5


def test_a_run_that_blows_up_says_where_and_when():
    run = rollout(Counter(broken_from=6), 0, {}, every=3, count=5)
    assert [next(run).step, next(run).step] == [0, 3]
    with pytest.raises(UnstableRunError) as caught:
        next(run)
    assert caught.value.exit_code == 3
    assert "temperature at 500 hPa is not finite 3 hours after" in str(caught.value)
    assert "humidity" not in str(caught.value)


def test_a_surface_field_that_blows_up_has_no_level():
    run = rollout(Counter(broken_from=0), 0, {}, 1, 0, variables=("pressure",))
    with pytest.raises(UnstableRunError, match=r"unstable: pressure is not finite 0 h"):
        next(run)


def test_it_decodes_what_is_asked_for():
    model = Counter()
    chunks = list(rollout(model, 0, {}, 1, 1, variables=("pressure", "humidity")))
    assert model.asked == [("pressure", "humidity")] * 2
    assert all(set(chunk.fields) == {"pressure", "humidity"} for chunk in chunks)
    model = Counter()
    list(rollout(model, 0, {}, 1, 0))
    assert model.asked == [None]


@pytest.mark.slow
def test_a_real_run_is_its_steps():
    model, data = bundled.model(), bundled.sample()
    chunks = list(rollout(model, bundled.encoded(), data.forcing, every=1, count=1))
    assert_identical(chunks[0].state, bundled.encoded())
    assert_identical(chunks[1].state, bundled.advanced())
    for chunk in chunks:
        expected = model.decode(chunk.state)
        assert set(chunk.fields) == set(model.default_outputs)
        for name, x in chunk.fields.items():
            np.testing.assert_array_equal(x, expected[name])


@pytest.mark.slow
def test_a_state_that_is_not_a_number_stops_a_real_run():
    broken = eqx.tree_at(
        lambda s: s.state.tracers["specific_humidity"],
        bundled.encoded(),
        replace_fn=lambda x: x.at[3, 4, 5].set(jnp.nan),
    )
    run = rollout(bundled.model(), broken, bundled.sample().forcing, every=1, count=0)
    with pytest.raises(UnstableRunError, match="is not finite 0 hours after the start"):
        next(run)


def test_chunks_do_not_change():
    chunk = next(rollout(Counter(), 0, {}, every=1, count=0))
    with pytest.raises(AttributeError):
        chunk.step = 1
