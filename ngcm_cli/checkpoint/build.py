"""From a specification and its weights to a model: the wiring diagram.

Weights come as a flat dictionary of arrays. Every place of the model takes its array by
name, so the names used here are those of the native weights file.
"""

import jax
import numpy as np

from ngcm_cli import units
from ngcm_cli.arrays import on_device
from ngcm_cli.checkpoint import spec as specs
from ngcm_cli.checkpoint.networks import (
    GRADIENTS,
    LOCATION_TIME,
    POSITION,
    channel_count,
    convolutions,
    level_channels,
    normalization,
    output_scaling,
    surface_embedding,
    surface_flux,
    tower,
)
from ngcm_cli.checkpoint.output_heads import output_head
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.dynamics import Dycore, SigmaLevels, State
from ngcm_cli.dynamics.orography import Orography, modal_orography
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.errors import CheckpointError
from ngcm_cli.gcm.decoder import Decoder
from ngcm_cli.gcm.encoder import Encoder
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.precision import find_precisions
from ngcm_cli.gcm.step import Step
from ngcm_cli.physics.features import LocationTimeFeatures, ground_features
from ngcm_cli.physics.parameterization import (
    PROFILE_FIELDS,
    STATE_FIELDS,
    Parameterization,
)
from ngcm_cli.physics.random_fields import RandomFields
from ngcm_cli.physics.towers import with_precision
from ngcm_cli.physics.water_budget import WaterBudget
from ngcm_cli.spectral.filters import exponential_filter
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics


def build(
    name: str, spec: specs.ModelSpec, weights: Weights, precision: str = "published"
) -> NeuralGCM:
    """Construct a model.

    Args:
        name: of the model, for messages and provenance.
        spec: its architecture.
        weights: its learned parameters and static fields, each taken exactly once.
        precision: of its matrix products, a setting of `find_precisions`.

    Raises:
        CheckpointError: weights are missing, left over or of another shape, or the
            reference temperature is that of an unstable atmosphere.
        ConfigError: there is no such precision on this device.
    """
    precisions = find_precisions(precision, spec.transform_precision)
    model = _Builder(spec, weights, precisions.transforms).model(name)
    weights.finish()
    return with_precision(model, precisions.networks)


class _Builder:
    """What several parts of one model share while it is put together."""

    def __init__(
        self,
        spec: specs.ModelSpec,
        weights: Weights,
        transforms: jax.lax.PrecisionLike,
    ):
        self.spec = spec
        self.weights = weights
        self.grid = Grid.linear(spec.truncation)
        shape = self.grid.nodal_shape
        # First: what the file does not have is no reason to compute large tables.
        self.surface_geopotential = weights.static("geopotential_at_surface", shape)
        land_sea_mask = weights.static("land_sea_mask", shape)
        self.harmonics = SphericalHarmonics(self.grid, transforms)
        self.dycore_harmonics = SphericalHarmonics(
            Grid.quadratic(spec.dycore.wavenumbers), transforms
        )
        self.levels = SigmaLevels(spec.sigma_layers)
        self.interval = (spec.step_minutes * 60 * units.SECOND) / spec.physics_substeps
        self.ground = ground_features(
            self.surface_geopotential, land_sea_mask, self.harmonics
        )
        self.bases: dict[Grid, jax.Array] = {}

    def model(self, name: str) -> NeuralGCM:
        spec = self.spec
        step_noise, encoder_noise = None, None
        if spec.random_fields is not None:
            step_noise = self.random_fields("step.random_fields", spec.random_fields)
            if spec.random_fields.in_encoder:
                encoder_noise = self.random_fields("encoder_noise", spec.random_fields)
        return NeuralGCM(
            name=name,
            encoder=self.encoder("encoder"),
            memory_encoder=(
                self.encoder("memory_encoder") if spec.physics.memory else None
            ),
            encoder_noise=encoder_noise,
            step=Step(
                parameterization=self.parameterization("step.parameterization"),
                dycore=self.dycore("step.dycore"),
                random_fields=step_noise,
                water_budget=self.water_budget("step.water_budget"),
                substeps=spec.physics_substeps,
                interval=self.interval,
                holds_mean_pressure=spec.dycore.holds_mean_pressure,
            ),
            decoder=self.decoder("decoder"),
            step_seconds=round(spec.step_minutes * 60),
            outputs={
                name: output_head(
                    self.weights,
                    f"outputs.{name}",
                    output,
                    spec,
                    self.harmonics,
                    self.ground,
                )
                for name, output in spec.outputs.items()
            },
        )

    def encoder(self, place: str) -> Encoder:
        spec = self.spec
        data = [f"{x}{g}" for x in ("t", "u", "v", "z", *TRACERS) for g in GRADIENTS]
        channels = len(data) * len(spec.pressure_levels)
        channels += len(LOCATION_TIME) + spec.position_fields
        noise: list[str] = []
        if spec.random_fields is not None and spec.random_fields.in_encoder:
            noise = list(spec.random_fields.names or ("randomness",))
            channels += len(spec.random_fields.correlation_km)
        return Encoder(
            harmonics=self.harmonics,
            pressure_levels=spec.pressure_levels,
            levels=self.levels,
            reference_temperature=spec.reference_temperature,
            orography=self.orography(
                place, self.harmonics, spec.encoder.learned_orography
            ),
            location_time=self.location_time(place),
            data_normalization=normalization(
                spec.data_scales, [*data, *LOCATION_TIME, POSITION], profile=True
            ),
            model_normalization=normalization(spec.state_scales, noise),
            tower=tower(
                self.weights,
                f"{place}.tower",
                spec.tower,
                channels,
                channel_count(spec.encoder.outputs, spec),
            ),
            outputs=output_scaling(spec.encoder.outputs, spec.sigma_layers),
            damping=self.encoder_damping(),
            clipped=spec.encoder.clipped,
        )

    def encoder_damping(self) -> State | None:
        filters = self.spec.encoder.filters
        if filters is None:
            return None
        factors = {
            name: on_device(self.factor(f.attenuation, f, self.grid))
            for name, f in filters.items()
        }
        tracers = {name: factors.pop(name) for name in TRACERS}
        return State(**factors, tracers=tracers)

    def decoder(self, place: str) -> Decoder:
        spec = self.spec
        gradients = GRADIENTS if spec.decoder.gradients else ("",)
        state = [f"{x}{g}" for x in ("u", "v", *spec.decoder.fields) for g in gradients]
        channels = (
            level_channels(state, spec) + len(LOCATION_TIME) + spec.position_fields
        )
        sizes = tuple(len(spec.pressure_levels) for _ in spec.decoder.outputs.scales)
        return Decoder(
            harmonics=self.harmonics,
            pressure_levels=spec.pressure_levels,
            levels=self.levels,
            reference_temperature=spec.reference_temperature,
            orography=self.orography(
                place, self.harmonics, spec.decoder.learned_orography
            ),
            location_time=self.location_time(place),
            fields=spec.decoder.fields,
            gradients=spec.decoder.gradients,
            normalization=normalization(
                spec.state_scales, [*state, *LOCATION_TIME, POSITION], profile=True
            ),
            tower=tower(
                self.weights, f"{place}.tower", spec.tower, channels, sum(sizes)
            ),
            outputs=output_scaling(spec.decoder.outputs, len(spec.pressure_levels)),
        )

    def parameterization(self, place: str) -> Parameterization:
        spec, physics = self.spec, self.spec.physics
        state = [f"{x}{g}" for x in ("u", "v", *STATE_FIELDS) for g in GRADIENTS]
        memory = [f"memory_{x}" for x in ("u", "v", *STATE_FIELDS)]
        names = [
            *state,
            *LOCATION_TIME,
            POSITION,
            "pressure",
            "surface_embedding",
            "CNN1D",
        ]
        channels = level_channels([*state, "pressure"], spec) + physics.surface.channels
        channels += len(LOCATION_TIME) + spec.position_fields
        channels += physics.convolutions[-1] * spec.sigma_layers
        if physics.memory:
            names += memory
            channels += level_channels(memory, spec)
        if spec.random_fields is not None:
            names += spec.random_fields.names or ("randomness",)
            channels += len(spec.random_fields.correlation_km)
        factors = [
            self.factor(self.attenuation(f), f, self.grid) for f in physics.filters
        ]
        return Parameterization(
            harmonics=self.harmonics,
            levels=self.levels,
            location_time=self.location_time(place),
            surface=surface_embedding(
                self.weights,
                f"{place}.surface",
                physics.surface,
                spec.state_scales,
                self.ground["land_sea_mask"],
            ),
            profile_normalization=normalization(spec.state_scales, PROFILE_FIELDS),
            profile=convolutions(self.weights, f"{place}.profile", physics),
            normalization=normalization(
                spec.state_scales, names, profile=True, max_value=physics.soft_clip
            ),
            tower=tower(
                self.weights,
                f"{place}.tower",
                spec.tower,
                channels,
                channel_count(physics.outputs, spec),
            ),
            outputs=output_scaling(physics.outputs, spec.sigma_layers),
            damping=on_device(np.float32(np.prod(factors, axis=0))),
        )

    def water_budget(self, place: str) -> WaterBudget | None:
        budget = self.spec.water_budget
        if budget is None:
            return None
        return WaterBudget(
            harmonics=self.harmonics,
            levels=self.levels,
            interval=self.interval,
            network=surface_flux(
                self.weights,
                f"{place}.network",
                budget,
                self.spec,
                self.grid,
                self.ground["land_sea_mask"],
            ),
        )

    def dycore(self, place: str) -> Dycore:
        spec = self.spec.dycore
        grid = self.dycore_harmonics.grid
        orography = self.orography(place, self.dycore_harmonics, learned=True)
        filters = [self.factor(self.attenuation(f), f, grid) for f in spec.filters]
        try:
            return Dycore(
                self.dycore_harmonics,
                self.levels,
                self.spec.reference_temperature,
                orography,
                np.stack(filters),
                self.interval / spec.substeps,
                spec.substeps,
            )
        except ValueError as error:
            raise CheckpointError(
                f"The model cannot be built: {error}.",
                "Correct reference_temperature in its card.",
            ) from None

    def orography(
        self, place: str, harmonics: SphericalHarmonics, learned: bool
    ) -> Orography:
        if harmonics.grid not in self.bases:  # encoders and decoder share theirs
            self.bases[harmonics.grid] = modal_orography(
                self.surface_geopotential, self.harmonics, harmonics.grid
            )
        base = self.bases[harmonics.grid]
        correction = None
        if learned:
            size = int(harmonics.grid.mask.sum())
            correction = self.weights.take(f"{place}.orography.correction", (size,))
        return Orography(base, correction, self.spec.orography_scale)

    def location_time(self, place: str) -> LocationTimeFeatures:
        shape = (self.spec.position_fields, *self.grid.nodal_shape)
        position = self.weights.take(f"{place}.surroundings.position", shape)
        return LocationTimeFeatures(self.grid, self.ground, position)

    def random_fields(self, place: str, spec: specs.RandomFieldsSpec) -> RandomFields:
        count = len(spec.correlation_hours) - spec.fixed

        return RandomFields(
            harmonics=self.harmonics,
            names=spec.names,
            times=tuple(h * units.HOUR for h in spec.correlation_hours),
            lengths=tuple(1000 * km * units.METER for km in spec.correlation_km),
            interval=self.interval * self.spec.physics_substeps,
            clip=spec.clip,
            raw_times=self.weights.take(f"{place}.raw_times", (count,)),
            raw_lengths=self.weights.take(f"{place}.raw_lengths", (count,)),
        )

    def attenuation(self, damping: specs.DampingSpec) -> float:
        minutes = self.spec.step_minutes / self.spec.physics_substeps
        return minutes / damping.timescale_minutes

    def factor(
        self,
        attenuation: float,
        shape: specs.FilterSpec | specs.DampingSpec,
        grid: Grid,
    ) -> np.ndarray:
        return exponential_filter(
            grid.total_wavenumbers, attenuation, shape.order, shape.cutoff
        )
