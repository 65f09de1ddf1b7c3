"""Bringing features to order one, and network outputs back to physical size."""

import itertools
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.arrays import Columns

Features = dict[str, jax.Array]
"""Named fields of shape (level, longitude, latitude)."""


class Normalization(eqx.Module):
    """(feature − shift)/scale per name, divided by a profile where one is given.

    Attributes:
        shifts: per name; static, so that XLA folds them into neighbouring loops.
        scales: per name.
        profile: scale of each level for specific humidity and its derivatives, or None.
        max_value: bound of a final soft clip to ± this value, or None.
    """

    shifts: tuple[tuple[str, float], ...] = eqx.field(static=True)
    scales: tuple[tuple[str, float], ...] = eqx.field(static=True)
    profile: tuple[float, ...] | None = eqx.field(static=True, default=None)
    max_value: float | None = eqx.field(static=True, default=None)

    def __call__(self, features: Features) -> Columns:
        """Return the normalised features, packed as by ``concatenate_features``.

        Those that are scaled alike are joined first: one expression for all of them
        compiles in a fraction of the time of one for each.

        Raises:
            KeyError: a feature without shift or scale.
        """
        parts = []
        for is_humidity, group in itertools.groupby(sorted(features), _is_humidity):
            names = list(group)
            levels = [features[name].shape[-3] for name in names]
            x = concatenate_features({name: features[name] for name in names})
            x = x - _channels(dict(self.shifts), names, levels)
            x = x / _channels(dict(self.scales), names, levels)
            if self.profile is not None and is_humidity:
                factors = 1 / np.array(self.profile, np.float32)
                x = x * np.tile(factors, len(names))[:, None, None]
            bound = self.max_value
            parts.append(x if bound is None else soft_clip(x, bound))
        return jnp.concatenate(parts, axis=-3)


def _channels(
    values: Mapping[str, float], names: list[str], levels: list[int]
) -> np.ndarray:
    """Return the value of each name, repeated for its levels, (channel, 1, 1)."""
    each = np.array([values[name] for name in names], np.float32)
    return np.repeat(each, levels)[:, None, None]


def _is_humidity(name: str) -> bool:
    """Return whether a feature is specific humidity or a derivative of it, now."""
    return name.startswith("specific_humidity")


def soft_clip(x: jax.Array, max_value: float) -> jax.Array:
    """Identity well inside ± max_value, smoothly constant outside."""
    width = 2 * max_value
    inner = _softplus(width - _softplus(x + max_value))
    return max_value - inner * (width / jax.nn.softplus(np.float32(width)))


def _softplus(x: jax.Array) -> jax.Array:
    """Return ln(1 + eˣ) to the rounding of 1, with fewer operations than ``log1p``."""
    return jnp.maximum(x, 0) + jnp.log(1 + jnp.exp(-jnp.abs(x)))


def concatenate_features(features: Features) -> Columns:
    """Join all features along the channel axis, in alphabetical order."""
    return jnp.concatenate([features[name] for name in sorted(features)], axis=-3)


class OutputScaling(eqx.Module):
    """Splits network outputs by variable and gives each its physical size.

    Attributes:
        names: variables in the order of the channels.
        scales: factor of each variable, the global factor included.
        sizes: number of levels of each variable.
        profile: further scale of each level of specific humidity.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    scales: tuple[float, ...] = eqx.field(static=True)
    sizes: tuple[int, ...] = eqx.field(static=True)
    profile: tuple[float, ...] = eqx.field(static=True)

    def __call__(self, columns: Columns) -> Features:
        """Map (channel, longitude, latitude) to fields by name."""
        parts = jnp.split(columns, np.cumsum(self.sizes)[:-1])
        out = {}
        for name, scale, x in zip(self.names, self.scales, parts, strict=True):
            out[name] = x * scale
            if _is_humidity(name):
                out[name] *= np.array(self.profile, np.float32)[:, None, None]
        return out
