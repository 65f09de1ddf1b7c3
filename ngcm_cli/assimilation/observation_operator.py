"""From model states to what is observed: decoded fields at places and times."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ngcm_cli.assimilation.observations import OBSERVABLE, Observations
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.spectral.grid import Grid

_VECTORS = "u_component_of_wind", "v_component_of_wind"


class ObservationOperator(eqx.Module):
    """Decoded fields, interpolated to observations: linear, with constant weights.

    Bilinear in longitude and latitude, linear in ln p between the model's pressure
    levels and linear in time between its steps. Between the last latitude and the pole
    the other neighbour is that latitude on the opposite meridian, where wind has the
    opposite sign.

    Attributes:
        variables: fields to decode, stacked along their levels.
        index: of the eight neighbours of each observation in the flattened stack.
        weight: of those neighbours; the sum is one, but for wind at the poles.
        time_weight: of each time, which are a model step apart.
        observed: whether there is an observation near a time.
    """

    variables: tuple[str, ...] = eqx.field(static=True)
    index: Int[Array, "observation 8"]
    weight: Float[Array, "observation 8"]
    time_weight: Float[Array, "time observation"]
    observed: Bool[Array, " time"]

    @classmethod
    def of(
        cls,
        observations: Observations,
        model: NeuralGCM,
        start: np.datetime64,
        steps: int,
    ) -> Self:
        """Return the operator of observations from a time to some model steps later.

        Observations lie within this window and within the levels of the model. Their
        number is padded to a power of two with such as have no weight, so that another
        number of them need not be compiled again.
        """
        levels, grid = np.asarray(model.levels), model.grid
        present = set(observations.variable.tolist())
        variables = tuple(name for name in OBSERVABLE if name in present)
        sizes = [len(levels) if VARIABLES[v].on_levels else 1 for v in variables]
        first = dict(zip(variables, np.cumsum([0, *sizes]), strict=False))
        on_levels = np.isin(
            observations.variable, [v for v in variables if VARIABLES[v].on_levels]
        )
        pressure = np.where(on_levels, observations.pressure, levels[0])
        lower, below = linear_weights(np.log(levels), np.log(pressure))
        lower, below = np.where(on_levels, lower, 0), np.where(on_levels, below, 0)
        channel = np.array([first[v] for v in observations.variable.tolist()]) + lower
        is_vector = np.isin(observations.variable, _VECTORS)
        node, share = horizontal_weights(
            grid, observations.longitude, observations.latitude, is_vector
        )
        nodes = grid.longitude_nodes * grid.latitude_nodes
        upper = channel + on_levels  # no level beneath a field of one level
        index = np.concatenate(
            [channel[:, None] * nodes + node, upper[:, None] * nodes + node], axis=1
        )
        weight = np.concatenate(
            [(1 - below)[:, None] * share, below[:, None] * share], axis=1
        )
        since = (observations.time - start) / model.time_step
        steps_from = np.abs(np.arange(steps + 1)[:, None] - since)
        time_weight = np.maximum(1 - steps_from, 0)
        more = padded_size(len(observations)) - len(observations)
        return cls(
            variables=variables,
            index=jnp.asarray(np.pad(index, ((0, more), (0, 0))), jnp.int32),
            weight=jnp.asarray(np.pad(weight, ((0, more), (0, 0))), jnp.float32),
            time_weight=jnp.asarray(
                np.pad(time_weight, ((0, 0), (0, more))), jnp.float32
            ),
            observed=jnp.asarray((time_weight > 0).any(axis=1)),
        )

    def interpolate(
        self, fields: dict[str, Float[Array, "level longitude latitude"]]
    ) -> Float[Array, " observation"]:
        """Return fields of one time at the place of every observation, in SI units."""
        stack = jnp.concatenate([fields[name] for name in self.variables]).ravel()
        return (self.weight * stack[self.index]).sum(axis=1)

    def equivalents(
        self, model: NeuralGCM, state: ModelState, forcing: Forcing
    ) -> Float[Array, " observation"]:
        """Return what the model has in place of the observations, in SI units.

        Differentiable in the state, which is that at the beginning of the window; the
        states at all steps are kept for the way back, and no more.
        """

        @jax.checkpoint
        def at_time(carried: tuple[ModelState, jax.Array], time: tuple):
            state, total = carried
            begins, time_weight, observed = time
            # One body for all times: it takes a minute to compile.
            state = jax.lax.cond(
                begins, lambda x: x, lambda x: model.advance(x, forcing, 1), state
            )
            seen = jax.lax.cond(
                observed,
                lambda x: self.interpolate(model.decode(x, self.variables)),
                lambda _: jnp.zeros_like(total),
                state,
            )
            return (state, total + time_weight * seen), None

        first = jnp.arange(len(self.observed)) == 0
        times = first, self.time_weight, self.observed
        total = jnp.zeros(len(self.weight))
        (_, total), _ = jax.lax.scan(at_time, (state, total), times)
        return total


def padded_size(count: int) -> int:
    """Return the power of two, 1024 or more, to which observations are padded."""
    return max(1024, 1 << (count - 1).bit_length())


def linear_weights(
    nodes: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of the node before each point and the weight of the next.

    Args:
        nodes: ascending, two or more.
        wanted: points, within the nodes but for rounding.
    """
    before = np.clip(
        np.searchsorted(nodes, wanted, side="right") - 1, 0, len(nodes) - 2
    )
    return before, (wanted - nodes[before]) / (nodes[before + 1] - nodes[before])


def horizontal_weights(
    grid: Grid, longitude: np.ndarray, latitude: np.ndarray, is_vector: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return four neighbours of points and their weights, each (point, 4).

    Args:
        grid: of the fields.
        longitude: degrees.
        latitude: degrees, from -90 to 90.
        is_vector: whether a component of wind is interpolated.

    Returns:
        Indices into a flattened field (longitude, latitude), and weights.
    """
    rows = grid.latitude_nodes
    nodes = np.concatenate(
        [[-np.pi - grid.latitude[0]], grid.latitude, [np.pi - grid.latitude[-1]]]
    )
    south, to_north = linear_weights(nodes, np.deg2rad(latitude))
    parts = []
    for row, share in ((south - 1, 1 - to_north), (south, to_north)):
        is_beyond = (row < 0) | (row >= rows)  # a pole
        angle = np.deg2rad(longitude) + np.pi * is_beyond
        place = angle % (2 * np.pi) / (2 * np.pi) * grid.longitude_nodes
        west = np.floor(place).astype(int)
        to_east = place - west
        sign = np.where(is_beyond & is_vector, -1.0, 1.0)
        row = np.clip(row, 0, rows - 1)
        for column, part in ((west, 1 - to_east), (west + 1, to_east)):
            node = column % grid.longitude_nodes * rows + row
            parts.append((node, sign * share * part))
    index, weight = zip(*parts, strict=True)
    return np.stack(index, axis=1), np.stack(weight, axis=1)
