"""Losses of forecasts, differentiable in all that a model has learned.

The terms of Kochkov et al. (2024), supplement, in the conventions of the training code
published beside the reference: squares and absolute values are averaged over the
sphere, levels and times, with weights of lead times that sum to one, and added over
variables, of which CRPS is the mean. Before, each variable is divided by its change in
24 hours (`Scales`); pressure levels are weighted by the mass of their air.
"""

from collections.abc import Callable, Collection

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ngcm_cli.diagnosis.columns import GROUND, layer_masses
from ngcm_cli.gcm import ModelState, NeuralGCM
from ngcm_cli.gcm.output_heads import squared_error
from ngcm_cli.training import comparison
from ngcm_cli.training.example import Example
from ngcm_cli.training.loss_settings import ON_PRESSURE, ON_SIGMA, LossSettings
from ngcm_cli.training.normalisation import Scales, by_variable
from ngcm_cli.training.packed_levels import PackedLevels
from ngcm_cli.training.trajectory import encoded, trajectory

Terms = dict[str, Float[Array, ""]]


def batch_loss(
    model: NeuralGCM,
    examples: Example,
    keys: PRNGKeyArray,
    scales: Scales,
    settings: LossSettings,
    steps_between: int,
) -> tuple[Float[Array, ""], Terms]:
    """Return the loss of a batch, and how much each term contributes to it.

    To be called under ``jax.jit``; of examples sharded over devices along the batch it
    is the same number. The truth on sigma levels is encoded by the model itself, with
    random fields drawn for each time anew, and is differentiated too: the encoder
    learns from both sides of the comparison, as in the reference's training.

    Args:
        model: the model.
        examples: with a leading batch axis on every array.
        keys: of the random fields, one for each example.
        scales: what errors are divided by; their names are the variables compared.
        settings: weights.
        steps_between: model steps from one time of an example to the next; static.

    Returns:
        The loss, and by name those terms whose weight is not zero, weight included:
        they sum to the loss.

    Raises:
        ValueError: no time of the examples is among the lead times that count.
    """
    times = examples.clock.shape[1]
    step_hours = model.time_step / np.timedelta64(1, "h")
    hours = np.arange(times) * (steps_between * step_hours)
    counted = settings.counted(hours)
    hours = hours[counted]
    pairs = jax.vmap(jax.random.split)(keys)
    members = jax.vmap(lambda key: jax.random.split(key, settings.members))(pairs[:, 0])

    def forecast(example: Example, key: PRNGKeyArray) -> ModelState:
        return trajectory(model, example, key, steps_between)

    of_members = jax.vmap(forecast, (None, 0), out_axes=1)
    states = jax.vmap(of_members, out_axes=1)(examples, members)

    batch = _Batch(model, examples, pairs[:, 1], scales, settings)

    @jax.checkpoint
    def compare(bias: jax.Array, at: tuple) -> tuple[jax.Array, Terms]:
        states, index, weight, damping = at
        terms = batch.on_pressure_levels(states, index, damping)
        terms |= batch.on_sigma_levels(states, index, damping)
        terms |= batch.of_outputs(states, index)
        bias += terms.pop("bias", 0) / len(hours)
        # Absolute errors carry the root of the weight that squared ones do.
        root = jnp.sqrt(weight)
        return bias, {
            name: x * (root if name.startswith("crps") else weight)
            for name, x in terms.items()
        }

    at = (
        jax.tree.map(lambda x: x[counted], states),
        np.arange(times)[counted],
        settings.lead_weights(hours),
        settings.damping(hours, model.grid.total_wavenumbers),
    )
    shape = len(batch.data.share), *model.grid.modal_shape
    bias, each = jax.lax.scan(compare, jnp.zeros(shape), at)
    terms = {name: jnp.mean(x) for name, x in each.items()}
    if settings.bias:
        square = jnp.mean(bias**2, (-2, -1))
        terms["bias"] = settings.bias * jnp.sum(batch.data.share * square)
    return sum(terms.values(), jnp.float32(0)), terms


class _Batch:
    """Compares the forecasts of a batch with their truths, one time after another.

    The terms of a time are those whose weight is not zero, with it; ``bias`` is not
    yet one but the difference of mean amplitudes, without.
    """

    def __init__(
        self,
        model: NeuralGCM,
        examples: Example,
        keys: PRNGKeyArray,
        scales: Scales,
        settings: LossSettings,
    ):
        self.model, self.examples, self.keys = model, examples, keys
        self.settings = settings
        masses = layer_masses(np.array(model.levels), np.full((1, 1), GROUND))
        self.data = PackedLevels.of(scales.data, masses.ravel(), settings)
        layers = model.sigma_levels.thickness
        self.sigma = PackedLevels.of(scales.model, layers, settings)

    def on_sigma_levels(
        self, states: ModelState, index: Int[Array, ""], damping: jax.Array
    ) -> Terms:
        """Return the terms of states, with axes (batch, member, …)."""

        def truth(example: Example, key: PRNGKeyArray) -> ModelState:
            key = jax.random.fold_in(key, index)
            return encoded(self.model, example, index, key)

        if not self._has(ON_SIGMA):
            return {}
        y = by_variable(jax.vmap(truth)(self.examples, self.keys).state)
        y, x = (self.sigma.pack(z) for z in (y, by_variable(states.state)))
        y, share = y[:, None], self.sigma.share
        return self._weighted(
            model=lambda: comparison.squared_error(x, y, share, damping),
            model_spectrum=lambda: comparison.spectrum_error(x, y, share),
        )

    def on_pressure_levels(
        self, states: ModelState, index: Int[Array, ""], damping: jax.Array
    ) -> Terms:
        """Return the terms of decoded states, with axes (batch, member, …)."""
        if not self._has(ON_PRESSURE):
            return {}
        settings, share, grid = self.settings, self.data.share, self.model.grid
        names = self.data.names
        decoded = jax.vmap(jax.vmap(lambda state: self.model.decode(state, names)))
        nodal_x = self.data.pack(decoded(states))
        truth = {name: self.examples.fields[name][:, index, None] for name in names}
        nodal_y = self.data.pack(truth)
        x, y = (self.model.harmonics.to_modal(z) for z in (nodal_x, nodal_y))
        of_variables = share / len(names)
        cut, bandwidth = settings.crps_wavenumbers, settings.mmd_bandwidth
        terms = self._weighted(
            data=lambda: comparison.squared_error(x, y, share, damping),
            data_spectrum=lambda: comparison.spectrum_error(x, y, share),
            grid=lambda: comparison.grid_error(nodal_x, nodal_y, share, grid),
            crps_grid=lambda: comparison.grid_crps(
                nodal_x, nodal_y, of_variables, grid
            ),
            crps_spectral=lambda: comparison.spectral_crps(x, y, of_variables, cut),
            mmd=lambda: comparison.mean_discrepancy(x, y, share, bandwidth),
        )
        if settings.bias:
            amplitudes = (comparison.mean_amplitudes(z) for z in (x, y))
            terms["bias"] = jnp.subtract(*amplitudes)
        return terms

    def of_outputs(self, states: ModelState, index: Int[Array, ""]) -> Terms:
        """Return a term for each new output of states, with axes (batch, member, …)."""
        model, truths = self.model, self.examples.truths
        if not self._has(("outputs",)):
            return {}

        def errors(state: ModelState, example: Example) -> Terms:
            sea = model.sea_at(state, example.forcing)
            return {
                name: squared_error(
                    model.outputs[name], state.state, state.time, truth[index], sea
                )
                for name, truth in example.truths.items()
            }

        of_members = jax.vmap(errors, (0, None))
        found = jax.vmap(of_members)(states, self.examples)
        weight = self.settings.outputs
        return {f"outputs.{name}": weight * jnp.mean(found[name]) for name in truths}

    def _has(self, terms: Collection[str]) -> bool:
        return any(getattr(self.settings, name) for name in terms)

    def _weighted(self, **terms: Callable[[], jax.Array]) -> Terms:
        weights = {name: getattr(self.settings, name) for name in terms}
        return {name: w * terms[name]() for name, w in weights.items() if w}
