"""Every stage of the bundled model against stored results of the reference.

Ours starts from the bundled sample and goes through all stages; the tolerance is ten
times what noise of 1e-7 in the sample does to a stage, but not less than ten spacings
of float32 numbers. ``test_side_by_side.py`` starts every stage of ours from what the
reference computed before it, and runs the reference live.
"""

import jax
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from gcm import bundled, live_reference
from gcm.bundled import by_name
from gcm.stages import moved, stages

from ngcm_cli.physics.scaling import concatenate_features

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the reference's, of old names and settings
]
COUNT = 1500  # stored elements of a field
LONGITUDES, LATITUDES = [3, 40, 77, 114], [9, 25, 41, 57]  # columns stored of features
UNITS = {
    "geopotential": "m2 s-2",
    "temperature": "K",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
}
PATHS = {
    "encoder": live_reference.ENCODER,
    "physics": live_reference.PHYSICS,
    "decoder": live_reference.DECODER,
}
TENDENCY_BOUND = 16  # of the soft clip of the physics' features


def features_of_the_reference(part):
    path, returned = PATHS[part], live_reference.returned
    features = dict(returned(f"{path}/~/combined_features"))
    if part == "encoder":
        noise = returned(f"{path}/~/combined_features_1")
        features = {f"data_{name}": x for name, x in features.items()}
        features |= {f"model_{name}": x for name, x in noise.items()}
    return np.asarray(
        concatenate_features({name: np.asarray(x) for name, x in features.items()})
    )


@pytest.mark.parametrize("part", PATHS)
@pytest.mark.parametrize("stage", ["features", "network"])
def test_columns(reference, part, stage):
    """Every channel of a network's input and output, in some columns."""

    def theirs():
        if stage == "features":
            x = features_of_the_reference(part)
        else:
            x = live_reference.returned(f"{PATHS[part]}/nodal_mapping/~/epd_tower")
        return np.asarray(x)[:, LONGITUDES, LATITUDES]

    name = f"{part} {stage}"
    ours, noisy = (np.asarray(stages(noisy)[name]) for noisy in (False, True))
    expected = reference(name, theirs, count=ours.shape[0] * len(LONGITUDES))
    assert expected.shape == (ours.shape[0], len(LONGITUDES))
    # The soft clip of the physics subtracts rounded numbers of the size of its bound.
    clip = EPS * TENDENCY_BOUND if name == "physics features" else 0
    for i, x in enumerate(ours):
        tolerance = 10 * max(rms(noisy[i] - x), EPS * rms(x)) + clip
        found = x[LONGITUDES, LATITUDES]
        assert_agrees(f"channel {i} of {name}", "1", found, expected[i], tolerance)


def check_all(reference, stage, ours, noisy, theirs, roundings=1):
    """Compare fields by name; ``theirs(name)`` is the reference's."""
    for name, x in ours.items():
        label, x = f"{stage}: {name}", np.asarray(x)
        expected = reference(label, lambda name=name: theirs(name), COUNT)
        moved = rms(np.asarray(noisy[name], np.float64) - x)
        tolerance = 10 * max(moved, EPS * rms(x) * roundings**0.5)
        unit = UNITS.get(name, "1")
        found = reference.sample(x, COUNT)
        assert_agrees(label, unit, found, expected, tolerance)


def test_learned_tendencies(reference):
    ours, noisy = (
        {k: v for k, v in vars(tendency).items() if k != "tracers"} | tendency.tracers
        for tendency in (stages()["tendency"], stages(True)["tendency"])
    )
    del ours["log_surface_pressure"]  # none is learned; see test_golden.py

    def theirs(name):
        found = live_reference.returned(live_reference.PHYSICS)
        found = found if isinstance(found, dict) else found.asdict()
        return found["tracers"][name] if "specific" in name else found[name]

    check_all(reference, "tendency", ours, noisy, theirs)


@pytest.mark.parametrize("steps", [0, 1])
def test_states(reference, steps):
    """The encoded state, and the one a step later."""

    def theirs(name):
        made = live_reference.their_step if steps else live_reference.reference
        state = made().state if steps else made().encoded.state
        return live_reference.by_name(live_reference.our_state(state))[name]

    ours, noisy = by_name(bundled.steps()[steps]), by_name(moved()[steps])
    step = bundled.model().step
    # The three transforms of the encoder, and the sum of every substep.
    roundings = 3 + steps * step.substeps * step.dycore.substeps
    check_all(reference, f"{steps} steps", ours, noisy, theirs, roundings)


def test_random_fields(reference):
    ours, noise = bundled.encoded().random, bundled.model().step.random_fields

    def theirs():
        return live_reference.reference().encoded.randomness

    expected = reference("key", lambda: jax.random.key_data(theirs().prng_key))
    np.testing.assert_array_equal(jax.random.key_data(ours.key), expected)
    for name, x, other in (
        ("coefficients", ours.fields, lambda: theirs().core),
        ("nodal", noise.nodal(ours)["randomness"], lambda: theirs().nodal_value),
    ):
        expected = reference(f"random fields, {name}", other, COUNT)
        tolerance = 10 * EPS * rms(x)
        found = reference.sample(x, COUNT)
        assert_agrees(f"random fields, {name}", "1", found, expected, tolerance)


def test_decoded_fields(reference):
    ours, noisy = (bundled.model().decode(x) for x in (bundled.encoded(), moved()[0]))
    decoded = live_reference.reference
    check_all(reference, "decode", ours, noisy, lambda name: decoded().decoded[name])
