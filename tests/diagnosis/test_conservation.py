"""Contents of simple atmospheres."""

import numpy as np
import pytest
from diagnosis.flows import LATITUDE, LEVELS, OMEGA, PHI, on_globe

from ngcm_cli.diagnosis.columns import layer_masses
from ngcm_cli.diagnosis.conservation import UNITS, global_contents
from ngcm_cli.units import LENGTH

GRAVITY, PRESSURE = 9.80616, 98_000.0
MASS = PRESSURE / GRAVITY
SURFACE = on_globe(PRESSURE)
MASSES = layer_masses(LEVELS, SURFACE)


def layers(x):
    return np.broadcast_to(x, MASSES.shape).astype(float)


def contents(**fields):
    return global_contents(fields, SURFACE, MASSES, LATITUDE)


def test_mass_is_that_of_the_surface_pressure():
    assert contents() == {"total_mass": pytest.approx(MASS)}


def test_a_uniform_atmosphere():
    found = contents(
        specific_humidity=layers(0.01),
        specific_cloud_ice_water_content=layers(1e-4),
        temperature=layers(250.0),
        geopotential=layers(5e4),
        u_component_of_wind=layers(3.0),
        v_component_of_wind=layers(4.0),
    )
    assert found.keys() == UNITS.keys()
    heat = 1004 * 5 / 7 * 250 * MASS
    expected = {
        "total_mass": MASS,
        "total_water": 0.0101 * MASS,
        "dry_mass": 0.9899 * MASS,
        "internal_energy": heat,
        "potential_energy": 5e4 * MASS,
        "kinetic_energy": 12.5 * MASS,
        "latent_energy": 2.501e6 * 0.01 * MASS,
        "total_energy": heat + (5e4 + 12.5 + 25010) * MASS,
    }
    for name, x in expected.items():
        assert found[name] == pytest.approx(x, rel=1e-13), name


def test_angular_momentum_of_solid_body_rotation():
    """(Ω + ω) a² cos² φ per mass, whose mean over the sphere is two thirds of that."""
    spin = 3e-6
    found = contents(u_component_of_wind=layers(spin * LENGTH * np.cos(PHI)))
    expected = 4 * np.pi * LENGTH**2 * MASS * (OMEGA + spin) * LENGTH**2 * 2 / 3
    # Cell areas are no Gaussian quadrature: a thousandth on 32 latitudes.
    assert found["angular_momentum"] == pytest.approx(expected, rel=2e-3)
    assert "kinetic_energy" not in found
