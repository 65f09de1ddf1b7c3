"""What distinguishes one neural general circulation model from another, as plain data.

A ``ModelSpec`` is the readable form of a model's architecture: it stands in the card of
a converted model and is what the configuration of a published checkpoint is translated
to. Everything it does not mention is the same in all models.
"""

from typing import Annotated, Literal

import pydantic

# Far beyond any model, and far below what would exhaust a computer.
_Count = Annotated[int, pydantic.Field(ge=0, le=10_000)]
_Size = Annotated[int, pydantic.Field(gt=0, le=10_000)]
_NonNegative = Annotated[float, pydantic.Field(ge=0)]
_Cutoff = Annotated[float, pydantic.Field(ge=0, lt=1)]
_Text = Annotated[str, pydantic.Field(min_length=1)]
_Name = Annotated[str, pydantic.Field(pattern="^[A-Za-z0-9][A-Za-z0-9_]{0,63}$")]
_Profile = tuple[pydantic.PositiveFloat, ...]


class _Spec(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FilterSpec(_Spec):
    """An exponential filter, as in ``spectral.filters.exponential_filter``."""

    attenuation: _NonNegative
    order: _Size
    cutoff: _Cutoff


class DampingSpec(_Spec):
    """An exponential filter applied in time; the attenuation is interval/timescale.

    The interval is that between two evaluations of the physics, also where the filter
    is applied after each substep of the dynamical core.
    """

    timescale_minutes: pydantic.PositiveFloat
    order: _Size
    cutoff: _Cutoff


Activation = Literal["gelu", "relu", "silu"]


class TowerSpec(_Spec):
    """An encode-process-decode column network.

    Attributes:
        latent: channels between its parts.
        blocks: residual blocks.
        block_layers: layers of each of them.
        decode_layers: layers after the last block.
        activation: between layers; GELU is the approximate one.
    """

    latent: _Size
    blocks: _Size
    block_layers: _Size
    decode_layers: _Size
    activation: Activation = "gelu"


class OutputsSpec(_Spec):
    """Sizes of what a network predicts.

    Attributes:
        factor: multiplies all scales.
        scales: per variable, in the order of the channels.
        humidity_profile: further scale of each level of specific humidity.
    """

    factor: float
    scales: dict[str, float]
    humidity_profile: tuple[float, ...]


class ScalesSpec(_Spec):
    """(shift, scale) by which each feature is brought to order one.

    Attributes:
        features: by name.
        humidity_profile: further scale of each level of specific humidity, or None.
    """

    features: dict[str, tuple[float, float]]
    humidity_profile: tuple[float, ...] | None


class DycoreSpec(_Spec):
    """The dynamical core.

    Attributes:
        wavenumbers: truncation of its quadratic grid.
        substeps: of one interval between physics evaluations.
        filters: applied after each substep, in this order.
        holds_mean_pressure: whether the global mean of ln pₛ is held after them.
    """

    wavenumbers: _Size
    substeps: _Size
    filters: tuple[DampingSpec, ...]
    holds_mean_pressure: bool = False


class RandomFieldsSpec(_Spec):
    """Gaussian random fields.

    Attributes:
        names: of the features, or None where all are one feature.
        correlation_hours: first guess of each field's correlation time.
        correlation_km: first guess of each field's correlation length.
        clip: bound of the draws in standard deviations.
        in_encoder: whether the encoder sees fields of its own, too.
        fixed: how many of the last fields keep their first guesses.
    """

    names: tuple[str, ...] | None
    correlation_hours: _Profile
    correlation_km: _Profile
    clip: pydantic.PositiveFloat
    in_encoder: bool
    fixed: _Count = 0


class SurfaceSpec(_Spec):
    """Embedding of the surface: features of each part, or None for a learned vector."""

    channels: _Size
    tower: TowerSpec
    land: tuple[str, ...] | None
    sea: tuple[str, ...] | None
    sea_ice: tuple[str, ...] | None


class PhysicsSpec(_Spec):
    """The learned tendencies.

    Attributes:
        memory: whether the previous state is among the features.
        surface: embedding of land, sea and ice.
        convolutions: output channels of the convolutions along the levels.
        convolution_width: number of levels that each sees.
        soft_clip: bound of all features.
        filters: of the tendencies.
        outputs: sizes of the tendencies.
    """

    memory: bool
    surface: SurfaceSpec
    convolutions: tuple[_Size, ...]
    convolution_width: _Size
    soft_clip: pydantic.PositiveFloat
    filters: tuple[DampingSpec, ...]
    outputs: OutputsSpec


class EncoderSpec(_Spec):
    """Pressure levels to sigma levels.

    Attributes:
        learned_orography: whether its orography is corrected.
        filters: of the encoded state per variable, or None.
        clipped: number of highest total wavenumbers set to zero.
        outputs: sizes of the correction.
    """

    learned_orography: bool
    filters: dict[str, FilterSpec] | None
    clipped: _Count
    outputs: OutputsSpec


class DecoderSpec(_Spec):
    """Sigma levels to pressure levels.

    Attributes:
        learned_orography: whether its orography is corrected.
        fields: state variables among its features, besides wind.
        gradients: whether their derivatives are features, too.
        outputs: sizes of the correction.
    """

    learned_orography: bool
    fields: tuple[str, ...]
    gradients: bool
    outputs: OutputsSpec


class SurfaceFluxSpec(_Spec):
    """A column network that predicts one flux at the surface.

    Attributes:
        features: of those that the physics computes, the ones it sees.
        lowest_level: of these, the ones that it sees on the lowest level only.
        position_fields: learned fields of position of its own; 0 is none.
        surface: embedding of the surface of its own, or None.
        scales: of its features.
        soft_clip: bound of all features, or None.
        tower: the network.
        final_activation: of what the tower gives, or None.
        scale: multiplies that, nondimensional.
        shift: is added to that, nondimensional.
        clip: bound of the result, or None.
    """

    features: tuple[str, ...]
    lowest_level: tuple[str, ...]
    position_fields: _Count
    surface: SurfaceSpec | None
    scales: ScalesSpec
    soft_clip: pydantic.PositiveFloat | None
    tower: TowerSpec
    final_activation: Activation | None
    scale: float
    shift: float
    clip: pydantic.PositiveFloat | None


class WaterBudgetSpec(_Spec):
    """Precipitation and evaporation: one learned, the other what balances the budget.

    Attributes:
        predicts: which of the two is learned.
        network: that predicts it.
    """

    predicts: Literal["precipitation", "evaporation"]
    network: SurfaceFluxSpec


class OutputHeadSpec(_Spec):
    """A further output, `gcm.output_heads.OutputHead`, with its attributes in files.

    Attributes:
        shift: mean of the variable.
        scale: its standard deviation.
        minimum: which it never goes below, or None.
        fields: state variables among its features, besides wind.
        levels: how many of the lowest levels it sees.
        sees_sea: whether it sees sea-surface temperature and sea ice.
        position_fields: learned fields of position of its own.
        tower: the network.
    """

    units: _Text
    long_name: _Text
    standard_name: str = ""
    cell_methods: str = ""
    comment: str = ""
    aliases: tuple[str, ...] = ()
    cmip: Annotated[str, pydantic.Field(pattern="^([a-z][A-Za-z0-9]{0,31})?$")] = ""
    shift: float
    scale: pydantic.PositiveFloat
    minimum: float | None = None
    fields: tuple[str, ...] = ("temperature_variation", "specific_humidity")
    levels: _Size = 4
    sees_sea: bool = False
    position_fields: _Count = 4
    tower: TowerSpec = TowerSpec(latent=32, blocks=1, block_layers=2, decode_layers=1)


class ModelSpec(_Spec):
    """The architecture of a model.

    Attributes:
        truncation: n of the linear grid TLn of data and state.
        transform_precision: of spherical-harmonic transforms on accelerators.
        sigma_layers: number of equally thick layers.
        pressure_levels: of the data, hPa, ascending.
        reference_temperature: of each sigma layer, K.
        step_minutes: length of a model step.
        physics_substeps: physics evaluations in one model step.
        dycore: the dynamical core.
        orography_scale: by which learned corrections of orography are multiplied.
        tower: the column networks of encoder, physics and decoder.
        position_fields: learned fields of position that each of them sees.
        state_scales: of the features of model states.
        data_scales: of the features of data on pressure levels.
        random_fields: noise, or None for a deterministic model.
        encoder, physics, decoder: see there.
        water_budget: of a model that predicts precipitation and evaporation.
        outputs: further surface variables, by name.
    """

    truncation: _Size
    transform_precision: Literal["tensorfloat32", "float32"]
    sigma_layers: _Size
    pressure_levels: Annotated[_Profile, pydantic.Field(min_length=2)]
    reference_temperature: _Profile
    step_minutes: pydantic.PositiveFloat
    physics_substeps: _Size
    dycore: DycoreSpec
    orography_scale: pydantic.PositiveFloat
    tower: TowerSpec
    position_fields: _Size
    state_scales: ScalesSpec
    data_scales: ScalesSpec
    random_fields: RandomFieldsSpec | None
    encoder: EncoderSpec
    physics: PhysicsSpec
    decoder: DecoderSpec
    water_budget: WaterBudgetSpec | None = None
    outputs: dict[_Name, OutputHeadSpec] = {}

    @pydantic.model_serializer(mode="wrap")
    def _content(self, serialize: pydantic.SerializerFunctionWrapHandler) -> dict:
        """Leave out what no published model has, so that their digests stay."""
        content = serialize(self)
        if not self.outputs:
            content.pop("outputs", None)
        return content

    @pydantic.model_validator(mode="after")
    def _check_sizes(self) -> "ModelSpec":
        """Check that profiles fit their levels and that a substep is whole minutes."""
        profiles = {
            "reference_temperature": self.reference_temperature,
            "state_scales": self.state_scales.humidity_profile,
            "encoder.outputs": self.encoder.outputs.humidity_profile,
            "physics.outputs": self.physics.outputs.humidity_profile,
        }
        if self.water_budget is not None:
            scales = self.water_budget.network.scales
            if scales.humidity_profile is not None:
                profiles["water_budget.network.scales"] = scales.humidity_profile
        if self.dycore.wavenumbers > 2 * self.truncation:
            raise ValueError("the dynamical core has more waves than the state")
        for name, profile in profiles.items():
            if profile is None or len(profile) != self.sigma_layers:
                raise ValueError(f"{name} has not one value per sigma layer")
        on_pressure = {
            "data_scales": self.data_scales.humidity_profile,
            "decoder.outputs": self.decoder.outputs.humidity_profile,
        }
        for name, profile in on_pressure.items():
            if profile is None or len(profile) != len(self.pressure_levels):
                raise ValueError(f"{name} has not one value per pressure level")
        for name, output in self.outputs.items():
            if output.levels > self.sigma_layers:
                raise ValueError(f"the output {name} sees more levels than there are")
        noise = self.random_fields
        if noise is not None and noise.fixed > len(noise.correlation_km):
            raise ValueError("more random fields are fixed than there are")
        if self.step_minutes % self.physics_substeps:
            raise ValueError("a physics substep is not a whole number of minutes")
        return self
