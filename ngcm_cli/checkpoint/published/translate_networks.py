"""The networks of a published configuration: features, scales, towers, physics."""

from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.published.gin import Ref
from ngcm_cli.checkpoint.published.shared_bindings import PHYSICS
from ngcm_cli.checkpoint.published.strict_reader import MINUTES, StrictReader, flat
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.physics.parameterization import STATE_FIELDS

LOCATION_TIME = (
    Ref("RadiationFeatures"),
    Ref("LatitudeFeatures"),
    Ref("FloatDataFeatures", "with_grads"),
    Ref("FloatDataFeatures", "without_grads"),
    Ref("LearnedPositionalFeatures"),
)
"""Features of place and time, which encoder, physics and decoder all see."""

FILTERS = "SequentialStepFilter.filter_modules"
"""Those that are applied in time, in the scope of what they belong to."""


def physics(
    read: StrictReader, memory: bool, noise: specs.RandomFieldsSpec | None
) -> specs.PhysicsSpec:
    """Return the learned tendencies."""
    volume = ("EmbeddingSurfaceFeatures", "EmbeddingVolumeFeatures")
    extra = [Ref(x) for x in (*volume, "PressureFeatures")]
    extra += [Ref("MemoryVelocityAndValues")] if memory else []
    extra += [Ref("RandomnessFeatures")] if noise is not None else []
    check_features(read, "advance", Ref("VelocityAndPrognostics", "advance"), *extra)
    _fields(read, "advance", STATE_FIELDS)
    profile = [x for x in STATE_FIELDS if x != "log_surface_pressure"]
    _fields(read, "embedding_model", profile)
    read.choose(
        "embedding_model/CombinedFeatures.feature_modules",
        (Ref("VelocityAndPrognostics", "embedding_model"), Ref("PressureFeatures")),
    )
    return specs.PhysicsSpec(
        memory=memory,
        surface=surface_embedding(read, "advance"),
        convolutions=(
            *read.get("VerticalConvTower.channels"),
            read.get("advance/EmbeddingVolumeFeatures.output_size"),
        ),
        convolution_width=read.get("VerticalConvTower.kernel_shape"),
        soft_clip=read.get("advance/SoftClip.max_value"),
        filters=dampings(read, "ml", read.get(f"ml/{FILTERS}")),
        outputs=outputs(
            read,
            "div_curl_tendency_outputs",
            "div_curl_tendency_outputs",
            (*_predicted_pressure(read), "temperature_variation", *TRACERS, "u", "v"),
        ),
    )


def _predicted_pressure(read: StrictReader) -> tuple[str, ...]:
    """Whether the physics predicts a tendency of surface pressure, too."""
    name = "log_surface_pressure"
    mask = dict(read.get(f"{PHYSICS}.prediction_mask"))
    predicted = mask.pop(name)
    expected = {x: True for x in ("divergence", "temperature_variation", "vorticity")}
    expected |= {"sim_time": False, "tracers": dict.fromkeys(TRACERS, True)}
    if mask != expected:
        read.choose(f"{PHYSICS}.prediction_mask", expected | {name: predicted})
    return (name,) if predicted else ()


def _fields(read: StrictReader, scope: str, expected) -> None:
    """Check which state variables are features; wind always is."""
    name = f"{scope}/VelocityAndPrognostics.fields_to_include"
    if set(read.get(name)) != {"u", "v", *expected}:
        read.choose(name, ("u", "v", *expected))


def surface_embedding(read: StrictReader, scope: str) -> specs.SurfaceSpec:
    """Return the embedding of the surface that features of a scope have."""
    prefix = f"{scope}/" if scope else ""
    read.choose(
        f"{prefix}EmbeddingSurfaceFeatures.embedding_module",
        Ref("NodalLandSeaIceEmbedding"),
    )
    read.choose(
        f"{prefix}EmbeddingSurfaceFeatures.feature_name",
        "surface_embedding",
    )
    at_surface = ("specific_humidity", "temperature_variation", "u", "v")
    known: dict[str, tuple[str, ...]] = {
        "land": at_surface,
        "sea": ("sea_surface_temperature",),
        "sea_ice": ("sea_ice_cover", *at_surface),
    }
    parts: dict[str, tuple[str, ...] | None] = {}
    for part, names in known.items():
        network = Ref("ModalToNodalEmbedding", f"{part}_model")
        binding = f"{prefix}NodalLandSeaIceEmbedding.{part}_embedding"
        uniform = read.choose(binding, network, None) is None
        parts[part] = None if uniform else names
        if not uniform:
            forcing = (Ref("ForcingFeatures", f"{part}_model"),)
            state = (Ref("VelocityAndPrognostics", f"{part}_model"),)
            modules = {"land": state, "sea": forcing, "sea_ice": state + forcing}
            read.choose(f"{part}_model/CombinedFeatures.feature_modules", modules[part])
            read.choose(
                f"{part}_model/NodalMapping.tower_factory",
                Ref("EpdTower", "surface_model"),
            )
    return specs.SurfaceSpec(
        channels=read.get(f"{prefix}EmbeddingSurfaceFeatures.output_size"),
        tower=plain_tower(read, "surface_model"),
        **parts,
    )


def check_features(read: StrictReader, scope: str, *others: Ref) -> None:
    """Check what a network sees: the surroundings, and the given features."""
    name = f"{scope}/CombinedFeatures.feature_modules"
    if set(read.get(name)) != {*LOCATION_TIME, *others}:
        read.choose(name, (*others, *LOCATION_TIME))


def plain_tower(read: StrictReader, scope: str) -> specs.TowerSpec:
    """Return a column network whose outputs can have any value."""
    network, activation = tower(read, scope)
    if activation is not None:
        read.choose(f"{scope}/EpdTower.final_activation", None)
    return network


def tower(
    read: StrictReader, scope: str
) -> tuple[specs.TowerSpec, specs.Activation | None]:
    """Return a column network made in a scope, and what follows its last layer."""
    epd = f"{scope}/EpdTower" if scope else "EpdTower"
    encode, process, decode = (
        _layers(read, epd, part) for part in ("encode", "process", "decode")
    )
    for nothing in "post_encode_activation", "pre_decode_activation":
        read.choose_if_bound(f"{epd}.{nothing}", None)
    read.choose(f"{encode}.num_hidden_layers", 0)
    read.get(f"{encode}.num_hidden_units", None)  # of no hidden layers
    latent = read.get(f"{epd}.latent_size")
    hidden = read.get(f"{decode}.num_hidden_layers")
    read.choose(f"{process}.num_hidden_units", latent)
    if read.get(f"{decode}.num_hidden_units") != latent and hidden:
        read.choose(f"{decode}.num_hidden_units", latent)
    layers = read.get(f"{process}.num_hidden_layers") + 1
    inside = set()
    if layers > 1:
        inside.add(read.choose(f"{process}.activation", *_ACTIVATIONS))
    if hidden:
        inside.add(read.choose(f"{decode}.activation", *_ACTIVATIONS))
    final = read.choose_if_bound(f"{epd}.final_activation", *_ACTIVATIONS)
    network = specs.TowerSpec(
        latent=latent,
        blocks=read.get(f"{epd}.num_process_blocks"),
        block_layers=layers,
        decode_layers=hidden + 1,
        activation=_ACTIVATIONS[read.only(inside, f"activation in {epd}")],
    )
    return network, None if final is None else _ACTIVATIONS[final]


_ACTIVATIONS: dict[Ref, specs.Activation] = {
    Ref("gelu"): "gelu",
    Ref("relu"): "relu",
    Ref("silu"): "silu",
}


def _layers(read: StrictReader, epd: str, part: str) -> str:
    """Return where the linear layers of a part of a column network are configured."""
    column = read.get(f"{epd}.{part}_tower_factory")
    if column.name != "ColumnTower":
        read.refuse(f"has a {column.name} to {part} in {epd}: not supported")
    factory = read.get(f"{column.scope}/ColumnTower.column_net_factory")
    if factory.name != "MlpUniform":
        read.refuse(f"has a {factory.name} to {part} in {epd}: not supported")
    layers = f"{factory.scope or column.scope}/MlpUniform"
    read.choose(f"{layers}.activate_final", False)
    read.choose(f"{layers}.with_bias", part != "decode")
    read.get(f"{layers}.activation", None)  # matters between two layers only
    return layers


def scales(read: StrictReader, scope: str) -> specs.ScalesSpec:
    """Return shifts and scales of the features of one network."""
    shift = read.get(f"{scope}/ShiftAndNormalize.shifts")
    scale = read.get(f"{scope}/ShiftAndNormalize.scales")
    return specs.ScalesSpec(
        features={name: (shift[name], scale[name]) for name in sorted(scale)},
        humidity_profile=read.get(f"{scope}/InverseLevelScale.scales"),
    )


def state_scales(
    read: StrictReader, noise: specs.RandomFieldsSpec | None
) -> specs.ScalesSpec:
    """Return scales of features of the state: the same in all networks that see them.

    Those of random fields that the model does not have are left out, and the channels
    of the convolutions, which must be scaled alike, become one entry.
    """
    found = scales(read, "advance")
    if scales(read, "decoder_model") != found:
        read.refuse("scales features of the state differently in physics and decoder")
    for scope in "embedding", "encoder", "land", "sea", "sea_ice":
        for part in "shifts", "scales":
            name = f"{scope}_model/ShiftAndNormalize.{part}"
            expected = read.get(f"advance/ShiftAndNormalize.{part}")
            read.choose_if_bound(name, expected)
    for scope in "advance", "decoder_model":
        ranges = read.get(f"{scope}/TruncateSigmaLevels.sigma_ranges")
        if set(ranges.values()) != {(0.0, 1)}:
            read.refuse(f"leaves out sigma levels of the features of {scope}")
    features = dict(found.features)
    channels = [features.pop(k) for k in found.features if k.startswith("CNN1D_")]
    features["CNN1D"] = read.only(set(channels), "ShiftAndNormalize of CNN1D_*")
    seen = () if noise is None else noise.names or ("randomness",)
    return specs.ScalesSpec(
        features={
            name: features[name]
            for name in sorted(features)
            if name in seen or not name.startswith(("GRF_", "randomness"))
        },
        humidity_profile=found.humidity_profile,
    )


def outputs(
    read: StrictReader, scope: str, transform: str, names: tuple[str, ...]
) -> specs.OutputsSpec:
    """Return sizes of predictions; ``transform`` is the scope of the sequence."""
    read.choose(
        f"{transform}/SequentialTransform.transform_modules",
        (Ref("InverseShiftAndNormalize", scope), Ref("LevelScale", transform)),
    )
    read.choose(f"{transform}/LevelScale.keys_to_scale", ("specific_humidity",))
    sizes = flat(read.get(f"{scope}/InverseShiftAndNormalize.scales"))
    shifts = flat(read.get(f"{scope}/InverseShiftAndNormalize.shifts"))
    if any(shifts.values()):
        read.refuse(f"shifts the predictions of {scope}")
    return specs.OutputsSpec(
        factor=read.get(f"{scope}/InverseShiftAndNormalize.global_scale"),
        scales={name: sizes[name] for name in names},
        humidity_profile=read.get(f"{transform}/LevelScale.scales"),
    )


def dampings(
    read: StrictReader, scope: str, refs: tuple[Ref, ...]
) -> tuple[specs.DampingSpec, ...]:
    """Return the exponential filters of a sequence that is applied in time."""
    found = []
    for ref in refs:
        name = f"{ref.scope}/{ref.name}"
        if ref.name != "ExponentialFilter":
            read.refuse(f"has a {ref.name} among the filters of {scope}")
        found.append(
            specs.DampingSpec(
                timescale_minutes=read.quantity(f"{name}.tau", MINUTES),
                order=read.get(f"{name}.order"),
                cutoff=read.get(f"{name}.cutoff"),
            )
        )
    return tuple(found)
