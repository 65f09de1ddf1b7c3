import dataclasses

import atmosphere
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from atmosphere import GRID, HARMONICS, UNITS, constant, variables

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.dynamics.implicit import implicit_tendencies
from ngcm_cli.dynamics.tendencies import explicit_tendencies
from ngcm_cli.spectral.operators import cos_lat_grad, cos_lat_velocity, laplacian
from ngcm_cli.spectral.transform import SphericalHarmonics

LEVELS = SigmaLevels(8)
TEMPERATURE = np.array(atmosphere.temperatures(LEVELS), np.float32)
STATE = atmosphere.weather(LEVELS)
MOUNTAINS = atmosphere.mountains()

# Rounding of nodal values (4 EPS in a transform, as much again in the products) is
# white noise, of which every coefficient gets sqrt(4π/nodes) (Parseval); a derivative
# multiplies that by l ≤ 20.
COEFFICIENT = 8 * EPS * np.sqrt(4 * np.pi / np.prod(GRID.nodal_shape))
DERIVATIVE = 20 * COEFFICIENT


@jax.jit
def explicit(state: State, orography=MOUNTAINS) -> State:
    return explicit_tendencies(state, HARMONICS, LEVELS, TEMPERATURE, orography)


def nodal(x) -> np.ndarray:
    return np.asarray(HARMONICS.to_nodal(x), np.float64)


def test_it_compiles_once():
    calls = []

    @jax.jit
    def f(harmonics, state, orography):
        calls.append(state)
        levels = SigmaLevels(8)
        return explicit_tendencies(state, harmonics, levels, TEMPERATURE, orography)

    f(HARMONICS, STATE, MOUNTAINS)
    f(HARMONICS, atmosphere.weather(LEVELS, seed=1), MOUNTAINS)
    f(SphericalHarmonics(dataclasses.replace(GRID)), STATE, 2 * MOUNTAINS)
    assert len(calls) == 1
    assert f._cache_size() == 1


def test_the_last_total_wavenumber_is_clipped():
    for tendency in variables(explicit(STATE)).values():
        assert np.all(np.asarray(tendency)[..., -1] == 0)
        assert np.all(np.asarray(tendency)[:, ~GRID.mask] == 0)


def test_total_vorticity_and_divergence_do_not_change():
    """Curl and divergence of a force have no mean, whatever the force."""
    tendency = explicit(STATE)
    # But the moist terms are products of gradients: their mean is rounding.
    scale = units.VAPOR_GAS_CONSTANT * TEMPERATURE.max()
    q_change, p_change = (  # at least as large as their gradients
        nodal(laplacian(x))
        for x in (STATE.tracers["specific_humidity"], STATE.log_surface_pressure)
    )
    for name in "vorticity", "divergence":
        mean = getattr(tendency, name)[:, 0, 0]
        tolerance = COEFFICIENT * scale * rms(q_change) * rms(p_change)
        assert_agrees(f"mean {name}", "(2Ω)²", mean, np.zeros(8), tolerance)


def test_mass_is_conserved():
    """∮ pₛ ∂π/∂t dΩ = 0: the semi-discrete scheme conserves mass, not mean π.

    Exactly so as long as the truncation holds pₛ times the tendency: for pₛ of few
    wavenumbers. The pressure of this state has l ≤ 6.
    """
    l = np.arange(GRID.total_wavenumbers)
    smooth = jax.tree.map(lambda x: x * (l <= 6), STATE)
    implicit = implicit_tendencies(smooth, LEVELS, TEMPERATURE)
    change = nodal(
        explicit(smooth).log_surface_pressure + implicit.log_surface_pressure
    )
    pressure = np.exp(nodal(smooth.log_surface_pressure))
    weights = GRID.area_weights / (4 * np.pi)
    total = np.sum(pressure * change * weights)
    # Independent rounding of as many nodes as there are; the exponential of l ≤ 6
    # leaves 1e-3⁴ of pₛ unresolved.
    scale = rms(pressure * change) + rms(pressure) * rms(
        nodal(LEVELS.integral(np.asarray(smooth.divergence)))
    )
    assert abs(total) < 8 * EPS * scale
    # What is not conserved is the mean of π itself.
    assert abs(np.sum(change * weights)) > 100 * abs(total / pressure.mean())


def test_a_constant_tracer_stays_constant():
    cloud = 3e-4
    name = "specific_cloud_ice_water_content"
    tracers = {**STATE.tracers, name: jnp.asarray(constant(np.full(8, cloud)))}
    tendency = explicit(dataclasses.replace(STATE, tracers=tracers)).tracers[name]
    u, v = (
        nodal(x)
        for x in cos_lat_velocity(STATE.vorticity, STATE.divergence, clip=False)
    )
    # Convergence of the flux q u cancels q times divergence: rounding of the flux,
    # then its derivative.
    sec2 = 1 / np.cos(GRID.latitude) ** 2
    tolerance = DERIVATIVE * cloud * (rms(u * sec2) + rms(v * sec2))
    assert_agrees(name, "kg/kg 2Ω", tendency, 0 * tendency, tolerance)
    # A tracer that varies does change, by many times that.
    other = explicit(STATE).tracers[name]
    assert rms(other) > 100 * tolerance * rms(STATE.tracers[name]) / cloud


def test_a_tracer_in_solid_body_rotation():
    """∂q/∂t = −U ∂q/∂λ, on every level."""
    speed = 20 * units.METER_PER_SECOND
    state = atmosphere.solid_body_rotation(LEVELS, 280.0, TEMPERATURE, 20.0)
    name = "specific_cloud_liquid_water_content"
    longitude, latitude = GRID.longitude[:, None], GRID.latitude
    wave = 1e-4 * np.cos(latitude) ** 3 * np.cos(3 * longitude)
    level = np.arange(1, 9)[:, None, None]
    tracers = {**state.tracers, name: atmosphere.modal(level * wave)}
    tendency = explicit(
        dataclasses.replace(state, tracers=tracers), atmosphere.flat()
    ).tracers[name]
    turned = 1e-4 * np.cos(latitude) ** 3 * np.sin(3 * longitude)
    expected = 3 * speed * level * turned
    tolerance = 20 * 8 * EPS * speed * rms(level * wave)
    assert_agrees(name, "kg/kg 2Ω", nodal(tendency), expected, tolerance)


def test_steady_states_have_no_tendency():
    """Solid-body rotation, and rest over mountains, both isothermal: exact balance."""
    for state, ground in (
        (
            atmosphere.solid_body_rotation(LEVELS, 280.0, TEMPERATURE, 20.0),
            atmosphere.flat(),
        ),
        (
            atmosphere.isothermal_at_rest(LEVELS, 280.0, TEMPERATURE, MOUNTAINS),
            MOUNTAINS,
        ),
    ):
        implicit = implicit_tendencies(state, LEVELS, TEMPERATURE)
        total = jax.tree.map(jnp.add, explicit(state, ground), implicit)
        # What cancels: Coriolis and pressure force RT ∇π, formed on the nodes; RT ∇²π
        # and the slope of the ground, in spectral space. Heat, as much as 70 K of it,
        # moves with the wind.
        pressure = np.asarray(state.log_surface_pressure)
        force = units.GAS_CONSTANT * 280 * rms(nodal(cos_lat_grad(pressure)[1]))
        slope = units.GAS_CONSTANT * 280 * rms(laplacian(pressure))
        wind = rms(nodal(cos_lat_velocity(state.vorticity, state.divergence)[0]))
        tolerances = {
            "vorticity": DERIVATIVE * force,
            "divergence": DERIVATIVE * force + 8 * EPS * slope,
            "temperature_variation": DERIVATIVE * 70 * wind,
            "log_surface_pressure": DERIVATIVE * wind,
        }
        for name, tolerance in tolerances.items():
            ours = variables(total)[name]
            assert_agrees(name, f"{UNITS[name]} 2Ω", ours, 0 * ours, tolerance)


def test_members_change_alike():
    other = atmosphere.weather(LEVELS, seed=1)
    both = jax.tree.map(lambda *x: jnp.stack(x), STATE, other)
    mapped = jax.vmap(explicit)(both)
    for member, state in enumerate([STATE, other]):
        for name, expected in variables(explicit(state)).items():
            ours = variables(mapped)[name][member]
            # Sums may run in another order: as large as another rounding of the state.
            moved = variables(explicit(jax.tree.map(lambda x: x * (1 + EPS), state)))
            tolerance = 10 * rms(np.asarray(moved[name]) - expected)
            assert_agrees(name, f"{UNITS[name]} 2Ω", ours, expected, tolerance)


@pytest.mark.slow
def test_values_of_the_specification(era5):
    """Reference specification, section 14.2: tendencies of the bundled model's state.

    There RMS is over all places of the modal array, and single places are [31, 2, 3]
    and [15, 5, 7], or [0, 2, 3] and [0, 5, 7]. Those numbers are of a float64 encoder:
    by what passes through networks, the specification says, float32 agrees to 1e-4.
    """
    agreement = 1e-4
    core, state = era5
    temperature = np.array(core.reference_temperature, np.float32)
    ground = core.orography.modal(core.harmonics.grid)
    explicit = variables(
        jax.jit(
            lambda x: explicit_tendencies(
                x, core.harmonics, core.levels, temperature, ground
            )
        )(state)
    )
    implicit = variables(implicit_tendencies(state, core.levels, temperature))
    for name, first, second, size in (
        ("vorticity", -0.000100242032, 0.00137603988, 0.00342555673),
        ("divergence", 0.00542962821, -0.0430752893, 0.0910158911),
        ("temperature_variation", 0.0478345404, -0.134015113, 0.0392697153),
        ("log_surface_pressure", 8.74432705e-05, -0.00104317807, 0.000360950513),
        ("specific_cloud_ice_water_content", -1.76179222e-09, -3.80821539e-07, None),
        ("specific_cloud_liquid_water_content", -1.62368057e-08, 2.10882947e-08, None),
        ("specific_humidity", 4.63274089e-05, 9.51443594e-06, None),
    ):
        x = np.asarray(explicit[name])
        ours = x[[-1, min(15, len(x) - 1)], [2, 5], [3, 7]]
        unit = f"{UNITS[name]} 2Ω"
        if size is not None:
            assert rms(x) == pytest.approx(size, rel=agreement), name
        # A single place is as exact as the field is large.
        assert_agrees(name, unit, ours, np.array([first, second]), agreement * rms(x))
    for name, first, second in (
        ("divergence", -0.00463600754, 0.0441182872),
        ("temperature_variation", -0.0177087006, -0.0237589225),
        ("log_surface_pressure", -0.000224759973, 0.000823721665),
    ):
        x = np.asarray(implicit[name])
        ours = x[[-1, min(15, len(x) - 1)], [2, 5], [3, 7]]
        unit = f"{UNITS[name]} 2Ω"
        assert_agrees(name, unit, ours, np.array([first, second]), agreement * rms(x))
