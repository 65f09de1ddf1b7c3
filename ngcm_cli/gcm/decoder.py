"""From the state of the model on sigma levels to fields on pressure levels."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.dynamics.orography import Orography
from ngcm_cli.dynamics.tendencies import GAS_RATIO
from ngcm_cli.gcm.levels import interpolate
from ngcm_cli.physics.column_blocks import map_column_blocks
from ngcm_cli.physics.features import LocationTimeFeatures, state_features
from ngcm_cli.physics.scaling import Normalization, OutputScaling
from ngcm_cli.physics.towers import ColumnTower
from ngcm_cli.spectral.operators import velocity
from ngcm_cli.spectral.transform import SphericalHarmonics


class Decoder(eqx.Module):
    """Interpolates to pressure levels and adds a learned correction.

    Kochkov et al. (2024), methods.

    Attributes:
        harmonics: transforms of the model's grid.
        pressure_levels: of the output, hPa, ascending.
        levels: sigma levels.
        reference_temperature: of each sigma level, K.
        orography: surface height below the geopotential.
        location_time: features of place and time.
        fields: state variables among the features, besides wind.
        gradients: whether their horizontal derivatives are features too.
        normalization: of the features.
        tower: the column network.
        outputs: splits and scales the correction.
    """

    harmonics: SphericalHarmonics
    pressure_levels: tuple[float, ...] = eqx.field(static=True)
    levels: SigmaLevels = eqx.field(static=True)
    reference_temperature: tuple[float, ...] = eqx.field(static=True)
    orography: Orography
    location_time: LocationTimeFeatures
    fields: tuple[str, ...] = eqx.field(static=True)
    gradients: bool = eqx.field(static=True)
    normalization: Normalization
    tower: ColumnTower
    outputs: OutputScaling

    def __call__(self, state: State, time: Float[Array, ""]) -> dict[str, Nodal]:
        """Return nondimensional u, v, t, z and tracers on pressure levels.

        Args:
            state: modal state.
            time: nondimensional time since 1979.
        """
        fields = self.interpolate(state)
        features = state_features(state, self.harmonics, self.fields, self.gradients)
        features |= self.location_time(time)
        columns = map_column_blocks(
            lambda x: self.tower(self.normalization(x)), features
        )
        correction = self.outputs(columns)
        return {name: x + correction[name] for name, x in fields.items()}

    def interpolate(self, state: State) -> dict[str, Nodal]:
        """Return the uncorrected fields: the state interpolated from sigma to pressure.

        Temperature and geopotential are continued below the ground and above the top,
        the others held constant there.
        """
        u, v = velocity(state.vorticity, state.divergence, self.harmonics)
        names = sorted(state.tracers)
        stacked = self.harmonics.to_nodal(
            jnp.concatenate(
                [
                    state.temperature_variation,
                    *(state.tracers[name] for name in names),
                    state.log_surface_pressure,
                    self.orography.modal(self.harmonics.grid)[None],
                ]
            )
        )
        n = self.levels.layers
        t, *tracers = jnp.split(stacked[:-2], len(names) + 1)
        assert t.shape[0] == n
        tracers = dict(zip(names, tracers, strict=True))
        t = t + np.array(self.reference_temperature, np.float32)[:, None, None]

        virtual = t * (1 + (GAS_RATIO - 1) * tracers["specific_humidity"])
        z = stacked[-1:] * units.GRAVITY + self.levels.geopotential(virtual)

        pressure = np.array(self.pressure_levels) * units.HECTOPASCAL
        pressure = pressure.astype(np.float32)[:, None, None]
        target = jnp.asarray(pressure) / jnp.exp(stacked[-2:-1])
        on_sigma = {"u": u, "v": v, "t": t, "z": z} | tracers
        return interpolate(
            on_sigma, self.levels.centers, target, extrapolate=("t", "z")
        )
