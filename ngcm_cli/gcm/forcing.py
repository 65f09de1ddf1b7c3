"""What a run is given from outside: the sea, and analyses that it is nudged to."""

import functools
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from ngcm_cli import units
from ngcm_cli.arrays import on_device
from ngcm_cli.gcm.nudging import Nudging
from ngcm_cli.gcm.time_series import neighbours


class Forcing(eqx.Module):
    """Sea-surface temperature and sea ice at given times, linear between them.

    Before the first and after the last time their fields persist, so that a forcing
    with one time is constant. What is interpolated is then held within its bounds,
    ``units.SEA_BOUNDS_SI``: the mid-month values of AMIP
    (``ngcm_cli.forcing.midmonth``) overshoot them on purpose, and only clipped after
    interpolation have the monthly means that were observed.

    The reference takes the field nearest in time, so that monthly fields jump in the
    middle between two of them. Interpolation replaces this on purpose.

    Attributes:
        minutes: whole minutes since 1979-01-01T00 UTC, ascending.
        fields: ``sea_surface_temperature`` [K] and ``sea_ice_cover`` [0 … 1].
        sst_offset: K, added to the temperature after it is held within its bounds, the
            same everywhere or not; unused where there is one field for all
            times.
        nudging: relaxation of the state after each step; None for none.
    """

    minutes: Int[Array, " time"]
    fields: dict[str, Float[Array, "time 1 longitude latitude"]]
    sst_offset: Float[Array, ""] | Float[Array, "1 longitude latitude"]
    nudging: Nudging | None = None

    @classmethod
    def constant(cls, fields: Mapping[str, ArrayLike]) -> "Forcing":
        """The same fields, each (1, longitude, latitude), at all times."""

        def always(x: ArrayLike) -> jax.Array:
            return (
                x[None] if isinstance(x, jax.Array) else on_device(np.asarray(x)[None])
            )

        return cls(
            on_device(np.zeros(1, np.int32)),
            {name: always(x) for name, x in fields.items()},
            on_device(np.float32(0)),
        )

    @classmethod
    def at_times(
        cls,
        times: np.ndarray,
        fields: Mapping[str, ArrayLike],
        sst_offset: float | np.ndarray = 0.0,
        at_least: int = 1,
    ) -> "Forcing":
        """Fields with a leading time axis at the given times.

        The number of times is padded to a power of two by repeating the last field at
        later times, which changes no answer: the last field persists anyway. Runs of
        different length, and parts of one, then share the programs compiled for one of
        them.

        Args:
            times: datetime64, ascending.
            fields: by name, each (time, 1, longitude, latitude), in SI units; kept in
                float32.
            sst_offset: K, added to the temperature of the sea; one number, or
                (1, longitude, latitude).
            at_least: pad as if there were so many times.
        """
        minutes = np.round((times - units.REFERENCE_TIME) / np.timedelta64(1, "m"))
        count = max(len(times), at_least)
        more = (1 << (count - 1).bit_length()) - len(times)
        later = minutes[-1] + 1 + np.arange(more)
        padding = ((0, more), (0, 0), (0, 0), (0, 0))
        return cls(
            on_device(np.concatenate([minutes, later]).astype(np.int32)),
            {
                name: on_device(np.pad(np.asarray(x, np.float32), padding, "edge"))
                for name, x in fields.items()
            },
            on_device(np.float32(sst_offset)),
        )

    def select(self, minutes: Int[Array, ""]) -> dict[str, jax.Array]:
        """The fields at a time, each (1, longitude, latitude).

        One field for all times is returned as it is, not even held within its bounds.
        """
        if len(self.minutes) == 1:
            return {name: x[0] for name, x in self.fields.items()}
        before, after, fraction = neighbours(self.minutes, minutes)

        def at(name: str, x: jax.Array) -> jax.Array:
            # In this form equal fields and the fields at their times stay as they are.
            value = x[before] + fraction * (x[after] - x[before])
            value = _within(value, *units.SEA_BOUNDS_SI[name])
            return (
                value + self.sst_offset if name == "sea_surface_temperature" else value
            )

        return {name: at(name, x) for name, x in self.fields.items()}


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _within(x: jax.Array, low: float, high: float | None) -> jax.Array:
    """Clip to bounds; on a bound itself the derivative is one.

    JAX would have one half there, where open water (no ice) and full cover always are.
    Beyond the bounds it is zero.
    """
    return jnp.clip(x, low, high)


@_within.defjvp
def _within_jvp(low, high, primals, tangents):
    (x,), (dx,) = primals, tangents
    inside = x >= low if high is None else (x >= low) & (x <= high)
    return _within(x, low, high), jnp.where(inside, dx, 0)
