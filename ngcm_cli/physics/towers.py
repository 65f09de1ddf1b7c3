"""Networks applied to every column of the atmosphere independently.

Inputs and outputs are fields of shape (channel, longitude, latitude). Matrix products
have the precision of their layer, by default that of JAX; see `with_precision`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ngcm_cli.arrays import Columns

Activation = Callable[[jax.Array], jax.Array]
_Tree = TypeVar("_Tree")


def gelu(x: jax.Array) -> jax.Array:
    """Apply the Gaussian error linear unit, tanh form (Hendrycks & Gimpel 2016)."""
    return jax.nn.gelu(x, approximate=True)


ACTIVATIONS: dict[str, Activation] = {
    "gelu": gelu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
}
"""By the names that published configurations give them."""


class Linear(eqx.Module):
    """y = W x + b in each column."""

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"] | None
    precision: jax.lax.PrecisionLike = eqx.field(static=True, default=None)

    def __call__(self, x: Columns) -> Columns:
        """Map (in, longitude, latitude) to (out, longitude, latitude)."""
        y = jnp.einsum("oi,i...->o...", self.weight, x, precision=self.precision)
        return y if self.bias is None else y + self.bias[:, None, None]


class MLP(eqx.Module):
    """Linear layers with an activation between them, none after the last."""

    layers: tuple[Linear, ...]
    activation: Activation = eqx.field(static=True)

    def __call__(self, x: Columns) -> Columns:
        """Apply the layers in order."""
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class ColumnTower(eqx.Module):
    """Encode, process in residual blocks, decode.

    Attributes:
        encode: features to latent channels.
        process: residual blocks of latent channels.
        decode: latent channels to outputs.
    """

    encode: MLP
    process: tuple[MLP, ...]
    decode: MLP

    def __call__(self, x: Columns) -> Columns:
        """Map (feature, longitude, latitude) to (output, longitude, latitude)."""
        x = self.encode(x)
        for block in self.process:
            x = x + block(x)
        return self.decode(x)


class LevelConvolution(eqx.Module):
    """A convolution along the levels of each column, zero beyond top and bottom."""

    weight: Float[Array, "out in width"]
    bias: Float[Array, " out"]
    precision: jax.lax.PrecisionLike = eqx.field(static=True, default=None)

    def __call__(
        self, x: Float[Array, "in level longitude latitude"]
    ) -> Float[Array, "out level longitude latitude"]:
        """Cross-correlate: out(k) = b + Σⱼ W(j) in(k + j − width // 2)."""
        half, levels = self.weight.shape[-1] // 2, x.shape[1]
        padded = jnp.pad(x, [(0, 0), (half, half), (0, 0), (0, 0)])
        # One matrix product over neighbours and channels: XLA's own convolutions are
        # many times slower inside a loop on a CPU.
        neighbours = jnp.stack(
            [padded[:, j : j + levels] for j in range(self.weight.shape[-1])]
        )
        y = jnp.einsum(
            "oij,ji...->o...", self.weight, neighbours, precision=self.precision
        )
        return y + self.bias[:, None, None, None]


class VerticalConvolutions(eqx.Module):
    """Convolutions along the levels with an activation between them."""

    layers: tuple[LevelConvolution, ...]
    activation: Activation = eqx.field(static=True)

    def __call__(
        self, x: Float[Array, "in level longitude latitude"]
    ) -> Float[Array, "out level longitude latitude"]:
        """Apply the layers in order."""
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


def with_precision(tree: _Tree, precision: jax.lax.PrecisionLike) -> _Tree:
    """Return a pytree of modules whose networks have a precision of matrix products."""

    def is_layer(x: Any) -> bool:
        return isinstance(x, Linear | LevelConvolution)

    def changed(x: Any) -> Any:
        return dataclasses.replace(x, precision=precision) if is_layer(x) else x

    return jax.tree.map(changed, tree, is_leaf=is_layer)
