"""Strong-constraint 4D-Var: the cost of an initial state, its gradient, its minimum.

J(v) = ½ |v|² + ½ Σ ((Hᵢ(M(x_b + B^½ v)) − yᵢ) / σᵢ)², after Le Dimet and Talagrand
(1986, Tellus 38A, 97-110) in the control variable of Lorenc (1988): the model is taken
to be perfect, and the gradient is that of the program.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ngcm_cli.assimilation.background_error import BackgroundError, Control
from ngcm_cli.assimilation.observation_operator import ObservationOperator
from ngcm_cli.errors import UnstableRunError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState

_CORRECTIONS = 20  # pairs that L-BFGS remembers


class Window(eqx.Module):
    """All that the cost of a control depends on.

    Attributes:
        model: advances and decodes.
        background: state at the beginning of the window.
        forcing: during the window.
        errors: of the background.
        operator: of the observations.
        value: observations.
        weight: one over the standard deviation of each error; zero leaves it out.
    """

    model: NeuralGCM
    background: ModelState
    forcing: Forcing
    errors: BackgroundError
    operator: ObservationOperator
    value: Float[Array, " observation"]
    weight: Float[Array, " observation"]

    def state(self, control: Control) -> ModelState:
        """Return the state at the beginning of the window that a control stands for."""
        return self.errors.add(self.background, control)

    def equivalents(self, control: Control) -> Float[Array, " observation"]:
        """Return what the model has in place of the observations."""
        state = self.state(control)
        return self.operator.equivalents(self.model, state, self.forcing)

    def zero(self) -> Control:
        """Return the control of the background."""
        return {
            name: jnp.zeros(shape) for name, shape in self.errors.control_shapes.items()
        }

    def cost(self, control: Control) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Return J, and its two parts and the equivalents of the observations."""
        equivalents = self.equivalents(control)
        background = sum(jnp.vdot(x, x) for x in control.values()) / 2
        departures = (equivalents - self.value) * self.weight
        observations = jnp.vdot(departures, departures) / 2
        parts = {
            "background": jnp.asarray(background),
            "observations": observations,
            "equivalents": equivalents,
        }
        return background + observations, parts


@eqx.filter_jit
def value_and_gradient(
    window: Window, control: Control
) -> tuple[tuple[jax.Array, dict[str, jax.Array]], Control]:
    """Return the cost of a control with its parts, and its gradient."""
    return jax.value_and_grad(window.cost, has_aux=True)(control)


@dataclasses.dataclass(frozen=True)
class Iteration:
    """Where the minimisation is.

    Attributes:
        cost: J.
        background: part of the background in it.
        observations: part of the observations in it.
        gradient: norm of the gradient of J.
        evaluations: of J and its gradient, up to here.
    """

    cost: float
    background: float
    observations: float
    gradient: float
    evaluations: int


@dataclasses.dataclass(frozen=True, eq=False)
class Minimum:
    """Where a minimisation ended.

    Attributes:
        control: there.
        equivalents: of the observations there, (observation,).
        iterations: the start and every iteration.
        reason: why it ended, as a sentence.
    """

    control: Control
    equivalents: np.ndarray
    iterations: tuple[Iteration, ...]
    reason: str


def minimize(
    window: Window,
    iterations: int,
    reduction: float,
    track: Callable[[Iteration], None] = lambda iteration: None,
) -> Minimum:
    """Minimise the cost by L-BFGS from the background.

    The vectors of the method are on the host in float64; cost and gradient are one
    compiled program. (Liu and Nocedal 1989, Mathematical Programming 45, 503-528, as
    SciPy has it.)

    Args:
        window: the problem.
        iterations: at most.
        reduction: it ends when the norm of the gradient has fallen by this factor.
        track: receives the start and every iteration.

    Returns:
        The best control that was found. Where a later cost is not finite, that is the
        one of the last iteration before, and the reason says so.

    Raises:
        UnstableRunError: the cost of the background is not finite.
    """
    from scipy import optimize  # half a second

    zero, unravel = ravel_pytree(window.zero())
    latest: list[tuple[Iteration, np.ndarray]] = []  # one, the last evaluation
    accepted: list[Iteration] = []
    equivalents: list[np.ndarray] = []  # one, of the last that was accepted
    best = [np.asarray(zero, np.float64)]  # one, the control of that
    reasons = []

    def evaluate(flat: np.ndarray) -> tuple[float, np.ndarray]:
        point = unravel(jnp.asarray(flat, jnp.float32))
        (cost, parts), gradient = jax.device_get(value_and_gradient(window, point))
        slope = np.asarray(ravel_pytree(gradient)[0], np.float64)
        norm = float(np.linalg.norm(slope))
        if not np.isfinite([cost, norm]).all():
            raise UnstableRunError(
                "The forecast from the background, or its gradient, is not finite.",
                "Give a shorter --window, or another --background.",
            )
        here = Iteration(
            float(cost),
            float(parts["background"]),
            float(parts["observations"]),
            norm,
            latest[0][0].evaluations + 1 if latest else 1,
        )
        latest[:] = [(here, parts["equivalents"])]
        if not accepted:
            accept()
        return here.cost, slope

    def accept() -> None:
        here, equivalents[:] = latest[0][0], [latest[0][1]]
        accepted.append(here)
        track(here)

    def after(intermediate_result: Any) -> None:
        accept()  # the line search ends with the point that it returns
        best[:] = [np.array(intermediate_result.x)]
        if accepted[-1].gradient <= reduction * accepted[0].gradient:
            reasons.append(
                f"The norm of the gradient fell to {reduction:g} of the first."
            )
            raise StopIteration

    options = {"maxiter": iterations, "maxcor": _CORRECTIONS, "ftol": 0.0, "gtol": 0.0}
    try:
        optimize.minimize(
            evaluate, best[0], jac=True, method="L-BFGS-B",
            callback=after, options=options,
        )  # fmt: skip
    except UnstableRunError:
        if not accepted:
            raise
        reasons.append(
            "A forecast in the search after iteration "
            f"{len(accepted) - 1} was not finite: the analysis is of that iteration, "
            "and its cost not the lowest."
        )
    if len(accepted) > iterations:
        reasons.append(f"{iterations} iterations were made.")
    reasons.append("No lower cost was found: it is lowest to rounding.")
    control = unravel(jnp.asarray(best[0], jnp.float32))
    return Minimum(control, equivalents[0], tuple(accepted), reasons[0])
