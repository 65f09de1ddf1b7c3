"""Models that predict precipitation, derived from the bundled checkpoint.

The published ones cannot be had here. These have the modules that are known of them:
a learned precipitation or evaporation with an embedding of the surface and fields of
position of its own, a learned tendency of surface pressure, random fields of which some
are fixed and none in the encoder. What they add to the bundled weights is drawn.
"""

import functools

import numpy as np
from published_checkpoint import published_checkpoint

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.published.reference import PublishedCheckpoint, read_published
from ngcm_cli.checkpoint.published.translate import model_spec
from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.gcm import NeuralGCM

KINDS = "precipitation", "evaporation"

_DECODER = "DimensionalLearnedPrimitiveToWeatherbenchDecoder"
_ENCODER = "DimensionalLearnedWeatherbenchToPrimitiveEncoder"
_PHYSICS = "DivCurlNeuralParameterization"
_STEP = "StochasticPhysicsParameterizationStep"

_COMMON = f"""
{_STEP}.diagnostics_module = @PrecipitationDiagnosticsConstrained
{_DECODER}.diagnostics_module = @NodalModelDiagnosticsDecoder
{_ENCODER}.randomness_module = @ZerosRandomField
{_ENCODER}.modal_to_nodal_model_features_module = @NullFeatures
BatchGaussianRandomFieldModule.n_fixed_fields = 4
PrecipitationDiagnosticsConstrained.embedding_module = @water/ModalToNodalEmbedding
PrecipitationDiagnosticsConstrained.field_name = 'precipitation_cumulative_mean'
water/ModalToNodalEmbedding.modal_to_nodal_features_module = @water/CombinedFeatures
water/ModalToNodalEmbedding.nodal_mapping_module = @water/NodalMapping
water/NodalMapping.tower_factory = @water_tower/EpdTower
water_tower/EpdTower.encode_tower_factory = @surface_model_encode/ColumnTower
water_tower/EpdTower.process_tower_factory = @surface_model_process/ColumnTower
water_tower/EpdTower.decode_tower_factory = @surface_model_decode/ColumnTower
water_tower/EpdTower.latent_size = 8
water_tower/EpdTower.num_process_blocks = 1
water/LearnedPositionalFeatures.latent_size = 3
water/EmbeddingSurfaceFeatures.embedding_module = @NodalLandSeaIceEmbedding
water/EmbeddingSurfaceFeatures.feature_name = 'surface_embedding'
water/EmbeddingSurfaceFeatures.output_size = 8
water/NodalLandSeaIceEmbedding.land_embedding = @land_model/ModalToNodalEmbedding
water/NodalLandSeaIceEmbedding.sea_embedding = @sea_model/ModalToNodalEmbedding
water/NodalLandSeaIceEmbedding.sea_ice_embedding = @sea_ice_model/ModalToNodalEmbedding
water/NodalLandSeaIceEmbedding.static_vars_ds_path = None
water/VelocityAndPrognostics.fields_to_include = \\
    ['temperature_variation', 'specific_humidity']
"""

_OWN = {
    "precipitation": """
PrecipitationDiagnosticsConstrained.is_precipitation = True
water_tower/EpdTower.final_activation = @relu
water/ModalToNodalEmbedding.output_transform_module = @IdentityTransform
water/VelocityAndPrognostics.features_transform_module = @TakeSurfaceAdjacentSigmaLevel
water/CombinedFeatures.features_transform_module = @advance/ShiftAndNormalize
water/CombinedFeatures.feature_modules = \\
    (@EmbeddingSurfaceFeatures, @VelocityAndPrognostics, @LearnedPositionalFeatures)
""",
    "evaporation": """
PrecipitationDiagnosticsConstrained.is_precipitation = False
PrecipitationDiagnosticsConstrained.method_precipitation = 'cumulative'
PrecipitationDiagnosticsConstrained.method_evaporation = 'rate'
water/ModalToNodalEmbedding.output_transform_module = @water_out/SequentialTransform
water_out/SequentialTransform.transform_modules = \\
    (@water_out/InverseShiftAndNormalize, @water_out/HardClip)
water_out/InverseShiftAndNormalize.shifts = {'evaporation': -2e-09}
water_out/InverseShiftAndNormalize.scales = {'evaporation': 4e-08}
water_out/InverseShiftAndNormalize.global_scale = 0.5
water_out/HardClip.max_value = 1e-07
water/VelocityAndPrognostics.compute_gradients_module = @ToModalDiffOperators
water/ForcingFeatures.forcing_to_include = ('sea_surface_temperature', 'sea_ice_cover')
water/CombinedFeatures.features_transform_module = @water_in/SequentialTransform
water_in/SequentialTransform.transform_modules = \\
    (@advance/ShiftAndNormalize, @advance/InverseLevelScale, @SoftClip)
SoftClip.max_value = 16
water/CombinedFeatures.feature_modules = \\
    (@EmbeddingSurfaceFeatures, @VelocityAndPrognostics, @LearnedPositionalFeatures,
     @RadiationFeatures, @LatitudeFeatures, @PressureFeatures, @ForcingFeatures,
     @with_grads/FloatDataFeatures, @without_grads/FloatDataFeatures)
""",
}
_LOWEST, _STATE = 4, 4 * 32 * 4  # q, T', u, v: one level, or 32 with derivatives
_INPUTS = {
    "precipitation": 8 + 3 + _LOWEST,
    "evaporation": 8 + 3 + _STATE + 1 + 2 + 32 + 2 + 4 + 1,
}


def bundled_checkpoint() -> PublishedCheckpoint:
    """The bundled model as it was published."""
    return read_published(published_checkpoint())


def config(kind: str) -> str:
    """The configuration text: later bindings replace those of the bundled model."""
    unused = "ENCODE_RANDOMNESS_MODULE =", "encoder_model/CombinedFeatures.feature_mod"
    lines = bundled_checkpoint().config.splitlines()
    text = "\n".join(line for line in lines if not line.startswith(unused))
    names = ("ice_water_content", "liquid_water_content")
    tracers = [*(f"specific_cloud_{x}" for x in names), "specific_humidity"]
    mask = dict.fromkeys(("divergence", "temperature_variation", "vorticity"), True)
    mask |= {"log_surface_pressure": True, "sim_time": False}
    mask["tracers"] = dict.fromkeys(tracers, True)
    units = dict(t="kelvin", u="meter / second", v="meter / second", z="m**2 s**-2")
    units |= {"sim_time": "dimensionless", "diagnostics": {}}
    units["tracers"] = dict.fromkeys(tracers, "dimensionless")
    units["diagnostics"] = {
        "precipitation_cumulative_mean": "m",
        "evaporation": "kg / (meter**2 s)",
    }
    scales = dict(temperature_variation=33.62, u=0.0576, v=0.0506)
    scales |= {"log_surface_pressure": 0.11}
    scales["tracers"] = dict(zip(tracers, (3.78e-05, 7.428e-05, 0.005841), strict=True))
    shifts = {k: 0.0 for k in scales} | {"tracers": dict.fromkeys(tracers, 0.0)}
    derived = f"""
{_PHYSICS}.prediction_mask = {mask}
{_DECODER}.inputs_to_units_mapping = {units}
div_curl_tendency_outputs/InverseShiftAndNormalize.scales = {scales}
div_curl_tendency_outputs/InverseShiftAndNormalize.shifts = {shifts}
"""
    return "\n".join((text, _COMMON, _OWN[kind], derived))


def parameters(kind: str) -> dict[str, dict[str, np.ndarray]]:
    """Weights under their published names: the bundled ones, cut and added to."""
    draw = np.random.default_rng(7)

    def drawn(*shape):
        return draw.normal(0, 0.3, shape).astype(np.float32)

    root = "stochastic_modular_step_model/~/"
    encoder = f"{root}dimensional_learned_weatherbench_to_primitive_encoder"
    step = f"{root}stochastic_physics_parameterization_step"
    physics = f"{step}/~/div_curl_neural_parameterization"
    water = f"{step}/~/precipitation_diagnostics_constrained/~/modal_to_nodal_embedding"
    noise = "/~/batch_gaussian_random_field_module"
    linear = "nodal_mapping/~/epd_tower/{}/~/mlp_uniform/~/linear_{}".format
    params = {k: dict(v) for k, v in bundled_checkpoint().params.items()}

    del params[f"{encoder}{noise}"]
    first = params[f"{encoder}/{linear('encode_tower', 0)}"]
    first["w"] = first["w"][:-10]  # random fields come last
    random = params[f"{step}{noise}"]
    params[f"{step}{noise}"] = {k: x[:-4] + 0.1 for k, x in random.items()}
    last = params[f"{physics}/{linear('decode_tower', 0)}"]
    pressure = drawn(last["w"].shape[0], 1) / 30
    last["w"] = np.concatenate([pressure, last["w"]], axis=1)  # comes first

    surface = "/~/combined_features/~/embedding_surface_features/"
    for module, leaves in list(params.items()):
        if module.startswith(physics + surface):
            own = water + module.removeprefix(physics)
            params[own] = {k: x + drawn(*x.shape) for k, x in leaves.items()}
    place = "/~/combined_features/~/learned_positional_features"
    params[water + place] = {"learned_positional_features": drawn(3, 128, 64)}
    tower = functools.partial("surface_model_{}_tower".format)
    sizes = {("encode", 0): (_INPUTS[kind], 8)}
    sizes |= {("process", i): (8, 8) for i in range(4)}
    sizes |= {("decode", 0): (8, 8), ("decode", 1): (8, 1)}
    for (part, i), size in sizes.items():
        leaves = {"w": drawn(*size)}
        if part != "decode":
            leaves["b"] = drawn(size[1])
        params[f"{water}/{linear(tower(part), i)}"] = leaves
    if kind == "precipitation":  # whose network gives the flux itself: a small number
        params[f"{water}/{linear(tower('decode'), 1)}"]["w"] *= 1e-8
    return params


@functools.cache
def spec(kind: str) -> ModelSpec:
    levels = tuple(bundled_checkpoint().static["level"].tolist())
    return model_spec(config(kind), levels)


@functools.cache
def model(kind: str) -> NeuralGCM:
    static = bundled_checkpoint().static
    static = {k: static[k] for k in ("geopotential_at_surface", "land_sea_mask")}
    arrays = from_published(parameters(kind), static, spec(kind))
    return build(kind, spec(kind), Weights(arrays))
