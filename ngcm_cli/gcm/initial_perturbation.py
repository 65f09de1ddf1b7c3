"""Noise of initial states: members of an ensemble of a deterministic model."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ngcm_cli import units
from ngcm_cli.dynamics import Dycore
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import laplacian
from ngcm_cli.spectral.transform import SphericalHarmonics

KINDS = ("gaussian", "spherical")

_LENGTH = 500e3 * units.METER
_DEPTH = 3e3  # m, over which noise is correlated in the vertical
_SCALE_HEIGHT = 7.5e3  # m
_TROPICS = 2 * units.ANGULAR_VELOCITY * np.sin(np.deg2rad(15))


def perturb_initial_state(
    model: NeuralGCM, state: ModelState, key: PRNGKeyArray, kind: str, amplitude: float
) -> ModelState:
    """Add correlated noise to temperature, and the wind that balances it.

    Temperature gets a Gaussian random field of zero mean and of the given standard
    deviation, correlated over 3 km in the vertical. Its hydrostatic geopotential Φ',
    zero at the surface, drives a rotational wind: ψ' = Φ' f / (f² + f₁₅²), geostrophic
    but for the tropics, where it fades (f₁₅ is that of 15°). Divergence, surface
    pressure and water stay as they are, and so does the mean temperature; few gravity
    waves are set off. (Holton, An Introduction to Dynamic Meteorology, section 6.2.)

    Args:
        model: of the state.
        state: one member; map over several with ``jax.vmap``.
        key: another one gives other noise.
        kind: ``gaussian``, of the correlation exp(−r²/2L²); or ``spherical``, rougher,
            of the variance (l(l + 1) + a²/L²)⁻³ in every mode, as turbulence has it.
            L is 500 km, a the radius of the Earth.
        amplitude: standard deviation of temperature, K.

    Raises:
        ValueError: another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"'{kind}' is none of {', '.join(KINDS)}")
    noisy = _with_noise(
        model.encoder.harmonics, model.step.dycore, state, key, kind, amplitude
    )
    return dataclasses.replace(state, state=noisy)


@eqx.filter_jit
def _with_noise(
    harmonics: SphericalHarmonics,
    dycore: Dycore,
    state: ModelState,
    key: PRNGKeyArray,
    kind: str,
    amplitude: Float[Array, ""] | float,
):
    grid, levels = harmonics.grid, dycore.levels
    white = jax.random.normal(key, (levels.layers, *grid.modal_shape), jnp.float32)
    flat = jnp.asarray(_vertical(levels.centers), jnp.float32)
    temperature = amplitude * jnp.einsum(
        "ab,bij->aij", flat, white * _spectrum(grid, kind), precision="highest"
    )
    geopotential = harmonics.to_nodal(levels.geopotential(temperature))
    coriolis = 2 * units.ANGULAR_VELOCITY * grid.sin_latitude
    to_stream = np.float32(coriolis / (coriolis**2 + _TROPICS**2))
    vorticity = laplacian(harmonics.to_modal(to_stream * geopotential))
    before = state.state
    return dataclasses.replace(
        before,
        temperature_variation=before.temperature_variation + temperature,
        vorticity=before.vorticity + jnp.where(grid.mask, vorticity, 0),
    )


@functools.cache
def _spectrum(grid: Grid, kind: str) -> np.ndarray:
    """Return the standard deviation of every mode of a field of unit variance."""
    n = np.arange(grid.total_wavenumbers, dtype=np.float64)
    if kind == "gaussian":
        variance = np.exp(-n * (n + 1) * _LENGTH**2 / 2)
    else:
        variance = (n * (n + 1) + _LENGTH**-2) ** -3.0
    modes = np.where(grid.mask & (n > 0), variance, 0)
    # Orthonormal harmonics: the mean square is the sum of squares over 4π.
    return np.sqrt(4 * np.pi * modes / modes.sum()).astype(np.float32)


def _vertical(sigma: np.ndarray) -> np.ndarray:
    """Makes white noise of levels correlated, and keeps its variance."""
    height = -_SCALE_HEIGHT * np.log(np.asarray(sigma, np.float64))
    apart = (height[:, None] - height) / _DEPTH
    values, vectors = np.linalg.eigh(np.exp(-(apart**2) / 2))
    return vectors * np.sqrt(np.maximum(values, 0))
