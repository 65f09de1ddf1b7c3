"""The learned physics: tendencies of everything that the dynamical core leaves out."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ngcm_cli.dynamics import State
from ngcm_cli.dynamics.sigma import SigmaLevels
from ngcm_cli.physics.column_blocks import map_column_blocks
from ngcm_cli.physics.features import LocationTimeFeatures, prefixed, state_features
from ngcm_cli.physics.scaling import (
    Features,
    Normalization,
    OutputScaling,
)
from ngcm_cli.physics.surface import SurfaceEmbedding
from ngcm_cli.physics.towers import ColumnTower, VerticalConvolutions
from ngcm_cli.spectral.operators import vorticity_divergence
from ngcm_cli.spectral.transform import SphericalHarmonics

STATE_FIELDS = (
    "divergence",
    "log_surface_pressure",
    "specific_cloud_ice_water_content",
    "specific_cloud_liquid_water_content",
    "specific_humidity",
    "temperature_variation",
    "vorticity",
)
PROFILE_FIELDS = (
    "divergence",
    "pressure",
    "specific_cloud_ice_water_content",
    "specific_cloud_liquid_water_content",
    "specific_humidity",
    "temperature_variation",
    "u",
    "v",
    "vorticity",
)


class Parameterization(eqx.Module):
    """Features of each column → network → tendencies, filtered in spectral space.

    Kochkov et al. (2024), methods.

    Attributes:
        harmonics: transforms of the model's grid.
        levels: sigma levels.
        location_time: features of place and time.
        surface: embedding of land, sea and ice.
        profile_normalization: for the vertical convolutions.
        profile: convolutions along the levels of each column.
        normalization: of all features of the tower.
        tower: the column network.
        outputs: splits and scales what it predicts.
        damping: factor of each total wavenumber of the tendencies.
    """

    harmonics: SphericalHarmonics
    levels: SigmaLevels = eqx.field(static=True)
    location_time: LocationTimeFeatures
    surface: SurfaceEmbedding
    profile_normalization: Normalization
    profile: VerticalConvolutions
    normalization: Normalization
    tower: ColumnTower
    outputs: OutputScaling
    damping: Float[Array, " total_wavenumber"]

    def __call__(
        self,
        state: State,
        memory: State | None,
        noise: Features,
        forcing: dict[str, jax.Array],
        time: Float[Array, ""],
    ) -> State:
        """Return modal tendencies per nondimensional time; see ``features``."""
        return self.tendency(self.features(state, memory, noise, forcing, time), state)

    def tendency(self, features: Features, state: State) -> State:
        """Return modal tendencies of a state with these features, nondimensional."""
        columns = map_column_blocks(
            lambda x: self.tower(self.normalization(x)), features
        )
        return self._to_modal(self.outputs(columns), state)

    def features(
        self,
        state: State,
        memory: State | None,
        noise: Features,
        forcing: dict[str, jax.Array],
        time: Float[Array, ""],
    ) -> Features:
        """Return all features of the column network by name, nondimensional.

        Args:
            state: modal state.
            memory: modal state of the previous step, for models that use it.
            noise: nodal random fields by name; empty for deterministic models.
            forcing: sea-surface temperature [K] and sea-ice cover [0 … 1] on the grid.
            time: nondimensional time since 1979.
        """
        features = state_features(state, self.harmonics, STATE_FIELDS, gradients=True)
        pressure = jnp.exp(features["log_surface_pressure"])
        features["pressure"] = pressure * self.levels.centers[:, None, None]

        seen = {name: features[name] for name in PROFILE_FIELDS}
        channels = map_column_blocks(self._profile_channels, seen)
        features["CNN1D"] = channels.reshape(-1, *channels.shape[2:])

        features["surface_embedding"] = self.surface(features, forcing)
        if memory is not None:
            features |= prefixed(
                "memory_",
                state_features(memory, self.harmonics, STATE_FIELDS, gradients=False),
            )
        return features | noise | self.location_time(time)

    def _profile_channels(self, features: Features) -> jax.Array:
        """Return the convolutions, (channel, level, longitude, latitude)."""
        packed = self.profile_normalization(features)
        return self.profile(packed.reshape(len(features), -1, *packed.shape[1:]))

    def _to_modal(self, nodal: Features, state: State) -> State:
        """Return tendencies of the state variables from those of wind and the rest."""
        vorticity, divergence = vorticity_divergence(
            nodal["u"], nodal["v"], self.harmonics
        )
        rest = {k: x for k, x in nodal.items() if k not in ("u", "v")}
        parts = self.harmonics.each_to_modal(list(rest.values()))
        modal = dict(zip(rest, parts, strict=True))
        tendency = State(
            vorticity=vorticity,
            divergence=divergence,
            temperature_variation=modal["temperature_variation"],
            log_surface_pressure=modal.get(
                "log_surface_pressure", jnp.zeros_like(state.log_surface_pressure)
            ),
            tracers={name: modal[name] for name in state.tracers},
        )
        return jax.tree.map(lambda x: x * self.damping, tendency)
