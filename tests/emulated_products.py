"""Matrix products as a GPU or a TPU computes them, emulated on a CPU.

Operands are rounded to the bits that the device keeps, or split into several such
parts, and the products of the parts are summed in float32.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import pytest

from ngcm_cli.physics import towers
from ngcm_cli.spectral import transform

Result = TypeVar("Result")

TF32, BFLOAT16 = 10, 7
"""Bits of the significand that are kept."""

_EXACT = jax.lax.Precision.HIGHEST
PASSES = {
    "gpu": {
        None: (TF32, 1),
        jax.lax.Precision.HIGH: (TF32, 1),
        jax.lax.DotAlgorithmPreset.TF32_TF32_F32_X3: (TF32, 3),
        _EXACT: None,
    },
    "tpu": {
        None: (BFLOAT16, 1),
        jax.lax.Precision.HIGH: (BFLOAT16, 3),
        _EXACT: (BFLOAT16, 6),
    },
}
"""Bits and number of passes of each precision of JAX, by platform; None is float32."""


def rounded(x: jax.Array, bits: int) -> jax.Array:
    """The nearest numbers in float32 with so many bits of significand."""
    dropped = 23 - bits
    pattern = jax.lax.bitcast_convert_type(x, jnp.uint32)
    pattern = pattern + jnp.uint32(1 << (dropped - 1))
    pattern &= jnp.uint32(2**32 - 2**dropped)
    return jax.lax.bitcast_convert_type(pattern, jnp.float32)


def _parts(x: jax.Array, bits: int, count: int) -> list[jax.Array]:
    parts = []
    for _ in range(count):
        parts.append(rounded(x, bits))
        x = x - parts[-1]
    return parts


class _Products:
    """`jax.numpy` whose matrix products are those of a platform."""

    def __init__(self, platform: str):
        self.passes = PASSES[platform]

    def __getattr__(self, name: str) -> Any:
        return getattr(jnp, name)

    def einsum(self, subscripts: str, a: Any, b: Any, precision: Any = None) -> Any:
        product = lambda x, y: jnp.einsum(subscripts, x, y, precision=_EXACT)
        return self._sum(product, a, b, precision)

    def dot(self, a: Any, b: Any, precision: Any = None) -> Any:
        return self._sum(lambda x, y: jnp.dot(x, y, precision=_EXACT), a, b, precision)

    def _sum(self, product: Callable, a: Any, b: Any, precision: Any) -> Any:
        if self.passes[precision] is None:
            return product(a, b)
        bits, passes = self.passes[precision]
        count = {1: 1, 3: 2, 6: 3}[passes]  # all pairs of parts but the smallest
        first, second = _parts(a, bits, count), _parts(b, bits, count)
        pairs = [(i, j) for i in range(count) for j in range(count - i)]
        small_to_large = sorted(pairs, key=sum, reverse=True)
        return sum(product(first[i], second[j]) for i, j in small_to_large)


@contextlib.contextmanager
def products_of(platform: str) -> Iterator[None]:
    """Let transforms and networks compute their products as a platform does.

    What is compiled inside is not used outside, nor the other way round.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module in (transform, towers):
            patch.setattr(module, "jnp", _Products(platform))
        jax.clear_caches()
        yield
    jax.clear_caches()


def built_on(platform: str, build: Callable[[], Result]) -> Result:
    """Return what a function builds where it finds itself on a platform."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "default_backend", lambda: platform)
        return build()
