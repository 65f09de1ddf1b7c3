"""Means of the fluxes of water over exactly the steps since the last restart."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS
from gcm import bundled, synthetic
from gcm.compilations import compilations

from ngcm_cli import units
from ngcm_cli.gcm.fields import RATES, to_si
from ngcm_cli.gcm.surface_outputs import water_fields
from ngcm_cli.physics.water_budget import FLUXES, Water

HOUR = 3600  # s, a step of the bundled model


def account(amounts):
    """A state with these amounts of water [kg m-2], and fluxes that say nothing."""
    per_area = units.KILOGRAM_PER_SQUARE_METER
    amounts = {k: jnp.full((1, 2, 3), x * per_area) for k, x in amounts.items()}
    fluxes = {name: jnp.full((1, 2, 3), jnp.nan) for name in amounts}
    return synthetic.around(synthetic.atmosphere(), Water(fluxes, amounts))


def test_amounts_are_divided_by_the_time():
    state = account({"P_minus_E": 3.0, "precipitation": 5.0, "evaporation": -2.0})
    for steps in 1, 6, 744:
        fields = bundled.model().mean_fluxes(state, steps)
        assert set(fields) == set(RATES)
        expected = dict(zip(RATES, (3.0, 5.0 / 997, -2.0), strict=True))
        for name, x in fields.items():
            mean = np.full((1, 2, 3), expected[name] / (steps * HOUR))
            np.testing.assert_allclose(x, mean, rtol=4 * EPS)


def test_a_model_without_precipitation_knows_the_net_flux():
    fields = bundled.model().mean_fluxes(account({"P_minus_E": 3.0}), 2)
    assert tuple(fields) == ("P_minus_E_rate",)


def test_counting_anew():
    state = account(dict.fromkeys(FLUXES, 7.0))
    anew = state.reset_accumulations()
    assert not any(x.any() for x in anew.water.accumulated.values())
    assert anew.water.fluxes is state.water.fluxes
    for name, x in vars(state).items():
        assert name == "water" or getattr(anew, name) is x
    without = synthetic.around(synthetic.atmosphere())
    assert without.reset_accumulations() is without


def test_what_has_no_mean_is_refused():
    model = bundled.model()
    with pytest.raises(ValueError, match="a model that does not track water"):
        model.mean_fluxes(synthetic.around(synthetic.atmosphere()), 6)
    with pytest.raises(ValueError, match="no mean over 0 steps"):
        model.mean_fluxes(account({"P_minus_E": 3.0}), 0)


def test_other_steps_do_not_compile():
    model, state = bundled.model(), account({"P_minus_E": 3.0})
    jax.block_until_ready(model.mean_fluxes(state, 6))
    with compilations() as seen:
        jax.block_until_ready([model.mean_fluxes(state, n) for n in (1, 24, 744)])
    assert seen == []


def test_members_side_by_side():
    model = bundled.model()
    members = [account({"P_minus_E": x}) for x in (1.0, -4.0)]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *members)
    together = jax.vmap(lambda s: model.mean_fluxes(s, 6))(stacked)
    for i, member in enumerate(members):
        for name, x in model.mean_fluxes(member, 6).items():
            np.testing.assert_array_equal(together[name][i], x)


@pytest.mark.slow
def test_means_of_intervals_add_up_to_the_amount():
    """Whoever counts anew sees the same weather and, in all, the same water."""
    model, data = bundled.model().with_water_budget(), bundled.sample()
    key = jax.random.key(0)
    parts = model.encode(data.fields, data.forcing, data.time, key)
    whole = model.advance(parts, data.forcing, 3)
    total, largest = 0.0, 0.0
    for steps in 1, 2:
        parts = model.advance(parts.reset_accumulations(), data.forcing, steps)
        mean = np.asarray(model.mean_fluxes(parts, steps)["P_minus_E_rate"], np.float64)
        amount = mean * steps * HOUR
        total, largest = total + amount, largest + abs(amount).max()
    for x, y in zip(
        jax.tree.leaves(whole.state), jax.tree.leaves(parts.state), strict=True
    ):
        np.testing.assert_array_equal(x, y)
    expected = np.asarray(to_si(water_fields(whole.water))["P_minus_E_cumulative"])
    assert abs(expected).max() > 0.1  # kg m-2, in three hours
    np.testing.assert_allclose(total, expected, rtol=0, atol=4 * EPS * largest)
