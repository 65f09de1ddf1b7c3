"""Energy and angular momentum: their values, and that their budgets close."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import units
from ngcm_cli.diagnostics import evaluate
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.idealized.budgets import budgets
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.cases import CASES
from ngcm_cli.idealized.initial_fields import InitialFields, coordinates
from ngcm_cli.idealized.primitive import PrimitiveEquations, primitive_equations
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

START = np.datetime64("2000-01-01T00", "s")
LEVELS = SigmaLevels.between([0, 0.05, 0.2, 0.4, 0.7, 0.9, 1])
EARTH_RADIUS, ROTATION = units.LENGTH, units.ANGULAR_VELOCITY / units.TIME
HEAT_CAPACITY = 1004.0


@functools.cache
def model_of(case: str, minutes: int = 30) -> PrimitiveEquations:
    model = CASES[case].build(Resolution(21, LEVELS, 60 * minutes))
    assert isinstance(model, PrimitiveEquations)
    return model


@functools.cache
def state_of(case: str, days: int):
    model = model_of(case)
    return model.advance(model.encode({}, None, START), None, 48 * days)


def means(model, state, names=None) -> dict[str, float]:
    """Global means by quadrature in float64."""
    names = names or tuple(budgets(model.forcing is not None))
    fields = evaluate(model, state, None, names)
    weights = model.grid.area_weights / (4 * np.pi)
    return {
        name: float((np.asarray(x, np.float64)[0] @ weights).sum())
        for name, x in fields.items()
    }


def test_solid_body_rotation():
    """Of 280 K over a plateau: the integrals are known."""
    harmonics = SphericalHarmonics(Grid.triangular(21))
    _, latitude, _ = coordinates(harmonics, LEVELS)
    initial = InitialFields(
        harmonics,
        LEVELS,
        temperature=280.0,
        surface_pressure=9e4,
        eastward_wind=30 * np.cos(latitude),
        height=500.0,
    )
    model = primitive_equations("rotation", 1800, initial)
    found = means(model, model.encode({}, None, START))
    mass = 9e4 / units.GRAVITY_SI
    kinetic = mass * 30**2 / 2 * 2 / 3
    potential = mass * (HEAT_CAPACITY * 280 + units.GRAVITY_SI * 500)
    expected = {
        "kinetic_energy": kinetic,
        "total_energy": kinetic + potential,
        "relative_angular_momentum": mass * EARTH_RADIUS * 30 * 2 / 3,
        "planetary_angular_momentum": mass * ROTATION * EARTH_RADIUS**2 * 2 / 3,
    }
    assert {k: found[k] for k in expected} == pytest.approx(expected, rel=1e-6)
    # ∇⁸ on what has l = 1: (2/(21·22))⁴ in 0.1 days.
    assert abs(found["energy_change_by_diffusion"]) < 1e-3
    assert "work_by_forcing" not in model.diagnostics


def test_contents_are_those_of_the_fields_on_the_levels():
    """By other sums, in NumPy and float64."""
    model, state = model_of("held-suarez"), state_of("held-suarez", 5)
    names = ("temperature", "u_component_of_wind", "v_component_of_wind")
    fields = evaluate(model, state, None, (*names, "surface_pressure"), "model")
    t, u, v, pressure = (np.asarray(x, np.float64) for x in fields.values())
    masses = np.diff(LEVELS.boundaries)[:, None, None] * pressure / units.GRAVITY_SI
    arm = EARTH_RADIUS * np.cos(model.grid.latitude)
    columns = {
        "total_energy": (u**2 + v**2) / 2 + HEAT_CAPACITY * t,
        "kinetic_energy": (u**2 + v**2) / 2,
        "relative_angular_momentum": arm * u,
        "planetary_angular_momentum": ROTATION * arm**2 + 0 * u,
    }
    found = evaluate(model, state, None, tuple(columns))
    for name, column in columns.items():
        expected = (masses * column).sum(0)
        error = np.abs(np.asarray(found[name])[0] - expected).max()
        # Winds of the fields lack the last wavenumber.
        assert error < 2e-3 * np.abs(expected).max(), name
        if name in ("total_energy", "planetary_angular_momentum"):
            assert error < 2e-6 * np.abs(expected).max(), name
    for name in ("total_energy", "kinetic_energy"):
        assert found[name].shape == (1, *model.grid.nodal_shape)


def rate_of_change(model, state, names) -> dict[str, float]:
    """Time derivative of global means along the tendencies, without diffusion."""
    compute = model.diagnostics[names[0]].from_state
    weights = jnp.asarray(model.grid.area_weights / (4 * np.pi), jnp.float32)

    @jax.jit
    def rates(prognostic):
        explicit, implicit = (
            term.vf(0.0, prognostic, None)
            for term in model.dycore.terms(
                lambda y, args: (
                    model.forcing(y)
                    if model.forcing is not None
                    else jax.tree.map(jnp.zeros_like, y)
                )
            ).terms
        )
        tendency = jax.tree.map(jnp.add, explicit, implicit)

        def fields(y):
            return compute(model, dataclasses.replace(state, state=y), None)

        return jax.jvp(fields, (prognostic,), (tendency,))[1]

    found = rates(state.state)
    return {
        name: float((np.asarray(found[name], np.float64)[0] @ weights).sum())
        * units.SECOND
        for name in names
    }


ENERGIES = "total_energy", "kinetic_energy"
MOMENTA = "relative_angular_momentum", "planetary_angular_momentum"


def test_the_equations_keep_energy_and_angular_momentum():
    """What one kind gains the other loses: of a wave without forcing, on day nine."""
    model, state = model_of("baroclinic-wave"), state_of("baroclinic-wave", 9)
    rates = rate_of_change(model, state, (*ENERGIES, *MOMENTA))
    assert abs(rates["kinetic_energy"]) > 0.4  # W m-2, released by the wave
    assert abs(rates["total_energy"]) < 2e-3  # 6e-4 measured
    first, other = (rates[name] for name in MOMENTA)
    assert abs(first) > 5e4 and abs(first + other) < 0.003 * abs(first)


def test_the_forcing_is_all_that_changes_them():
    model, state = model_of("held-suarez"), state_of("held-suarez", 30)
    rates, found = (
        rate_of_change(model, state, (*ENERGIES, *MOMENTA)),
        means(model, state),
    )
    expected = found["heating_by_forcing"] + found["work_by_forcing"]
    assert expected < -50 and found["work_by_forcing"] < -0.05
    assert rates["total_energy"] == pytest.approx(expected, abs=2e-3)  # 4e-4 measured
    torque = sum(rates[name] for name in MOMENTA)
    assert torque == pytest.approx(found["torque_by_forcing"], rel=1e-4)


def test_the_budgets_of_a_day_close():
    """Contents after a day, and the sum over all steps of what changed them.

    Their difference is due to time steps of an hour.
    """
    model, state, rows = model_of("held-suarez", 60), state_of("held-suarez", 5), []
    for _ in range(25):
        rows.append(means(model, state))
        state = model.advance(state, None, 1)
    series = {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def mean_rate(*names):
        total = sum(series[name] for name in names)
        return (total[1:] + total[:-1]).mean() / 2

    def change(*names):
        total = sum(series[name] for name in names)
        return (total[-1] - total[0]) / 86400

    power = mean_rate(
        "heating_by_forcing", "work_by_forcing", "energy_change_by_diffusion"
    )
    assert power < -100  # W m-2
    assert change("total_energy") == pytest.approx(power, abs=0.03)  # 0.011 measured
    torque = mean_rate("torque_by_forcing", "torque_by_diffusion")
    assert torque > 4e4  # N m-1
    assert change(*MOMENTA) == pytest.approx(torque, rel=3e-3)  # 1.2e-3 measured


def test_a_wave_without_forcing_keeps_them():
    """Six days at T21; energy but for what diffusion takes."""
    model = model_of("baroclinic-wave")
    before, after = (means(model, state_of("baroclinic-wave", n)) for n in (0, 6))
    assert after["total_energy"] == pytest.approx(before["total_energy"], rel=1e-6)
    momentum = [sum(x[name] for name in MOMENTA) for x in (before, after)]
    assert momentum[1] == pytest.approx(momentum[0], rel=5e-7)
    assert after["kinetic_energy"] > 1.02 * before["kinetic_energy"]


def test_diffusion_changes_energy_as_it_says():
    """By the energy of the diffused state, in a step that is 3000 times as long."""
    model, state = model_of("baroclinic-wave"), state_of("baroclinic-wave", 9)
    factors = model.diffusion.factors**3000
    stronger = dataclasses.replace(
        model, diffusion=dataclasses.replace(model.diffusion, factors=factors)
    )
    after = dataclasses.replace(state, state=stronger.diffusion(state.state))
    changed = means(model, after)["total_energy"] - means(model, state)["total_energy"]
    found = means(stronger, state)["energy_change_by_diffusion"] * 1800
    assert found < -2000 and changed == pytest.approx(found, rel=0.01)
