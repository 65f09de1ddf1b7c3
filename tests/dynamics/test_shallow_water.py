import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms

from ngcm_cli import units
from ngcm_cli.dynamics.shallow_water import (
    ShallowWater,
    ShallowWaterState,
    implicit_tendencies,
)
from ngcm_cli.dynamics.sil3 import IMPLICIT_FRACTIONS
from ngcm_cli.idealized.layer_flow import LayerFlow
from ngcm_cli.idealized.williamson import (
    flow_over_mountain,
    rossby_haurwitz_wave,
    steady_zonal_flow,
)
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import velocity
from ngcm_cli.spectral.transform import SphericalHarmonics

GRID = Grid.triangular(21)
HOUR, DAY = 3600.0, 86400.0
PARTS = "vorticity", "divergence", "geopotential"
UNITS = "2Ω, 2Ω, (2Ωa)²"


@pytest.fixture
def in_double():
    with jax.enable_x64(True):
        yield


@functools.cache
def harmonics_of(grid: Grid, dtype) -> SphericalHarmonics:
    return SphericalHarmonics(grid, dtype=dtype)


def begin(
    flow: LayerFlow, step: float, dtype=np.float32
) -> tuple[ShallowWater, ShallowWaterState]:
    """Equations without damping, for steps of so many seconds, and the state."""
    harmonics = harmonics_of(flow.grid, dtype)
    undamped = np.ones(flow.grid.total_wavenumbers)
    return flow.system(harmonics, step, undamped), flow.state(harmonics)


@eqx.filter_jit
def _run(core: ShallowWater, state: ShallowWaterState, steps) -> ShallowWaterState:
    return jax.lax.fori_loop(0, steps, lambda _, y: core(y), state)


def run(core: ShallowWater, state: ShallowWaterState, time: float):
    """The state so many seconds later."""
    steps = time * units.SECOND / core.step_size
    assert abs(steps - round(steps)) < 1e-6
    return _run(core, state, jnp.int32(round(steps)))


def random_state(dtype=np.float32) -> ShallowWaterState:
    """Eddies of l ≤ 10: winds of tens of m/s, surface heights of hundreds of metres."""
    random, l = np.random.default_rng(3), np.arange(GRID.total_wavenumbers)
    x = random.standard_normal((3, 1, *GRID.modal_shape))
    x = x * GRID.mask * (l > 0) * (l <= 10) / (1 + l) ** 2
    sizes = np.array([1, 0.1, 0.1])[:, None, None, None]
    return ShallowWaterState(*jnp.asarray(x * sizes, dtype))


def wind(core: ShallowWater, state: ShallowWaterState) -> np.ndarray:
    """Eastward and northward, m/s."""
    uv = velocity(state.vorticity, state.divergence, core.harmonics)
    return np.asarray(uv) / units.METER_PER_SECOND


@pytest.mark.parametrize("stage", range(3))
def test_the_implicit_solution_is_exact(stage):
    core, _ = begin(rossby_haurwitz_wave(GRID), 20 * 60.0)
    state = random_state()
    solved = core.solver.solver.solve(jnp.int32(stage), state)
    fast = implicit_tendencies(solved, core.mean_geopotential)
    step = core.step_size * IMPLICIT_FRACTIONS[stage]
    for part in PARTS:
        x, g = getattr(solved, part), step * getattr(fast, part)
        scale = rms(x) + rms(g)
        back, expected = np.asarray(x - g), getattr(state, part)
        assert_agrees(part, UNITS, back, expected, 4 * EPS * scale)


def test_water_at_rest_over_mountains_stays_at_rest():
    """Also with damping, which must not act on the depth: its scales are the ground's.

    The surface is level but for rounding of the geopotential, EPS Φ̄; within the time
    1/(2Ω) that accelerates a wind of EPS Φ̄ l / (2Ωa) at the smallest scale.
    """
    flow = flow_over_mountain(GRID)
    level = 5960 - flow.ground
    flow = dataclasses.replace(flow, u=0 * flow.u, depth=level)
    harmonics = harmonics_of(GRID, np.float32)
    damping = np.linspace(1, 0.5, GRID.total_wavenumbers)
    core, state = flow.system(harmonics, 20 * 60.0, damping), flow.state(harmonics)
    after = run(core, state, DAY)
    rounding = EPS * core.mean_geopotential * GRID.total_wavenumbers
    assert np.abs(wind(core, after)).max() < rounding / units.METER_PER_SECOND
    np.testing.assert_allclose(
        after.geopotential, state.geopotential, atol=EPS * core.mean_geopotential
    )


@pytest.mark.parametrize("tilt", [0.0, 0.05, np.pi / 2])
@pytest.mark.parametrize("dtype, roundings", [(np.float32, 100), (np.float64, 2000)])
def test_solid_body_rotation_is_steady(dtype, roundings, tilt):
    """Case 2 of Williamson et al. (1992): five days, also across the poles.

    Measured: the wind moves by 20 to 50 spacings of float32 numbers at 40 m/s, or by
    300 to 700 of float64, in which Legendre functions keep the rounding of their
    recurrence; the depth by less. An error of the scheme would be the same in both.
    """
    with jax.enable_x64(dtype is np.float64):
        core, state = begin(steady_zonal_flow(GRID, tilt), 30 * 60.0, dtype)
        after = run(core, state, 5 * DAY)
        assert {x.dtype for x in jax.tree.leaves(after)} == {np.dtype(dtype)}
        moved = wind(core, after) - wind(core, state)
        depth = core.harmonics.to_nodal(after.geopotential - state.geopotential)
    tolerance = roundings * float(np.finfo(dtype).eps)
    assert np.abs(moved).max() < tolerance * 40  # m/s
    assert np.abs(depth).max() < tolerance * core.mean_geopotential


@pytest.mark.usefixtures("in_double")
def test_second_order_in_time():
    """Against steps of a minute: halving the step divides the error by four."""
    flow, after = rossby_haurwitz_wave(GRID), {}
    for minutes in (30, 15, 7.5, 1):
        core, state = begin(flow, minutes * 60.0, np.float64)
        after[minutes] = run(core, state, 4 * HOUR)
    exact = after.pop(1)
    for part in PARTS:
        errors = [rms(getattr(x, part) - getattr(exact, part)) for x in after.values()]
        ratios = np.divide(errors[:-1], errors[1:])
        assert np.all((ratios > 3.4) & (ratios < 4.6)), (part, errors, ratios)


@pytest.mark.usefixtures("in_double")
def test_spectral_convergence_in_space():
    """Each higher truncation gains more than the one before, faster than any power."""
    after = {}
    for n in (10, 15, 21, 42):
        core, state = begin(
            rossby_haurwitz_wave(Grid.triangular(n)), 15 * 60.0, np.float64
        )
        after[n] = run(core, state, 4 * HOUR)
    exact = after.pop(42)
    errors = []
    for n, state in after.items():
        missing = np.array(exact.vorticity)
        missing[..., : 2 * (n + 1), : n + 2] -= state.vorticity
        errors.append(rms(missing) / rms(exact.vorticity))
    slopes = -np.diff(np.log(errors)) / np.diff(np.log(list(after)))
    assert np.all(np.diff(slopes) > 0) and slopes[-1] > 6, (errors, slopes)


@pytest.mark.usefixtures("in_double")
def test_what_the_equations_conserve():
    """Mass to rounding; energy and potential enstrophy but for time step and scales.

    The flow over a mountain for a day, without damping.
    """
    flow, drifts = flow_over_mountain(Grid.triangular(42)), {}
    for minutes in (40, 20):
        core, state = begin(flow, minutes * 60.0, np.float64)
        before, after = integrals(core, state), integrals(core, run(core, state, DAY))
        drifts[minutes] = np.abs(after / before - 1)
    mass, energy, enstrophy = drifts[20]
    assert mass < 72 * np.finfo(np.float64).eps
    assert energy < 1e-7 and enstrophy < 1e-5
    assert drifts[40][1] > 3.5 * energy


def integrals(core: ShallowWater, state: ShallowWaterState) -> np.ndarray:
    """Means of depth, energy and potential enstrophy, by quadrature, nondimensional."""
    grid = core.harmonics.grid
    height = core.harmonics.to_nodal(core.ground)
    ground = np.asarray(height)
    depth = np.asarray(core.harmonics.to_nodal(state.geopotential))[0]
    depth = depth + core.mean_geopotential
    vorticity = np.asarray(core.harmonics.to_nodal(state.vorticity))[0]
    u, v = (x[0] for x in wind(core, state) * units.METER_PER_SECOND)
    energy = depth * (u**2 + v**2) / 2 + depth**2 / 2 + depth * ground
    enstrophy = (vorticity + np.asarray(core.coriolis)) ** 2 / (2 * depth)
    fields = np.stack([depth, energy, enstrophy])
    return np.sum(fields.mean(-2) * grid.area_weights, -1) / grid.area_weights.sum()


@pytest.mark.usefixtures("in_double")
def test_derivatives_of_a_step():
    """The Taylor series of a step, and forward against reverse mode."""
    core, _ = begin(rossby_haurwitz_wave(GRID), 20 * 60.0, np.float64)
    x, v = random_state(np.float64), random_state(np.float64)
    y, change = jax.jvp(core, (x,), (v,))
    _, pullback = jax.vjp(core, x)
    w = rossby_haurwitz_wave(GRID).state(core.harmonics)

    def dot(a, b):
        parts = jax.tree.map(lambda a, b: jnp.vdot(a, b), a, b)
        return float(sum(jax.tree.leaves(parts)))

    assert dot(w, change) == pytest.approx(dot(pullback(w)[0], v), rel=1e-12)
    rest = []
    for h in (1e-2, 5e-3):
        there = core(jax.tree.map(lambda x, v, h=h: x + h * v, x, v))
        first = jax.tree.map(lambda a, b, c, h=h: a - b - h * c, there, y, change)
        rest.append(np.sqrt(dot(first, first)))
    assert rest[0] / rest[1] == pytest.approx(4, rel=0.02)
