"""Side by side with the shallow-water equations of the reference, ``dinosaur``.

Agreement is measured against the reference's own sensitivity: the RMS by which its
answer moves when its inputs are perturbed on the grid by 1e-7, rounding to float32.

The equations of the reference leave out the highest total wavenumber of (u, v) cos φ,
one more than that of vorticity; ours keep it. Here its function for that, which has an
option to keep it, is made to.
"""

import functools

import equinox as eqx
import jax
import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from dinosaur_core import K, dinosaur, grid_of, implicit_terms, specs

from ngcm_cli import units
from ngcm_cli.dynamics.shallow_water import (
    ShallowWater,
    ShallowWaterState,
    coriolis_parameter,
    explicit_tendencies,
)
from ngcm_cli.dynamics.sil3 import IMPLICIT_FRACTIONS
from ngcm_cli.idealized.galewsky import unstable_jet
from ngcm_cli.idealized.williamson import rossby_haurwitz_wave
from ngcm_cli.spectral.filters import exponential_filter
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.operators import clip_wavenumbers, velocity
from ngcm_cli.spectral.transform import SphericalHarmonics

GRID = Grid.triangular(42)
HARMONICS = SphericalHarmonics(GRID)
DEPTH = 5000 * units.METER * units.GRAVITY
FILTER = 0.5, 3, 0.0  # attenuation, order, cutoff
MINUTES = 20
STATES = "wave", "jet", "random"


def smooth(rms_value: float, seed: int, l_max: int = 7) -> np.ndarray:
    """Random modal field of the given RMS on the nodes, without a mean."""
    l = np.arange(GRID.total_wavenumbers)
    x = np.random.default_rng(seed).standard_normal(GRID.modal_shape)
    x = x * GRID.mask * (l > 0) * (l <= l_max)
    return (x * rms_value * np.sqrt(4 * np.pi / np.sum(x**2))).astype(np.float32)


GROUND = smooth(500 * units.METER * units.GRAVITY, 0)
CORE = ShallowWater(
    HARMONICS,
    DEPTH,
    coriolis_parameter(GRID),
    GROUND,
    exponential_filter(GRID.total_wavenumbers, *FILTER),
    MINUTES * 60 * units.SECOND,
)


def begin(name: str) -> ShallowWaterState:
    if name == "wave":
        return rossby_haurwitz_wave(GRID).state(HARMONICS)
    if name == "jet":
        return unstable_jet(GRID).state(HARMONICS)
    sizes = 0.1, 0.01, 300 * units.METER * units.GRAVITY  # 2Ω, 2Ω and 300 m
    return ShallowWaterState(*(smooth(x, i)[None] for i, x in enumerate(sizes, 1)))


@pytest.fixture(autouse=True)
def whole_wind(reference, monkeypatch):
    """The reference keeps the highest wavenumber of the wind."""
    if reference.live:
        harmonics = dinosaur("spherical_harmonic")
        keep = functools.partial(harmonics.get_cos_lat_vector, clip=False)
        monkeypatch.setattr(harmonics, "get_cos_lat_vector", keep)


@pytest.fixture(scope="module", params=STATES)
def flow(request, reference) -> tuple[str, ShallowWaterState]:
    """A name and a state."""
    name, found = request.param, {}
    for part, x in vars(begin(name)).items():
        found[part] = reference.given(f"{name}, {part}", np.asarray(x))
    return name, ShallowWaterState(**found)


@functools.cache
def equations():
    return dinosaur("shallow_water").ShallowWaterEquations(
        dinosaur("coordinate_systems").CoordinateSystem(
            grid_of(GRID), dinosaur("layer_coordinates").LayerCoordinates(1)
        ),
        specs(),
        GROUND,
        np.array([DEPTH], np.float32),
    )


def theirs(state: ShallowWaterState):
    parts = state.vorticity, state.divergence, state.geopotential
    return dinosaur("shallow_water").State(*parts)


def parts_of(state) -> dict[str, np.ndarray]:
    """Fields of a state of ours or of the reference by name."""
    geopotential = getattr(state, "geopotential", None)
    if geopotential is None:
        geopotential = state.potential
    return {
        "vorticity": np.asarray(state.vorticity),
        "divergence": np.asarray(state.divergence),
        "geopotential": np.asarray(geopotential),
    }


def rounded_elsewise(x) -> jax.Array:
    """A modal field whose values on the grid differ by relative noise."""
    nodal = HARMONICS.to_nodal(x)
    noise = perturbed(nodal).astype(np.float64) - np.asarray(nodal, np.float64)
    return x + clip_wavenumbers(HARMONICS.to_modal(noise.astype(np.float32)))


def assert_same(
    reference, label, f, g, state: ShallowWaterState, rounding: float = 0.0
) -> None:
    """f, ours, and g(), the reference's, map the state to the same state.

    ``rounding`` is that of the divergence where an intermediate result has more of it.
    """

    @functools.cache
    def answers():
        run = jax.jit(g())
        noisy = jax.tree.map(rounded_elsewise, state)
        return [parts_of(run(theirs(x))) for x in (state, noisy)]

    for name, value in parts_of(eqx.filter_jit(f)(state)).items():
        of = f"{name} of {label}"

        def sensitivity(name=name):
            right, by = (answer[name] for answer in answers())
            return rms(by - right)

        expected = reference(of, lambda name=name: answers()[0][name])
        moved = reference.number(f"sensitivity of {of}", sensitivity)
        moved += rounding if name == "divergence" else 0
        tolerance = K * (moved + EPS * rms(expected))
        assert_agrees(
            of, "2Ω, 2Ω, (2Ωa)²", reference.sample(value), expected, tolerance
        )


def test_explicit_tendencies(reference, flow):
    name, state = flow
    # Kinetic energy has a large mean. Tables of Legendre functions are rounded, so that
    # each of its coefficients is, at the size of all, and ∇² enlarges that.
    wind = np.asarray(velocity(state.vorticity, state.divergence, HARMONICS))
    energy = np.asarray(HARMONICS.to_modal(np.sum(wind**2, axis=0) / 2))
    l = np.arange(GRID.total_wavenumbers)
    assert_same(
        reference,
        f"explicit terms, {name}",
        lambda y: explicit_tendencies(y, HARMONICS, CORE.coriolis, CORE.ground),
        lambda: equations().explicit_terms,
        state,
        rounding=EPS * rms(l * (l + 1)) * rms(energy),
    )


def test_implicit_tendencies(reference, flow):
    name, state = flow
    assert_same(
        reference,
        f"implicit terms, {name}",
        implicit_terms(CORE),
        lambda: equations().implicit_terms,
        state,
    )


@pytest.mark.parametrize("stage", range(3))
def test_implicit_solution(reference, flow, stage):
    name, state = flow
    step = CORE.step_size * IMPLICIT_FRACTIONS[stage]
    assert_same(
        reference,
        f"implicit inverse {stage}, {name}",
        lambda y: CORE.solver.solver.solve(stage, y),
        lambda: functools.partial(equations().implicit_inverse, step_size=step),
        state,
    )


def reference_run(steps: int):
    """Steps of the reference, which filters the wind alone, as ours does."""
    integration = dinosaur("time_integration")
    damping = exponential_filter(GRID.total_wavenumbers, *FILTER)
    take = integration.imex_rk_sil3(equations(), CORE.step_size)

    def step(state):
        after = take(state)
        return type(after)(
            after.vorticity * damping, after.divergence * damping, after.potential
        )

    return lambda y: jax.lax.fori_loop(0, steps, lambda _, y: step(y), y)


@pytest.mark.parametrize("steps", [1, 24 * 60 // MINUTES])
def test_steps(reference, flow, steps):
    name, state = flow
    assert_same(
        reference,
        f"{steps} steps, {name}",
        lambda y: jax.lax.fori_loop(0, steps, lambda _, y: CORE(y), y),
        lambda: reference_run(steps),
        state,
    )
