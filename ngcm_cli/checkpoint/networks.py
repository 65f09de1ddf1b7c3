"""The networks of a model from their specification and weights."""

import jax

from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.errors import CheckpointError
from ngcm_cli.physics.parameterization import PROFILE_FIELDS
from ngcm_cli.physics.scaling import Normalization, OutputScaling
from ngcm_cli.physics.surface import (
    NetworkEmbedding,
    SurfaceEmbedding,
    UniformEmbedding,
)
from ngcm_cli.physics.towers import (
    ACTIVATIONS,
    MLP,
    ColumnTower,
    LevelConvolution,
    Linear,
    VerticalConvolutions,
    gelu,
)
from ngcm_cli.physics.water_budget import SurfaceFlux
from ngcm_cli.spectral.grid import Grid

GRADIENTS = ("", "_dlon", "_dlat", "_del2")
LOCATION_TIME = (
    *("cos_latitude", "sin_latitude", "land_sea_mask", "radiation"),
    *(f"geopotential_at_surface{suffix}" for suffix in GRADIENTS),
)
"""Features of place and time, one channel each."""

POSITION = "learned_positional_features"


def surface_embedding(
    weights: Weights,
    place: str,
    spec: specs.SurfaceSpec,
    scales: specs.ScalesSpec,
    land_fraction: jax.Array,
) -> SurfaceEmbedding:
    """Return the surface embedding at a place of the model."""

    def embedding(part: str, names: tuple[str, ...] | None):
        if names is None:
            shape = (spec.channels, 1, 1)
            return UniformEmbedding(weights.take(f"{place}.{part}.vector", shape))
        return NetworkEmbedding(
            names=names,
            normalization=normalization(scales, names),
            tower=tower(
                weights, f"{place}.{part}.tower", spec.tower, len(names), spec.channels
            ),
        )

    return SurfaceEmbedding(
        land_fraction=land_fraction,
        land=embedding("land", spec.land),
        sea=embedding("sea", spec.sea),
        sea_ice=embedding("sea_ice", spec.sea_ice),
    )


def convolutions(
    weights: Weights, place: str, spec: specs.PhysicsSpec
) -> VerticalConvolutions:
    """Return the convolutions along the levels at a place of the model."""
    layers, channels = [], len(PROFILE_FIELDS)
    for i, out in enumerate(spec.convolutions):
        shape = (out, channels, spec.convolution_width)
        layers.append(
            LevelConvolution(
                weights.take(f"{place}.layers.{i}.weight", shape),
                weights.take(f"{place}.layers.{i}.bias", (out,)),
            )
        )
        channels = out
    return VerticalConvolutions(tuple(layers), gelu)


def tower(
    weights: Weights, place: str, spec: specs.TowerSpec, inputs: int, outputs: int
) -> ColumnTower:
    """Return a column network at a place of the model."""
    activation = ACTIVATIONS[spec.activation]

    def mlp(part: str, sizes: list[int], bias: bool) -> MLP:
        layers = []
        for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
            at = f"{place}.{part}.layers.{i}"
            weight = weights.take(f"{at}.weight", (n_out, n_in))
            b = weights.take(f"{at}.bias", (n_out,)) if bias else None
            layers.append(Linear(weight, b))
        return MLP(tuple(layers), activation)

    latent = [spec.latent]
    return ColumnTower(
        encode=mlp("encode", [inputs, *latent], bias=True),
        process=tuple(
            mlp(f"process.{i}", latent * (spec.block_layers + 1), bias=True)
            for i in range(spec.blocks)
        ),
        decode=mlp("decode", [*latent * spec.decode_layers, outputs], bias=False),
    )


def surface_flux(
    weights: Weights,
    place: str,
    budget: specs.WaterBudgetSpec,
    model: specs.ModelSpec,
    grid: Grid,
    land_fraction: jax.Array,
) -> SurfaceFlux:
    """Return the network of a surface flux at a place of the model."""
    spec = budget.network
    names, channels = list(spec.features), len(spec.lowest_level)
    for name in spec.features:
        if name not in spec.lowest_level:
            channels += _feature_channels(name, model)
    position, surface = None, None
    if spec.position_fields:
        names.append(POSITION)
        channels += spec.position_fields
        shape = (spec.position_fields, *grid.nodal_shape)
        position = weights.take(f"{place}.surroundings.position", shape)
    if spec.surface is not None:
        names.append("surface_embedding")
        channels += spec.surface.channels
        at = f"{place}.surface"
        surface = surface_embedding(
            weights, at, spec.surface, model.state_scales, land_fraction
        )
    activation = spec.final_activation
    return SurfaceFlux(
        predicts=budget.predicts,
        names=spec.features,
        lowest_level=spec.lowest_level,
        position=position,
        surface=surface,
        normalization=normalization(
            spec.scales,
            names,
            profile=spec.scales.humidity_profile is not None,
            max_value=spec.soft_clip,
        ),
        tower=tower(weights, f"{place}.tower", spec.tower, channels, 1),
        final_activation=None if activation is None else ACTIVATIONS[activation],
        scale=spec.scale,
        shift=spec.shift,
        clip=spec.clip,
    )


def level_channels(names: list[str], spec: specs.ModelSpec) -> int:
    """Return channels of state features: one level for pressure at the surface."""
    surface = sum("log_surface_pressure" in name for name in names)
    return (len(names) - surface) * spec.sigma_layers + surface


def _feature_channels(name: str, spec: specs.ModelSpec) -> int:
    """Return channels of one of the features that the physics computes."""
    noise = spec.random_fields
    if noise is not None and name == "randomness":
        return len(noise.correlation_km)
    named = () if noise is None else noise.names or ()
    if name in (*LOCATION_TIME, "sea_ice_cover", "sea_surface_temperature", *named):
        return 1
    return level_channels([name], spec)


def channel_count(outputs: specs.OutputsSpec, spec: specs.ModelSpec) -> int:
    """Return channels of a network that predicts on sigma levels."""
    surface = "log_surface_pressure" in outputs.scales
    return (len(outputs.scales) - surface) * spec.sigma_layers + surface


def normalization(
    scales: specs.ScalesSpec,
    names: list[str] | tuple[str, ...],
    profile: bool = False,
    max_value: float | None = None,
) -> Normalization:
    """Return normalization of the named features.

    Raises:
        CheckpointError: the specification has no scale for one of them.
    """
    missing = [name for name in names if name not in scales.features]
    if missing:
        raise CheckpointError(
            f"The model has no scale for its features {', '.join(missing[:5])}.",
            "Its specification is incomplete; get the card again.",
        )
    return Normalization(
        shifts=tuple((name, scales.features[name][0]) for name in names),
        scales=tuple((name, scales.features[name][1]) for name in names),
        profile=scales.humidity_profile if profile else None,
        max_value=max_value,
    )


def output_scaling(spec: specs.OutputsSpec, levels: int) -> OutputScaling:
    """Return scaling of predictions on a number of levels."""
    return OutputScaling(
        names=tuple(spec.scales),
        scales=tuple(scale * spec.factor for scale in spec.scales.values()),
        sizes=tuple(
            1 if name == "log_surface_pressure" else levels for name in spec.scales
        ),
        profile=spec.humidity_profile,
    )
