"""Nudging: relaxation of the state toward analyses, in spectral space."""

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ngcm_cli import units
from ngcm_cli.dynamics import State
from ngcm_cli.gcm.time_series import neighbours

_PARTS: Mapping[str, Callable[[State], jax.Array]] = MappingProxyType(
    {
        "u_component_of_wind": lambda x: x.vorticity,
        "v_component_of_wind": lambda x: x.divergence,
        "temperature": lambda x: x.temperature_variation,
        "specific_humidity": lambda x: x.tracers["specific_humidity"],
        "surface_pressure": lambda x: x.log_surface_pressure,
    }
)
"""What of a state is relaxed: for the two components of wind together both of theirs,
for surface pressure its logarithm."""


class Nudging(eqx.Module):
    """Newtonian relaxation of prognostic variables toward a reference x_ref(t).

    dx/dt = (x_ref - x)/τ (Jeuken et al., 1996, doi:10.1029/96JD01218, equation 1), on
    the coefficients of spherical harmonics. It acts after each model step of length Δt,
    as the exact solution for the reference at the end of the step,

        x ← x + (1 - exp(-Δt/τ)) (x_ref - x),

    so that no τ is unstable. The reference is linear in time between its states, and
    persists before the first and after the last. Only total wavenumbers that the
    reference has are relaxed (spectral nudging, von Storch et al., 2000).

    Attributes:
        minutes: of the reference states, whole minutes since 1979-01-01T00 UTC.
        reference: modal values of the relaxed variables, in the order of ``variables``,
            each (time, level, zonal wavenumber, total wavenumber).
        steps: τ in model steps, nondimensional.
        variables: names of the relaxed variables.
    """

    minutes: Int[Array, " time"]
    reference: tuple[Float[Array, "time level m l"], ...]
    steps: Float[Array, ""]
    variables: tuple[str, ...] = eqx.field(static=True)

    @classmethod
    def toward(
        cls,
        times: np.ndarray,
        states: Sequence[tuple[jax.Array, ...]],
        steps: float,
        variables: tuple[str, ...],
        at_least: int = 1,
    ) -> "Nudging":
        """Return the relaxation toward states at given times.

        Args:
            times: datetime64, ascending.
            states: what `relaxed_part` returns of the state at each of them.
            steps: τ in model steps.
            variables: names of the relaxed variables.
            at_least: repeat the last state until there are so many, which changes no
                answer; runs then share a program.
        """
        minutes = (times - units.REFERENCE_TIME) // np.timedelta64(1, "m")
        more = max(0, at_least - len(times))
        later = minutes[-1] + 1 + np.arange(more)
        states = [*states, *[states[-1]] * more]
        return cls(
            jnp.asarray(np.concatenate([minutes, later]), jnp.int32),
            tuple(jnp.stack(x) for x in zip(*states, strict=True)),
            jnp.float32(steps),
            variables,
        )

    def __call__(self, state: State, minutes: Int[Array, ""]) -> State:
        """Return a state at the end of a model step, relaxed."""
        share = -jnp.expm1(-1 / self.steps)
        departure = self._departure(state, minutes)
        return jax.tree.map(lambda x, d: x + share * d, state, departure)

    def last_change(self, state: State, minutes: Int[Array, ""]) -> State:
        """Return what was added to a state at the end of the step that led to it.

        It follows from the state x after the relaxation: (exp(Δt/τ) - 1) (x_ref - x).
        """
        share = jnp.expm1(1 / self.steps)
        departure = self._departure(state, minutes)
        return jax.tree.map(lambda d: share * d, departure)

    def _departure(self, state: State, minutes: Int[Array, ""]) -> State:
        """Return x_ref - x; zero for what is not relaxed."""
        before, after, passed = neighbours(self.minutes, minutes)

        def difference(x: jax.Array, series: jax.Array) -> jax.Array:
            scales = series.shape[-1]
            # In this form equal states, and those at their times, stay as they are.
            target = series[before] + passed * (series[after] - series[before])
            return jnp.zeros_like(x).at[..., :scales].set(target - x[..., :scales])

        parts = relaxed_part(state, self.variables)
        return eqx.tree_at(
            functools.partial(relaxed_part, variables=self.variables),
            jax.tree.map(jnp.zeros_like, state),
            tuple(map(difference, parts, self.reference)),
        )


def relaxed_part(
    state: State, variables: tuple[str, ...], wavenumber: int | None = None
) -> tuple[jax.Array, ...]:
    """Return the modal values of variables in a state.

    Args:
        state: modal.
        variables: their names.
        wavenumber: highest total wavenumber; None is all. Cut off are those above.
    """
    parts = tuple(_PARTS[name](state) for name in variables)
    if wavenumber is None:
        return parts
    return tuple(x[..., : wavenumber + 1] for x in parts)
