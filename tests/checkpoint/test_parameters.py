import equinox as eqx
import jax
import numpy as np
import pytest
from gcm import bundled, published

from ngcm_cli.checkpoint.build import build
from ngcm_cli.checkpoint.native import read_weights
from ngcm_cli.checkpoint.parameters import (
    named_arrays,
    parameter_count,
    partition,
    with_arrays,
)
from ngcm_cli.checkpoint.weights import Weights
from ngcm_cli.errors import CheckpointError
from ngcm_cli.zoo import bundled_folder
from ngcm_cli.zoo.loading import find_card


@pytest.fixture(scope="module")
def stored():
    """The weights file of the bundled model, and its card."""
    card = find_card("tl63_stochastic_mini")
    return card, read_weights(card, bundled_folder())


def test_the_learned_are_those_of_the_weights_file(stored):
    _, arrays = stored
    learned = {k: x for k, x in arrays.items() if not k.startswith("static.")}
    ours = named_arrays(bundled.model())
    assert set(ours) == set(learned)
    for name, x in ours.items():
        np.testing.assert_array_equal(x, learned[name])
    assert parameter_count(bundled.model()) == 191_174


def test_the_two_parts_are_the_model():
    model = bundled.model()
    learned, constant = partition(model)
    whole = eqx.combine(learned, constant)
    for x, y in zip(jax.tree.leaves(whole), jax.tree.leaves(model), strict=True):
        assert x is y
    count = lambda tree: sum(x.size for x in jax.tree.leaves(tree))
    assert count(learned) + count(constant) == count(model)


def test_a_model_is_built_again_from_its_arrays(stored):
    card, arrays = stored
    static = {k: x for k, x in arrays.items() if k.startswith("static.")}
    model = bundled.model()
    again = build(model.name, card.spec, Weights(static | named_arrays(model)))
    assert jax.tree.structure(again) == jax.tree.structure(model)
    for x, y in zip(jax.tree.leaves(again), jax.tree.leaves(model), strict=True):
        np.testing.assert_array_equal(x, y)


def test_other_parameters_take_their_places():
    model = bundled.model()
    doubled = {name: 2 * x for name, x in named_arrays(model).items()}
    other = with_arrays(model, doubled)
    for name, x in named_arrays(other).items():
        np.testing.assert_array_equal(x, doubled[name])
    for x, y in zip(
        jax.tree.leaves(partition(other)[1]),
        jax.tree.leaves(partition(model)[1]),
        strict=True,
    ):
        assert x is y


@pytest.mark.parametrize(
    "change, fault",
    [
        (lambda x: x.pop("decoder.surroundings.position"), "position is missing"),
        (lambda x: x.update(extra=np.zeros(1)), "extra is not used"),
        (
            lambda x: x.update({"encoder_noise.raw_times": np.zeros(3)}),
            r"raw_times has shape \(3,\), not",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(change, fault):
    arrays = named_arrays(bundled.model())
    change(arrays)
    with pytest.raises(CheckpointError, match=fault):
        with_arrays(bundled.model(), arrays)


def test_tables_exist_once():
    constant = partition(bundled.model())[1]
    held = {id(x): np.asarray(x) for x in jax.tree.leaves(constant)}
    seen: dict[tuple, int] = {}
    for x in held.values():
        if x.size > 1000:
            key = (x.shape, x.tobytes())
            seen[key] = seen.get(key, 0) + 1
    assert [(key[0], n) for key, n in seen.items() if n > 1] == []


@pytest.mark.parametrize(
    "name, count",
    [
        pytest.param("deterministic_0_7_deg", 31_123_612, marks=pytest.mark.slow),
        ("deterministic_1_4_deg", 18_343_580),
        ("deterministic_2_8_deg", 14_518_180),
        ("stochastic_1_4_deg", 11_519_823),
    ],
)
def test_published_totals(shared, name, count):
    assert parameter_count(published.zero_model(shared, name)) == count
