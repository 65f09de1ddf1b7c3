"""One setting of precision, and what it means to JAX on the device of this process."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

SETTINGS = ("published", "float32", "fast")

_FLOAT32 = jax.lax.Precision.HIGHEST
_THREE_PASSES_OF_BFLOAT16 = jax.lax.Precision.HIGH  # on a TPU; on a GPU one of TF32
# Not BF16_BF16_F32_X6, which XLA miscompiles before jaxlib 0.11.2, nor its sibling X3.
_THREE_PASSES_OF_TF32 = jax.lax.DotAlgorithmPreset.TF32_TF32_F32_X3

_LARGEST_ERROR = 3e-5
"""Of a transform in three passes, root mean square, relative.

With operands rounded on a CPU it is 2e-7 for TensorFloat-32 and 7e-6 for bfloat16; for
a single pass of TensorFloat-32 it is 5e-4.
"""


class Precisions(NamedTuple):
    """Precisions of matrix products, as JAX takes them; None is its default.

    Attributes:
        transforms: of spherical-harmonic transforms.
        networks: of the layers of networks.
    """

    transforms: jax.lax.PrecisionLike
    networks: jax.lax.PrecisionLike


def find_precisions(setting: str, transforms: str = "float32") -> Precisions:
    """Return what a setting means on JAX's default device.

    ``published`` computes transforms at least as exactly as on the TPUs where models
    were trained, and networks at JAX's default, as the reference does; ``float32``
    computes everything in float32; ``fast`` takes three passes of a shorter format for
    transforms. On a CPU all of them are float32.

    Args:
        setting: one of `SETTINGS`.
        transforms: what the published model asks for, ``tensorfloat32`` or ``float32``.

    Raises:
        ConfigError: there is no such setting, or the device cannot compute it.
    """
    if setting not in SETTINGS:
        raise ConfigError(
            f"There is no precision '{setting}'.", f"Use {', '.join(SETTINGS)}."
        )
    platform = jax.default_backend()
    if setting == "float32" or platform == "cpu":
        return Precisions(_FLOAT32, _FLOAT32)
    if setting == "fast":
        on_tpu = platform == "tpu"
        passes = _THREE_PASSES_OF_BFLOAT16 if on_tpu else _THREE_PASSES_OF_TF32
        _check_transforms(passes)
        return Precisions(passes, None)
    if platform == "tpu" and transforms == "tensorfloat32":
        return Precisions(_THREE_PASSES_OF_BFLOAT16, None)
    return Precisions(_FLOAT32, None)


def _check_transforms(precision: jax.lax.PrecisionLike) -> None:
    """Raise `ConfigError` unless the device transforms as exactly as it should.

    Of one level and with constant tables, which is the product that XLA is known to
    have miscompiled.
    """
    grid = Grid.triangular(21)
    modal = np.random.default_rng(0).normal(size=(1, *grid.modal_shape)) * grid.mask
    modal = jnp.asarray(modal, np.float32)

    def nodal(precision: jax.lax.PrecisionLike) -> np.ndarray:
        harmonics = SphericalHarmonics(grid, precision)
        return np.asarray(jax.jit(lambda x: harmonics.to_nodal(x))(modal))

    hint = "Give --precision published, or precision='published' in Python."
    expected = nodal(_FLOAT32)
    try:
        found = nodal(precision)
    except (ValueError, jax.errors.JaxRuntimeError):  # by JAX or by XLA
        raise ConfigError(
            f"precision fast: {jax.devices()[0].device_kind} does not compute matrix "
            "products in three passes.",
            hint,
        ) from None
    error = np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2))
    if not error <= _LARGEST_ERROR:
        raise ConfigError(
            f"precision fast: transforms on {jax.devices()[0].device_kind} differ from "
            f"float32 by {error:.1e}, more than {_LARGEST_ERROR:.0e}.",
            hint,
        )
