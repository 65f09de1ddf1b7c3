"""The dynamical core: fluid motion over one interval of constant learned tendency."""

import functools
from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from ngcm_cli.arrays import on_device
from ngcm_cli.dynamics.implicit import (
    ImplicitSolve,
    implicit_tendencies,
)
from ngcm_cli.dynamics.orography import Orography
from ngcm_cli.dynamics.sil3 import (
    IMPLICIT_FRACTIONS,
    SIL3,
    Filtered,
    SparseTerm,
    take_step,
)
from ngcm_cli.dynamics.state import State
from ngcm_cli.dynamics.tendencies import explicit_tendencies
from ngcm_cli.dynamics.vertical_coordinate import VerticalCoordinate
from ngcm_cli.spectral.filters import change_truncation
from ngcm_cli.spectral.transform import SphericalHarmonics

_TENDENCIES = "explicit tendencies"


class Damping(eqx.Module):
    """Multiplies each total wavenumber of every variable by its damping factors."""

    factors: Float[Array, "filter total_wavenumber"]

    def __call__(self, state: State) -> State:
        """Damp a modal state."""
        for factor in self.factors:
            state = jax.tree.map(lambda x, f=factor: x * f, state)
        return state


class Dycore(eqx.Module):
    """Integrates the primitive equations on its own, smaller grid.

    The grid resolves products of two fields, so the nonlinear terms do not alias;
    states come and go in the truncation of the model.

    Attributes:
        harmonics: transforms of the dynamical core's grid.
        levels: sigma levels.
        reference_temperature: of each level, K, around which waves are linearised.
        orography: surface height on this grid.
        solver: SIL3 with the filters applied after each substep.
        step_size: of one substep, nondimensional.
        substeps: number of substeps in one call.
    """

    harmonics: SphericalHarmonics
    levels: VerticalCoordinate = eqx.field(static=True)
    reference_temperature: tuple[float, ...] = eqx.field(static=True)
    orography: Orography
    solver: Filtered
    step_size: float = eqx.field(static=True)
    substeps: int = eqx.field(static=True)

    def __init__(
        self,
        harmonics: SphericalHarmonics,
        levels: VerticalCoordinate,
        reference_temperature: tuple[float, ...],
        orography: Orography,
        damping: np.ndarray,
        step_size: float,
        substeps: int,
    ):
        """Precompute the implicit solution.

        Args:
            harmonics: transforms of the dynamical core's grid.
            levels: sigma levels.
            reference_temperature: of each level, K.
            orography: surface height on this grid.
            damping: factors applied after each substep, (filter, total_wavenumber).
            step_size: of one substep, nondimensional.
            substeps: number of substeps in one call.

        Raises:
            ValueError: an atmosphere of the reference temperature is not stable.
        """
        self.harmonics = harmonics
        self.levels = levels
        self.reference_temperature = reference_temperature
        self.orography = orography
        self.step_size = step_size
        self.substeps = substeps
        solve = ImplicitSolve(
            harmonics.grid.total_wavenumbers,
            levels,
            reference_temperature,
            [step_size * x for x in IMPLICIT_FRACTIONS],
        )
        self.solver = Filtered(
            SIL3(step_size, solve),
            Damping(on_device(np.float32(damping))),
        )

    def __call__(self, state: State, tendency: State) -> State:
        """Return the modal state ``substeps`` substeps later.

        Args:
            state: modal state in the truncation of the model.
            tendency: learned modal tendencies, held constant; same truncation.

        Returns:
            The state afterwards; scales that the dynamical core lacks are zero.
        """

        def truncate(x: jax.Array) -> jax.Array:
            return change_truncation(x, self.harmonics.grid.modal_shape)

        y0, forcing = jax.tree.map(truncate, (state, tendency))
        return jax.tree.map(
            lambda after, before: change_truncation(after, before.shape[-2:]),
            _solve(self, y0, forcing),
            state,
        )

    def terms(
        self, forcing: Callable[[State, Any], State] = lambda y, args: args
    ) -> diffrax.MultiTerm:
        """Return the explicit term, with what forces the flow, and the implicit.

        Args:
            forcing: function of the modal state and of the arguments of the solver that
                returns modal tendencies; by default the arguments are these.
        """
        reference_temperature = np.array(self.reference_temperature, np.float32)
        orography = self.orography.modal(self.harmonics.grid)

        def explicit(t, y, args):
            dynamics = explicit_tendencies(
                y, self.harmonics, self.levels, reference_temperature, orography
            )
            dynamics = checkpoint_name(dynamics, _TENDENCIES)
            return jax.tree.map(jnp.add, dynamics, forcing(y, args))

        def implicit(t, y, args):
            return implicit_tendencies(y, self.levels, reference_temperature)

        return diffrax.MultiTerm(diffrax.ODETerm(explicit), SparseTerm(implicit))


def _solve(dycore: Dycore, y0: State, forcing: State) -> State:
    """Integrate over all substeps.

    A scan, and not ``diffrax.diffeqsolve``: a step traces and compiles in three
    quarters of the time, and on the way back of a gradient only the state at each
    substep and the explicit tendencies of its stages are kept.
    """
    terms = dycore.terms()
    keep = jax.checkpoint_policies.save_only_these_names(_TENDENCIES)

    @functools.partial(jax.checkpoint, policy=keep)
    def substep(y: State, _: None) -> tuple[State, None]:
        after = take_step(dycore.solver, terms, dycore.step_size, y, forcing)
        return after, None

    return jax.lax.scan(substep, y0, None, length=dycore.substeps)[0]
