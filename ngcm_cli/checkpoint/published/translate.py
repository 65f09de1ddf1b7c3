"""From the configuration text of a published checkpoint to a ``ModelSpec``.

Closed world: a binding is either read here, or on the short list of those that cannot
change an answer, or an error that names it. What all known models have in common is
checked against ``invariants``, not assumed.
"""

from typing import Any

from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.published.gin import Ref, parse
from ngcm_cli.checkpoint.published.shared_bindings import (
    DECODER,
    MEMORY_ENCODER,
    MODEL,
    PLAIN_ENCODER,
    STEP,
)
from ngcm_cli.checkpoint.published.strict_reader import (
    HOURS,
    MINUTES,
    StrictReader,
    flat,
)
from ngcm_cli.checkpoint.published.translate_networks import (
    FILTERS,
    LOCATION_TIME,
    check_features,
    dampings,
    outputs,
    physics,
    plain_tower,
    scales,
    state_scales,
)
from ngcm_cli.checkpoint.published.translate_water import water_budget
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.errors import CheckpointError
from ngcm_cli.physics.parameterization import STATE_FIELDS

_EQUATIONS = (
    Ref("MoistPrimitiveEquationsWithCloudMoisture"),
    Ref("MoistPrimitiveEquationsWithCloudMoisutre"),  # the published misspelling
)
_HARMONICS = "RealSphericalHarmonics", "RealSphericalHarmonicsWithZeroImag"
_GRIDS = {Ref(f"GridTL{n}", call=True): n for n in (31, 47, 63, 95, 127, 159, 179, 255)}
_FILTERED = Ref("FilteredCustomOrography")
_LEARNED = Ref("LearnedOrography")
_FIXED_MEAN = "FixGlobalMeanFilter"
_NOISE = {
    Ref("BatchGaussianRandomFieldModule"): False,  # all fields one feature
    Ref("DictOfGaussianRandomFieldModules"): True,  # each field has a name
    Ref("ZerosRandomField"): None,
}


_NO_NOISE = Ref("ZerosRandomField"), Ref("NoRandomField")


def model_spec(config: str, pressure_levels: tuple[float, ...]) -> specs.ModelSpec:
    """Translate a published configuration.

    Args:
        config: the configuration text.
        pressure_levels: of the data, hPa, from the checkpoint's static fields.

    Raises:
        CheckpointError: a binding has an unknown value or an unknown name.
    """
    read = StrictReader(parse(config))
    try:
        spec = _spec(read, pressure_levels)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        # A value of another kind than it always had: a number for a list, say.
        read.refuse(f"cannot be understood at {read.latest}: {error}")
    read.finish()
    return spec


def _spec(read: StrictReader, pressure_levels: tuple[float, ...]) -> specs.ModelSpec:
    encoder = read.choose(
        f"{MODEL}.encoder_module", Ref(PLAIN_ENCODER), Ref(MEMORY_ENCODER)
    ).name
    noise = _random_fields(read, encoder)
    memory = encoder == MEMORY_ENCODER
    positions = {
        read.get(f"{scope}/LearnedPositionalFeatures.latent_size")
        for scope in ("advance", "decoder_model", "encoder_data")
    }
    return specs.ModelSpec(
        truncation=_GRIDS[read.choose("CoordinateSystem.horizontal", *_GRIDS)],
        transform_precision=_precision(read),
        sigma_layers=_layers(read),
        pressure_levels=pressure_levels,
        reference_temperature=read.get("get_model_specs.reference_temperature"),
        step_minutes=read.quantity("get_model_specs.model_time_step", MINUTES),
        physics_substeps=read.get(f"{STEP}.num_substeps"),
        dycore=_dycore(read),
        orography_scale=read.get("LearnedOrography.correction_scale"),
        tower=plain_tower(read, ""),
        position_fields=read.only(positions, "LearnedPositionalFeatures.latent_size"),
        state_scales=state_scales(read, noise),
        data_scales=scales(read, "encoder_data"),
        random_fields=noise,
        encoder=_encoder(read, encoder, noise),
        physics=physics(read, memory, noise),
        decoder=_decoder(read),
        water_budget=water_budget(read, noise),
    )


def _precision(read: StrictReader) -> Any:
    precisions = set()
    for cls in _HARMONICS:
        for scope in "", "orography/":
            name = f"{scope}{cls}"
            for inert in (
                *("base_shape_multiple", "reverse_einsum_arg_order"),
                "stacked_fourier_transforms",
            ):
                read.choose_if_bound(f"{name}.{inert}", None)
            precisions.add(read.get(f"{name}.transform_precision", None))
    for n in _GRIDS.values():
        read.get(f"GridTL{n}.spherical_harmonics_impl", None)
    read.get("coordinate_system_from_dataset.spherical_harmonics_impl", None)
    return read.only((precisions - {None}) or {"float32"}, "transform_precision")


def _layers(read: StrictReader) -> int:
    layers = {
        read.get("SigmaCoordinatesEquidistant.layers"),
        read.get("custom_corrds/SigmaCoordinatesEquidistant.layers"),
    }
    return read.only(layers, "SigmaCoordinatesEquidistant.layers")


def _dycore(read: StrictReader) -> specs.DycoreSpec:
    grid = read.get("custom_corrds/CoordinateSystem.horizontal")
    scope = f"{grid.scope}/GridWithWavenumbers"
    read.choose(f"{scope}.dealiasing", "quadratic")
    read.choose(f"{scope}.latitude_spacing", "gauss")
    read.choose(f"{scope}.longitude_offset", 0.0)
    read.choose(f"{scope}.radius", None, 1.0)
    read.get(f"{scope}.spherical_harmonics_impl", None)
    equation = read.choose(
        "DycoreWithPhysicsCorrector.dycore_equation_module", *_EQUATIONS
    ).name
    read.choose(f"{equation}.include_vertical_advection", True)
    read.choose(f"{equation}.orography_module", _LEARNED)
    filters = read.get(f"dycore/{FILTERS}")
    holds_mean = len(filters) > 1 and filters[-1].name == _FIXED_MEAN
    if holds_mean:
        *filters, last = filters
        known = ("log_surface_pressure",)
        read.choose_if_bound(f"{last.scope}/{_FIXED_MEAN}.keys", known)
    return specs.DycoreSpec(
        wavenumbers=read.get(f"{scope}.longitude_wavenumbers"),
        substeps=read.get("DycoreWithPhysicsCorrector.dycore_substeps"),
        filters=dampings(read, "dycore", tuple(filters)),
        holds_mean_pressure=holds_mean,
    )


def _random_fields(read: StrictReader, encoder: str) -> specs.RandomFieldsSpec | None:
    ref = read.choose(f"{STEP}.randomness_module", *_NOISE)
    if _NOISE[ref] is None:
        if encoder == PLAIN_ENCODER:
            read.choose_if_bound(f"{encoder}.randomness_module", *_NO_NOISE)
        return None
    cls = ref.name
    in_encoder = encoder == PLAIN_ENCODER and (
        read.get(f"{encoder}.modal_to_nodal_model_features_module")
        != Ref("NullFeatures")
    )
    if encoder == PLAIN_ENCODER:
        known = (ref,) if in_encoder else (ref, *_NO_NOISE)
        read.choose_if_bound(f"{encoder}.randomness_module", *known)
    lengths = read.get(f"{cls}.initial_correlation_lengths")
    times = read.get(f"{cls}.initial_correlation_times")
    subset = read.get(f"{cls}.field_subset", None) or tuple(range(len(lengths)))
    read.choose(f"{cls}.variances", (1.0,) * len(lengths))
    names = read.get(f"{cls}.field_names") if _NOISE[ref] else None
    return specs.RandomFieldsSpec(
        names=tuple(names[i] for i in subset) if names else None,
        correlation_hours=tuple(read.number(times[i], HOURS) for i in subset),
        correlation_km=tuple(read.number(lengths[i], {"km": 1.0}) for i in subset),
        clip=read.get(f"{cls}.clip", 6.0),
        in_encoder=in_encoder,
        fixed=read.get(f"{cls}.n_fixed_fields", None) or 0,
    )


def _encoder(
    read: StrictReader, encoder: str, noise: specs.RandomFieldsSpec | None
) -> specs.EncoderSpec:
    read.choose(
        "encoder_data/VelocityAndPrognostics.fields_to_include",
        ("u", "v", "t", "z", *(TRACERS[i] for i in (2, 1, 0))),
    )
    check_features(read, "encoder_data", Ref("VelocityAndPrognostics", "encoder_data"))
    seen = f"{encoder}.modal_to_nodal_model_features_module"
    if noise is not None and noise.in_encoder:
        read.choose(seen, Ref("CombinedFeatures", "encoder_model"))
        read.choose(
            "encoder_model/CombinedFeatures.feature_modules",
            (Ref("RandomnessFeatures"),),
        )
    else:
        read.choose(seen, Ref("NullFeatures"))
    return specs.EncoderSpec(
        learned_orography=_orography(read, encoder),
        filters=_encoder_filters(read),
        clipped=read.get("InputClipTransform.wavenumbers_to_clip"),
        outputs=outputs(
            read,
            "encoder",
            "encode",
            (
                *("vorticity", "divergence", "temperature_variation"),
                *("log_surface_pressure", *TRACERS),
            ),
        ),
    )


def _encoder_filters(read: StrictReader) -> dict[str, specs.FilterSpec] | None:
    clip, filters = Ref("InputClipTransform"), Ref("EncoderFilterTransform")
    transforms = read.choose(
        "EncoderCombinedTransform.transforms", (clip,), (clip, filters)
    )
    if filters not in transforms:
        return None
    variables = (*(x for x in STATE_FIELDS if x not in TRACERS), *TRACERS)
    (ref,) = read.choose(
        "EncoderFilterTransform.filter_modules",
        (Ref("PerVariableDataFilter"),),
        (Ref("DataExponentialFilter", "encoder"),),
    )
    if ref.name == "DataExponentialFilter":
        refs = dict.fromkeys(variables, ref)
    else:
        refs = flat(read.get("PerVariableDataFilter.per_variable_filters"))
        if refs.pop("sim_time") != Ref("DataNoFilter"):
            read.refuse("filters the time of an encoded state")
    return {name: _filter(read, refs[name]) for name in variables}


def _filter(read: StrictReader, ref: Any) -> specs.FilterSpec:
    name = f"{ref.scope}/{ref.name}"
    return specs.FilterSpec(
        attenuation=read.get(f"{name}.attenuation"),
        order=read.get(f"{name}.order"),
        cutoff=read.get(f"{name}.cutoff"),
    )


def _orography(read: StrictReader, owner: str) -> bool:
    name = f"{owner}.orography_module"
    return read.choose(name, _FILTERED, _LEARNED) == _LEARNED


def _decoder(read: StrictReader) -> specs.DecoderSpec:
    known = Ref("RandomnessFeatures")  # listed by some, but without random fields
    modules = read.get("decoder_model/CombinedFeatures.feature_modules")
    states = [x for x in modules if x.name == "VelocityAndPrognostics"]
    seen = set(modules) - {known}
    if len(states) != 1 or seen != {*states, *LOCATION_TIME}:
        check_features(
            read, "decoder_model", Ref("VelocityAndPrognostics", "decoder_model")
        )
    state = f"{states[0].scope}/VelocityAndPrognostics"
    fields = read.get(f"{state}.fields_to_include")
    gradients = read.choose_if_bound(
        f"{state}.compute_gradients_module", Ref("ToModalDiffOperators")
    )
    return specs.DecoderSpec(
        learned_orography=_orography(read, DECODER),
        fields=tuple(x for x in STATE_FIELDS if fields is None or x in fields),
        gradients=gradients is not None,
        outputs=outputs(read, "decoder", "decoder", ("t", *TRACERS, "u", "v", "z")),
    )
