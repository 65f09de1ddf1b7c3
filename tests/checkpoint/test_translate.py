import pathlib
import re

import pytest
from gcm import published

from ngcm_cli.checkpoint.published.translate import model_spec
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.errors import CheckpointError
from ngcm_cli.zoo import find_card

EVERY = (published.DEMO, *published.PAPER)
ENCODER = "DimensionalLearnedWeatherbenchToPrimitiveEncoder"


@pytest.fixture(params=EVERY)
def config(request):
    return request.param


def changed(shared: pathlib.Path, config: str, *lines: str) -> ModelSpec:
    """The configuration with lines after it: the last binding of a name holds."""
    text = "\n".join((published.config_text(shared, config), *lines))
    return model_spec(text, published.levels(shared))


def refused(shared, config, *lines):
    with pytest.raises(CheckpointError) as caught:
        changed(shared, config, *lines)
    return str(caught.value)


def test_the_bundled_card_is_what_the_configuration_says(shared):
    ours = find_card("tl63_stochastic_mini").spec
    assert published.spec(shared, published.DEMO) == ours


def test_a_spec_survives_json(config, shared):
    spec = published.spec(shared, config)
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec


# Chapter 12.2 of the specification, "operative values".
OPERATIVE = {
    "demo": (63, 63, 1, 3, 32, 2, 1, (16, 16, 16, 16, 8), 223.58614815),
    "deterministic_2_8_deg": (63, 63, 1, 5, 384, 5, 8, (64,) * 4 + (32,), 223.58614815),
    "stochastic_1_4_deg": (127, 126, 2, 5, 384, 5, 8, (64,) * 4 + (32,), 215.586),
    "deterministic_1_4_deg": (127, 126, 2, 5, 384, 5, 32, (64,) * 4 + (32,), 215.586),
    "deterministic_0_7_deg": (255, 254, 2, 8, 384, 5, 32, (64,) * 4 + (32,), 215.586),
}


def test_architectures(config, shared):
    spec = published.spec(shared, config)
    *numbers, warmest = OPERATIVE[config]
    assert [
        spec.truncation,
        spec.dycore.wavenumbers,
        spec.physics_substeps,
        spec.dycore.substeps,
        spec.tower.latent,
        spec.tower.blocks,
        spec.position_fields,
        spec.physics.convolutions,
    ] == numbers
    assert spec.reference_temperature[0] == pytest.approx(warmest, abs=1e-3)
    assert (spec.sigma_layers, spec.step_minutes) == (32, 60)
    assert (spec.tower.block_layers, spec.tower.decode_layers) == (4, 1)
    assert len(spec.pressure_levels) == 37
    assert spec.physics.soft_clip == 16
    assert spec.encoder.clipped == 1


@pytest.mark.parametrize(
    "config, memory, stochastic, encoder_orography, decoder_orography, gradients",
    [
        ("demo", False, True, False, False, True),
        ("deterministic_2_8_deg", True, False, True, False, True),
        ("stochastic_1_4_deg", False, True, False, False, True),
        ("deterministic_1_4_deg", True, False, True, True, False),
        ("deterministic_0_7_deg", True, False, True, True, False),
    ],
)
def test_choices(
    config, memory, stochastic, encoder_orography, decoder_orography, gradients, shared
):
    spec = published.spec(shared, config)
    assert spec.physics.memory == memory
    assert (spec.random_fields is not None) == stochastic
    assert spec.encoder.learned_orography == encoder_orography
    assert spec.decoder.learned_orography == decoder_orography
    assert spec.decoder.gradients == gradients
    assert (spec.physics.surface.land is None) == (not gradients)
    assert spec.orography_scale == (2e-6 if decoder_orography else 1e-5)


def test_filters_in_time(config, shared):
    spec = published.spec(shared, config)
    slow, stability = spec.dycore.filters
    assert (slow.timescale_minutes, slow.order, slow.cutoff) == (120, 3, 0)
    sharp = config not in ("deterministic_1_4_deg", "deterministic_0_7_deg")
    minutes = 8 if config == "deterministic_1_4_deg" else 4
    assert stability.timescale_minutes == minutes
    assert (stability.order, stability.cutoff) == (10 if sharp else 6, 0.4)
    assert spec.physics.filters[-1] == stability


FIXED = """
dycore/SequentialStepFilter.filter_modules = (
    @dycore/ExponentialFilter,
    @stability/ExponentialFilter,
    @surface_pressure/FixGlobalMeanFilter)
"""


@pytest.mark.parametrize(
    "keys", ["", "FixGlobalMeanFilter.keys = ['log_surface_pressure']"]
)
def test_a_fixed_mean_of_pressure(config, keys, shared):
    spec = published.spec(shared, config)
    assert not spec.dycore.holds_mean_pressure
    held = spec.dycore.model_copy(update={"holds_mean_pressure": True})
    expected = spec.model_copy(update={"dycore": held})
    assert changed(shared, config, FIXED, keys) == expected


def test_other_fixed_means_are_refused(shared):
    keys = "surface_pressure/FixGlobalMeanFilter.keys = ('vorticity',)"
    assert "FixGlobalMeanFilter.keys = ('vorticity',)" in refused(
        shared, "demo", FIXED, keys
    )
    first, second = "@dycore/ExponentialFilter", "@surface_pressure/FixGlobalMeanFilter"
    swapped = FIXED.replace(first, "-").replace(second, first).replace("-", second)
    said = refused(shared, "demo", swapped)
    assert "has a FixGlobalMeanFilter among the filters of dycore" in said


@pytest.mark.parametrize(
    "config, variable, expected",
    [
        ("deterministic_2_8_deg", "vorticity", (5, 15, 0)),
        ("deterministic_1_4_deg", "temperature_variation", (13, 3, 0.45)),
        ("deterministic_1_4_deg", "specific_humidity", (14, 2, 0.62)),
        ("deterministic_0_7_deg", "specific_humidity", (17, 2, 0.62)),
        ("deterministic_0_7_deg", "log_surface_pressure", (8, 1, 0.82)),
    ],
)
def test_filters_of_the_encoder(config, variable, expected, shared):
    filters = published.spec(shared, config).encoder.filters
    assert len(filters) == 7
    found = filters[variable]
    assert (found.attenuation, found.order, found.cutoff) == expected


@pytest.mark.parametrize("config", ["demo", "stochastic_1_4_deg"])
def test_random_fields(config, shared):
    fields = published.spec(shared, config).random_fields
    assert fields.correlation_hours == (1, 2, 4, 8, 14, 23, 35, 52, 73, 100)
    km = 84, 201, 410, 751, 1268, 2016, 3054, 4449, 6275, 8612
    assert fields.correlation_km == km
    assert fields.clip == 6 and fields.in_encoder
    names = config == "stochastic_1_4_deg"
    assert (fields.names is not None) == names
    if names:
        assert fields.names[0] == "GRF_001_hours_00084_km"


@pytest.mark.parametrize(
    "config, expected",
    [
        ("demo", {"temperature_variation": 33.62, "u": 0.0576, "v": 0.0506}),
        ("deterministic_2_8_deg", {"specific_cloud_ice_water_content": 7.56e-4}),
        ("stochastic_1_4_deg", {"temperature_variation": 33.85, "u": 0.05839}),
        ("deterministic_0_7_deg", {"specific_humidity": 0.006182, "v": 0.0516}),
    ],
)
def test_sizes_of_tendencies(config, expected, shared):
    outputs = published.spec(shared, config).physics.outputs
    assert {name: outputs.scales[name] for name in expected} == pytest.approx(expected)
    assert outputs.factor == (0.01 if config == "deterministic_0_7_deg" else 0.02)
    assert "log_surface_pressure" not in outputs.scales


def test_an_appended_binding_replaces_the_one_before(shared):
    assert changed(shared, "demo", "VerticalConvTower.kernel_shape = 3") == (
        published.spec(shared, "demo").model_copy(
            update={
                "physics": published.spec(shared, "demo").physics.model_copy(
                    update={"convolution_width": 3}
                )
            }
        )
    )


def test_inert_bindings_change_nothing(config, shared):
    lines = "EpdTower.name = 'tower'", "trajectory_from_step.set_checkpoint = True"
    assert changed(shared, config, *lines) == published.spec(shared, config)


@pytest.mark.parametrize(
    "line",
    [
        "EpdTower.skip_connections = True",
        "StochasticPhysicsParameterizationStep.nudging_module = @Nudging",
        "DycoreWithPhysicsCorrector.new_option = 3",
        "elsewhere/ShiftAndNormalize.scales = {}",
    ],
)
def test_an_unknown_binding_is_named(line, config, shared):
    said = refused(shared, config, line)
    assert line.partition(" ")[0] in said
    assert "unknown effect" in said


def test_many_unknown_bindings_are_counted(shared):
    lines = [f"EpdTower.option_{i} = {i}" for i in range(8)]
    said = refused(shared, "demo", *lines)
    assert "EpdTower.option_4 and 3 more" in said


@pytest.mark.parametrize(
    "line",
    [
        "gelu.approximate = False",
        "DycoreWithPhysicsCorrector.time_integrator = @crank_nicolson_rk4",
        "advance/SoftClip.hinge_softness = 2.0",
        "encode/MlpUniform.with_bias = False",
        "VerticalConvTower.activation = @relu",
        "CoordinateSystem.horizontal = @GridT42()",
        "InputClipTransform.wavenumbers_to_clip_typo = 1",
        "advance/CombinedFeatures.features_to_exclude = ('u',)",
        "coordinate_system_from_dataset.truncation = 'CUBIC'",
        "get_model_specs.model_time_step = '1 fortnight'",
        "dycore/SequentialStepFilter.filter_modules = (@dycore/FixGlobalMeanFilter,)",
        "DivCurlNeuralParameterization.prediction_mask = {'vorticity': False}",
    ],
)
def test_a_known_binding_of_unknown_value_is_named(line, shared):
    name, value = re.fullmatch(r"(\S+) = (.*)", line).groups()
    said = refused(shared, "demo", line)
    assert name in said or value.strip("'") in said or "FixGlobalMean" in said


@pytest.mark.parametrize(
    "line, fault",
    [
        ("decoder_model/ShiftAndNormalize.scales = {'u': 1.0}", "differently"),
        (
            "advance/TruncateSigmaLevels.sigma_ranges = {'u': (0.1, 1)}",
            "leaves out sigma levels of the features of advance",
        ),
        (
            "custom_corrds/SigmaCoordinatesEquidistant.layers = 16",
            "different values of SigmaCoordinatesEquidistant.layers: 16, 32",
        ),
        (
            "advance/LearnedPositionalFeatures.latent_size = 9",
            "different values of LearnedPositionalFeatures.latent_size: 1, 9",
        ),
    ],
)
def test_what_our_model_cannot_express_is_refused_in_words(line, fault, shared):
    assert fault in refused(shared, "demo", line)


def test_a_missing_binding_is_named(shared):
    text = published.config_text(shared, "demo")
    without = re.sub(r"(?m)^VerticalConvTower\.kernel_shape = .*\n", "", text)
    assert without != text
    with pytest.raises(CheckpointError, match=r"VerticalConvTower.*kernel_shape"):
        model_spec(without, published.levels(shared))
