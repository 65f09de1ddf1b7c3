"""Precipitation and evaporation: what the learned physics does to the water.

Fluxes are positive downwards, so that evaporation is negative, as in ERA5, and
precipitation and evaporation add up to precipitation minus evaporation.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ngcm_cli import units
from ngcm_cli.arrays import NodalSurface
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.physics.column_blocks import map_column_blocks
from ngcm_cli.physics.scaling import Features, Normalization
from ngcm_cli.physics.surface import SurfaceEmbedding
from ngcm_cli.physics.towers import Activation, ColumnTower
from ngcm_cli.spectral.transform import SphericalHarmonics

NET = "P_minus_E"
FLUXES = NET, "evaporation", "precipitation"
"""Of water at the surface; without a network of its own, a model knows the first."""


class Water(eqx.Module):
    """Water that passes the surface, by the name of the flux; nondimensional.

    Attributes:
        fluxes: mass per area and time during the last substep, each (1, longitude,
            latitude), positive downwards.
        accumulated: sums of the fluxes over time, mass per area, since the initial
            state or the last ``ModelState.reset_accumulations``.
    """

    fluxes: dict[str, NodalSurface]
    accumulated: dict[str, NodalSurface]


class SurfaceFlux(eqx.Module):
    """A column network that predicts one flux at the surface.

    Attributes:
        predicts: which flux.
        names: of the features of the physics that it sees.
        lowest_level: of these, the ones it sees on the lowest level only.
        position: learned fields of position of its own, or None.
        surface: embedding of the surface of its own, or None.
        normalization: of all features.
        tower: the network.
        final_activation: of its output, or None.
        scale: multiplies that.
        shift: is added to that.
        clip: bound of the result, or None.
    """

    predicts: Literal["precipitation", "evaporation"] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    lowest_level: tuple[str, ...] = eqx.field(static=True)
    position: Float[Array, "field longitude latitude"] | None
    surface: SurfaceEmbedding | None
    normalization: Normalization
    tower: ColumnTower
    final_activation: Activation | None = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    shift: float = eqx.field(static=True)
    clip: float | None = eqx.field(static=True)

    def __call__(
        self, features: Features, forcing: dict[str, jax.Array]
    ) -> NodalSurface:
        """Map the features of the physics to a nondimensional flux."""
        available = features | forcing
        seen = {
            name: available[name][-1:] if name in self.lowest_level else available[name]
            for name in self.names
        }
        if self.position is not None:
            seen["learned_positional_features"] = self.position
        if self.surface is not None:
            seen["surface_embedding"] = self.surface(features, forcing)
        flux = map_column_blocks(lambda x: self.tower(self.normalization(x)), seen)
        if self.final_activation is not None:
            flux = self.final_activation(flux)
        flux = flux * self.scale + self.shift
        return flux if self.clip is None else jnp.clip(flux, -self.clip, self.clip)


class WaterBudget(eqx.Module):
    """Fluxes and accumulations of the water that the learned physics removes.

    The dynamical core moves water but neither makes nor destroys it. What the learned
    tendencies q̇ of vapour and cloud take out of a column has left through its surface:
    P − E = −(pₛ/g) ∫₀¹ Σ q̇ dσ. A model that predicts one of P and E, as those of Yuval
    et al. (arXiv 2412.11973), has the other from this balance.

    Attributes:
        harmonics: transforms of the model's grid.
        levels: sigma levels.
        interval: length of a substep, nondimensional.
        network: of models that predict a flux; the others know P − E only.
    """

    harmonics: SphericalHarmonics
    levels: SigmaLevels = eqx.field(static=True)
    interval: float = eqx.field(static=True)
    network: SurfaceFlux | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the fluxes that are known."""
        return (NET,) if self.network is None else FLUXES

    def fluxes(
        self,
        state: State,
        tendency: State,
        features: Features,
        forcing: dict[str, jax.Array],
    ) -> dict[str, NodalSurface]:
        """Return nondimensional fluxes while a state has these tendencies.

        Args:
            state: modal state.
            tendency: learned modal tendencies of that state.
            features: of the learned physics, from that state.
            forcing: sea-surface temperature [K] and sea-ice cover [0 … 1] on the grid.
        """
        # The sum over the column first: one level is transformed instead of all.
        water = jnp.stack(list(tendency.tracers.values())).sum(0)
        water = self.levels.integral(water)
        nodal = self.harmonics.to_nodal(
            jnp.concatenate([state.log_surface_pressure, water])
        )
        net = -jnp.exp(nodal[:1]) / units.GRAVITY * nodal[1:]
        if self.network is None:
            return {NET: net}
        predicted = self.network(features, forcing)
        if self.network.predicts == "precipitation":
            parts = {"evaporation": net - predicted, "precipitation": predicted}
        else:
            parts = {"evaporation": predicted, "precipitation": net - predicted}
        return {NET: net} | parts

    def start(self, fluxes: dict[str, NodalSurface]) -> Water:
        """Return the water of an initial state, with accumulations of zero."""
        return Water(fluxes, {name: jnp.zeros_like(x) for name, x in fluxes.items()})

    def add(self, water: Water, fluxes: dict[str, NodalSurface]) -> Water:
        """Return the water after a substep with these fluxes."""
        accumulated = {
            name: water.accumulated[name] + flux * self.interval
            for name, flux in fluxes.items()
        }
        return Water(fluxes, accumulated)
