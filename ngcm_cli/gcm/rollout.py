"""A run as a generator of decoded output."""

import dataclasses
from collections.abc import Iterator

import jax
import numpy as np

from ngcm_cli.errors import UnstableRunError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import Fields, NeuralGCM
from ngcm_cli.gcm.model_state import ModelState


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Output at one time.

    Attributes:
        step: model steps since the initial state.
        fields: decoded fields on the host, SI units, (level, longitude, latitude), with
            one level at the surface; of members side by side with an axis before these.
        state: the state of the model at that time, on the device.
    """

    step: int
    fields: dict[str, np.ndarray]
    state: ModelState


def rollout(
    model: NeuralGCM,
    state: ModelState,
    forcing: Fields | Forcing,
    every: int,
    count: int,
    variables: tuple[str, ...] | None = None,
) -> Iterator[Chunk]:
    """Yield output at the start and ``count`` times more, ``every`` steps apart.

    The device already computes the next output while the caller works on the last one,
    and at most two are held at a time.

    Args:
        model: the model.
        state: where to start.
        forcing: as for ``NeuralGCM.advance``.
        every: model steps between two outputs.
        count: number of outputs after the initial one.
        variables: as for ``NeuralGCM.decode``.

    Raises:
        UnstableRunError: a decoded field is not finite.

    Example:
        >>> for chunk in rollout(model, state, data.forcing, every=6, count=2):
        ...     print(chunk.step, chunk.fields["temperature"].mean())
    """
    for chunk in outputs(model, state, forcing, every, count, variables):
        _check_finite(chunk.fields, chunk.step, model)
        yield chunk


def outputs(
    model: NeuralGCM,
    state: ModelState,
    forcing: Fields | Forcing,
    every: int,
    count: int,
    variables: tuple[str, ...] | None = None,
) -> Iterator[Chunk]:
    """Yield as `rollout` does, also for many members; without a check for NaN."""
    decoded = model.decode(state, variables, forcing)
    for i in range(count + 1):
        this_state, this_decoded = state, decoded
        if i < count:
            state = model.advance(state, forcing, steps=every)
            decoded = model.decode(state, variables, forcing)
        yield Chunk(i * every, jax.device_get(this_decoded), this_state)


def _check_finite(fields: dict[str, np.ndarray], step: int, model: NeuralGCM) -> None:
    for name, x in fields.items():
        if not np.isfinite(x).all():
            place = ""
            if len(x) == len(model.levels):
                level = model.levels[np.argwhere(~np.isfinite(x))[0][0]]
                place = f" at {level:g} hPa"
            hours = step * model.time_step / np.timedelta64(1, "h")
            raise UnstableRunError(
                f"The run became unstable: {name}{place} is not finite "
                f"{hours:g} hours after the start.",
                "Shorten the lead time, or try another seed or initial state.",
            )
