"""Wind, vorticity, divergence and vertical velocity of known flows."""

import types

import numpy as np
from agreement import EPS, assert_agrees, rms
from diagnostics import reduced_states as small
from gcm.synthesis import synthesis

from ngcm_cli import units
from ngcm_cli.diagnostics import evaluate

SPEED = 20.0  # m s-1


def on_model_levels(state, *names):
    found = evaluate(small.model(), state, None, names, "model")
    return small.in_float64(found)


def test_solid_body_rotation():
    grid = small.model().grid
    state = small.atmosphere(u=SPEED * grid.cos_latitude)
    found = on_model_levels(state, "vorticity", "divergence", "wind_speed")
    expected = {
        "vorticity": 2 * SPEED / small.RADIUS * grid.sin_latitude,
        "wind_speed": SPEED * grid.cos_latitude,
    }
    for name, unit in ("vorticity", "s-1"), ("wind_speed", "m s-1"):
        x = np.broadcast_to(expected[name], found[name].shape)
        # Rounding of sums over 16 latitudes and 17 wavenumbers.
        assert_agrees(name, unit, found[name], x, 16 * EPS * rms(x))
    zero = np.zeros_like(found["divergence"])
    tolerance = 16 * EPS * rms(expected["vorticity"])
    assert_agrees("divergence", "s-1", found["divergence"], zero, tolerance)


def test_on_pressure_levels_the_speed_is_that_of_the_decoded_wind():
    wind = "u_component_of_wind", "v_component_of_wind"
    found = evaluate(small.model(), small.weather(), None, ("wind_speed", *wind))
    found = small.in_float64(found)
    expected = np.hypot(*(found[name] for name in wind))
    np.testing.assert_allclose(found["wind_speed"], expected, rtol=2 * EPS)


def test_vorticity_and_divergence_against_finite_differences():
    """Of the wind, four neighbours each, in float64."""
    fields, step = flow(small.weather(), 1e-3), 1e-3
    grid = small.model().grid
    cos = np.cos(grid.latitude)
    u, v = fields["u"], fields["v"]
    edge = lambda x, shift: x[shift] * np.cos(grid.latitude + shift[1] * step)
    east, west, north, south = (step, 0), (-step, 0), (0, step), (0, -step)
    unit = [(int(np.sign(a)), int(np.sign(b))) for a, b in (east, west, north, south)]
    e, w, n, s = unit
    scale = 2 * step * small.RADIUS * cos
    vorticity = (v[e] - v[w] - edge(u, n) + edge(u, s)) / scale
    divergence = (u[e] - u[w] + edge(v, n) - edge(v, s)) / scale
    found = on_model_levels(small.weather(), "vorticity", "divergence")
    for name, x in ("vorticity", vorticity), ("divergence", divergence):
        # Second-order differences: (10 step)²/6 at the tenth wavenumber.
        assert_agrees(name, "s-1", found[name], x, 2e-5 * rms(x))


def test_uniform_ascent_of_air_that_converges_at_all_heights():
    """δ = D sin φ at every level above flat pressure: ω = −pₛ σ δ."""
    grid, rate = small.model().grid, 1e-5
    # v = −(D a/2) cos φ has the divergence D sin φ.
    state = small.atmosphere(v=-rate * small.RADIUS / 2 * grid.cos_latitude)
    omega = on_model_levels(state, "vertical_velocity")["vertical_velocity"]
    expected = -small.PRESSURE * small.sigma() * rate * grid.sin_latitude
    expected = np.broadcast_to(expected, omega.shape)
    assert_agrees("omega", "Pa s-1", omega, expected, 16 * EPS * rms(expected))


def flow(state, step):
    """U, v [m s-1], δ [s-1] and ln pₛ of a state at nodes and around, in float64.

    By the offset in longitude and latitude, in steps. The derivatives of the stream
    function and the velocity potential are finite differences.
    """
    grid, x = small.model().grid, state.state
    l = np.arange(grid.total_wavenumbers)
    inverse = np.where(l > 0, -1 / np.maximum(l * (l + 1.0), 1), 0)
    stream, potential = (
        np.asarray(y, np.float64) * inverse for y in (x.vorticity, x.divergence)
    )

    def at(y, east, north):
        there = types.SimpleNamespace(
            longitude=grid.longitude + east, sin_latitude=np.sin(grid.latitude + north)
        )
        return synthesis(y, there)

    def d(y, axis, east, north, h=1e-5):
        shift = (h, 0) if axis == 0 else (0, h)
        ahead = at(y, east + shift[0], north + shift[1])
        return (ahead - at(y, east - shift[0], north - shift[1])) / (2 * h)

    speed = 1 / units.METER_PER_SECOND
    u, v = {}, {}
    for offset in (0, 0), (1, 0), (-1, 0), (0, 1), (0, -1):
        place = offset[0] * step, offset[1] * step
        cos = np.cos(grid.latitude + place[1])
        u[offset] = (d(potential, 0, *place) / cos - d(stream, 1, *place)) * speed
        v[offset] = (d(potential, 1, *place) + d(stream, 0, *place) / cos) * speed
    return {
        "u": u,
        "v": v,
        "divergence": at(np.asarray(x.divergence, np.float64), 0, 0) * units.SECOND,
        "log_pressure": at(np.asarray(x.log_surface_pressure, np.float64), 0, 0),
        "slope": [
            d(np.asarray(x.log_surface_pressure, np.float64), axis, 0, 0)
            for axis in (0, 1)
        ],
    }


def test_vertical_velocity_against_continuity_in_float64():
    fields, grid = flow(small.weather(), 1e-3), small.model().grid
    here = 0, 0
    u, v, (east, north) = fields["u"][here], fields["v"][here], fields["slope"]
    advection = (u * east / np.cos(grid.latitude) + v * north) / small.RADIUS
    inflow = (fields["divergence"] + advection) / len(u)
    pressure = np.exp(fields["log_pressure"]) / units.PASCAL
    boundary = np.cumsum(inflow, axis=0)
    integral = boundary - inflow / 2
    expected = pressure * (small.sigma() * advection - integral)
    state = small.weather()
    found = on_model_levels(state, "vertical_velocity")["vertical_velocity"]
    assert_agrees("omega", "Pa s-1", found, expected, 2e-6 * rms(expected))


def test_vertical_velocity_and_the_change_of_surface_pressure():
    """Over flat pressure ∂pₛ/∂t = ω at the ground: mass is conserved."""
    state = small.weather()
    flat = state.state.log_surface_pressure * (np.arange(17) == 0)
    state = small.with_prognostic(state, log_surface_pressure=flat)
    names = "vertical_velocity", "divergence", "surface_pressure"
    omega, divergence, pressure = on_model_levels(state, *names).values()
    half_layer = 0.5 / len(omega)
    expected = omega[-1:] - pressure * divergence[-1:] * half_layer

    def change(seconds):
        later = small.dynamical_step(state, seconds)
        after = on_model_levels(later, "surface_pressure")["surface_pressure"]
        return (after - pressure) / seconds

    # Extrapolated to no time at all; what rounding of 0.01 Pa leaves of 60 seconds.
    found = 2 * change(120) - change(240)
    tolerance = 2e-3 * rms(expected) + 0.02 / 60
    assert_agrees("pressure tendency", "Pa s-1", found, expected, tolerance)
