import numpy as np
import pytest

from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.errors import CheckpointError
from ngcm_cli.zoo import DEFAULT, find_card

ROOT = "stochastic_modular_step_model/~/"
ENCODER = ROOT + "dimensional_learned_weatherbench_to_primitive_encoder/"
MEMORY = (
    ROOT + "dimensional_learned_weatherbench_to_primitive_with_memory_encoder/~/"
    "learned_weatherbench_to_primitive_encoder"
)
STEP = ROOT + "stochastic_physics_parameterization_step/"
PHYSICS = STEP + "~/div_curl_neural_parameterization/"
DYCORE = STEP + "~/custom_coords_corrector/~/dycore_with_physics_corrector/"
TOWER = "nodal_mapping/~/epd_tower/"
SURFACE = (
    PHYSICS + "~/combined_features/~/embedding_surface_features/~/"
    "nodal_land_sea_ice_embedding"
)
PROFILE = (
    PHYSICS + "~/combined_features/~/embedding_volume_features/~/"
    "modal_to_nodal_embedding/nodal_volume_mapping/~/vertical_conv_tower/~/conv_level"
)


def translate(module, leaf, x, uniform=False):
    spec = find_card(DEFAULT).spec
    if uniform:
        surface = spec.physics.surface.model_copy(
            update={"land": None, "sea_ice": None}
        )
        physics = spec.physics.model_copy(update={"surface": surface})
        spec = spec.model_copy(update={"physics": physics})
    return from_published({module: {leaf: x}}, {}, spec)


@pytest.mark.parametrize(
    "module, leaf, place",
    [
        (
            f"{ENCODER}{TOWER}encode_tower/~/mlp_uniform/~/linear_0",
            "w",
            "encoder.tower.encode.layers.0.weight",
        ),
        (
            f"{PHYSICS}{TOWER}process_tower_3/~/mlp_uniform/~/linear_2",
            "b",
            "step.parameterization.tower.process.3.layers.2.bias",
        ),
        (
            f"{MEMORY}/{TOWER}process_tower/~/mlp_uniform/~/linear_1",
            "b",
            "memory_encoder.tower.process.0.layers.1.bias",
        ),
        (
            f"{MEMORY}_1/{TOWER}decode_tower/~/mlp_uniform/~/linear_0",
            "w",
            "encoder.tower.decode.layers.0.weight",
        ),
        (
            f"{ENCODER}~/combined_features/~/learned_positional_features",
            "params",
            "encoder.surroundings.position",
        ),
        (
            f"{DYCORE}~/learned_orography",
            "orography",
            "step.dycore.orography.correction",
        ),
        (
            f"{STEP}~/batch_gaussian_random_field_module",
            "correlation_times_raw",
            "step.random_fields.raw_times",
        ),
        (
            f"{ENCODER}~/batch_gaussian_random_field_module",
            "correlation_lengths_raw",
            "encoder_noise.raw_lengths",
        ),
        (PROFILE, "w", "step.parameterization.profile.layers.0.weight"),
        (f"{PROFILE}_4", "b", "step.parameterization.profile.layers.4.bias"),
        (SURFACE, "land_params", "step.parameterization.surface.land.vector"),
        (SURFACE, "sea_ice_params", "step.parameterization.surface.sea_ice.vector"),
    ],
)
def test_places(module, leaf, place):
    assert list(translate(module, leaf, np.zeros((2, 1, 1), "f4"))) == [place]


@pytest.mark.parametrize(
    "number, uniform, part",
    [
        ("", False, "land"),
        ("_1", False, "sea"),
        ("_2", False, "sea_ice"),
        ("", True, "sea"),
    ],
)
def test_surface_networks_are_numbered(number, uniform, part):
    module = f"{SURFACE}/~/modal_to_nodal_embedding{number}/{TOWER}"
    module += "surface_model_decode_tower/~/mlp_uniform/~/linear_1"
    found = translate(module, "w", np.zeros((2, 3), "f4"), uniform)
    place = f"step.parameterization.surface.{part}.tower.decode.layers.1.weight"
    assert {name: x.shape for name, x in found.items()} == {place: (3, 2)}


def test_matrices_turn_round():
    w = np.arange(6, dtype="f4").reshape(2, 3)
    module = f"{ENCODER}{TOWER}encode_tower/~/mlp_uniform/~/linear_0"
    (ours,) = translate(module, "w", w).values()
    np.testing.assert_array_equal(ours, w.T)
    kernel = np.arange(24, dtype="f4").reshape(2, 3, 4)  # width, in, out
    (ours,) = translate(PROFILE, "w", kernel).values()
    assert ours.shape == (4, 3, 2) and ours[3, 2, 1] == kernel[1, 2, 3]
    (ours,) = translate(PROFILE, "b", np.ones((4, 1), "f4")).values()
    assert ours.shape == (4,)


def test_named_random_fields_are_stacked_in_the_order_of_their_names():
    module = f"{STEP}~/dict_of_gaussian_random_field_modules/~/"
    params = {
        f"{module}{name}": {"correlation_time_raw": np.float32(x)}
        for name, x in (("GRF_b", 2), ("GRF_c", 3), ("GRF_a", 1))
    }
    params = {k: {n: np.asarray(x) for n, x in v.items()} for k, v in params.items()}
    (found,) = from_published(params, {}, find_card(DEFAULT).spec).items()
    assert found[0] == "step.random_fields.raw_times"
    np.testing.assert_array_equal(found[1], [1, 2, 3])


def test_static_fields_keep_their_names():
    found = from_published({}, {"land_sea_mask": np.ones(3)}, find_card(DEFAULT).spec)
    assert list(found) == ["static.land_sea_mask"]


@pytest.mark.parametrize(
    "module, leaf",
    [
        ("somewhere/~/else", "w"),
        (f"{ENCODER}{TOWER}encode_tower/~/layer_norm", "scale"),
        (f"{PHYSICS}~/combined_features/~/new_features", "params"),
        (f"{ENCODER}{TOWER}encode_tower/~/mlp_uniform/~/linear_0", "scale"),
    ],
)
def test_a_parameter_of_unknown_use_is_named(module, leaf):
    with pytest.raises(CheckpointError) as caught:
        translate(module, leaf, np.zeros(3, "f4"))
    assert f"unknown use: {module} {leaf}" in str(caught.value)


def test_two_parameters_cannot_share_a_place():
    one = f"{ENCODER}~/learned_orography"
    with pytest.raises(CheckpointError, match=r"claim the place encoder\.orography"):
        twice = {one: {"a": np.zeros(3), "b": np.zeros(3)}}
        from_published(twice, {}, find_card(DEFAULT).spec)


def taken(arrays, *wanted):
    weights = Weights(arrays)
    for name, shape in wanted:
        weights.take(name, shape)
    weights.finish()


def test_weights_that_fit():
    taken({"a": np.ones((2, 3)), "b": np.ones(4)}, ("b", (4,)), ("a", (2, 3)))


def test_each_array_is_taken_once():
    with pytest.raises(CheckpointError, match="a is missing"):
        taken({"a": np.ones(2)}, ("a", (2,)), ("a", (2,)))


def test_every_difference_is_listed():
    arrays = {"a": np.ones(2), "extra": np.ones(1)}
    with pytest.raises(CheckpointError) as caught:
        taken(arrays, ("a", (3,)), ("b", (1,)))
    message = caught.value.message
    assert "a has shape (2,), not (3,); b is missing; extra is not used." in message


def test_long_lists_of_differences_are_cut():
    with pytest.raises(CheckpointError) as caught:
        taken({f"x{i}": np.ones(1) for i in range(9)})
    assert "x4 is not used and 4 more." in caught.value.message


def test_static_fields_are_taken_apart_from_parameters():
    weights = Weights({"static.mask": np.ones(3)})
    assert weights.static("mask", (3,)).sum() == 3
    weights.finish()


@pytest.mark.parametrize("value", [1e30, np.nan, -1e5])
def test_a_surface_that_is_not_the_earths_is_refused(value):
    heights = np.array([0, 5e4, value], np.float32)
    weights = Weights({"static.geopotential_at_surface": heights})
    weights.static("geopotential_at_surface", (3,))
    with pytest.raises(CheckpointError, match="geopotential_at_surface has values"):
        weights.finish()
