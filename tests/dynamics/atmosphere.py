"""Analytic and random states of the atmosphere for the tests of this folder.

All are modal and nondimensional, and none has the last total wavenumber, which the
explicit tendencies clip.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli import units
from ngcm_cli.dynamics import Dycore, SigmaLevels, State
from ngcm_cli.dynamics.orography import Orography
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import (
    clip_wavenumbers,
    inverse_laplacian,
    vorticity_divergence,
)
from ngcm_cli.spectral.transform import SphericalHarmonics

GRID = Grid.quadratic(21)
HARMONICS = SphericalHarmonics(GRID)
ONE = np.sqrt(4 * np.pi)  # the coefficient of the field 1
PRESSURE = 1000 * units.HECTOPASCAL
R = units.GAS_CONSTANT

# The reference temperature of section 4 of the specification, for its section 14.2.
DEMO_TEMPERATURE = [
    223.58614815, 211.47405876, 205.87815406, 206.40755302, 210.43452345, 214.5683887,
    218.75303863, 223.23145107, 227.9710687, 232.85381503, 237.53588735, 242.05068293,
    246.29986585, 250.14294113, 253.74839535, 256.98024283, 259.94441031, 262.7041158,
    265.21752838, 267.62333985, 269.94462121, 272.10056439, 274.12518288, 275.99833711,
    277.72759392, 279.3292128, 280.79178708, 282.13507065, 283.41832023, 284.7682506,
    286.33945487, 288.06707666,
]  # fmt: skip

UNITS = {
    "vorticity": "2Ω",
    "divergence": "2Ω",
    "temperature_variation": "K",
    "log_surface_pressure": "1",
    **dict.fromkeys(TRACERS, "kg/kg"),
}


def variables(state: State) -> dict[str, jax.Array]:
    """The variables of a state by name, tracers included."""
    return {
        "vorticity": state.vorticity,
        "divergence": state.divergence,
        "temperature_variation": state.temperature_variation,
        "log_surface_pressure": state.log_surface_pressure,
        **state.tracers,
    }


def constant(values) -> np.ndarray:
    """Modal field that is constant on every level."""
    modal = np.zeros((len(values), *GRID.modal_shape), np.float32)
    modal[:, 0, 0] = ONE * np.asarray(values)
    return modal


def temperatures(levels: SigmaLevels) -> tuple[float, ...]:
    """A reference temperature of each level: a troposphere under a stratosphere."""
    return tuple(map(float, np.maximum(288 * levels.centers**0.19, 210)))


def no_tracers(levels: SigmaLevels) -> dict[str, np.ndarray]:
    return {name: constant(np.zeros(levels.layers)) for name in TRACERS}


def flat() -> np.ndarray:
    return np.zeros(GRID.modal_shape, np.float32)


def mountains(height: float = 1500.0, l_max: int = 10) -> np.ndarray:
    """Smooth random mountains, RMS height in metres, with zero mean."""
    l = np.arange(GRID.total_wavenumbers)
    random = np.random.default_rng(17).standard_normal(GRID.modal_shape) * GRID.mask
    modal = random * (l > 0) * (l <= l_max)
    modal *= height * units.METER * ONE / np.sqrt(np.sum(modal**2))
    return modal.astype(np.float32)


def isothermal_at_rest(
    levels: SigmaLevels, temperature: float, reference_temperature, orography
) -> State:
    """No wind, one temperature, and the pressure that the height of the ground asks."""
    zero = constant(np.zeros(levels.layers))
    pressure = constant([np.log(PRESSURE)])
    return State(
        vorticity=zero,
        divergence=zero,
        temperature_variation=constant(temperature - np.array(reference_temperature)),
        log_surface_pressure=pressure - units.GRAVITY / (R * temperature) * orography,
        tracers=no_tracers(levels),
    )


def solid_body_rotation(
    levels: SigmaLevels, temperature: float, reference_temperature, speed: float
) -> State:
    """An isothermal atmosphere that turns with the ground, only faster.

    With u = U cos φ the gradient-wind balance (2Ω + U) U sin φ cos φ = −RT ∂π/∂φ holds
    on every level, so this is an exact steady state, and it has no wavenumber above 2.
    """
    speed = speed * units.METER_PER_SECOND
    vorticity = constant(np.zeros(levels.layers))
    vorticity[:, 0, 1] = 2 * speed * np.sqrt(4 * np.pi / 3)  # 2 U sin φ
    balance = -(2 * units.ANGULAR_VELOCITY + speed) * speed / (2 * R * temperature)
    pressure = constant([np.log(PRESSURE) + balance / 3])
    pressure[:, 0, 2] = balance * np.sqrt(4 * np.pi / 5) * 2 / 3  # sin²φ − ⅓
    state = isothermal_at_rest(levels, temperature, reference_temperature, flat())
    return State(
        vorticity=vorticity,
        divergence=state.divergence,
        temperature_variation=state.temperature_variation,
        log_surface_pressure=pressure,
        tracers=state.tracers,
    )


def modal(nodal: np.ndarray) -> np.ndarray:
    return np.array(clip_wavenumbers(HARMONICS.to_modal(nodal.astype(np.float32))))


def jablonowski_williamson(
    levels: SigmaLevels,
) -> tuple[State, tuple[float, ...], np.ndarray]:
    """The balanced zonal jets of Jablonowski & Williamson (2006), dry.

    A baroclinic instability test case for atmospheric model dynamical cores, Quarterly
    Journal of the Royal Meteorological Society 132, doi:10.1256/qj.06.12, equations 2
    to 8: steady, with the wind, temperature and mountains below.

    Returns:
        State, reference temperature, modal orography.
    """
    eta = levels.centers.astype(np.float64)[:, None, None]
    phi = np.broadcast_to(GRID.latitude, GRID.nodal_shape)
    gas_constant = R / units.SQUARE_METER_PER_SQUARE_SECOND
    rotation = units.LENGTH * units.ANGULAR_VELOCITY / units.TIME  # aΩ, m/s
    peak = 35.0  # m/s

    eddy = -2 * np.sin(phi) ** 6 * (np.cos(phi) ** 2 + 1 / 3) + 10 / 63
    earth = 1.6 * np.cos(phi) ** 3 * (np.sin(phi) ** 2 + 2 / 3) - np.pi / 4

    def shape(eta):
        return (eta - 0.252) * np.pi / 2

    def speed(eta):
        return peak * np.cos(shape(eta)) ** 1.5

    u = speed(eta) * np.sin(2 * phi) ** 2 * units.METER_PER_SECOND
    mean = 288 * eta ** (gas_constant * 0.005 / units.GRAVITY_SI)
    mean = mean + 4.8e5 * np.maximum(0.2 - eta, 0) ** 5
    variation = 0.75 * eta * np.pi * peak / gas_constant
    variation = variation * np.sin(shape(eta)) * np.sqrt(np.cos(shape(eta)))
    variation = variation * (2 * speed(eta) * eddy + rotation * earth)
    ground = speed(1.0) * (speed(1.0) * eddy + rotation * earth)  # m2/s2

    u = u.astype(np.float32)
    vorticity, _ = vorticity_divergence(u, np.zeros_like(u), HARMONICS)
    zero = constant(np.zeros(levels.layers))
    state = State(
        vorticity=np.array(vorticity),
        divergence=zero,
        temperature_variation=modal(variation),
        log_surface_pressure=constant([np.log(PRESSURE)]),
        tracers=no_tracers(levels),
    )
    height = modal(ground / units.GRAVITY_SI * units.METER)
    return state, tuple(map(float, mean[:, 0, 0])), height


def weather(levels: SigmaLevels, seed: int = 0) -> State:
    """Jets with random eddies of all scales, moist and cloudy, for hilly ground.

    Amplitudes are those of the real atmosphere and fall with the wavenumber as its do:
    geostrophic eddies of 10 m/s, divergence a tenth of vorticity, 5 K, 10 hPa.
    """
    random = np.random.default_rng(seed)
    jets, reference_temperature, _ = jablonowski_williamson(levels)
    l = np.arange(GRID.total_wavenumbers)
    keep = GRID.mask & (l > 0) & (l < GRID.total_wavenumbers - 1)

    def eddies(size, count=levels.layers):
        """Random field of the given RMS, smooth in the vertical."""
        noise = random.standard_normal((4, *GRID.modal_shape))
        height = np.linspace(0, np.pi, count)[:, None]
        weights = np.cos(height * np.arange(4)) / (1 + np.arange(4))
        field = np.einsum("ka,aml->kml", weights, noise) * keep / (1 + (l / 6) ** 3)
        return size * ONE * field / np.sqrt(np.mean(np.sum(field**2, axis=(1, 2))))

    top = np.array(levels.centers)[:, None, None]
    moisture = HARMONICS.to_nodal(eddies(0.3).astype(np.float32))
    latitude = GRID.latitude
    humidity = 0.018 * np.cos(latitude) ** 4 * top**3 * np.exp(moisture)
    cloud = 1e-4 * top * np.exp(HARMONICS.to_nodal(eddies(0.5).astype(np.float32)))
    stream = eddies(1.0)
    vorticity = stream * -l * (l + 1)
    vorticity *= (
        10
        * units.METER_PER_SECOND
        * ONE
        / np.sqrt(
            np.mean(
                np.sum(-vorticity * np.asarray(inverse_laplacian(vorticity)), (1, 2))
            )
        )
    )
    divergence = eddies(0.1 * np.sqrt(np.mean(np.sum(vorticity**2, (1, 2)))) / ONE)
    departure = np.array(reference_temperature) - np.array(temperatures(levels))
    to = jnp.float32
    return State(
        vorticity=jnp.asarray(jets.vorticity + vorticity, to),
        divergence=jnp.asarray(divergence, to),
        temperature_variation=jnp.asarray(
            jets.temperature_variation + constant(departure) + eddies(5.0), to
        ),
        log_surface_pressure=jnp.asarray(
            constant([np.log(PRESSURE)])
            + eddies(0.01, 1)
            - units.GRAVITY / (R * 280) * mountains(),
            to,
        ),
        tracers={
            "specific_cloud_ice_water_content": jnp.asarray(modal(cloud)),
            "specific_cloud_liquid_water_content": jnp.asarray(modal(cloud[::-1])),
            "specific_humidity": jnp.asarray(modal(humidity)),
        },
    )


def mean_and_eddies(x) -> dict[str, np.ndarray]:
    """The global mean of a modal field, and the rest, which it may outweigh by far."""
    eddies = np.array(x, np.float64)
    mean = eddies[..., 0, 0] / ONE
    eddies[..., 0, 0] = 0
    return {"mean": mean, "eddies": eddies}


def still(state: State) -> State:
    """No learned tendency."""
    return jax.tree.map(jnp.zeros_like, state)


def dycore(
    levels: SigmaLevels,
    reference_temperature: tuple[float, ...],
    orography: np.ndarray,
    substeps: int,
    damping: np.ndarray | None = None,
    minutes: float = 20.0,
) -> Dycore:
    """A dynamical core on GRID; without damping unless some is given."""
    if damping is None:
        damping = np.ones((2, GRID.total_wavenumbers))
    return Dycore(
        HARMONICS,
        levels,
        reference_temperature,
        Orography(jnp.asarray(orography), None, 0.0),
        damping,
        minutes / 60 * units.HOUR,
        substeps,
    )


def mass(state: State) -> float:
    """Mean surface pressure in float64, from a float32 state."""
    f = np.asarray(HARMONICS.to_nodal(state.log_surface_pressure), np.float64)
    return float(np.sum(np.exp(f) * GRID.area_weights) / (4 * np.pi))
