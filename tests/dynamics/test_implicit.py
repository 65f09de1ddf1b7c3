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
    implicit_inverse,
    implicit_matrix,
    implicit_tendencies,
)
from ngcm_cli.dynamics.sil3 import IMPLICIT_FRACTIONS

LEVELS = SigmaLevels(8)
TEMPERATURE = np.array(atmosphere.temperatures(LEVELS))
STEP = 20 / 60 * units.HOUR
STATE = atmosphere.weather(LEVELS)


def test_inverse_times_matrix_is_one_in_float64():
    levels, temperature = SigmaLevels(32), np.array(DEMO_TEMPERATURE)
    matrix = implicit_matrix(64, levels, temperature)
    assert matrix.dtype == np.float64
    for fraction in IMPLICIT_FRACTIONS:
        operator = np.eye(65) - STEP * fraction * matrix
        inverse = implicit_inverse(matrix, STEP * fraction)
        # Backward stability: |A·A⁻¹ − 1| ≤ n ε cond(A).
        tolerance = 65 * np.finfo(np.float64).eps * np.linalg.cond(operator)
        error = np.abs(operator @ inverse - np.eye(65)).max(axis=(1, 2))
        assert np.all(error < tolerance)
        assert tolerance.max() < EPS / 10  # as good as exact for float32


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
    matrix = implicit_matrix(GRID.total_wavenumbers, LEVELS, TEMPERATURE)
    inverses = [implicit_inverse(matrix, STEP * x) for x in IMPLICIT_FRACTIONS]
    return ImplicitSolve(jnp.asarray(np.stack(inverses), jnp.float32))


@pytest.mark.parametrize("stage", range(3))
def test_solve(stage):
    eta = STEP * IMPLICIT_FRACTIONS[stage]
    matrix = implicit_matrix(GRID.total_wavenumbers, LEVELS, TEMPERATURE)
    inverse = implicit_inverse(matrix, eta)
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
    """Reference specification, section 14.2: l = 10, η = 20 min/6."""
    matrix = implicit_matrix(11, SigmaLevels(32), np.array(DEMO_TEMPERATURE))
    inverse = implicit_inverse(matrix, STEP / 6)[10]
    for place, value in {
        (0, 0): 0.996866871,
        (0, 40): 1.25029211e-04,
        (40, 0): -0.120329476,
        (64, 64): 0.99223379,
        (0, 64): 0.234552969,
    }.items():
        # α carries the rounding of float32 logarithms, on both sides.
        assert inverse[place] == pytest.approx(value, rel=10 * EPS)
