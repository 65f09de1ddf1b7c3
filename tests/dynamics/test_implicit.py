import dataclasses

import atmosphere
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from atmosphere import DEMO_TEMPERATURE, GRID, UNITS, variables

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.dynamics.implicit import (
    ImplicitSolve,
    implicit_tendencies,
    vertical_modes,
)
from ngcm_cli.dynamics.sil3 import IMPLICIT_FRACTIONS

LEVELS = SigmaLevels(8)
TEMPERATURE = np.array(atmosphere.temperatures(LEVELS))
STEP = 20 / 60 * units.HOUR
STATE = atmosphere.weather(LEVELS)


def implicit_matrix(total_wavenumbers, levels, temperature):
    """The operator on (δ, T′, π) as a matrix, (l, 2n + 1, 2n + 1), float64."""
    n, temperature = levels.layers, np.asarray(temperature, np.float64)
    l = np.arange(total_wavenumbers)[:, None, None]
    matrix = np.zeros((total_wavenumbers, 2 * n + 1, 2 * n + 1))
    matrix[:, :n, n : 2 * n] = l * (l + 1.0) * levels.geopotential_matrix
    matrix[:, :n, 2 * n] = (l * (l + 1.0))[..., 0] * units.GAS_CONSTANT * temperature
    matrix[:, n : 2 * n, :n] = -levels.adiabatic_matrix(temperature)
    matrix[:, 2 * n, :n] = -levels.thickness
    return matrix


@pytest.mark.parametrize("layers", [8, 32, 37])
def test_modes_are_those_of_the_matrix(layers):
    """They diagonalise it, have its frequencies, and rounding is not amplified."""
    levels = SigmaLevels(layers)
    temperature = np.array(atmosphere.temperatures(levels))
    squares, modes = vertical_modes(levels, temperature)
    assert squares.dtype == modes.dtype == np.float64
    assert np.all(np.diff(squares) < 0) and squares[-1] > 0
    frequencies = np.linalg.eigvals(implicit_matrix(3, levels, temperature)[2]).imag
    frequencies = np.sort(frequencies[frequencies > 1e-6 * frequencies.max()])[::-1]
    np.testing.assert_allclose(np.sqrt(6 * squares), frequencies, rtol=1e-6)
    assert np.linalg.cond(modes) < 50


def test_an_unstable_reference_temperature_is_refused():
    with pytest.raises(ValueError, match="not stable"):
        vertical_modes(LEVELS, np.linspace(100, 400, 8))


def test_gravity_waves_neither_grow_nor_decay():
    """The eigenvalues of an isothermal atmosphere: pairs ±iω, and zeros."""
    matrix = implicit_matrix(22, LEVELS, np.full(8, 280.0))
    eigenvalues = np.linalg.eigvals(matrix)
    fastest = np.abs(eigenvalues.imag).max(axis=1)
    l = np.arange(22)
    speed = fastest[1:] / np.sqrt(l * (l + 1))[1:]
    np.testing.assert_allclose(speed, speed[0], rtol=1e-9)  # not dispersive
    # Zero is an eigenvalue several times: rounding moves it by √ε of the largest.
    defect = np.sqrt(np.finfo(np.float32).eps)
    assert np.all(np.abs(eigenvalues.real).max(axis=1) <= defect * fastest + 1e-12)


def test_speed_of_the_external_wave():
    """Lamb's c² = RT/(1 − κ) for an isothermal atmosphere, as levels are added."""
    exact = np.sqrt(units.GAS_CONSTANT * 280 / (1 - units.KAPPA))
    errors = []
    for layers in 8, 16, 32, 64:
        matrix = implicit_matrix(2, SigmaLevels(layers), np.full(layers, 280.0))[1]
        speed = np.abs(np.linalg.eigvals(matrix).imag).max() / np.sqrt(2)
        errors.append(1 - speed / exact)
    # The wave grows upwards like σ^−κ, so that the layers next to the top, where σ
    # varies most, carry energy ∝ Δσ^(1 − 2κ): the error falls as slowly as that.
    ratios = np.divide(errors[:-1], errors[1:])
    assert np.all(ratios > 2 ** (1 - 2 * units.KAPPA)), errors
    assert 0 < errors[0] < (1 / 8) ** (1 - 2 * units.KAPPA)


def test_tendencies_are_those_of_the_matrix():
    matrix = implicit_matrix(GRID.total_wavenumbers, LEVELS, TEMPERATURE)
    stacked = np.concatenate(
        [STATE.divergence, STATE.temperature_variation, STATE.log_surface_pressure]
    )
    expected = np.einsum("lab,brl->arl", matrix, stacked.astype(np.float64))
    tendency = implicit_tendencies(STATE, LEVELS, TEMPERATURE.astype(np.float32))
    parts = dict(
        divergence=expected[:8],
        temperature_variation=expected[8:16],
        log_surface_pressure=expected[16:],
    )
    # Sums of 9 terms at most; in the divergence those of temperature and pressure
    # cancel in part, so its scale is that of the larger term.
    size = {name: rms(part) for name, part in parts.items()}
    pressure = matrix[:, :8, 16:] * stacked[16:, :, :].transpose(2, 0, 1)[:, :1, :]
    size["divergence"] = max(size["divergence"], rms(pressure))
    for name, part in parts.items():
        ours = getattr(tendency, name)
        assert_agrees(name, f"{UNITS[name]} 2Ω", ours, part, 4 * EPS * size[name])
    others = [tendency.vorticity, *tendency.tracers.values()]
    assert all(np.all(np.asarray(x) == 0) for x in others)


def solve_of_every_stage() -> ImplicitSolve:
    steps = [STEP * x for x in IMPLICIT_FRACTIONS]
    return ImplicitSolve(
        GRID.total_wavenumbers, LEVELS, tuple(TEMPERATURE.tolist()), steps
    )


@pytest.mark.parametrize("stage", range(3))
def test_solve(stage):
    eta = STEP * IMPLICIT_FRACTIONS[stage]
    matrix = implicit_matrix(GRID.total_wavenumbers, LEVELS, TEMPERATURE)
    inverse = np.linalg.inv(np.eye(17) - eta * matrix)
    solved = solve_of_every_stage()(stage, STATE)
    stacked = np.concatenate(
        [STATE.divergence, STATE.temperature_variation, STATE.log_surface_pressure]
    ).astype(np.float64)
    exact = np.linalg.solve(np.eye(17) - eta * matrix, stacked.transpose(2, 0, 1))
    exact = exact.transpose(1, 2, 0)
    # A sum of 17 products, whose terms may cancel: rounding of the largest of them.
    terms = np.sqrt(np.einsum("lab,brl->arl", inverse**2, stacked**2))
    for name, rows in {
        "divergence": slice(0, 8),
        "temperature_variation": slice(8, 16),
        "log_surface_pressure": slice(16, 17),
    }.items():
        tolerance = 2 * EPS * rms(terms[rows])
        ours = getattr(solved, name)
        assert_agrees(name, UNITS[name], ours, exact[rows], tolerance)
    np.testing.assert_array_equal(solved.vorticity, STATE.vorticity)
    for name, tracer in STATE.tracers.items():
        np.testing.assert_array_equal(solved.tracers[name], tracer)

    # And it undoes y − η G(y), evaluated by the tendencies.
    tendency = implicit_tendencies(solved, LEVELS, TEMPERATURE.astype(np.float32))
    back = jax.tree.map(lambda y, g: y - eta * g, solved, tendency)
    for name, ours in variables(back).items():
        expected = variables(STATE)[name]
        change = eta * np.asarray(variables(tendency)[name], np.float64)
        # Pressure and temperature parts of the divergence cancel: see above.
        cancelled = 1.0
        if name == "divergence":
            pressure = (
                -eta * matrix[:, :8, 16:] * stacked[16:].transpose(2, 0, 1)[:, :1]
            )
            cancelled = max(1.0, rms(pressure) / rms(change))
        tolerance = 4 * EPS * (rms(expected) + cancelled * rms(change))
        assert_agrees(f"(1 − ηG) {name}", UNITS[name], ours, expected, tolerance)


def test_members_are_solved_alike():
    solve = solve_of_every_stage()
    other = dataclasses.replace(STATE, divergence=2 * STATE.divergence)
    both = jax.tree.map(lambda *x: jnp.stack(x), STATE, other)
    mapped = jax.vmap(lambda state: solve(1, state))(both)
    for member, state in enumerate([STATE, other]):
        single = solve(1, state)
        for name, expected in variables(single).items():
            ours = variables(mapped)[name][member]
            assert_agrees(name, UNITS[name], ours, expected, 4 * EPS * rms(expected))


def test_value_of_the_specification():
    """Reference specification, section 14.2: l = 10, η = 20 min/6.

    Entries of the inverse on (δ, T′, π), by the modes in float64.
    """
    levels, temperature = SigmaLevels(32), np.array(DEMO_TEMPERATURE)
    squares, modes = vertical_modes(levels, temperature)
    eta, eigenvalue = STEP / 6, -110.0
    solve = modes / (1 - eta**2 * eigenvalue * squares) @ np.linalg.inv(modes)
    pressure = -eta * eigenvalue * units.GAS_CONSTANT * temperature
    found = {
        (0, 0): solve[0, 0],
        (0, 40): (solve @ (-eta * eigenvalue * levels.geopotential_matrix))[0, 8],
        (40, 0): -(eta * levels.adiabatic_matrix(temperature) @ solve)[8, 0],
        (64, 64): 1 - eta * levels.thickness @ solve @ pressure,
        (0, 64): (solve @ pressure)[0],
    }
    for place, value in {
        (0, 0): 0.996866871,
        (0, 40): 1.25029211e-04,
        (40, 0): -0.120329476,
        (64, 64): 0.99223379,
        (0, 64): 0.234552969,
    }.items():
        # α carries the rounding of float32 logarithms, on both sides.
        assert found[place] == pytest.approx(value, rel=10 * EPS)
