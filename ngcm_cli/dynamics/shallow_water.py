"""The shallow-water equations of one layer on the rotating sphere.

A layer of height h over ground of height hₛ; its geopotential gh is split into a
constant Φ̄ and the rest φ, and Φₛ = g hₛ. With absolute vorticity η = ζ + f, wind
**v** and kinetic energy E = |**v**|²/2 the equations in vorticity-divergence form are

    ∂ζ/∂t = −∇·(η **v**)
    ∂δ/∂t = k·∇×(η **v**) − ∇²(E + Φₛ)   − ∇²φ
    ∂φ/∂t = −∇·(φ **v**)                 − Φ̄ δ

(Hack & Jakob 1992, Description of a global shallow water model based on the spectral
transform method, NCAR/TN-343+STR; Williamson et al. 1992, A standard test set for
numerical approximations to the shallow water equations in spherical geometry, Journal
of Computational Physics 102, doi:10.1016/S0021-9991(05)80016-6, section 2). What stands
on the right are gravity waves around the constant depth: they are treated implicitly,
and exactly for each total wavenumber; the rest is formed on a grid on which products of
two fields do not alias.
"""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from ngcm_cli import units
from ngcm_cli.arrays import Modal
from ngcm_cli.dynamics.sil3 import (
    IMPLICIT_FRACTIONS,
    SIL3,
    Filtered,
    SparseTerm,
    take_step,
)
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import (
    clip_wavenumbers,
    cos_lat_velocity,
    curl_cos_lat,
    div_cos_lat,
    laplacian,
    sec2_lat,
)
from ngcm_cli.spectral.transform import SphericalHarmonics


class ShallowWaterState(eqx.Module):
    """Prognostic variables of one layer, or their tendencies; modal, nondimensional.

    Attributes:
        vorticity: relative vorticity ζ.
        divergence: horizontal divergence δ.
        geopotential: φ, that of the depth of the layer minus the constant Φ̄.
    """

    vorticity: Modal
    divergence: Modal
    geopotential: Modal


def coriolis_parameter(grid: Grid, tilt: float = 0.0) -> np.ndarray:
    """Return f of a planet whose axis is tilted against that of the grid.

    Williamson et al. (1992), case 2: f = 2Ω (sin φ cos α − cos λ cos φ sin α).

    Args:
        grid: where.
        tilt: angle α between the axes, radians, around the points 90° E and W on the
            equator.

    Returns:
        Nondimensional, shape (longitude, latitude), float64.
    """
    tilted = np.outer(np.cos(grid.longitude), grid.cos_latitude) * np.sin(tilt)
    return 2 * units.ANGULAR_VELOCITY * (grid.sin_latitude * np.cos(tilt) - tilted)


def explicit_tendencies(
    state: ShallowWaterState,
    harmonics: SphericalHarmonics,
    coriolis: Float[Array, "longitude latitude"],
    ground: Float[Array, "m total_wavenumber"],
) -> ShallowWaterState:
    """Return the nonlinear tendencies per nondimensional time, modal, clipped.

    Args:
        state: modal state.
        harmonics: transforms of its grid.
        coriolis: Coriolis parameter f on the nodes, nondimensional.
        ground: modal geopotential Φₛ of the ground, nondimensional.
    """
    # Everything needed on the grid, in one transform; U, V = u cos φ, v cos φ.
    wind = cos_lat_velocity(state.vorticity, state.divergence, clip=False)
    nodal = harmonics.to_nodal(
        jnp.concatenate([state.vorticity, *wind, state.geopotential])
    )
    vorticity, u, v, geopotential = jnp.split(nodal, 4)
    sec2 = sec2_lat(harmonics.grid, nodal.dtype)
    absolute_vorticity = vorticity + coriolis
    kinetic_energy = 0.5 * (u**2 + v**2)

    # Back to spectral space, in one transform.
    products = [
        u * absolute_vorticity,
        v * absolute_vorticity,
        u * geopotential,
        v * geopotential,
        kinetic_energy,
    ]
    back = harmonics.to_modal(jnp.concatenate(products) * sec2)
    eta_u, eta_v, phi_u, phi_v, energy = jnp.split(back, 5)
    tendency = ShallowWaterState(
        vorticity=-div_cos_lat(eta_u, eta_v, clip=False),
        divergence=curl_cos_lat(eta_u, eta_v, clip=False) - laplacian(energy + ground),
        geopotential=-div_cos_lat(phi_u, phi_v, clip=False),
    )
    return jax.tree.map(clip_wavenumbers, tendency)


def implicit_tendencies(
    state: ShallowWaterState, mean_geopotential: float
) -> ShallowWaterState:
    """Return the linear gravity-wave tendencies per nondimensional time, modal.

    That of vorticity is a single zero.

    Args:
        state: modal state.
        mean_geopotential: Φ̄, nondimensional.
    """
    return ShallowWaterState(
        vorticity=jnp.zeros((1, 1, 1), state.vorticity.dtype),
        divergence=-laplacian(state.geopotential),
        geopotential=-mean_geopotential * state.divergence,
    )


class ImplicitSolve(eqx.Module):
    """State ↦ (1 − η · implicit)⁻¹ state, by elimination of one of two unknowns.

    For each total wavenumber, with λ = −l(l + 1),

        δ + η λ φ = δ*,  φ + η Φ̄ δ = φ*

    Attributes:
        step: η of each stage of the time integrator.
        factor: 1/(1 − η² Φ̄ λ).
        mean_geopotential: Φ̄, nondimensional.
    """

    step: Float[Array, " stage"]
    factor: Float[Array, "stage total_wavenumber"]
    mean_geopotential: float = eqx.field(static=True)

    def __init__(
        self,
        total_wavenumbers: int,
        mean_geopotential: float,
        step_size: float,
        dtype: DTypeLike,
    ):
        """Compute the factors in float64 and round them once."""
        l = np.arange(total_wavenumbers)
        step = step_size * np.array(IMPLICIT_FRACTIONS)
        square = step[:, None] ** 2 * mean_geopotential * (l * (l + 1.0))
        self.step = jnp.asarray(step.astype(dtype))
        self.factor = jnp.asarray((1 / (1 + square)).astype(dtype))
        self.mean_geopotential = mean_geopotential

    def __call__(
        self, stage: Int[Array, ""], state: ShallowWaterState
    ) -> ShallowWaterState:
        """Solve for divergence and geopotential; vorticity passes through."""
        step, factor = self.step[stage], self.factor[stage]
        divergence = state.divergence - step * laplacian(state.geopotential)
        depth = step * self.mean_geopotential * state.divergence
        return ShallowWaterState(
            vorticity=state.vorticity,
            divergence=factor * divergence,
            geopotential=factor * (state.geopotential - depth),
        )


class WindDamping(eqx.Module):
    """Multiplies each total wavenumber of vorticity and divergence by a factor.

    Depth is left alone: water at rest over mountains stays at rest.
    """

    factors: Float[Array, " total_wavenumber"]

    def __call__(self, state: ShallowWaterState) -> ShallowWaterState:
        """Damp a modal state."""
        return ShallowWaterState(
            vorticity=state.vorticity * self.factors,
            divergence=state.divergence * self.factors,
            geopotential=state.geopotential,
        )


class ShallowWater(eqx.Module):
    """Integrates the shallow-water equations.

    Attributes:
        harmonics: transforms of a grid that resolves products of two fields.
        mean_geopotential: Φ̄ around which gravity waves are linearised, nondimensional.
        coriolis: Coriolis parameter on the nodes, nondimensional.
        ground: modal geopotential of the ground, nondimensional.
        solver: SIL3 with the wind damped after each step.
        step_size: nondimensional.
    """

    harmonics: SphericalHarmonics
    mean_geopotential: float = eqx.field(static=True)
    coriolis: Float[Array, "longitude latitude"]
    ground: Float[Array, "m total_wavenumber"]
    solver: Filtered
    step_size: float = eqx.field(static=True)

    def __init__(
        self,
        harmonics: SphericalHarmonics,
        mean_geopotential: float,
        coriolis: np.ndarray,
        ground: np.ndarray,
        damping: np.ndarray,
        step_size: float,
    ):
        """Precompute the implicit solution in the precision of the transforms.

        Args:
            harmonics: transforms of a grid that resolves products of two fields.
            mean_geopotential: Φ̄, nondimensional.
            coriolis: Coriolis parameter on the nodes, nondimensional.
            ground: modal geopotential of the ground, nondimensional.
            damping: factor of the wind after each step, shape (total_wavenumber,).
            step_size: nondimensional.
        """
        dtype, columns = harmonics.fourier.dtype, harmonics.grid.total_wavenumbers
        self.harmonics = harmonics
        self.mean_geopotential = mean_geopotential
        self.coriolis = jnp.asarray(coriolis, dtype)
        self.ground = jnp.asarray(ground, dtype)
        self.step_size = step_size
        self.solver = Filtered(
            SIL3(
                step_size, ImplicitSolve(columns, mean_geopotential, step_size, dtype)
            ),
            WindDamping(jnp.asarray(damping, dtype)),
        )

    def __call__(self, state: ShallowWaterState) -> ShallowWaterState:
        """Return the modal state one step later; differentiable in both modes."""
        return take_step(self.solver, self.terms(), self.step_size, state)

    def terms(self) -> diffrax.MultiTerm:
        """Return the explicit and the implicit term."""

        def explicit(t, y, args):
            return explicit_tendencies(y, self.harmonics, self.coriolis, self.ground)

        def implicit(t, y, args):
            return implicit_tendencies(y, self.mean_geopotential)

        return diffrax.MultiTerm(diffrax.ODETerm(explicit), SparseTerm(implicit))
