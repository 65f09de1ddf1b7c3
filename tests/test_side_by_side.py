"""Side by side with the reference from PyPI, stage by stage, on the bundled model.

Every stage begins from what the reference computed before it, so that a difference is
the stage's own. A tolerance is ten times what noise of 1e-7 in our inputs of that stage
does to our result, but not less than ten spacings of float32 numbers.
"""

import functools
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from gcm import bundled
from gcm.live_reference import (
    DECODER,
    ENCODER,
    PHYSICS,
    PROFILE,
    SURFACE,
    by_name,
    our_state,
    reference,
    returned,
    their_step,
)

from ngcm_cli.gcm.fields import from_si
from ngcm_cli.physics.features import state_features
from ngcm_cli.physics.radiation import incident_radiation
from ngcm_cli.physics.random_fields import RandomState
from ngcm_cli.physics.scaling import concatenate_features

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore"),  # its own, of old names and settings
]
UNITS = {
    "geopotential": "m2 s-2",
    "temperature": "K",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
}


def encoded_state():
    """The encoded state of the reference, as a state of our model."""
    theirs = reference().encoded
    ours = bundled.encoded()
    random = RandomState(
        jnp.asarray(theirs.randomness.core), theirs.randomness.prng_key, jnp.int32(0)
    )
    time = jnp.float32(reference().fields["sim_time"])
    return eqx.tree_at(
        lambda s: (s.state, s.random, s.time),
        ours,
        (our_state(theirs.state), random, time),
    )


def perturb(tree, amount=1e-7):
    """Every array of floats with relative noise."""
    noisy = lambda x: (
        perturbed(x, amount=amount) if np.issubdtype(x.dtype, np.floating) else x
    )
    return jax.tree.map(noisy, tree)


def check(stage, name, unit, ours, expected, moved):
    """Print and compare one variable of a stage."""
    ours, expected = np.asarray(ours), np.asarray(expected)
    sensitivity = rms(np.asarray(moved, np.float64) - ours)
    tolerance = 10 * max(sensitivity, EPS * rms(expected))
    error = rms(ours.astype(np.float64) - expected)
    print(
        f"{stage:10} {name:45} [{unit}] RMS {error:.2e} tolerance {tolerance:.2e} "
        f"ratio {error / tolerance if tolerance else 0:.3f}",
        file=sys.stderr,
    )
    assert_agrees(f"{stage}: {name}", unit, ours, expected, tolerance)


def check_all(stage, ours, expected, moved, units=None):
    assert set(ours) == set(expected)
    for name in expected:
        unit = (units or {}).get(name, "1")
        check(stage, name, unit, ours[name], expected[name], moved[name])


def test_radiation():
    time = jnp.float32(reference().fields["sim_time"])
    expected = returned(f"{ENCODER}/~/combined_features/~/radiation_features")
    sun = jax.jit(incident_radiation, static_argnums=1)(time, bundled.model().grid)
    # The same clock, bit by bit: what is left is the rounding of sines and cosines.
    check("radiation", "radiation", "1", sun, expected["radiation"], sun)


@functools.cache
def our_encoder():
    """Our encoder on the reference's noise: for the inputs, and for noisy ones."""
    model, ref = bundled.model(), reference()
    raw = returned(f"{ENCODER}/~/combined_features_1")["randomness"]
    time = jnp.float32(ref.fields["sim_time"])

    @jax.jit  # the time as an argument: as a constant, its phases would round otherwise
    def run(fields, noise, time):
        data = from_si(fields)
        packed = model.encoder.features(data, {"randomness": noise}, time)
        state = model.encoder(data, {"randomness": noise}, time)
        return packed, state

    fields = bundled.sample().fields
    return run(fields, raw, time), run(perturb(fields), raw, time)


def named_channels(features, packed):
    """Features by name from packed channels, in the order of the reference's names."""
    sizes = [features[name].shape[0] for name in sorted(features)]
    parts = np.split(np.asarray(packed), np.cumsum(sizes)[:-1])
    return dict(zip(sorted(features), parts, strict=True))


def test_features_of_the_encoder():
    expected = returned(f"{ENCODER}/~/combined_features")
    expected = {f"data_{name}": x for name, x in expected.items()}
    noise = returned(f"{ENCODER}/~/combined_features_1")
    expected |= {f"model_{name}": x for name, x in noise.items()}
    (packed, _), (moved, _) = our_encoder()
    assert packed.shape[0] == sum(x.shape[0] for x in expected.values())
    ours = named_channels(expected, packed)
    check_all("encoder", ours, expected, named_channels(expected, moved))


@pytest.mark.parametrize("part", ["encoder", "physics", "decoder"])
def test_towers(part):
    model = bundled.model()
    tower, path = {
        "encoder": (model.encoder.tower, ENCODER),
        "physics": (model.step.parameterization.tower, PHYSICS),
        "decoder": (model.decoder.tower, DECODER),
    }[part]
    features = dict(returned(f"{path}/~/combined_features"))
    if part == "encoder":
        noise = returned(f"{path}/~/combined_features_1")
        features = {f"data_{name}": x for name, x in features.items()}
        features |= {f"model_{name}": x for name, x in noise.items()}
    packed = concatenate_features({k: jnp.asarray(x) for k, x in features.items()})
    run = jax.jit(lambda tower, x: tower(x))
    expected = returned(f"{path}/nodal_mapping/~/epd_tower")
    moved = run(tower, perturb(packed))
    check("tower", part, "1", run(tower, packed), expected, moved)


@functools.cache
def our_physics():
    """Our physics from the reference's encoded state, and from a noisy one."""
    physics = bundled.model().step.parameterization
    start = encoded_state()
    noise = {"randomness": jnp.asarray(reference().encoded.randomness.nodal_value)}
    forcing = {k: jnp.asarray(x) for k, x in bundled.sample().forcing.items()}

    @jax.jit
    def run(state, time):
        features = physics.features(state, None, noise, forcing, time)
        tendency = physics(state, None, noise, forcing, time)
        return features, physics.normalization(features), tendency

    return run(start.state, start.time), run(perturb(start.state), start.time)


def test_features_of_the_physics():
    expected = dict(returned(f"{PHYSICS}/~/combined_features"))
    (_, ours, _), (_, moved, _) = our_physics()
    profile = [expected.pop(name) for name in sorted(expected) if name[:5] == "CNN1D"]
    expected["CNN1D"] = np.concatenate(profile)
    assert len(ours) == sum(map(len, expected.values()))
    ours, moved = named_channels(expected, ours), named_channels(expected, moved)
    check_all("physics", ours, expected, moved)


def test_embeddings():
    (ours, _, _), (moved, _, _) = our_physics()
    expected = returned(SURFACE)["surface_embedding"]
    name = "surface_embedding"
    check("embedding", name, "1", ours[name], expected, moved[name])
    expected = returned(PROFILE)
    expected = expected.reshape(-1, *expected.shape[2:])
    check("embedding", "CNN1D", "1", ours["CNN1D"], expected, moved["CNN1D"])


def test_learned_tendencies():
    expected = returned(PHYSICS)
    expected = expected if isinstance(expected, dict) else expected.asdict()
    (_, _, ours), (_, _, moved) = our_physics()
    ours, moved = by_name(ours), by_name(moved)
    assert not ours.pop("log_surface_pressure").any()
    assert expected["log_surface_pressure"] is None
    for name, x in ours.items():
        theirs = expected["tracers"][name] if "specific" in name else expected[name]
        check("tendency", name, "1", x, theirs, moved[name])


def test_random_fields_are_drawn_and_advanced_alike():
    ref = reference()
    ours = bundled.encoded().random
    theirs = ref.encoded.randomness
    later = bundled.advanced().random
    advanced = their_step().randomness
    for mine, other in ((ours, theirs), (later, advanced)):
        key = jax.random.key_data(mine.key).tolist()
        assert key == jax.random.key_data(other.prng_key).tolist()
        assert int(mine.step) == int(other.prng_step)
        # Each coefficient is one product of rounded numbers.
        tolerance = 10 * EPS * rms(other.core)
        assert_agrees("random fields", "1", mine.fields, other.core, tolerance)
        nodal = bundled.model().step.random_fields.nodal(mine)["randomness"]
        tolerance = 10 * EPS * rms(other.nodal_value)
        assert_agrees("nodal random fields", "1", nodal, other.nodal_value, tolerance)


def test_encode():
    expected = by_name(our_state(reference().encoded.state))
    data, model = bundled.sample(), bundled.model()
    moved = model.encode(
        perturb(data.fields), data.forcing, data.time, jax.random.key(0)
    )
    ours = by_name(bundled.encoded().state)
    check_all("encode", ours, expected, by_name(moved.state))
    time = reference().model.datetime64_to_sim_time(np.array(data.time))
    assert float(bundled.encoded().time) == np.float32(time)


def test_advance():
    """One step from the reference's encoded state, and how much it changed that."""
    model, forcing = bundled.model(), bundled.sample().forcing
    start = encoded_state()
    ours = model.advance(start, forcing)
    noisy = eqx.tree_at(lambda s: s.state, start, perturb(start.state))
    moved = model.advance(noisy, forcing)
    expected = by_name(our_state(their_step().state))
    check_all("advance", by_name(ours.state), expected, by_name(moved.state))
    before = by_name(start.state)
    for name, x in by_name(ours.state).items():
        change = expected[name] - before[name]
        sensitivity = rms(by_name(moved.state)[name] - x)
        tolerance = 10 * max(sensitivity, EPS * rms(expected[name]))
        assert tolerance < 1e-2 * rms(change), name  # the test can tell
        assert_agrees(f"change of {name}", "1", x - before[name], change, tolerance)


def test_features_of_the_decoder():
    decoder, start = bundled.model().decoder, encoded_state()

    @jax.jit
    def run(state, time):
        seen = state_features(
            state, decoder.harmonics, decoder.fields, decoder.gradients
        )
        return decoder.normalization(seen | decoder.location_time(time))

    expected = returned(f"{DECODER}/~/combined_features")
    ours = run(start.state, start.time)
    moved = run(perturb(start.state), start.time)
    assert len(ours) == sum(map(len, expected.values()))
    ours, moved = named_channels(expected, ours), named_channels(expected, moved)
    check_all("decoder", ours, expected, moved)


def test_decode():
    model, start = bundled.model(), encoded_state()
    expected = dict(jax.device_get(reference().decoded))
    expected.pop("sim_time")
    noisy = eqx.tree_at(lambda s: s.state, start, perturb(start.state))
    ours, moved = model.decode(start), model.decode(noisy)
    check_all("decode", ours, expected, moved, UNITS)


def test_surface_pressure_and_vapour():
    """Of one state, in the reference's transforms and units."""
    theirs, start = reference(), encoded_state()
    grid = theirs.model.model_coords.horizontal
    state = our_state(theirs.encoded.state)

    @jax.jit
    def expected(log_pressure, humidity):
        pressure = jnp.exp(grid.to_nodal(log_pressure))
        sigma = theirs.model.model_coords.vertical
        thickness = np.diff(sigma.boundaries)[:, None, None]
        column = (grid.to_nodal(humidity) * thickness).sum(axis=0, keepdims=True)
        si = theirs.model.from_nondim_units
        gravity = theirs.model.to_nondim_units(9.80616, "m / s**2")
        return {
            "surface_pressure": si(pressure, "Pa"),
            "total_column_water_vapour": si(pressure / gravity * column, "kg / m**2"),
        }

    expected = expected(state.log_surface_pressure, state.tracers["specific_humidity"])
    noisy = eqx.tree_at(lambda s: s.state, start, perturb(start.state))
    ours, moved = (bundled.model().decode(x, tuple(expected)) for x in (start, noisy))
    units = {"surface_pressure": "Pa", "total_column_water_vapour": "kg m-2"}
    check_all("surface", ours, expected, moved, units)
