"""Further outputs: trained alone on given truth, saved, loaded, and in a forecast."""

import functools
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

import ngcm_cli
from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.native import write_native
from ngcm_cli.checkpoint.parameters import named_arrays, partition
from ngcm_cli.checkpoint.spec import OutputHeadSpec, TowerSpec
from ngcm_cli.cli import main
from ngcm_cli.diagnostics import (
    DIAGNOSTICS,
    available,
    diagnostics_of,
    evaluate,
    resolve_name,
)
from ngcm_cli.errors import CheckpointError, ConfigError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.output_heads import squared_error
from ngcm_cli.physics.towers import with_precision
from ngcm_cli.training.new_outputs import add_output
from ngcm_cli.zoo.loading import read_model

NAME = "2m_temperature"
WARMTH = OutputHeadSpec(
    units="K",
    long_name="2 metre temperature",
    standard_name="air_temperature",
    aliases=("t2m", "warmth"),
    cmip="tas",
    shift=280.0,
    scale=20.0,
    tower=TowerSpec(latent=16, blocks=1, block_layers=1, decode_layers=1),
)
RAIN = WARMTH.model_copy(
    update={"units": "m", "aliases": (), "scale": 1e-3, "shift": 0.0, "minimum": 0.0}
)


@pytest.fixture(scope="module")
def source(reduced_model):
    """Card and arrays of the reduced model, as in its files, and the model."""
    card, arrays = read_model(reduced_model)
    return card, arrays, ngcm_cli.load_model(reduced_model)


@pytest.fixture(scope="module")
def states(source):
    """States of real weather, some hours apart, side by side."""
    model = source[2]
    data = ngcm_cli.bundled_state(model)
    state = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    found = [state]
    for _ in range(3):
        found.append(model.advance(found[-1], data.forcing, 6))
    return jax.tree.map(lambda *x: jnp.stack(x), *found)


@pytest.fixture(scope="module")
def truth(source, states):
    """A function of the temperature on the lowest level, and a lapse over land."""
    model = source[2]
    name = "lowest_level_temperature"
    each = [evaluate(model, row(states, i), None, (name,))[name] for i in range(4)]
    land = 3 * jnp.asarray(model.land_fraction)
    return jnp.stack([280 + 0.9 * (x - 275) - land for x in each])


def row(states, i):
    return jax.tree.map(lambda x: x[i], states)


def mean_error(head, states, truth):
    error = functools.partial(squared_error, head)
    return jax.vmap(error)(states.state, states.time, truth).mean()


@eqx.filter_jit
def update(model, states, truth, momenta, optimizer):
    """Change the parameters of the output; all others are constants."""
    learned, constant = partition(model)
    learned = learned.outputs[NAME]

    def loss(head):
        whole = eqx.combine(head, constant.outputs[NAME])
        return mean_error(whole, states, truth)

    value, gradient = eqx.filter_value_and_grad(loss)(learned)
    changes, momenta = optimizer.update(gradient, momenta, learned)
    head = eqx.combine(eqx.apply_updates(learned, changes), constant.outputs[NAME])
    return value, eqx.tree_at(lambda x: x.outputs[NAME], model, head), momenta


@pytest.fixture(scope="module")
def trained(source, states, truth):
    """The model with the output, its specification, and the losses of its training."""
    card, _, model = source
    model, spec = add_output(model, card.spec, NAME, WARMTH, seed=1)
    optimizer = optax.adam(optax.cosine_decay_schedule(1e-2, 300))
    momenta = optimizer.init(partition(model)[0].outputs[NAME])
    few, losses = jax.tree.map(lambda x: x[:3], states), []
    for _ in range(300):
        value, model, momenta = update(model, few, truth[:3], momenta, optimizer)
        losses.append(float(value))
    return model, spec, losses


@pytest.mark.slow
def test_only_the_output_learns(source, trained, states, truth):
    _, arrays, before = source
    model, _, losses = trained
    # Of seeds 0 to 5 it falls by factors of 500 to 3500.
    assert losses[-1] < 0.01 * losses[0]
    # Of a time that it has not seen, in K: 0.3 to 1.6 of these seeds.
    head = model.outputs[NAME]
    error = 20 * float(squared_error(head, *of(states, 3), truth[3])) ** 0.5
    assert error < 0.3 * float(truth[3].std())  # 7.6 K
    after = named_arrays(model)
    new = {name for name in after if name.startswith(f"outputs.{NAME}.")}
    assert set(after) - new == set(named_arrays(before))
    for name in set(after) - new:
        assert after[name].tobytes() == arrays[name].tobytes(), name
    names = before.output_variables
    ours, theirs = (x.decode(row(states, 3), names) for x in (model, before))
    for name in names:
        np.testing.assert_array_equal(ours[name], theirs[name])


def of(states, i):
    one = row(states, i)
    return one.state, one.time


@pytest.mark.slow
def test_saved_loaded_and_written_by_a_forecast(
    source, trained, tmp_path, monkeypatch, capsys
):
    card, arrays, _ = source
    model, spec, _ = trained
    static = {name: x for name, x in arrays.items() if name.startswith("static.")}
    described = {
        key: getattr(card, key)
        for key in ("summary", "paper", "source", "licence", "stable_for")
    }
    (tmp_path / "warm").mkdir()
    write_native(
        tmp_path / "warm",
        {"name": "warm", **described},
        spec,
        named_arrays(model) | static,
    )
    path = str(tmp_path / "warm" / "warm.yaml")
    assert read_card(tmp_path / "warm" / "warm.yaml").spec == spec
    loaded = ngcm_cli.load_model(path)
    assert loaded.output_variables[-1] == loaded.default_outputs[-1] == NAME
    for name, x in named_arrays(model).items():
        assert x.tobytes() == named_arrays(loaded)[name].tobytes(), name
    words = ["forecast", "--model", path, "--lead", "1h", "--every", "1h"]
    words += ["--variables", "T2M", "--output", str(tmp_path / "out.zarr")]
    assert run(monkeypatch, *words) == 0
    with xr.open_zarr(tmp_path / "out.zarr", chunks=None) as written:
        field = written[NAME].load()
    assert field.attrs["standard_name"] == "air_temperature"
    assert field.attrs["cmip_name"] == "tas"
    assert (field.attrs["units"], field.sizes["lead_time"]) == ("K", 2)
    data = ngcm_cli.bundled_state(loaded)
    state = loaded.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    expected = ngcm_cli.decode(loaded, state, ["warmth"])[NAME]
    np.testing.assert_array_equal(field.isel(lead_time=0).squeeze(), expected)
    capsys.readouterr()
    assert run(monkeypatch, "variables", "--model", path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["t2m", "K", NAME] in [line.split() for line in lines]


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["ngcm", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code or 0


def test_an_amount_is_never_negative(source, states):
    card, _, model = source
    model, _ = add_output(model, card.spec, "rain", RAIN, seed=2)
    head = eqx.tree_at(
        lambda x: x.tower.decode.layers[-1].weight,
        model.outputs["rain"],
        replace_fn=lambda w: 100 * w,
    )
    rain = head(*of(states, 0))
    assert rain.shape == (1, *model.grid.nodal_shape) and float(rain.min()) >= 0
    assert 1e-3 < float(rain.max()) < 1


def test_the_error_is_of_the_sphere_where_the_truth_is_known(source, states):
    card, _, model = source
    model, _ = add_output(model, card.spec, NAME, WARMTH, seed=1)
    head, (state, time) = model.outputs[NAME], of(states, 0)
    found = np.asarray(head(state, time), np.float64)
    truth = np.random.default_rng(0).normal(280, 20, found.shape).astype(np.float32)
    truth[0, ::3, 1] = np.nan
    area = np.asarray(model.grid.area_weights, np.float64) + 0 * found
    squares = ((found - truth) / 20) ** 2
    known = np.isfinite(truth)
    expected = (area * squares)[known].sum() / area[known].sum()
    error = squared_error(head, state, time, jnp.asarray(truth))
    np.testing.assert_allclose(error, expected, rtol=1e-5)


def test_its_network_has_the_precision_of_the_model(source):
    card, _, model = source
    model = with_precision(model, "highest")
    model, _ = add_output(model, card.spec, NAME, WARMTH, seed=1)
    layers = model.outputs[NAME].tower.encode.layers + model.decoder.tower.encode.layers
    assert {layer.precision for layer in layers} == {"highest"}


def test_a_plain_model_has_none(source):
    card, _, model = source
    assert model.outputs == {} and "outputs" not in card.spec.model_dump()
    assert set(available(model)) < set(DIAGNOSTICS)


def test_it_is_found_by_its_names(source):
    card, _, model = source
    model, _ = add_output(model, card.spec, NAME, WARMTH, seed=1)
    with pytest.raises(ConfigError, match="no output variable"):
        resolve_name("t2m", available(source[2]))
    assert NAME in available(model)


@pytest.mark.parametrize(
    "name, changes, error, sentence",
    [
        ("temperature", {}, ConfigError, "has an output 'temperature' already"),
        ("two metres", {}, ConfigError, "The output 'two metres' does not fit"),
        ("TCWV", {}, ConfigError, "already, for total_column_water_vapour"),
        (NAME, {"cmip": "ta"}, ConfigError, "'ta' already, for temperature"),
        ("precipitation_rate", {}, ConfigError, "'precipitation_rate' already"),
        (NAME, {"levels": 99}, ConfigError, r"sees more levels than there are\."),
        (NAME, {"fields": ("snow",)}, CheckpointError, "the field 'snow'"),
    ],
)
def test_what_does_not_fit(source, name, changes, error, sentence):
    card, _, model = source
    output = WARMTH.model_copy(update=changes)
    with pytest.raises(error, match=sentence):
        add_output(model, card.spec, name, output, seed=0)


def test_names_of_other_outputs_are_refused(source):
    card, _, model = source
    model, spec = add_output(model, card.spec, NAME, WARMTH, seed=1)
    for name in (NAME, "warmth", "TAS"):
        with pytest.raises(ConfigError, match="tl15_reduced has an output"):
            add_output(model, spec, name, RAIN, seed=1)
    taken = {"temperature": model.outputs[NAME]}  # as only a card by hand could have it
    with pytest.raises(CheckpointError, match="that is called 'temperature'"):
        available(eqx.tree_at(lambda x: x.outputs, model, taken))


def test_one_that_sees_the_sea(source, states):
    """It depends on sea-surface temperature and ice of its time, and asks for them."""
    card, _, model = source
    spec = WARMTH.model_copy(update={"sees_sea": True})
    model, _ = add_output(model, card.spec, NAME, spec, seed=1)
    assert diagnostics_of(model)[NAME].needs == "forcing"
    state = row(states, 2)
    cold = {
        "sea_surface_temperature": jnp.full((1, *model.grid.nodal_shape), 280.0),
        "sea_ice_cover": jnp.zeros((1, *model.grid.nodal_shape)),
    }
    fields = evaluate(model, state, cold, (NAME,))
    np.testing.assert_array_equal(
        fields[NAME], model.decode(state, (NAME,), cold)[NAME]
    )
    for name, change in ("sea_surface_temperature", 5.0), ("sea_ice_cover", 0.5):
        other = cold | {name: cold[name].at[0, 3, 7].add(change)}
        changed = evaluate(model, state, other, (NAME,))[NAME] != fields[NAME]
        assert list(map(tuple, np.argwhere(changed))) == [(0, 3, 7)]
    with pytest.raises(ValueError, match="needs the surface forcing"):
        evaluate(model, state, None, (NAME,))
    with pytest.raises(ValueError, match="depends on the sea"):
        model.decode(state)
    start = ngcm_cli.bundled_state(model).time - np.timedelta64(100, "D")
    warm = cold | {"sea_surface_temperature": cold["sea_surface_temperature"] + 10}
    far = np.timedelta64(400, "D")
    series = {name: np.stack([cold[name], warm[name]]) for name in cold}
    moving = Forcing.at_times(np.array([start, start + far]), series)
    sea = model.sea_at(state, moving)["sea_surface_temperature"]
    np.testing.assert_allclose(sea, 280 + 10 * 100.5 / 400, rtol=1e-6)
