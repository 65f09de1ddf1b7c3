"""The moist primitive equations on sigma levels and their time stepping.

Read ``state`` for what is predicted, ``tendencies`` and ``implicit`` for the equations,
``sil3`` for the time integrator and ``dycore`` for the step that puts them together.
``shallow_water`` holds another, simpler system of equations with the same integrator.
Nothing here knows that neural networks exist: what was learned enters as a constant
tendency.
"""

from ngcm_cli.dynamics.dycore import Dycore
from ngcm_cli.dynamics.sigma import SigmaLevels
from ngcm_cli.dynamics.state import State
from ngcm_cli.dynamics.vertical_coordinate import VerticalCoordinate

__all__ = ["Dycore", "SigmaLevels", "State", "VerticalCoordinate"]
