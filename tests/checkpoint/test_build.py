import equinox as eqx
import jax
import numpy as np
import pytest
from gcm import published

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.errors import CheckpointError

PARAMETERS = {
    "demo": 191_174,
    "deterministic_2_8_deg": 14_518_180,
    "stochastic_1_4_deg": 11_519_823,
    "deterministic_1_4_deg": 18_343_580,
    "deterministic_0_7_deg": 31_123_612,
}


def learned(arrays):
    return {name: x for name, x in arrays.items() if not name.startswith("static.")}


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name == "deterministic_0_7_deg"))
        for name in PARAMETERS
    ],
)
def test_every_parameter_finds_its_place(config, shared):
    arrays = published.arrays(shared, config)
    assert sum(x.size for x in learned(arrays).values()) == PARAMETERS[config]
    model = build(config, published.spec(shared, config), Weights(arrays))
    assert model.name == config
    spec = published.spec(shared, config)
    assert model.stochastic == (spec.random_fields is not None)
    assert (model.memory_encoder is not None) == spec.physics.memory
    assert model.step.substeps == spec.physics_substeps
    assert model.grid.latitude_nodes == spec.truncation + 1


@pytest.fixture(scope="module")
def demo(shared):
    return published.spec(shared, "demo"), published.arrays(shared, "demo")


def test_weights_keep_their_values(demo):
    spec, arrays = demo
    model = build("demo", spec, Weights(arrays))
    for place, leaf in (
        (
            "encoder.tower.encode.layers.0.weight",
            model.encoder.tower.encode.layers[0].weight,
        ),
        ("step.random_fields.raw_times", model.step.random_fields.raw_times),
        ("encoder_noise.raw_lengths", model.encoder_noise.raw_lengths),
        ("decoder.surroundings.position", model.decoder.location_time.position),
        (
            "step.parameterization.surface.sea_ice.tower.process.0.layers.3.bias",
            model.step.parameterization.surface.sea_ice.tower.process[0].layers[3].bias,
        ),
        (
            "step.parameterization.profile.layers.4.weight",
            model.step.parameterization.profile.layers[4].weight,
        ),
    ):
        np.testing.assert_array_equal(leaf, arrays[place])


def test_two_models_of_the_same_weights_share_their_compiled_code(demo):
    spec, arrays = demo
    one, two = (build("demo", spec, Weights(arrays)) for _ in range(2))
    static = [eqx.partition(x, eqx.is_array)[1] for x in (one, two)]
    structures = [jax.tree.structure(x) for x in static]
    assert structures[0] == structures[1]
    assert hash(structures[0]) == hash(structures[1])


def faults(demo, change):
    spec, arrays = demo
    arrays = dict(arrays)
    change(arrays)
    with pytest.raises(CheckpointError) as caught:
        build("demo", spec, Weights(arrays))
    return caught.value.message


def test_missing_weights_are_listed(demo):
    def change(arrays):
        del arrays["encoder.tower.encode.layers.0.bias"]
        del arrays["static.land_sea_mask"]

    message = faults(demo, change)
    assert "encoder.tower.encode.layers.0.bias is missing" in message
    assert "static.land_sea_mask is missing" in message


def test_extra_weights_are_listed(demo):
    def change(arrays):
        arrays["encoder.tower.encode.layers.1.bias"] = np.zeros(32, "f4")

    assert "encoder.tower.encode.layers.1.bias is not used" in faults(demo, change)


def test_weights_of_another_shape_are_listed(demo):
    def change(arrays):
        arrays["step.dycore.orography.correction"] = np.zeros(7, "f4")

    message = faults(demo, change)
    # 63 zonal wavenumbers, a cosine and a sine each; none for the sine of 0.
    size = sum((2 - (m == 0)) * (64 - m) for m in range(63))
    wanted = f"step.dycore.orography.correction has shape (7,), not ({size},)"
    assert wanted in message


def test_weights_of_another_model_do_not_fit(demo, shared):
    spec = published.spec(shared, "deterministic_2_8_deg")
    with pytest.raises(CheckpointError, match=r"and \d+ more"):
        build("mixed", spec, Weights(demo[1]))


def test_an_unstable_reference_temperature_is_refused(demo):
    spec, arrays = demo
    profile = tuple(np.linspace(100, 400, spec.sigma_layers).tolist())
    unstable = spec.model_copy(update={"reference_temperature": profile})
    with pytest.raises(CheckpointError, match="temperature is not stable") as caught:
        build("demo", unstable, Weights(arrays))
    assert "reference_temperature" in caught.value.hint
