"""What the errors of a training are divided by: changes in 24 hours."""

from collections.abc import Iterable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ngcm_cli.dynamics import State
from ngcm_cli.gcm import NeuralGCM
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.training.example import Example
from ngcm_cli.training.trajectory import encoded

NEGLIGIBLE = 1e-6
"""Share of the largest change of a variable below which a level does not count."""


class Scales(eqx.Module):
    """Standard deviations of changes in 24 hours, by variable and level.

    Zero is a level that does not count: nothing happens there, as to clouds in the
    stratosphere.

    Attributes:
        data: of fields on pressure levels, SI units; the loss compares these fields.
        model: of the variables of the state on sigma levels, nondimensional.
        outputs: not of changes, but of the truths of new outputs: mean, standard
            deviation, and the share of the sphere without truth.
    """

    data: dict[str, Float[Array, " level"]]
    model: dict[str, Float[Array, " level"]]
    outputs: dict[str, Float[Array, " 3"]] = eqx.field(default_factory=dict)


def by_variable(state: State) -> dict[str, jax.Array]:
    """Return the variables of a state by name, tracers among the others."""
    fields = {name: x for name, x in vars(state).items() if name != "tracers"}
    return fields | state.tracers


def difference_scales(
    model: NeuralGCM, pairs: Iterable[Example], key: jax.Array
) -> Scales:
    """Return the standard deviations over the globe and over pairs of times.

    Args:
        model: encodes the fields for the scales on sigma levels.
        pairs: examples of two times, 24 hours apart; at least one.
        key: of the random fields of the encoder, the same for both times of a pair.

    Raises:
        ValueError: there is no pair.
    """
    data: dict[str, list[np.ndarray]] = {}
    sigma: dict[str, list[np.ndarray]] = {}
    for pair in pairs:
        for name, (before, after) in pair.fields.items():
            change = np.subtract(after, before, dtype=np.float64)
            moments = _mean(change, model.grid), _mean(change**2, model.grid)
            data.setdefault(name, []).append(np.stack(moments))
        before, after = (by_variable(_encoded(model, pair, i, key)) for i in (0, 1))
        for name in after:
            change = np.subtract(after[name], before[name], dtype=np.float64)
            # Of orthonormal harmonics: the mean is in the first coefficient.
            mean = change[:, 0, 0] / np.sqrt(4 * np.pi)
            square = (change**2).sum((-2, -1)) / (4 * np.pi)
            sigma.setdefault(name, []).append(np.stack([mean, square]))
    if not data:
        raise ValueError("there is no pair of times to take differences of")
    return Scales(data=_deviations(data), model=_deviations(sigma))


@eqx.filter_jit
def _encoded(model: NeuralGCM, pair: Example, index: int, key: jax.Array) -> State:
    return encoded(model, pair, index, key).state


def _mean(x: np.ndarray, grid: Grid) -> np.ndarray:
    """Return means over the globe of (level, longitude, latitude)."""
    return (x * grid.area_weights).sum((-2, -1)) / (4 * np.pi)


def _deviations(moments: dict[str, list[np.ndarray]]) -> dict[str, jax.Array]:
    """Return standard deviations from means and mean squares of each pair."""
    found = {}
    for name, of_pairs in moments.items():
        mean, square = np.mean(of_pairs, axis=0)
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        counts = deviation > NEGLIGIBLE * deviation.max()
        found[name] = jnp.asarray(np.where(counts, deviation, 0), jnp.float32)
    return found
