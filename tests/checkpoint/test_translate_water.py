"""Configurations that predict precipitation: what is refused, and how it is said."""

import pytest
from gcm import precipitation

from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.native import read_weights, write_native
from ngcm_cli.checkpoint.published.translate import model_spec
from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.errors import CheckpointError

STEP = "StochasticPhysicsParameterizationStep"
DIAGNOSTICS = "PrecipitationDiagnosticsConstrained"
DECODER = "DimensionalLearnedPrimitiveToWeatherbenchDecoder"


def changed(kind: str, *lines: str) -> ModelSpec:
    text = "\n".join((precipitation.config(kind), *lines))
    return model_spec(text, tuple(precipitation.spec(kind).pressure_levels))


def test_the_network_is_as_the_configuration_says():
    first = precipitation.spec("precipitation").water_budget.network
    surface = ("specific_humidity", "temperature_variation", "u", "v")
    assert first.features == first.lowest_level == surface
    assert first.final_activation == "relu" and first.tower.activation == "gelu"
    assert (first.scale, first.shift, first.clip, first.soft_clip) == (1, 0, None, None)
    assert first.scales.humidity_profile is None
    assert first.surface == precipitation.spec("precipitation").physics.surface

    second = precipitation.spec("evaporation").water_budget.network
    assert len(second.features) == 27 and second.lowest_level == ()
    assert second.final_activation is None and second.soft_clip == 16
    assert second.scale == pytest.approx(2e-8) and second.shift == -2e-9
    assert second.clip == 1e-7
    assert len(second.scales.humidity_profile) == 32


@pytest.mark.parametrize("kind", precipitation.KINDS)
def test_our_own_format_holds_it(kind, tmp_path):
    checkpoint, spec = precipitation.bundled_checkpoint(), precipitation.spec(kind)
    names = "geopotential_at_surface", "land_sea_mask"
    static = {name: checkpoint.static[name] for name in names}
    arrays = from_published(precipitation.parameters(kind), static, spec)
    keys = "name", "summary", "paper", "source", "licence", "stable_for"
    write_native(tmp_path, dict.fromkeys(keys, kind), spec, arrays)
    card = read_card(tmp_path / f"{kind}.yaml")
    assert card.spec == spec
    again = read_weights(card, tmp_path)
    assert {k: (x == again[k]).all() for k, x in arrays.items()} == dict.fromkeys(
        again, True
    )


@pytest.mark.parametrize(
    "lines",
    [
        [f"{STEP}.diagnostics_module = @SurfacePressureDiagnostics"],
        [
            f"{STEP}.diagnostics_module = @PrecipitationMinusEvaporationDiagnostics",
            "PrecipitationMinusEvaporationDiagnostics.method = 'cumulative'",
        ],
    ],
)
def test_diagnostics_that_every_model_has(lines):
    """Documented modifications of weather models: there is nothing to learn."""
    config = precipitation.bundled_checkpoint().config
    levels = tuple(precipitation.spec("evaporation").pressure_levels)
    lines = [*lines, f"{DECODER}.diagnostics_module = @NodalModelDiagnosticsDecoder"]
    changed = model_spec("\n".join((config, *lines)), levels)
    assert changed == model_spec(config, levels)


def test_combined_diagnostics():
    spec = changed(
        "precipitation",
        f"{STEP}.diagnostics_module = @CombinedDiagnostics",
        "CombinedDiagnostics.diagnostic_modules = "
        f"(@{DIAGNOSTICS}, @SurfacePressureDiagnostics)",
    )
    assert spec == precipitation.spec("precipitation")


def test_combined_diagnostics_hand_their_scope_down():
    config = precipitation.bundled_checkpoint().config
    net = "PrecipitationMinusEvaporationDiagnostics"
    lines = [
        f"{STEP}.diagnostics_module = @here/CombinedDiagnostics",
        f"here/CombinedDiagnostics.diagnostic_modules = (@{net},)",
        f"here/{net}.moisture_species = {TRACERS}",
        f"here/{net}.method = 'rate'",
    ]
    levels = tuple(precipitation.spec("evaporation").pressure_levels)
    found = model_spec("\n".join((config, *lines)), levels)
    assert found == model_spec(config, levels)


REFUSED = {
    f"{STEP}.diagnostics_module = @Precipitation": f"{STEP}.diagnostics_module",
    f"{DIAGNOSTICS}.moisture_species = ('specific_humidity',)": "moisture_species",
    f"{DIAGNOSTICS}.method_evaporation = 'mean'": "method_evaporation = 'mean'",
    f"{DIAGNOSTICS}.is_precipitation = 3": "is_precipitation = 3",
    f"{DIAGNOSTICS}.new_option = 3": f"{DIAGNOSTICS}.new_option",
    f"{DIAGNOSTICS}.embedding_module = @Unknown": "Unknown",
    f"{DECODER}.diagnostics_module = @Unknown": "diagnostics_module = @Unknown",
    "water/NodalMapping.tower_factory = @Conv2DTower": "Conv2DTower",
    "water_tower/EpdTower.final_activation = @softplus": "@softplus",
    "water_tower/EpdTower.post_encode_activation = @relu": "post_encode_activation",
    "water_tower/EpdTower.process_tower_factory = @Transformer": "Transformer",
    "water/CombinedFeatures.feature_modules = (@OrbitalTimeFeatures,)": "OrbitalTime",
    "water/CombinedFeatures.feature_modules = (@EmbeddingVolumeFeatures,)": (
        "EmbeddingVolumeFeatures"
    ),
    "water/CombinedFeatures.features_to_exclude = ('u',)": "features_to_exclude",
    "water/VelocityAndPrognostics.fields_to_include = ['rain']": "rain",
    "with_grads/FloatDataFeatures.covariate_keys = ('radiation',)": "covariate_keys",
    "water/LearnedPositionalFeatures.scale = 2.0": "LearnedPositionalFeatures.scale",
    "water/ModalToNodalEmbedding.output_transform_module = @ClipTransform": (
        "ClipTransform"
    ),
    "water/CombinedFeatures.features_transform_module = @IdentityTransform": (
        "does not scale the features"
    ),
}


@pytest.mark.parametrize("line", REFUSED)
@pytest.mark.parametrize("kind", precipitation.KINDS)
def test_what_is_unknown_is_named(line, kind):
    with pytest.raises(CheckpointError) as caught:
        changed(kind, line)
    assert REFUSED[line] in str(caught.value)


def test_a_prediction_of_diagnostics_by_the_decoder_is_refused():
    mask = dict.fromkeys(("t", "u", "v", "z"), True) | {"sim_time": False}
    mask["tracers"] = dict.fromkeys(TRACERS, True)
    binding = f"{DECODER}.prediction_mask = "
    name = "precipitation_cumulative_mean"
    for nothing in {}, False, {name: False}:
        spec = changed("evaporation", f"{binding}{mask | {'diagnostics': nothing}}")
        assert spec.water_budget is not None
    for something in True, {name: True}:
        with pytest.raises(CheckpointError, match="prediction_mask"):
            changed("evaporation", f"{binding}{mask | {'diagnostics': something}}")
