"""Gaussian random fields on the sphere, correlated in space and time.

First-order autoregressive processes in spectral space (Palmer et al. 2009, Stochastic
Parametrization and Model Uncertainty, ECMWF Technical Memorandum 598, appendix 8). The
random stream, which key is split or folded when, is that of the published models, so
that the same seed gives the same member.
"""

import zlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ngcm_cli.physics.scaling import Features
from ngcm_cli.spectral.transform import SphericalHarmonics

_ADVANCE = zlib.crc32(b"advance")
_UNIT_SOFTPLUS = float(np.log(np.e - 1))  # softplus of this is 1


class RandomState(eqx.Module):
    """Random fields at one time, and what is needed to go on.

    Attributes:
        fields: modal fields, (field, m, total_wavenumber); None for a model without.
        key: from which every later draw follows.
        step: number of advances since the fields were first drawn.
    """

    fields: Float[Array, "field m total_wavenumber"] | None
    key: PRNGKeyArray
    step: Int[Array, ""]


class RandomFields(eqx.Module):
    """A set of independent random fields of unit variance.

    Attributes:
        harmonics: transforms of the model's grid.
        names: feature name of each field, or None if all make up one, ``randomness``.
        times: first guess of each correlation time, nondimensional.
        lengths: first guess of each correlation length, nondimensional.
        interval: time between two advances that the correlation assumes.
        clip: bound of the draws, in standard deviations.
        raw_times: learned logits; the correlation time is the first guess times
            softplus(raw + ln(e − 1)), so that 0 leaves it unchanged. Where there are
            fewer than fields, the last fields keep their first guesses.
        raw_lengths: likewise for the correlation lengths.
    """

    harmonics: SphericalHarmonics
    names: tuple[str, ...] | None = eqx.field(static=True)
    times: tuple[float, ...] = eqx.field(static=True)
    lengths: tuple[float, ...] = eqx.field(static=True)
    interval: float = eqx.field(static=True)
    clip: float = eqx.field(static=True)
    raw_times: Float[Array, " learned"]
    raw_lengths: Float[Array, " learned"]

    def sample(self, key: PRNGKeyArray) -> RandomState:
        """Return fields drawn from the stationary distribution."""
        keys = jax.random.split(key, len(self.times) + 1)
        draws = self._draw(jax.vmap(lambda k: jax.random.split(k)[0])(keys[:-1]))
        _, variance = self._autocorrelation()
        fields = variance ** (-0.5) * self._amplitude() * draws
        return RandomState(fields, keys[-1], jnp.int32(0))

    def advance(self, state: RandomState) -> RandomState:
        """Return fields one interval later."""
        assert state.fields is not None
        salt = jnp.uint32(_ADVANCE) + state.step.astype(jnp.uint32)
        keys = jax.random.split(jax.random.fold_in(state.key, salt), len(self.times))
        # Named fields restart their inner count at every step; a batch does not.
        inner = jnp.uint32(_ADVANCE) if self.names else salt
        draws = self._draw(jax.vmap(jax.random.fold_in, (0, None))(keys, inner))
        decay, _ = self._autocorrelation()
        fields = decay * state.fields + self._amplitude() * draws
        return RandomState(fields, state.key, state.step + 1)

    def nodal(self, state: RandomState) -> Features:
        """Return the fields on the grid, as features by name."""
        assert state.fields is not None
        nodal = self.harmonics.to_nodal(state.fields)
        if self.names is None:
            return {"randomness": nodal}
        return {name: nodal[i : i + 1] for i, name in enumerate(self.names)}

    def _draw(self, keys: PRNGKeyArray) -> jax.Array:
        """Draw standard normal coefficients, one key per field, zero off the mask."""
        grid = self.harmonics.grid

        def draw(key):
            return jax.random.truncated_normal(
                key, -self.clip, self.clip, grid.modal_shape, jnp.float32
            )

        return jnp.where(grid.mask, jax.vmap(draw)(keys), 0)

    def _autocorrelation(self) -> tuple[jax.Array, jax.Array]:
        """Return φ = exp(−Δ/τ) and 1 − φ², each (field, 1, 1)."""
        times = _corrected(self.times, self.raw_times)[:, None, None]
        return jnp.exp(-self.interval / times), -jnp.expm1(-2 * self.interval / times)

    def _amplitude(self) -> jax.Array:
        """Return the standard deviation of each l's innovation, (field, 1, l)."""
        lengths = _corrected(self.lengths, self.raw_lengths)
        half_square = (lengths**2 / 2)[:, None, None]
        n = np.arange(self.harmonics.grid.total_wavenumbers, dtype=np.float32)
        shape = jnp.exp(-0.5 * half_square * n * (n + 1))
        count = self.harmonics.grid.mask.sum(axis=0).astype(np.float32)
        total = jnp.sum(count * shape**2, axis=-1, keepdims=True)
        _, variance = self._autocorrelation()
        return jnp.sqrt(4 * np.pi * variance / total) * shape


def _corrected(first: tuple[float, ...], raw: Float[Array, " learned"]) -> jax.Array:
    """Return the first guesses times their learned factors, shape (field,)."""
    if fixed := len(first) - len(raw):
        raw = jnp.pad(raw, (0, fixed))
    return jax.nn.softplus(raw + _UNIT_SOFTPLUS) * np.array(first, np.float32)
