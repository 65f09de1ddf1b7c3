"""Which programs compute diagnostics, and for which models; names do not matter."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, rms
from diagnostics import reduced_states as small
from gcm.compilations import compilations

from ngcm_cli.diagnostics import (
    DIAGNOSTICS,
    available,
    evaluate,
    global_means,
    mean_fluxes,
    monitor,
    sigma_levels,
)
from ngcm_cli.gcm.fields import ATMOSPHERE, NET_WATER, PRECIPITATION, SURFACE

STATE_ONLY = tuple(
    n for n, d in DIAGNOSTICS.items() if d.needs not in ("water", "nudging")
)


def same(ours, expected):
    assert ours.keys() == expected.keys()
    for name, x in expected.items():
        np.testing.assert_array_equal(ours[name], x, err_msg=name)


@pytest.fixture(scope="module")
def everything():
    return {
        levels: evaluate(
            small.model(), small.real(), small.forcing(), STATE_ONLY, levels
        )
        for levels in ("pressure", "model")
    }


@pytest.mark.slow
def test_what_the_decoder_gives_has_its_bits(everything):
    model, state = small.model(), small.real()
    names = (*ATMOSPHERE, *SURFACE)
    decoded = model.decode(state, names)
    same({name: everything["pressure"][name] for name in names}, decoded)
    same(evaluate(model, state, None, names[-2:]), model.decode(state, names[-2:]))


@pytest.mark.slow
def test_fluxes_have_the_bits_of_the_model():
    model = small.model().with_water_budget()
    state = small.real(water=True)
    same(evaluate(model, state, None, NET_WATER), model.decode(state, NET_WATER))
    rates = mean_fluxes(model, state, 3, ("temperature", *NET_WATER))
    assert rates.keys() == {"P_minus_E_rate"}
    same(rates, model.mean_fluxes(state, 3))
    assert mean_fluxes(model, state, 3, ("temperature",)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("levels", ["pressure", "model"])
def test_shapes(everything, levels):
    model = small.model()
    count = len(model.levels if levels == "pressure" else sigma_levels(model))
    for name, x in everything[levels].items():
        above = count if DIAGNOSTICS[name].on_levels else 1
        assert x.shape == (above, *model.grid.nodal_shape), name
        assert x.dtype == jnp.float32 and np.isfinite(x).all(), name


@pytest.mark.slow
@pytest.mark.parametrize("levels", ["pressure", "model"])
def test_values_do_not_depend_on_what_else_is_asked_for(everything, levels):
    model, state, forcing = small.model(), small.real(), small.forcing()
    with compilations() as compiled:
        for name in STATE_ONLY:
            alone = evaluate(model, state, forcing, (name,), levels)
            same(alone, {name: everything[levels][name]})
    assert not compiled


def test_order_is_as_asked_for():
    names = ("surface_pressure", "wind_speed", "divergence", "temperature")
    found = evaluate(small.model(), small.real(), None, names)
    assert tuple(found) == names


@pytest.mark.slow
def test_members_one_by_one_in_one_program():
    model, forcing = small.model(), small.forcing()
    names = ("wind_speed", "vertical_velocity", "temperature_tendency_due_to_physics")
    members = [
        small.real(),
        model.advance(small.real(), forcing, steps=1),
    ]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *members)
    one = lambda state: evaluate(model, state, forcing, names)
    for found in (
        jax.jit(lambda x: jax.lax.map(one, x))(stacked),
        jax.vmap(one)(stacked),
    ):
        for i, member in enumerate(members):
            for name, x in one(member).items():
                difference = rms(np.asarray(found[name][i]) - np.asarray(x))
                # The same sums in another order; the networks add to it.
                assert difference <= 300 * EPS * rms(x), name


def test_what_is_available():
    model = small.model()
    names = available(model)
    assert set(NET_WATER) <= set(names) and not set(PRECIPITATION) & set(names)
    assert names == available(model.with_water_budget())
    assert set(model.output_variables) <= set(names) < set(DIAGNOSTICS)
    with pytest.raises(ValueError, match="does not predict 'evaporation'"):
        evaluate(model, small.real(), None, ("evaporation",))
    with pytest.raises(ValueError, match="does not predict 'P_minus_E_rate'"):
        evaluate(model, small.real(), None, ("P_minus_E_rate",))


def test_tendencies_of_the_physics_need_the_forcing():
    name = "specific_humidity_tendency_due_to_physics"
    with pytest.raises(ValueError, match=f"'{name}' needs the surface forcing"):
        evaluate(small.model(), small.real(), None, (name,))


class Counting:
    """A model with a state of one number."""

    output_variables: ClassVar = ("temperature", "counter")

    def decode(self, state, names):
        return {name: jnp.full((1, 2, 3), state) for name in names}


class Monitored(Counting):
    def monitor(self, state):
        return {"finite": jnp.isfinite(state), "temperature": state, "own": state}


def test_another_model_decodes_its_own_variables():
    model, state = Counting(), jnp.float32(3)
    assert available(model) == ("temperature", "counter")
    found = evaluate(model, state, None, ("counter",))
    same(found, {"counter": np.full((1, 2, 3), 3)})
    with pytest.raises(ValueError, match="Counting has no output on its own levels"):
        evaluate(model, state, None, ("counter",), "model")


def test_another_model_is_monitored():
    state = jnp.float32(np.nan)
    assert monitor(Counting(), state).keys() == {"finite"}
    assert not monitor(Counting(), state)["finite"]
    assert monitor(Counting(), jnp.float32(1))["finite"]
    assert global_means(Counting(), state) == {}
    assert monitor(Monitored(), jnp.float32(2)).keys() == {
        "finite", "temperature", "own",
    }  # fmt: skip
    assert global_means(Monitored(), jnp.float32(2)) == {"temperature": 2}
