"""The reference's dynamical core, imported when it is called."""

import functools
import importlib


def dinosaur(module: str):
    return importlib.import_module(f"dinosaur.{module}")


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
