"""The sphere: grids, spherical-harmonic transforms, derivatives and filters.

Pure mathematics on the unit sphere; nothing here knows that air exists. Start with
``grid`` and ``transform``; ``operators`` differentiates modal fields and ``filters``
damps or truncates them. The atmosphere is in ``ngcm_cli.dynamics``.
"""

from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

__all__ = ["Grid", "SphericalHarmonics"]
