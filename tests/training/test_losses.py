"""The loss of a batch against one put together by hand from encode, advance, decode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import bundled_state
from ngcm_cli.checkpoint.spec import OutputHeadSpec, TowerSpec
from ngcm_cli.gcm import Forcing
from ngcm_cli.gcm.fields import ATMOSPHERE
from ngcm_cli.spectral.legendre import associated_legendre
from ngcm_cli.training.example import Example
from ngcm_cli.training.loss_settings import LossSettings
from ngcm_cli.training.losses import batch_loss
from ngcm_cli.training.new_outputs import add_output
from ngcm_cli.training.normalisation import by_variable, difference_scales
from ngcm_cli.zoo import open_model

TIMES, STEPS, BATCH = 3, 2, 2
SETTINGS = LossSettings(
    grid=3.0, crps_grid=4.0, crps_spectral=5.0, mmd=6.0, crps_wavenumbers=7,
    outputs=7.0, doubling_hours=5, filter_per_day=20, first_hour=1,
)  # fmt: skip
LEAD_HOURS = np.array([2.0, 4.0])  # those that count


NAME = "2m_temperature"
WARMTH = OutputHeadSpec(
    units="K", long_name="2 metre temperature", shift=280, scale=20, sees_sea=True,
    tower=TowerSpec(latent=8, blocks=1, block_layers=1, decode_layers=1),
)  # fmt: skip


@pytest.fixture(scope="module")
def model(reduced_model):
    card, model = open_model(reduced_model)
    return add_output(model, card.spec, NAME, WARMTH, seed=0)[0]


def warmth(model, batch):
    """Truth of the output at all times, none in the north."""
    shape = TIMES, 1, *model.grid.nodal_shape
    field = np.random.default_rng(batch).normal(270, 9, shape).astype(np.float32)
    field[..., -4:] = np.nan
    return field


def truth(model, batch, index):
    """Fields of one time: the bundled sample turned, and some noise."""
    rng = np.random.default_rng([batch, index])
    sample = bundled_state(model).fields
    turned = {name: np.roll(x, batch + index, -2) for name, x in sample.items()}
    noise = lambda x: 1 + 1e-3 * rng.standard_normal(x.shape)
    return {name: np.float32(x * noise(x)) for name, x in turned.items()}


def times(model, batch):
    hours = 24 * batch + STEPS * np.arange(TIMES)
    return bundled_state(model).time + hours * np.timedelta64(1, "h")


def example(model, batch):
    each = [truth(model, batch, i) for i in range(TIMES)]
    fields = {name: np.stack([x[name] for x in each]) for name in each[0]}
    forcing = Forcing.constant(bundled_state(model).forcing)
    truths = {NAME: warmth(model, batch)}
    return Example.at_times(model, times(model, batch), fields, forcing, truths)


@pytest.fixture(scope="module")
def scales(model):
    hours = np.array([0, 24]) * np.timedelta64(1, "h")
    each = truth(model, 0, 0), truth(model, 3, 0)
    fields = {name: np.stack([x[name] for x in each]) for name in each[0]}
    pair = Example.at_times(
        model,
        bundled_state(model).time + hours,
        fields,
        Forcing.constant(bundled_state(model).forcing),
    )
    return difference_scales(model, [pair], jax.random.key(5))


@pytest.mark.slow
def test_scales_are_standard_deviations_over_the_sphere(model, scales):
    weights = np.broadcast_to(model.grid.area_weights, model.grid.nodal_shape)

    def deviation(change):
        mean = np.average(change, weights=weights)
        return np.sqrt(np.average((change - mean) ** 2, weights=weights))

    before, after = truth(model, 0, 0), truth(model, 3, 0)
    for name, found in scales.data.items():
        change = np.float64(after[name]) - before[name]
        expected = [deviation(x) for x in change]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * max(found))
    time, forcing = bundled_state(model).time, bundled_state(model).forcing
    day = np.timedelta64(24, "h")
    states = [
        by_variable(model.encode(x, forcing, t, jax.random.key(5)).state)
        for x, t in ((before, time), (after, time + day))
    ]
    for name, found in scales.model.items():
        change = model.harmonics.to_nodal(states[1][name] - states[0][name])
        expected = [deviation(np.float64(x)) for x in change]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * max(found))


def test_scales_need_a_pair(model):
    with pytest.raises(ValueError, match="no pair"):
        difference_scales(model, [], jax.random.key(0))


def coefficients(model, x):
    """Of orthonormal harmonics, in float64."""
    grid = model.grid
    m = np.arange(grid.longitude_wavenumbers)
    legendre = associated_legendre(len(m), grid.total_wavenumbers, grid.sin_latitude)
    angle = np.outer(m, grid.longitude)
    rows = np.stack([np.cos(angle), np.sin(angle)], 1) / np.sqrt(np.pi)
    rows[0] = [np.full(len(grid.longitude), 1 / np.sqrt(2 * np.pi)), 0 * angle[0]]
    weighted = np.float64(x) * grid.area_weights
    found = np.einsum("mri,kij,mjl->kmrl", rows, weighted, legendre)
    return found.reshape(len(x), 2 * len(m), -1)


def scaled(fields, scales, weights, masses):
    found = {}
    for name, x in fields.items():
        mass = masses if len(x) == len(masses) else np.ones(len(x))
        weight = weights.get(name, 1.0) * mass / mass.mean()
        scale = np.float64(scales[name])
        root = np.where(scale > 0, np.sqrt(weight) / np.where(scale > 0, scale, 1), 0)
        found[name] = np.float64(x) * root[:, None, None]
    return found


def pieces(model, scales, keys):
    """Of every batch and time that counts: truth and two members, in both spaces."""
    weights = {"geopotential": 2.0, "specific_humidity": 0.66}
    weights |= {"log_surface_pressure": 5.0}
    weights |= {f"specific_cloud_{x}_water_content": 0.05 for x in ("ice", "liquid")}
    levels = np.array(model.levels)
    masses = np.diff([0, *(levels[1:] + levels[:-1]) / 2, 1000])
    data = lambda x: scaled(x, scales.data, weights, masses)
    sigma = lambda x: scaled(
        by_variable(jax.device_get(x.state)), scales.model, weights, np.ones(1)
    )
    forcing = bundled_state(model).forcing
    for batch in range(BATCH):
        of_forecast, of_truth = jax.random.split(keys[batch])
        states = [
            model.encode(truth(model, batch, 0), forcing, times(model, batch)[0], key)
            for key in jax.random.split(of_forecast)
        ]
        for index in range(1, TIMES):
            states = [model.advance(x, forcing, STEPS) for x in states]
            given, key = truth(model, batch, index), jax.random.fold_in(of_truth, index)
            encoded = model.encode(given, forcing, times(model, batch)[index], key)
            yield (
                index - 1,
                data(given),
                [data(jax.device_get(model.decode(x, ATMOSPHERE))) for x in states],
                sigma(encoded),
                [sigma(x) for x in states],
                warmth(model, batch)[index],
                [model.decode(x, (NAME,), forcing)[NAME] for x in states],
            )


def expected_terms(model, scales, keys):
    grown = LEAD_HOURS / (1 + LEAD_HOURS / 240)
    lead = 1 / (1 + grown / 5)
    lead = lead / lead.sum() / len(lead)
    k = np.arange(model.grid.total_wavenumbers) / (model.grid.total_wavenumbers - 1)
    area = lambda x: (x * model.grid.area_weights).sum((-2, -1)) / (4 * np.pi)
    crps = lambda a, b, y: (abs(a - y) + abs(b - y) - abs(a - b)) / 2
    norm = lambda c: np.sqrt((c**2).sum(-2))
    terms = dict.fromkeys(
        ("data", "data_spectrum", "model", "model_spectrum", "grid", "mmd"), 0.0
    )
    terms |= {"crps_grid": 0.0, "crps_spectral": 0.0, "bias": 0.0}
    terms |= {f"outputs.{NAME}": 0.0}
    amplitudes, states = {}, {0: ([], []), 1: ([], [])}
    for i, y, forecasts, y_sigma, forecasts_sigma, warm, of_output in pieces(
        model, scales, keys
    ):
        for x in of_output:
            south = np.where(np.isnan(warm), np.nan, 0) + model.grid.area_weights
            error = np.nansum(south * ((np.float64(x) - warm) / 20) ** 2)
            share = lead[i] / BATCH / 2
            terms[f"outputs.{NAME}"] += 7 * share * error / np.nansum(south)
        days = LEAD_HOURS[i] / 24
        damping = np.exp(-20 * days * k ** (2 * (4 - days)))
        squares = lambda c, d=damping: ((d * c) ** 2).sum((-2, -1)) / (4 * np.pi)
        for name, y_modal in y_sigma.items():
            for x in forecasts_sigma:
                share = lead[i] / BATCH / 2
                error = np.mean(squares(x[name] - y_modal))
                terms["model"] += share * error
                error = np.mean((norm(x[name]) - norm(y_modal)) ** 2)
                terms["model_spectrum"] += 0.1 * share * error
        vectors = [[], [], []]
        for name, y_nodal in y.items():
            y_modal = coefficients(model, y_nodal)
            modal = [coefficients(model, x[name]) for x in forecasts]
            for j, c in enumerate([*modal, y_modal]):
                vectors[j].append((c / np.sqrt(len(c) * 4 * np.pi)).ravel())
            for x, c in zip(forecasts, modal, strict=True):
                share = lead[i] / BATCH / 2
                terms["data"] += 20 * share * np.mean(squares(c - y_modal))
                error = np.mean((norm(c) - norm(y_modal)) ** 2)
                terms["data_spectrum"] += 0.1 * share * error
                terms["grid"] += 3 * share * np.mean(area((x[name] - y_nodal) ** 2))
                change = (abs(c) - abs(y_modal)) / 2 / BATCH / len(lead)
                amplitudes[name] = amplitudes.get(name, 0) + change
            root = np.sqrt(lead[i] * len(lead)) / len(lead) / BATCH / len(y)
            score = crps(*(x[name] for x in forecasts), y_nodal)
            terms["crps_grid"] += 4 * root * np.mean(area(score))
            score = crps(*modal, y_modal)[..., :7].sum((-2, -1)) / (4 * np.pi)
            terms["crps_spectral"] += 5 * root * np.mean(score)
        states[i][0].extend(np.concatenate(x) for x in vectors[:2])
        states[i][1].append(np.concatenate(vectors[2]))
    for name in amplitudes:
        terms["bias"] += 2 * np.mean(amplitudes[name] ** 2)
    for i, (x, y) in states.items():
        kernel = lambda a, b: 1 / (1 + np.sum((a - b) ** 2) / 25)
        mean = lambda p, q, f=kernel: np.mean([f(a, b) for a in p for b in q])
        terms["mmd"] += 6 * lead[i] * (mean(x, x) + mean(y, y) - 2 * mean(x, y))
    return terms


@pytest.mark.slow
def test_a_batch(model, scales):
    keys = jax.random.split(jax.random.key(1), BATCH)
    examples = [example(model, batch) for batch in range(BATCH)]
    batch = jax.tree.map(lambda *x: jnp.stack(x), *examples)
    program = jax.jit(
        lambda model, batch, keys, scales: batch_loss(
            model, batch, keys, scales, SETTINGS, STEPS
        ),
        compiler_options={"xla_backend_optimization_level": 0},
    )
    total, terms = program(model, batch, keys, scales)
    assert float(total) == pytest.approx(float(sum(terms.values())), rel=1e-6)
    expected = expected_terms(model, scales, keys)
    assert terms.keys() == expected.keys()
    for name, x in expected.items():
        # Differences of numbers a hundred times as large, as of geopotential.
        assert float(terms[name]) == pytest.approx(x, rel=1e-4), name
