"""From fields on pressure levels to the state of the model on sigma levels."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import Nodal
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.dynamics.orography import Orography
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.gcm.levels import interpolate, surface_pressure
from ngcm_cli.physics.features import LocationTimeFeatures, nodal_values
from ngcm_cli.physics.scaling import Features, Normalization, OutputScaling
from ngcm_cli.physics.towers import ColumnTower
from ngcm_cli.spectral.operators import clip_wavenumbers, vorticity_divergence
from ngcm_cli.spectral.transform import SphericalHarmonics


class Encoder(eqx.Module):
    """Interpolates to sigma levels and adds a learned correction.

    Kochkov et al. (2024), methods.

    Attributes:
        harmonics: transforms of the model's grid, which is also that of the data.
        pressure_levels: of the data, hPa, ascending.
        levels: sigma levels.
        reference_temperature: of each sigma level, K.
        orography: surface height used to find the surface pressure.
        location_time: features of place and time.
        data_normalization: of the features of the data.
        model_normalization: of the random fields.
        tower: the column network.
        outputs: splits and scales the correction.
        damping: of each variable's total wavenumbers, shape (L,); None for no filter.
        clipped: number of highest total wavenumbers set to zero.
    """

    harmonics: SphericalHarmonics
    pressure_levels: tuple[float, ...] = eqx.field(static=True)
    levels: SigmaLevels = eqx.field(static=True)
    reference_temperature: tuple[float, ...] = eqx.field(static=True)
    orography: Orography
    location_time: LocationTimeFeatures
    data_normalization: Normalization
    model_normalization: Normalization
    tower: ColumnTower
    outputs: OutputScaling
    damping: State | None
    clipped: int = eqx.field(static=True)

    def __call__(
        self, data: dict[str, Nodal], noise: Features, time: Float[Array, ""]
    ) -> State:
        """Return the modal state that corresponds to the data.

        Args:
            data: nondimensional ``u``, ``v``, ``t``, ``z`` and tracers on the
                pressure levels.
            noise: nodal random fields by name; empty for deterministic models.
            time: nondimensional time since 1979.
        """
        first_guess = self.interpolate(data)
        features = self.features(data, noise, time)
        correction = self._correction(self.tower(features))
        # The first guess passes through the grid once more: the published models were
        # trained with this projection.
        to_modal, to_nodal = self.harmonics.to_modal, self.harmonics.to_nodal
        state = first_guess.map_stacked(lambda x: to_modal(to_nodal(x)))
        correction = correction.map_stacked(to_modal)
        state = jax.tree.map(jnp.add, state, correction)
        state = state.map_stacked(lambda x: clip_wavenumbers(x, self.clipped))
        if self.damping is not None:
            state = jax.tree.map(jnp.multiply, state, self.damping)
        return state

    def interpolate(self, data: dict[str, Nodal]) -> State:
        """Return the uncorrected modal state: data interpolated to sigma levels."""
        grid = self.harmonics.grid
        pressure = np.array(self.pressure_levels) * units.HECTOPASCAL
        pressure = pressure.astype(np.float32)
        height = self.harmonics.to_nodal(self.orography.modal(grid))
        p_surface = surface_pressure(data["z"], pressure, height[None] * units.GRAVITY)
        target = p_surface * self.levels.centers[:, None, None]
        on_sigma = interpolate(data, pressure, target)

        vorticity, divergence = vorticity_divergence(
            on_sigma["u"], on_sigma["v"], self.harmonics
        )
        reference = np.array(self.reference_temperature, np.float32)[:, None, None]
        scalars = [on_sigma["t"] - reference, jnp.log(p_surface)]
        scalars += [on_sigma[name] for name in TRACERS]
        modal = self.harmonics.to_modal(jnp.concatenate(scalars))
        n = self.levels.layers
        return State(
            vorticity=vorticity,
            divergence=divergence,
            temperature_variation=modal[:n],
            log_surface_pressure=modal[n : n + 1],
            tracers=dict(
                zip(TRACERS, jnp.split(modal[n + 1 :], len(TRACERS)), strict=True)
            ),
        )

    def features(
        self, data: dict[str, Nodal], noise: Features, time: Float[Array, ""]
    ) -> Float[Array, "channel longitude latitude"]:
        """Return normalised features of the column network, packed."""
        stacked = self.harmonics.to_modal(jnp.concatenate(list(data.values())))
        modal = dict(zip(data, jnp.split(stacked, len(data)), strict=True))
        seen = nodal_values(modal, self.harmonics, gradients=True)
        packed = self.data_normalization(seen | self.location_time(time))
        if noise:
            packed = jnp.concatenate([packed, self.model_normalization(noise)])
        return packed

    def _correction(self, columns: jax.Array) -> State:
        nodal = self.outputs(columns)
        tracers = {name: nodal.pop(name) for name in TRACERS}
        return State(**nodal, tracers=tracers)
