"""The gradient of the recipe's loss against the reference's own, of every parameter.

The loss of a forecast of three steps, verified at the start and after every step. The
reference rolls its model out itself; its loss is written here, variable by variable, in
terms of its own transforms. The truth is the bundled sample turned eastwards, one
longitude an hour.

The stored numbers are scattered elements of the gradient of each parameter, and sums of
all of its elements with pseudo-random signs, which change when any element does.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from gcm import bundled, live_reference

from ngcm_cli.checkpoint.parameters import named_arrays, partition
from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.gcm import Forcing
from ngcm_cli.training.example import Example
from ngcm_cli.training.loss_settings import LossSettings
from ngcm_cli.training.losses import batch_loss
from ngcm_cli.training.normalisation import Scales
from ngcm_cli.zoo.loading import find_card

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]
STEPS = 3
# The programs are run once or twice: machine code that is quick to make.
compiled = functools.partial(
    jax.jit, compiler_options={"xla_backend_optimization_level": 0}
)
SETTINGS = LossSettings()
SUMS = 8
COUNT = 300
DRAWS = 5
# Changes in 24 hours, in round numbers.
DATA_SCALES = {
    "geopotential": 500.0,
    "temperature": 2.0,
    "u_component_of_wind": 5.0,
    "v_component_of_wind": 5.0,
    "specific_humidity": 5e-4,
    "specific_cloud_ice_water_content": 1e-5,
    "specific_cloud_liquid_water_content": 2e-5,
}
STATE_SCALES = {
    "vorticity": 0.2,
    "divergence": 0.1,
    "temperature_variation": 2.0,
    "log_surface_pressure": 5e-3,
    **{name: x for name, x in DATA_SCALES.items() if name.startswith("specific")},
}
WEIGHTS = {  # of variables; those of clouds are below
    "geopotential": 2.0,
    "specific_humidity": 0.66,
    "log_surface_pressure": 5.0,
}


def times():
    return bundled.sample().time + np.arange(STEPS + 1) * np.timedelta64(1, "h")


def truths():
    turned = lambda x: np.stack([np.roll(x, i, -2) for i in range(STEPS + 1)])
    return {name: turned(x) for name, x in bundled.sample().fields.items()}


def keys():
    """Of the forecast, and of the encoded truth at each time."""
    forecast, truth = jax.random.split(jax.random.key(3))
    each = [jax.random.fold_in(truth, i) for i in range(STEPS + 1)]
    return jax.random.split(forecast, 1)[0], each


@functools.cache
def gradient_program():
    _, constant = partition(bundled.model())
    layers = bundled.model().sigma_levels.layers
    surface = "log_surface_pressure"
    scales = Scales(
        data={name: jnp.full(37, x) for name, x in DATA_SCALES.items()},
        model={
            name: jnp.full(1 if name == surface else layers, x)
            for name, x in STATE_SCALES.items()
        },
    )

    def of(learned, constant, example, scales):
        model = eqx.combine(learned, constant)
        batch = jax.tree.map(lambda x: jnp.asarray(x)[None], example)
        keys = jax.random.key(3)[None]
        return batch_loss(model, batch, keys, scales, SETTINGS, 1)

    program = compiled(jax.value_and_grad(of, has_aux=True))
    return lambda learned, example: program(learned, constant, example, scales)


@functools.cache
def ours(seed: int | None = None):
    """The terms of the loss, and its gradient by the names of parameters.

    With a seed, of inputs with noise of the size of their rounding.
    """
    model, data, fields = bundled.model(), bundled.sample(), truths()
    if seed is not None:
        fields = {name: perturbed(x, seed) for name, x in fields.items()}
    forcing = Forcing.constant(data.forcing)
    example = Example.at_times(model, times(), fields, forcing)
    learned, constant = partition(model)
    (_, terms), gradient = gradient_program()(learned, example)
    found = named_arrays(eqx.combine(gradient, constant))
    return {name: float(x) for name, x in terms.items()}, found


@functools.cache
def theirs():
    """The same of the reference, its parameters by our names."""
    model, data, given = live_reference.reference_model(), bundled.sample(), truths()
    clocks = [model.datetime64_to_sim_time(np.array(time)) for time in times()]
    forcing = data.forcing | {"sim_time": clocks[0]}
    forecast_key, truth_keys = keys()
    grid = model.model_coords.horizontal
    levels = np.array(bundled.model().levels)
    bounds = np.concatenate([[0], (levels[1:] + levels[:-1]) / 2, [1000]])
    mass = np.diff(bounds) / np.diff(bounds).mean()

    def variables(state):
        state = live_reference.our_state(state)
        fields = {k: v for k, v in vars(state).items() if k != "tracers"}
        return fields | state.tracers

    def scaled(name, modal, scales, level_weights):
        weight = 0.05 if "cloud" in name else WEIGHTS.get(name, 1.0)
        if modal.shape[0] == len(level_weights):
            weight = weight * level_weights[:, None, None]
        return modal * np.sqrt(weight) / scales[name]

    def norm(modal):
        squares = jnp.sum(modal**2, -2)
        return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)

    def compare(forecast, truth, damping):
        error = damping * (forecast - truth)
        square = jnp.mean(jnp.sum(error**2, (1, 2))) / (4 * np.pi)
        return square, jnp.mean((norm(forecast) - norm(truth)) ** 2)

    def their_loss(model):
        def advance(state, _):
            state = model.advance(state, forcing)
            return state, state

        def at_time(_, now):
            state, fields, clock, key, damping = now
            encoded = model.encode(fields | {"sim_time": clock}, forcing, key)
            forecast, truth = variables(state.state), variables(encoded.state)
            sums = jnp.zeros(4)
            for name in forecast:
                x, y = (
                    scaled(name, z[name], STATE_SCALES, ()) for z in (forecast, truth)
                )
                sums += jnp.array([0, 0, *compare(x, y, damping)])
            decoded, amplitudes = model.decode(state, forcing), {}
            for name, y in fields.items():
                x, y = (
                    scaled(name, grid.to_modal(z), DATA_SCALES, mass)
                    for z in (decoded[name], y)
                )
                sums += jnp.array([*compare(x, y, damping), 0, 0])
                amplitudes[name] = jnp.abs(x) - jnp.abs(y)
            return None, (sums, amplitudes)

        first = {name: x[0] for name, x in given.items()} | {"sim_time": clocks[0]}
        start = model.encode(first, forcing, forecast_key)
        _, later = jax.lax.scan(advance, start, None, length=STEPS)
        states = jax.tree.map(
            lambda x, xs: jnp.concatenate([x[None], xs]), start, later
        )
        hours = np.arange(STEPS + 1)
        k = np.arange(grid.modal_shape[-1]) / (grid.modal_shape[-1] - 1)
        days = hours[:, None] / 24
        damping = np.exp(-2 * days * k ** (2 * (4 - days)))
        at = states, given, jnp.stack(clocks), jnp.stack(truth_keys), damping
        _, (sums, amplitudes) = jax.lax.scan(at_time, None, at)
        growth = 1 + hours / (1 + hours / 240) / 24
        weights = 1 / growth / np.sum(1 / growth)
        means = jnp.mean(sums * weights[:, None], 0)
        biases = [jnp.mean(jnp.mean(x, 0) ** 2) for x in amplitudes.values()]
        names = "data", "data_spectrum", "model", "model_spectrum", "bias"
        factors = 20, 0.1, 1, 0.1, 2
        values = *means, sum(biases)
        terms = {k: f * x for k, f, x in zip(names, factors, values, strict=True)}
        return sum(terms.values()), terms

    (_, terms), gradient = compiled(jax.value_and_grad(their_loss, has_aux=True))(model)
    params = jax.device_get(gradient.params)
    found = from_published(params, {}, find_card("tl63_stochastic_mini").spec)
    return {name: float(x) for name, x in terms.items()}, found


def signs(size):
    """Pseudo-random signs, SUMS of each place."""
    return np.random.default_rng(size).choice(np.float64([-1, 1]), (SUMS, size))


def test_terms(reference):
    # A single number may happen to move little: the largest of several draws.
    found, noisy = ours()[0], [ours(seed)[0] for seed in range(DRAWS)]
    assert all(found.keys() == each.keys() for each in noisy)
    for name, x in found.items():
        expected = reference.number(f"term {name}", lambda name=name: theirs()[0][name])
        moved = max(abs(each[name] - x) for each in noisy)
        tolerance = 10 * max(moved, EPS * abs(x))
        assert abs(x - expected) <= tolerance, (name, x, expected, tolerance)


def sums(x):
    return signs(x.size) @ np.float64(x).ravel()


def test_gradient(reference):
    found, noisy = ours()[1], ours(seed=0)[1]
    assert sum(x.size for x in found.values()) == 191_174
    for name, x in found.items():
        moved = rms(noisy[name].astype(np.float64) - x)
        tolerance = 10 * max(moved, EPS * rms(x))
        expected = reference(name, lambda name=name: theirs()[1][name], COUNT)
        assert_agrees(name, "1", reference.sample(x, COUNT), expected, tolerance)
        expected = reference(f"sums {name}", lambda name=name: sums(theirs()[1][name]))
        assert_agrees(name, "sum", sums(x), expected, tolerance * x.size**0.5)
