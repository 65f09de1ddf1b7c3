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
_SURFACE_PRESSURE = 1e5  # Pa, at which the amplitude of pressure is meant
_TROPICS = 2 * units.ANGULAR_VELOCITY * np.sin(np.deg2rad(15))


def perturb_initial_state(
    model: NeuralGCM,
    state: ModelState,
    key: PRNGKeyArray,
    kind: str,
    amplitude: np.ndarray | float,
    pressure_amplitude: float = 0.0,
) -> ModelState:
    """Add correlated noise to temperature and pressure, and the wind that balances it.

    Temperature gets a Gaussian random field of zero mean and of the given standard
    deviation, correlated over 3 km in the vertical, and ln pₛ one that is independent
    of it. Their hydrostatic geopotential Φ', zero at the surface, and the force of the
    pressure drive a rotational wind, ψ' = (Φ' + R T₀ ln pₛ') f / (f² + f₁₅²),
    geostrophic but for the tropics, where it fades (T₀ is the reference temperature of
    the level, f₁₅ the f of 15°). Divergence and water stay as they are, and so do mean
    temperature and mean ln pₛ; few gravity waves are set off. (Holton, An Introduction
    to Dynamic Meteorology, section 6.2.)

    Args:
        model: of the state.
        state: one member; map over several with ``jax.vmap``.
        key: another one gives other noise.
        kind: ``gaussian``, of the correlation exp(−r²/2L²); or ``spherical``, rougher,
            of the variance (l(l + 1) + a²/L²)⁻³ in every mode, as turbulence has it.
            L is 500 km, a the radius of the Earth.
        amplitude: standard deviation of temperature, K, of all levels or of each, top
            first, (sigma level,).
        pressure_amplitude: standard deviation of surface pressure where that is
            1000 hPa, Pa; 0 leaves it as it is.

    Raises:
        ValueError: another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"'{kind}' is none of {', '.join(KINDS)}")
    by_level = jnp.broadcast_to(jnp.float32(amplitude), model.sigma_levels.layers)
    relative = pressure_amplitude / _SURFACE_PRESSURE
    noisy = _with_noise(
        model.encoder.harmonics, model.step.dycore, state, key, kind, by_level, relative
    )
    return dataclasses.replace(state, state=noisy)


@eqx.filter_jit
def _with_noise(
    harmonics: SphericalHarmonics,
    dycore: Dycore,
    state: ModelState,
    key: PRNGKeyArray,
    kind: str,
    amplitude: Float[Array, " level"],
    relative: float,
):
    grid, levels = harmonics.grid, dycore.levels
    white = jax.random.normal(key, (levels.layers, *grid.modal_shape), jnp.float32)
    flat = jnp.asarray(vertical_correlation_root(levels.centers), jnp.float32)
    temperature = amplitude[:, None, None] * jnp.einsum(
        "ab,bij->aij", flat, white * unit_spectrum(grid, kind), precision="highest"
    )
    noise = None
    before = state.state
    log_pressure = before.log_surface_pressure
    if relative:
        own, shape = jax.random.fold_in(key, 1), (1, *grid.modal_shape)
        white = jax.random.normal(own, shape, jnp.float32)
        noise = relative * white * unit_spectrum(grid, kind)
        log_pressure = log_pressure + noise
    vorticity = balanced_vorticity(harmonics, dycore, temperature, noise)
    return dataclasses.replace(
        before,
        temperature_variation=before.temperature_variation + temperature,
        vorticity=before.vorticity + vorticity,
        log_surface_pressure=log_pressure,
    )


def balanced_vorticity(
    harmonics: SphericalHarmonics,
    dycore: Dycore,
    temperature: Float[Array, "level m total_wavenumber"],
    log_pressure: Float[Array, "1 m total_wavenumber"] | None = None,
) -> Float[Array, "level m total_wavenumber"]:
    """Return the vorticity that balances anomalies of temperature and ln pₛ.

    That of the stream function (Φ' + R T₀ ln pₛ') f / (f² + f₁₅²), with the letters of
    `perturb_initial_state`.

    Args:
        harmonics: transforms of the grid of the state.
        dycore: of the model, for its levels and reference temperature.
        temperature: anomaly, modal, K.
        log_pressure: anomaly of ln pₛ, modal; None is none.
    """
    grid = harmonics.grid
    potential = dycore.levels.geopotential(temperature)
    if log_pressure is not None:
        warm = np.array(dycore.reference_temperature, np.float32)[:, None, None]
        potential = potential + units.GAS_CONSTANT * warm * log_pressure
    coriolis = 2 * units.ANGULAR_VELOCITY * grid.sin_latitude
    to_stream = np.float32(coriolis / (coriolis**2 + _TROPICS**2))
    stream = harmonics.to_modal(to_stream * harmonics.to_nodal(potential))
    return jnp.where(grid.mask, laplacian(stream), 0)


@functools.cache
def unit_spectrum(grid: Grid, kind: str = "gaussian") -> np.ndarray:
    """Return the standard deviation of every mode of a field of unit variance.

    Shape (m, total_wavenumber), float32; the mean has none.
    """
    n = np.arange(grid.total_wavenumbers, dtype=np.float64)
    if kind == "gaussian":
        variance = np.exp(-n * (n + 1) * _LENGTH**2 / 2)
    else:
        variance = (n * (n + 1) + _LENGTH**-2) ** -3.0
    modes = np.where(grid.mask & (n > 0), variance, 0)
    # Orthonormal harmonics: the mean square is the sum of squares over 4π.
    return np.sqrt(4 * np.pi * modes / modes.sum()).astype(np.float32)


def vertical_correlation_root(sigma: np.ndarray) -> np.ndarray:
    """Return the matrix that makes white noise of levels correlated over 3 km.

    The symmetric root of a correlation matrix, up to a rotation: variances stay one.
    """
    height = -_SCALE_HEIGHT * np.log(np.asarray(sigma, np.float64))
    apart = (height[:, None] - height) / _DEPTH
    values, vectors = np.linalg.eigh(np.exp(-(apart**2) / 2))
    return vectors * np.sqrt(np.maximum(values, 0))
