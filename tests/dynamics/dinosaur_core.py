"""The reference's dynamical core, ``dinosaur``, for the grids and states of ours.

Agreement is measured against the reference's own sensitivity: the RMS by which its
answer moves when its inputs are perturbed by 1e-7, rounding to float32.
"""

import functools
import importlib

import atmosphere
import diffrax
import equinox as eqx
import jax
import numpy as np
from agreement import EPS, assert_agrees, perturbed, rms
from atmosphere import UNITS, mean_and_eddies, variables

from ngcm_cli.dynamics import Dycore, SigmaLevels, State

K = 3  # two implementations of one specification agree within 3 times the sensitivity


def dinosaur(module: str):
    return importlib.import_module(f"dinosaur.{module}")


def implicit_terms(core):
    """The implicit term of a core as a function of the state, filled up with zeros."""
    field = core.terms().terms[1].vector_field
    return lambda state: diffrax.ODETerm(field).vf(0.0, state, None)


@functools.cache
def specs():
    scale = dinosaur("scales").ATMOSPHERIC_SCALE
    return dinosaur("units").SimUnits.from_si(scale=scale)


def grid_of(grid):
    spherical = dinosaur("spherical_harmonic")
    return spherical.Grid(
        longitude_wavenumbers=grid.longitude_wavenumbers,
        total_wavenumbers=grid.total_wavenumbers,
        longitude_nodes=grid.longitude_nodes,
        latitude_nodes=grid.latitude_nodes,
        spherical_harmonics_impl=spherical.RealSphericalHarmonicsWithZeroImag,
    )


def equations_of(core: Dycore, kind: str = "MoistPrimitiveEquationsWithCloudMoisture"):
    """The reference's equations for the grid, levels and ground of a core of ours."""
    grid = core.harmonics.grid
    return getattr(dinosaur("primitive_equations"), kind)(
        np.array(core.reference_temperature, np.float32),
        core.orography.modal(grid),
        coordinates_of(core),
        specs(),
    )


def coordinates_of(core: Dycore):
    return dinosaur("coordinate_systems").CoordinateSystem(
        grid_of(core.harmonics.grid), levels_of(core.levels)
    )


def levels_of(levels: SigmaLevels):
    coordinates = dinosaur("sigma_coordinates").SigmaCoordinates
    if levels.interior is None:
        return coordinates.equidistant(levels.layers)
    return coordinates(levels.boundaries)


def theirs(state: State):
    return dinosaur("primitive_equations").State(**vars(state))


def ours(state) -> State:
    return State(**{name: getattr(state, name) for name in State.__annotations__})


def assert_same(reference, label, f, g, state: State, unit: str = "", k: float = K):
    """f, ours, and g(), the reference's, map the state to the same state."""

    @functools.cache
    def answers():
        run = jax.jit(g())
        leaves, structure = jax.tree.flatten(state)
        leaves = [perturbed(x, seed) for seed, x in enumerate(leaves)]
        moved = jax.tree.unflatten(structure, leaves)
        of = [variables(ours(run(theirs(x)))) for x in (state, moved)]
        return [{name: mean_and_eddies(x) for name, x in x.items()} for x in of]

    def sensitivity(name, part):
        right, by = (answer[name] for answer in answers())
        moved = {part: rms(by[part] - right[part]) for part in right}
        # A mean is one number a level: too few to draw noise from. It is rounded
        # itself, and transforms spread rounding evenly over all coefficients.
        moved["mean"] += EPS * rms(right["mean"])
        moved["mean"] += moved["eddies"] / atmosphere.ONE
        return moved[part]

    for name, value in variables(eqx.filter_jit(f)(state)).items():
        for part, x in mean_and_eddies(value).items():
            of = f"{part} {name} of {label}"
            expected = reference(of, lambda n=name, p=part: answers()[0][n][p])
            tolerance = k * reference.number(
                f"sensitivity of {of}", lambda n=name, p=part: sensitivity(n, p)
            )
            units = f"{UNITS[name]}{unit}"
            assert_agrees(of, units, reference.sample(x), expected, tolerance)
