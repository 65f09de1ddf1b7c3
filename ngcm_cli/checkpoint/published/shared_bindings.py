"""What every known published model has in common, as bindings and their only values.

``translate`` checks each of these where a configuration has it. They say what our code
takes for granted; a checkpoint that differs in one of them is refused by name.
"""

import re
from typing import Any

from ngcm_cli.checkpoint.published.gin import Ref
from ngcm_cli.dynamics.state import TRACERS

STEP = "StochasticPhysicsParameterizationStep"
PLAIN_ENCODER = "DimensionalLearnedWeatherbenchToPrimitiveEncoder"
MEMORY_ENCODER = "DimensionalLearnedWeatherbenchToPrimitiveWithMemoryEncoder"
DECODER = "DimensionalLearnedPrimitiveToWeatherbenchDecoder"
PHYSICS = "DivCurlNeuralParameterization"
MODEL = "StochasticModularStepModel"

INERT = re.compile(
    r"""
    .*\.name | .*\.checkpoint_\w+ | CHECKPOINT_\w+  # labels, rematerialisation
    | (trajectory_from_step|WhirlModel|xarray_to_\w+|data_to_xarray\w*)\.\w+  # training
    | (.*/)?\w+\.(renaming_dict|covariate_data_path|orography_data_path)  # file access
    | (.*/)?NodalLandSeaIceEmbedding\.static_vars_ds_path
    | (.*/)?MlpUniform\.[wb]_init(_final)?          # initial weights
    | (NoRandomField|ZerosRandomField)\.prefer_nodal        # of fields that are zero
    | DynamicDataForcing\.(data_time_step|check_sim_time_errors|dt_tolerance)
    """,
    re.VERBOSE,
)
"""Bindings that cannot change an answer of a forecast."""


def _mask(*names: str, **others: bool) -> dict[str, Any]:
    flags: dict[str, Any] = dict.fromkeys(names, True) | others
    return flags | {"sim_time": False, "tracers": dict.fromkeys(TRACERS, True)}


_DATA_UNITS = {
    "sim_time": "dimensionless",
    "t": "kelvin",
    "tracers": dict.fromkeys(TRACERS, "dimensionless"),
    "u": "meter / second",
    "v": "meter / second",
    "z": "m**2 s**-2",
}
_SIGMA = Ref("SigmaCoordinatesEquidistant", call=True)
_TRUE_STATE = (
    "divergence",
    "log_surface_pressure",
    "temperature_variation",
    "vorticity",
)
_HUMIDITY = [f"specific_humidity{x}" for x in ("", "_del2", "_dlat", "_dlon")]


def _encoders() -> dict[str, Any]:
    bindings: dict[str, Any] = {}
    for encoder in PLAIN_ENCODER, MEMORY_ENCODER:
        bindings |= {
            f"{encoder}.time_axis": 0,
            f"{encoder}.nodal_mapping_module": Ref("NodalMapping"),
            f"{encoder}.transform_module": Ref("EncoderCombinedTransform"),
            f"{encoder}.correction_transform_module": Ref(
                "SequentialTransform", "encode"
            ),
            f"{encoder}.modal_to_nodal_data_features_module": Ref(
                "CombinedFeatures", "encoder_data"
            ),
        }
    return bindings


def _features() -> dict[str, Any]:
    bindings: dict[str, Any] = {}
    for scope in (
        *("advance", "decoder_model", "embedding_model", "encoder_data"),
        *("encoder_model", "land_model", "sea_model", "sea_ice_model"),
    ):
        sequence = scope in (
            "advance",
            "decoder_model",
            "encoder_data",
            "encoder_model",
        )
        transform = "SequentialTransform" if sequence else "ShiftAndNormalize"
        bindings |= {
            f"{scope}/CombinedFeatures.feature_module_names_to_exclude": (),
            f"{scope}/CombinedFeatures.features_to_exclude": (),
            f"{scope}/CombinedFeatures.features_transform_module": Ref(
                transform, scope
            ),
            f"{scope}/ShiftAndNormalize.features_to_exclude": (),
            f"{scope}/ShiftAndNormalize.global_scale": None,
            f"{scope}/InverseLevelScale.keys_to_scale": _HUMIDITY,
        }
    for part in "land_model", "sea_model", "sea_ice_model":
        bindings |= {
            f"{part}/ModalToNodalEmbedding.modal_to_nodal_features_module": Ref(
                "CombinedFeatures", part
            ),
            f"{part}/ModalToNodalEmbedding.nodal_mapping_module": Ref(
                "NodalMapping", part
            ),
            f"{part}/ModalToNodalEmbedding.output_transform_module": Ref(
                "IdentityTransform"
            ),
            f"{part}/NodalMapping.tower_factory": Ref("EpdTower", "surface_model"),
        }
    for part in "land_model", "sea_ice_model":
        bindings |= {
            f"{part}/VelocityAndPrognostics.features_transform_module": Ref(
                "TakeSurfaceAdjacentSigmaLevel"
            ),
            f"{part}/VelocityAndPrognostics.fields_to_include": [
                "temperature_variation",
                "specific_humidity",
            ],
        }
    normalize = Ref("ShiftAndNormalize", "encoder_model")
    scaled = "ShiftAndNormalize", "InverseLevelScale"
    advance = tuple(Ref(x, "advance") for x in (*scaled, "TruncateSigmaLevels"))
    decoder = tuple(Ref(x, "decoder_model") for x in (*scaled, "TruncateSigmaLevels"))
    return bindings | {
        "advance/SequentialTransform.transform_modules": (*advance, Ref("SoftClip")),
        "decoder_model/SequentialTransform.transform_modules": decoder,
        "encoder_data/SequentialTransform.transform_modules": tuple(
            Ref(x, "encoder_data") for x in scaled
        ),
        "encoder_model/SequentialTransform.transform_modules": (normalize,),
        "advance/SoftClip.hinge_softness": 1.0,
        "sea_ice_model/ForcingFeatures.forcing_to_include": ("sea_ice_cover",),
        "sea_model/ForcingFeatures.forcing_to_include": ("sea_surface_temperature",),
        "with_grads/FloatDataFeatures.compute_gradients_module": Ref(
            "ToModalDiffOperators"
        ),
        "with_grads/FloatDataFeatures.covariate_keys": ("geopotential_at_surface",),
        "without_grads/FloatDataFeatures.covariate_keys": ("land_sea_mask",),
        "advance/LearnedPositionalFeatures.scale": 1.0,
        "decoder_model/LearnedPositionalFeatures.scale": 1.0,
        "encoder_data/LearnedPositionalFeatures.scale": 1.0,
        "advance/EmbeddingVolumeFeatures.embedding_module": Ref(
            "ModalToNodalEmbedding"
        ),
        "advance/EmbeddingVolumeFeatures.feature_name": "CNN1D",
        "advance/ModalToNodalEmbedding.modal_to_nodal_features_module": Ref(
            "CombinedFeatures", "embedding_model"
        ),
        "advance/ModalToNodalEmbedding.nodal_mapping_module": Ref("NodalVolumeMapping"),
        "advance/ModalToNodalEmbedding.output_transform_module": Ref(
            "IdentityTransform"
        ),
        "advance/VelocityAndPrognostics.compute_gradients_module": Ref(
            "ToModalDiffOperators"
        ),
        "advance/MemoryVelocityAndValues.fields_to_include": None,
        "encoder_data/VelocityAndPrognostics.compute_gradients_module": Ref(
            "ToModalDiffOperators"
        ),
        "NodalVolumeMapping.tower_factory": Ref("VerticalConvTower"),
        "VerticalConvTower.activate_final": False,
        "VerticalConvTower.activation": Ref("gelu"),
        "VerticalConvTower.with_bias": True,
    }


COMMON: dict[str, Any] = {
    f"{MODEL}.advance_module": Ref(STEP),
    f"{MODEL}.decoder_module": Ref(DECODER),
    f"{MODEL}.forcing_module": Ref("DynamicDataForcing"),
    f"{STEP}.corrector_module": Ref("CustomCoordsCorrector"),
    f"{STEP}.physics_parameterization_module": Ref(PHYSICS),
    "CustomCoordsCorrector.corrector_module": Ref("DycoreWithPhysicsCorrector"),
    "CustomCoordsCorrector.custom_coords": Ref(
        "CoordinateSystem", "custom_corrds", call=True
    ),
    "DycoreWithPhysicsCorrector.filter_module": Ref("SequentialStepFilter", "dycore"),
    "DycoreWithPhysicsCorrector.time_integrator": Ref("imex_rk_sil3"),
    "CoordinateSystem.vertical": _SIGMA,
    "custom_corrds/CoordinateSystem.vertical": _SIGMA,
    "get_model_specs.custom_coords": Ref("CoordinateSystem", call=True),
    "get_model_specs.reference_datetime_str": None,
    "get_physics_specs.construct_fn": Ref("primitive_eq_specs_constructor"),
    "primitive_eq_specs_constructor.scale": Ref("GET_ATMOSPHERIC_SCALE", call=True),
    "coordinate_system_from_dataset.truncation": "LINEAR",
    "FilteredCustomOrography.filter_modules": (
        Ref("DataExponentialFilter", "orography"),
    ),
    "orography/DataExponentialFilter.attenuation": 0.0,
    "orography/DataExponentialFilter.cutoff": 0,
    "orography/DataExponentialFilter.order": 1,
    "LearnedOrography.base_orography_module": Ref("FilteredCustomOrography"),
    "DynamicDataForcing.time_axis": 0,
    "DynamicDataForcing.inputs_to_units_mapping": {
        "sea_ice_cover": "dimensionless",
        "sea_surface_temperature": "kelvin",
        "sim_time": "dimensionless",
    },
    "gelu.approximate": True,
    "NodalMapping.tower_factory": Ref("EpdTower"),
    f"{DECODER}.time_axis": 0,
    f"{DECODER}.nodal_mapping_module": Ref("NodalMapping"),
    f"{DECODER}.correction_transform_module": Ref("SequentialTransform", "decoder"),
    f"{DECODER}.modal_to_nodal_model_features_module": Ref(
        "CombinedFeatures", "decoder_model"
    ),
    f"{DECODER}.modal_to_nodal_data_features_module": Ref("NullFeatures"),
    f"{DECODER}.randomness_module": Ref("NoRandomField"),
    f"{PHYSICS}.nodal_mapping_module": Ref("NodalMapping"),
    f"{PHYSICS}.modal_to_nodal_features_module": Ref("CombinedFeatures", "advance"),
    f"{PHYSICS}.tendency_transform_module": Ref(
        "SequentialTransform", "div_curl_tendency_outputs"
    ),
    f"{PHYSICS}.filter_module": Ref("SequentialStepFilter", "ml"),
    **_encoders(),
    **_features(),
}
"""The only supported value of each of these bindings, where it is bound."""

BESIDE_DIAGNOSTICS: dict[str, Any] = {
    f"{owner}.{parameter}": value
    for owner, predicted in (
        (PLAIN_ENCODER, _TRUE_STATE),
        (MEMORY_ENCODER, _TRUE_STATE),
        (DECODER, ("t", "u", "v", "z")),
    )
    for parameter, value in (
        ("inputs_to_units_mapping", _DATA_UNITS),
        ("prediction_mask", _mask(*predicted)),
    )
}
"""Likewise, but for what they say of diagnostics: see ``translate_water``."""
