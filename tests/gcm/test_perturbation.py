"""Noise in a state: where, how much, and nowhere else."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import rms
from gcm import bundled, synthetic

from ngcm_cli.gcm.perturbation import relative_perturbation

KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def state():
    """With memory, random fields and an account of water, of noise."""
    noise = [synthetic.random(seed) for seed in range(3)]
    state = dataclasses.replace(synthetic.around(noise[0]), memory=noise[1])
    fields = noise[2].vorticity[:10]
    return dataclasses.replace(
        state, random=dataclasses.replace(state.random, fields=fields)
    )


def test_every_coefficient_changes_by_its_own_share(state):
    moved = bundled.by_name(relative_perturbation(state, KEY, 1e-3))
    draws = []
    for name, before in bundled.by_name(state).items():
        after = moved[name]
        np.testing.assert_array_equal(after[before == 0], 0)
        if name == "log_surface_pressure":
            np.testing.assert_array_equal(after, before)
            continue
        share = after[before != 0] / before[before != 0].astype(np.float64) - 1
        # More than 1e5 draws of N(0, 1): their mean is known to 0.3 % of one.
        assert abs(share.mean()) < 2e-5 and 0.98e-3 < share.std() < 1.02e-3
        assert 3.5e-3 < abs(share).max() < 6e-3
        draws.append(share[:10_000])
    correlations = np.corrcoef(draws) - np.eye(6)
    assert abs(correlations).max() < 0.05


def test_nothing_else_changes(state):
    moved = relative_perturbation(state, KEY, 1e-3)
    bundled.assert_identical(dataclasses.replace(moved, state=state.state), state)


def test_no_amplitude_changes_no_bit(state):
    bundled.assert_identical(relative_perturbation(state, KEY, 0.0), state)


def test_keys_tell_states_apart(state):
    one, same, other = (
        relative_perturbation(state, key, 1e-6) for key in (KEY, KEY, jax.random.key(6))
    )
    bundled.assert_identical(one, same)
    for name, x in bundled.by_name(other).items():
        if name != "log_surface_pressure":
            difference = rms(x - bundled.by_name(one)[name]) / rms(x)
            # √2 of the amplitude; float32 adds a tenth of that in rounding.
            assert 1.2e-6 < difference < 1.6e-6, name


def test_members_side_by_side(state):
    stacked = jax.tree.map(lambda x: jnp.stack([x, x]), state)
    keys = jnp.stack([KEY, jax.random.key(6)])
    together = jax.vmap(relative_perturbation, (0, 0, None))(stacked, keys, 1e-3)
    for i in 0, 1:
        member = jax.tree.map(lambda x, i=i: x[i], together)
        bundled.assert_identical(member, relative_perturbation(state, keys[i], 1e-3))
