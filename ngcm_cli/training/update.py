"""The compiled programs of a training: one update of the weights, one evaluation."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ngcm_cli.checkpoint.parameters import named_arrays, with_arrays
from ngcm_cli.config.train import Stage, TrainConfig
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.simulation.batch import program_memory
from ngcm_cli.simulation.distributed import wait_for_others
from ngcm_cli.training.example import Example
from ngcm_cli.training.losses import LossSettings, batch_loss

_AXIS = "example"
_MOMENTS = 0.9, 0.95, 1e-6  # of Adam, as NeuralGCM was trained: b1, b2, epsilon
_WEIGHT_DECAY = 1e-4


class TrainingState(eqx.Module):
    """What an update changes.

    Attributes:
        learned: learned parameters; all else is None.
        average: their exponential moving averages.
        moments: state of the optimizer, of the parameters that the stage trains.
    """

    learned: NeuralGCM
    average: NeuralGCM
    moments: Any

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything on the host, by name."""
        return {
            **{f"learned/{n}": x for n, x in named_arrays(self.learned).items()},
            **{f"average/{n}": x for n, x in named_arrays(self.average).items()},
            **{
                f"moments/{number:04}": np.asarray(x)
                for number, x in enumerate(jax.tree.leaves(self.moments))
            },
        }

    def with_arrays(self, arrays: Mapping[str, np.ndarray]) -> "TrainingState":
        """Return a state of the same structure with other values, of `arrays`."""
        parts: dict[str, dict[str, np.ndarray]] = {}
        for name, x in arrays.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = x
        moments = [jnp.asarray(x) for _, x in sorted(parts["moments"].items())]
        structure = jax.tree.structure(self.moments)
        return TrainingState(
            with_arrays(self.learned, parts["learned"]),
            with_arrays(self.average, parts["average"]),
            jax.tree.unflatten(structure, moments),
        )


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the arrays of a training are: examples divided, weights on every device.

    Attributes:
        devices: that share a batch evenly.
    """

    devices: tuple[Any, ...]

    def divided(self, batch: Any) -> Any:
        """Return a batch of this process, numpy arrays, as one of all devices."""
        return jax.tree.map(self._divide, batch)

    def everywhere(self, tree: Any) -> Any:
        """Return arrays on every device; all else is unchanged."""
        wait_for_others()
        sharding = NamedSharding(self._mesh, PartitionSpec())
        arrays, rest = eqx.partition(tree, eqx.is_array)
        return eqx.combine(jax.device_put(arrays, sharding), rest)

    @property
    def _mesh(self) -> Mesh:
        return Mesh(self.devices, (_AXIS,))

    def _divide(self, x: np.ndarray) -> jax.Array:
        sharding = NamedSharding(self._mesh, PartitionSpec(_AXIS))
        return jax.make_array_from_process_local_data(sharding, x)


class _Shared(eqx.Module):
    """What the programs of a stage take and do not change."""

    constant: NeuralGCM
    scales: Any
    trained: NeuralGCM  # whether a parameter is, in its place
    settings: LossSettings = eqx.field(static=True)
    steps_between: int = eqx.field(static=True)
    optimizer: optax.GradientTransformation = eqx.field(static=True)


class StagePrograms:
    """The update and the evaluation of one stage, compiled once each.

    Args:
        config: settings of the training.
        stage: this stage.
        constant: the model without its learned parameters.
        learned: the learned parameters.
        chosen: names of those that are trained.
        scales: what errors are divided by.
        settings: of the loss.
        placement: where the arrays are.
    """

    def __init__(
        self,
        config: TrainConfig,
        stage: Stage,
        constant: NeuralGCM,
        learned: NeuralGCM,
        chosen: frozenset[str],
        scales: Any,
        settings: LossSettings,
        placement: Placement,
    ):
        self.stage, self.chosen = stage, chosen
        self.placement = placement
        flags = [name in chosen for name in named_arrays(learned)]
        self._trained = jax.tree.unflatten(jax.tree.structure(learned), flags)
        self._shared = placement.everywhere(
            _Shared(
                constant,
                scales,
                self._trained,
                settings,
                int(stage.every // np.timedelta64(constant.step_seconds, "s")),
                _optimizer(config),
            )
        )
        self._schedule = _schedule(stage)
        self._decay = 1 - 2 / (config.average_over + 1)
        self._update: Any = None
        self._evaluate: Any = None

    def begin(
        self, learned: NeuralGCM, average: NeuralGCM | None = None
    ) -> TrainingState:
        """Return the state at the beginning of the stage, without moments."""
        trained, _ = eqx.partition(learned, self._trained)
        moments = self._shared.optimizer.init(trained)
        average = learned if average is None else average
        return self.placement.everywhere(TrainingState(learned, average, moments))

    def learning_rate(self, number: int) -> float:
        """Return the learning rate of an update of the stage, from zero."""
        return float(np.asarray(self._schedule(number)))

    def compile_update(
        self, state: TrainingState, examples: Example, keys: jax.Array
    ) -> int:
        """Compile the update; return the bytes that it takes on a device."""
        arguments = self._shared, state, examples, keys, *map(jnp.float32, (0, 0))
        self._update = eqx.filter_jit(_update).lower(*arguments).compile()
        return program_memory(self._update.compiled)

    def compile_evaluation(
        self, average: NeuralGCM, examples: Example, keys: jax.Array
    ) -> None:
        """Compile the evaluation."""
        arguments = self._shared, average, examples, keys
        self._evaluate = eqx.filter_jit(_evaluate).lower(*arguments).compile()

    def update(
        self,
        state: TrainingState,
        examples: Example,
        keys: jax.Array,
        number: int,
        done: int,
    ) -> tuple[TrainingState, dict[str, jax.Array]]:
        """Return the state after an update, and loss, its terms, and gradient norm.

        Args:
            state: before it.
            examples: the batch, divided among the devices.
            keys: random key of each example.
            number: of the update in the stage, from zero.
            done: number of updates before, of all stages.
        """
        # So that averages do not remember the initial weights for long.
        decay = min(self._decay, (1 + done) / (10 + done))
        rate = jnp.float32(self.learning_rate(number))
        wait_for_others()
        return self._update(
            self._shared, state, examples, keys, rate, jnp.float32(decay)
        )

    def evaluate(
        self, average: NeuralGCM, examples: Example, keys: jax.Array
    ) -> dict[str, jax.Array]:
        """Return the loss and its terms."""
        wait_for_others()
        return self._evaluate(self._shared, average, examples, keys)


def _optimizer(config: TrainConfig) -> optax.GradientTransformation:
    """Return the optimizer; its learning rate is one, and an argument of the update."""
    b1, b2, epsilon = _MOMENTS
    parts = [optax.scale_by_adam(b1, b2, epsilon)]
    if config.gradient_clip is not None:
        parts.insert(0, optax.clip_by_global_norm(config.gradient_clip))
    if config.optimizer == "adamw":
        parts.append(optax.add_decayed_weights(config.weight_decay or _WEIGHT_DECAY))
    return optax.chain(*parts)


def _schedule(stage: Stage) -> optax.Schedule:
    peak, warm_up = stage.learning_rate, stage.warm_up or 0
    rest = max(stage.updates - warm_up, 1)
    after = {
        "constant": optax.constant_schedule(peak),
        "linear": optax.linear_schedule(peak, 0.0, rest),
        "cosine": optax.cosine_decay_schedule(peak, rest),
    }[stage.schedule]
    if not warm_up:
        return after
    # The first update has a rate, too.
    rise = optax.linear_schedule(peak / warm_up, peak, max(warm_up - 1, 1))
    return optax.join_schedules([rise, after], [warm_up])


def _loss(shared: _Shared, learned: NeuralGCM, examples: Example, keys: jax.Array):
    model = eqx.combine(learned, shared.constant)
    return batch_loss(
        model, examples, keys, shared.scales, shared.settings, shared.steps_between
    )


def _update(shared: _Shared, state: TrainingState, examples, keys, rate, decay):
    trained, frozen = eqx.partition(state.learned, shared.trained)

    def loss(trained):
        return _loss(shared, eqx.combine(trained, frozen), examples, keys)

    (total, terms), gradient = eqx.filter_value_and_grad(loss, has_aux=True)(trained)
    squares = sum(jnp.vdot(x, x) for x in jax.tree.leaves(gradient))
    numbers = {"loss": total, **terms, "gradient_norm": jnp.sqrt(squares)}
    change, moments = shared.optimizer.update(gradient, state.moments, trained)
    trained = jax.tree.map(lambda x, dx: x - rate * dx, trained, change)
    learned = eqx.combine(trained, frozen)
    # Frozen parameters are left out: sums of their parts would round.
    average = jax.tree.map(
        lambda mean, x: decay * mean + (1 - decay) * x,
        eqx.filter(state.average, shared.trained),
        trained,
    )
    average = eqx.combine(average, frozen)
    return TrainingState(learned, average, moments), numbers


def _evaluate(shared: _Shared, average: NeuralGCM, examples, keys):
    total, terms = _loss(shared, average, examples, keys)
    return {"loss": total, **terms}
