"""One start of a forecast and the truth that the forecast is compared with."""

from collections.abc import Mapping
from types import MappingProxyType

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ngcm_cli import units
from ngcm_cli.gcm import Forcing, NeuralGCM


class Example(eqx.Module):
    """Fields at the start and at the times at which a forecast is verified.

    Without a batch axis; a batch has one in front of every array. Time 0 is the start;
    the next times follow at equal intervals.

    Attributes:
        fields: by name, each (time, level, longitude, latitude), SI units, on the
            pressure levels of the model; those at the surface have one level.
        forcing: of the sea, at its own times.
        clock: the model's clock at the times, in whole physics substeps.
        time: the same instants, nondimensional.
        truths: of new outputs by name, in their units; NaN where there is none.
    """

    fields: dict[str, Float[Array, "time level longitude latitude"]]
    forcing: Forcing
    clock: Int[Array, " time"]
    time: Float[Array, " time"]
    truths: dict[str, Float[Array, "time 1 longitude latitude"]]

    @classmethod
    def at_times(
        cls,
        model: NeuralGCM,
        times: np.ndarray,
        fields: Mapping[str, np.ndarray],
        forcing: Forcing,
        truths: Mapping[str, np.ndarray] = MappingProxyType({}),
    ) -> "Example":
        """Return an example whose times are given as datetime64, UTC.

        Raises:
            ValueError: a time is not a whole number of substeps after 1979-01-01T00.
        """
        clock = [model.substeps_since_reference(time) for time in times]
        return cls(
            fields={name: jnp.asarray(x) for name, x in fields.items()},
            forcing=forcing,
            clock=jnp.asarray(clock, jnp.int32),
            time=jnp.asarray(units.since_reference(times)),
            truths={name: jnp.asarray(x) for name, x in truths.items()},
        )
