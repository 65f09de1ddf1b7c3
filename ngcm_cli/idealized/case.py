"""A case: what `ngcm idealized` runs, and its defaults."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.gcm.precision import find_precisions
from ngcm_cli.idealized.model import IdealizedModel
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

_COURANT = 0.7
"""Wavenumber · speed · time step of the longest automatic time step.

The published models of 2.8 degrees run at this number with winds of 100 m/s.
"""

_STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
"""Time steps in minutes that divide an hour."""


@dataclasses.dataclass(frozen=True)
class Resolution:
    """In what detail a case is computed.

    Attributes:
        truncation: N of the triangular truncation TN: total wavenumbers l = 0 … N.
        levels: vertical levels; a single one where the equations have no vertical.
        step_seconds: length of the time step, whole minutes.
        precision: of matrix products, a setting of `gcm.precision`.
    """

    truncation: int
    levels: SigmaLevels
    step_seconds: int
    precision: str = "published"

    def harmonics(self) -> SphericalHarmonics:
        """Return the transforms of the grid that has the truncation, in the precision.

        Raises:
            ConfigError: there is no such precision on this device.
        """
        transforms = find_precisions(self.precision).transforms
        return SphericalHarmonics(Grid.triangular(self.truncation), transforms)


@dataclasses.dataclass(frozen=True)
class Case:
    """An idealized case: equations, initial state, forcing, and its usual resolution.

    Attributes:
        name: on the command line, such as ``held-suarez``.
        title: one line for listings and titles of files.
        paper: DOI address of the paper that defines it.
        build: returns the model at a resolution, initial state included. It may raise
            `ConfigError` for a resolution that the case cannot have.
        truncation: default N of TN.
        layers: default number of equally thick sigma layers; None where the equations
            have no vertical.
        lead: default length of the run.
        every: default time between outputs.
        speed: of the fastest wind, or of a wave that is not treated implicitly, m/s: it
            decides the automatic time step.
    """

    name: str
    title: str
    paper: str
    build: Callable[[Resolution], IdealizedModel]
    truncation: int
    layers: int | None
    lead: np.timedelta64
    every: np.timedelta64
    speed: float

    def longest_step(self, truncation: int) -> float:
        """Return the longest time step that is safe for a truncation, in seconds.

        ``C a / (N U)``, with the speed U and radius a, and the Courant number C of the
        published models.
        """
        radius = 1 / units.METER  # the unit of length is the radius of the Earth
        return _COURANT * radius / (truncation * self.speed)

    def automatic_step(self, truncation: int) -> int | None:
        """Return the longest safe time step that divides an hour, in seconds.

        None where not even a minute is safe.
        """
        longest = self.longest_step(truncation)
        return max((60 * x for x in _STEPS if 60 * x <= longest), default=None)
