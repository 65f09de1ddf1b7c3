"""The pieces put together: the neural general circulation model.

``model`` has the three verbs encode, advance and decode; ``step`` is one model step and
``rollout`` many. ``encoder`` and ``decoder`` lead from and to pressure levels.
``precision`` says how exactly matrix products are computed, and ``programs`` how what
runs once per output is compiled. ``state_arrays`` and ``perturbation`` serve long runs.
Nothing here knows about files: see ``ngcm_cli.simulation`` for that.
"""

from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.rollout import Chunk, rollout

__all__ = ["Chunk", "Forcing", "ModelState", "NeuralGCM", "rollout"]
