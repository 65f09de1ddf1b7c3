"""The reduced model and states on its grid, made of given or of random fields."""

import dataclasses
import functools
import pathlib
import tempfile

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from reduced_model import write_reduced_model

import ngcm_cli
from ngcm_cli import bundled_state, units
from ngcm_cli.dynamics import Dycore, State
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.forcing.run_inputs import RunInputs
from ngcm_cli.gcm import ModelState, NeuralGCM
from ngcm_cli.physics.random_fields import RandomState
from ngcm_cli.spectral.operators import vorticity_divergence

PRESSURE = 98_000.0  # Pa
RADIUS, GRAVITY = units.LENGTH, units.GRAVITY_SI


@functools.cache
def model() -> NeuralGCM:
    with tempfile.TemporaryDirectory() as folder:
        card = write_reduced_model(pathlib.Path(folder), stochastic=False)
        return ngcm_cli.load_model(str(card))


@functools.cache
def sample() -> RunInputs:
    """The bundled ERA5 state on the grid of the model."""
    return bundled_state(model())


def forcing() -> dict[str, jax.Array]:
    return {name: jnp.asarray(x) for name, x in sample().forcing.items()}


@functools.cache
def real(water: bool = False) -> ModelState:
    """A state of real weather, three steps after it was encoded."""
    data, ours = sample(), model().with_water_budget() if water else model()
    state = ours.encode(data.fields, data.forcing, data.time)
    return ours.advance(state, data.forcing, steps=3)


def around(prognostic: State) -> ModelState:
    """A state in the afternoon of the reference day, with a memory of none."""
    return ModelState(
        state=prognostic,
        memory=None,
        random=RandomState(None, jax.random.key(0), jnp.int32(0)),
        water=None,
        substep=jnp.int32(15),
        time=jnp.float32(15 * units.HOUR),
    )


def atmosphere(
    u=0.0, v=0.0, temperature=250.0, pressure=PRESSURE, vapour=0.0, ice=0.0, liquid=0.0
) -> ModelState:
    """A state of fields in SI units that broadcast to (level, longitude, latitude)."""
    harmonics, levels = model().harmonics, model().sigma_levels
    shape = levels.layers, *model().grid.nodal_shape

    def modal(x, shape=shape):
        field = np.broadcast_to(np.asarray(x, np.float64), shape)
        return harmonics.to_modal(jnp.asarray(field, jnp.float32))

    reference = np.array(model().step.dycore.reference_temperature)[:, None, None]
    wind = (
        jnp.asarray(np.broadcast_to(x, shape) * units.METER_PER_SECOND, jnp.float32)
        for x in (u, v)
    )
    vorticity, divergence = vorticity_divergence(*wind, harmonics)
    surface = 1, *shape[1:]
    return around(
        State(
            vorticity=vorticity,
            divergence=divergence,
            temperature_variation=modal(temperature - reference),
            log_surface_pressure=modal(np.log(pressure * units.PASCAL), surface),
            tracers={
                name: modal(x)
                for name, x in zip(TRACERS, (ice, liquid, vapour), strict=True)
            },
        )
    )


def weather(seed: int = 0, largest: int = 10) -> ModelState:
    """Random smooth fields of realistic size, up to a total wavenumber.

    Rotational wind of 10 m/s, divergent of 2 m/s, 5 K, 1 % of pressure, moist and
    cloudy.
    """
    draw = np.random.default_rng(seed)
    grid, layers = model().grid, model().sigma_levels.layers
    l = np.arange(grid.total_wavenumbers)
    keep = grid.mask & (l > 0) & (l <= largest)
    mean = atmosphere(vapour=5e-3, liquid=2e-5, ice=1e-5).state

    def eddies(size, count=layers):
        noise = draw.standard_normal((3, *grid.modal_shape))
        profile = np.cos(np.linspace(0, np.pi, count)[:, None] * np.arange(3))
        x = np.einsum("ka,aml->kml", profile, noise) * keep / (1 + (l / 4) ** 3)
        return size * np.sqrt(4 * np.pi) * x / np.sqrt((x**2).sum((1, 2)).mean())

    wind = 10 * units.METER_PER_SECOND * 4  # about the fourth wavenumber carries it
    add = lambda x, size, count=layers: jnp.asarray(
        x + eddies(size, count), jnp.float32
    )
    return around(
        State(
            vorticity=add(mean.vorticity, wind),
            divergence=add(mean.divergence, wind / 5),
            temperature_variation=add(mean.temperature_variation, 5.0),
            log_surface_pressure=add(mean.log_surface_pressure, 0.01, 1),
            tracers={
                name: add(x, size)
                for (name, x), size in zip(
                    mean.tracers.items(), (2e-6, 4e-6, 1e-3), strict=True
                )
            },
        )
    )


def with_prognostic(state: ModelState, **changes) -> ModelState:
    """The state with other prognostic variables."""
    prognostic = dataclasses.replace(state.state, **changes)
    return dataclasses.replace(state, state=prognostic)


@functools.cache
def _undamped(seconds: float):
    """The dynamical core with one substep of this length, without damping."""
    dycore = model().step.dycore
    core = Dycore(
        dycore.harmonics,
        dycore.levels,
        dycore.reference_temperature,
        dycore.orography,
        np.ones((1, dycore.harmonics.grid.total_wavenumbers)),
        seconds * units.SECOND,
        1,
    )
    return eqx.filter_jit(core)


def dynamical_step(
    state: ModelState, seconds: float, tendency: State | None = None
) -> ModelState:
    """The state so much later, under a constant tendency of the physics."""
    if tendency is None:
        tendency = jax.tree.map(jnp.zeros_like, state.state)
    later = _undamped(seconds)(state.state, tendency)
    return dataclasses.replace(state, state=later)


def sigma() -> np.ndarray:
    """Centres of the sigma levels, (level, 1, 1), float64."""
    return model().sigma_levels.centers.astype(np.float64)[:, None, None]


def in_float64(fields) -> dict[str, np.ndarray]:
    return {name: np.asarray(x, np.float64) for name, x in fields.items()}
