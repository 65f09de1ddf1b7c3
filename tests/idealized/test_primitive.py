"""The dry primitive equations of idealized cases: what holds whatever the case."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import rms

from ngcm_cli import units
from ngcm_cli.diagnostics import available, evaluate
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.dynamics.tendencies import explicit_tendencies
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.cases import CASES
from ngcm_cli.idealized.initial_fields import InitialFields, coordinates
from ngcm_cli.idealized.primitive import (
    Diffusion,
    PrimitiveEquations,
    primitive_equations,
)
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

START = np.datetime64("2000-01-01T00", "s")
UNEQUAL = SigmaLevels.between([0, 0.05, 0.2, 0.4, 0.7, 0.9, 1])


@functools.cache
def model_of(case: str, levels: SigmaLevels, step: int = 1800) -> PrimitiveEquations:
    model = CASES[case].build(Resolution(21, levels, step))
    assert isinstance(model, PrimitiveEquations)
    return model


def grown_wave(
    levels: SigmaLevels, step: int, size: float = 100.0
) -> tuple[PrimitiveEquations, State]:
    """A model and the jets with many times the perturbation of the paper."""
    model = model_of("baroclinic-wave", levels, step)
    steady = model_of("steady-state", levels, step).initial
    state = jax.tree.map(lambda a, b: b + size * (a - b), model.initial, steady)
    return model, state


def test_dry_air_is_moist_air_without_humidity():
    """To the rounding of sums in another order, of terms that nearly cancel."""
    model, state = grown_wave(UNEQUAL, 1800)
    zero = jnp.zeros_like(state.vorticity)
    moist = dataclasses.replace(state, tracers=dict.fromkeys(TRACERS, zero))

    @jax.jit
    def tendencies(state):
        core = model.dycore
        reference = np.array(core.reference_temperature, np.float32)
        orography = core.orography.modal(core.harmonics.grid)
        return explicit_tendencies(state, core.harmonics, UNEQUAL, reference, orography)

    dry, wet = tendencies(state), tendencies(moist)
    assert dry.tracers == {} and all(not x.any() for x in wet.tracers.values())
    for name in ("vorticity", "divergence", "temperature_variation"):
        a, b = getattr(dry, name), getattr(wet, name)
        assert rms(a - b) <= 5e-6 * rms(b), name


def test_mass_is_conserved_to_rounding():
    model, grown = grown_wave(UNEQUAL, 1800)
    state = model.encode({}, None, START)
    before = float(model.monitor(state)["surface_pressure"])
    state = dataclasses.replace(state, state=grown)
    after = model.monitor(model.advance(state, None, 48))
    assert after["max_surface_pressure"] - after["min_surface_pressure"] > 1000
    assert float(after["surface_pressure"]) == pytest.approx(before, rel=5e-7)


def test_the_time_integrator_is_of_second_order():
    """Errors of a wave after an hour fall by four when the step is halved.

    Where the step resolves the gravity waves of the perturbation; longer steps damp
    them.
    """

    def after(minutes: int) -> State:
        model, state = grown_wave(SigmaLevels(5), 60 * minutes, 20.0)
        core = model.dycore

        @jax.jit
        def integrate(state):
            terms = core.terms(lambda y, args: jax.tree.map(jnp.zeros_like, y))
            step = lambda i, y: core.solver.step(  # noqa: E731
                terms, 0.0, core.step_size, y, None, None, made_jump=False
            )[0]
            return jax.lax.fori_loop(0, 60 // minutes, step, state)

        return integrate(state)

    exact = after(1)
    errors = {
        name: [rms(getattr(after(m), name) - getattr(exact, name)) for m in (10, 5)]
        for name in ("vorticity", "temperature_variation", "divergence")
    }
    orders = {name: np.log2(a / b) for name, (a, b) in errors.items()}
    assert all(1.8 < order < 2.2 for order in orders.values()), orders


def test_steady_jets_stay():
    """Five days of T21 move the wind by what ten layers resolve of its balance."""
    model = model_of("steady-state", SigmaLevels(10))
    first = model.encode({}, None, START)
    names = ("u_component_of_wind", "v_component_of_wind")
    u0 = evaluate(model, first, None, names, "model")["u_component_of_wind"]
    fields = evaluate(model, model.advance(first, None, 240), None, names, "model")
    u, v = (np.asarray(fields[name], np.float64) for name in names)
    assert rms(u - u0) < 0.3  # m/s of 35; 0.24 measured
    assert rms(u - u.mean(1, keepdims=True)) < 1e-4  # still zonal: no noise grows
    assert rms(v) < 0.1  # 0.06 measured


def test_an_isothermal_atmosphere_rests_on_a_mountain():
    """Where Φ and ln pₛ are exact, the pressure gradient is zero to rounding."""
    harmonics = SphericalHarmonics(Grid.triangular(21))
    longitude, latitude, _ = coordinates(harmonics, UNEQUAL)
    height = 1500 * np.cos(latitude) ** 4 * (1 + np.cos(longitude)) / 2
    gas_constant = units.GAS_CONSTANT / units.SQUARE_METER_PER_SQUARE_SECOND
    pressure = 1e5 * np.exp(-units.GRAVITY_SI * height / (gas_constant * 280))
    initial = InitialFields(
        harmonics, UNEQUAL, temperature=280.0, surface_pressure=pressure, height=height
    )
    model = primitive_equations("rest", 1800, initial)
    state = model.advance(model.encode({}, None, START), None, 48)
    assert model.monitor(state)["max_wind"].max() < 2e-3  # m/s


@pytest.mark.long
def test_rest_over_ridges_is_disturbed_by_the_pressure_gradient_alone():
    model = CASES["resting-atmosphere"].build(Resolution(63, SigmaLevels(30), 600))
    state = model.advance(model.encode({}, None, START), None, 144)
    wind = np.asarray(model.monitor(state)["max_wind"])
    assert wind.max() < 2  # at the tropopause, where the lapse rate ends: 1.4
    assert wind[20:].max() < 1  # at the ground: 0.8


@pytest.mark.long
def test_the_baroclinic_wave_deepens_as_it_did():
    """Lowest surface pressure on days 3, 7 and 9, hPa, as first measured at T42.

    Explosive from day 7 on, so that a change of the equations would show.
    """
    model = CASES["baroclinic-wave"].build(Resolution(42, SigmaLevels(26), 900))
    state, found = model.encode({}, None, START), []
    for days in (3, 4, 2):
        state = model.advance(state, None, days * 96)
        found.append(float(model.monitor(state)["min_surface_pressure"]) / 100)
    assert found == pytest.approx([999.2, 986.5, 949.3], abs=0.5)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_diffusion(order):
    """Of the last wavenumber within its time; nothing of means and of mass."""
    grid = Grid.triangular(21)
    diffusion = Diffusion.of_time(grid, 1.0, order, 0.5)
    factors = np.asarray(diffusion.factors)
    assert factors[0] == 1 and factors[21] == pytest.approx(1 / 1.5, rel=1e-6)
    l = np.arange(23.0)
    expected = 1 / (1 + 0.5 * (l * (l + 1) / (21 * 22)) ** order)
    np.testing.assert_allclose(factors, expected, rtol=1e-6)
    state = model_of("baroclinic-wave", SigmaLevels(6)).initial
    after = diffusion(state)
    assert after.log_surface_pressure is state.log_surface_pressure


def test_equal_levels_given_by_their_boundaries_are_the_same_levels():
    equal = SigmaLevels(6)
    assert SigmaLevels.between(equal.boundaries.tolist()) == equal
    for wrong in ([0.1, 1], [0, 0.9], [0, 0.6, 0.4, 1], [0, 0.5, 0.5, 1], [1]):
        with pytest.raises(ValueError, match="ascend"):
            SigmaLevels.between(wrong)


def test_more_levels_approach_the_same_tendency():
    """Geopotential of a smooth profile on unequal levels, against its integral."""
    errors = []
    for layers in (10, 20, 40):
        edges = np.linspace(0, 1, layers + 1) ** 1.5
        levels = SigmaLevels.between(edges.tolist())
        sigma = levels.centers.astype(np.float64)
        temperature = 300 * sigma**0.19
        exact = 300 / 0.19 * (1 - sigma**0.19) * units.GAS_CONSTANT
        found = levels.geopotential_matrix @ temperature
        errors.append(rms((found - exact)[layers // 2 :]))
    assert errors[0] > 3.5 * errors[1] > 12 * errors[2]


def test_all_outputs_on_both_kinds_of_levels():
    model = model_of("held-suarez", UNEQUAL).with_levels([333.0])
    state = model.advance(model.encode({}, None, START), None, 2)
    assert 333.0 in model.levels and min(model.levels) >= 25
    for levels, count in (("pressure", len(model.levels)), ("model", 6)):
        fields = evaluate(model, state, None, available(model), levels)
        for name, x in fields.items():
            on_levels = model.diagnostics[name].on_levels
            assert x.shape == (count if on_levels else 1, 64, 32), name
            assert np.isfinite(x).all(), name
    theta = fields["potential_temperature"].mean((-2, -1))
    assert (np.diff(theta) < 0).all()
