"""What a setting of precision means on CPUs, GPUs and TPUs."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from emulated_products import PASSES, built_on, products_of

import ngcm_cli
from ngcm_cli import bundled_state
from ngcm_cli.config import values
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.precision import SETTINGS, Precisions, find_precisions
from ngcm_cli.physics.towers import LevelConvolution, Linear, with_precision
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics
from ngcm_cli.zoo import DEFAULT, find_card
from ngcm_cli.zoo.verify import deviation, one_step

HIGH, HIGHEST = jax.lax.Precision.HIGH, jax.lax.Precision.HIGHEST
THREE_OF_TF32 = jax.lax.DotAlgorithmPreset.TF32_TF32_F32_X3


def test_commands_and_python_have_the_same_settings():
    assert values.PRECISIONS == SETTINGS
    assert ngcm_cli.load_model.__kwdefaults__["precision"] == "published"


@pytest.mark.parametrize(
    "platform, setting, transforms, networks",
    [
        *(("cpu", setting, HIGHEST, HIGHEST) for setting in SETTINGS),
        ("gpu", "published", HIGHEST, None),
        ("gpu", "float32", HIGHEST, HIGHEST),
        ("gpu", "fast", THREE_OF_TF32, None),
        ("tpu", "published", HIGH, None),
        ("tpu", "float32", HIGHEST, HIGHEST),
        ("tpu", "fast", HIGH, None),
    ],
)
def test_the_meaning_of_each_setting(platform, setting, transforms, networks):
    def find():
        return find_precisions(setting, "tensorfloat32")

    if platform == "cpu":
        assert find() == Precisions(transforms, networks)
        return
    with products_of(platform):
        assert built_on(platform, find) == Precisions(transforms, networks)


def test_a_model_published_in_float32_has_float32_transforms():
    found = built_on("tpu", lambda: find_precisions("published", "float32"))
    assert found == Precisions(HIGHEST, None)


def test_other_settings_are_refused():
    with pytest.raises(ConfigError, match="no precision 'double'") as caught:
        ngcm_cli.load_model("none", precision="double")  # before a model is looked for
    assert caught.value.hint == "Use published, float32, fast."


def test_a_device_without_three_passes_is_refused():
    """Such as this CPU, and before a model is looked for."""
    with pytest.raises(ConfigError, match="does not compute matrix products in three"):
        built_on("gpu", lambda: ngcm_cli.load_model("none", precision="fast"))


def test_a_device_that_computes_other_products_is_refused(monkeypatch):
    monkeypatch.setitem(PASSES["gpu"], THREE_OF_TF32, PASSES["gpu"][None])
    with (
        products_of("gpu"),
        pytest.raises(ConfigError, match=r"differ from float32 by \d.\de-04"),
    ):
        built_on("gpu", lambda: find_precisions("fast"))


def test_a_cpu_computes_the_same_bits_whatever_the_precision():
    draw = np.random.default_rng(0).normal
    grid = Grid.quadratic(21)
    modal = jnp.asarray(draw(size=(5, *grid.modal_shape)), np.float32)
    columns = jnp.asarray(draw(size=(32, 8, 4)), np.float32)
    layers = (
        Linear(jnp.asarray(draw(size=(16, 32)), np.float32), None),
        LevelConvolution(jnp.asarray(draw(size=(4, 2, 5)), np.float32), jnp.zeros(4)),
    )

    def computed(precision):
        harmonics = SphericalHarmonics(grid, precision)
        nodal = harmonics.to_nodal(modal)
        linear, convolution = with_precision(layers, precision)
        assert linear.precision == convolution.precision == precision
        deep = convolution(columns.reshape(2, 16, 8, 4))
        return nodal, harmonics.to_modal(nodal), linear(columns), deep

    for precision in (None, HIGH):
        for x, y in zip(computed(precision), computed(HIGHEST), strict=True):
            np.testing.assert_array_equal(x, y)


def products(jaxpr) -> set:
    """Precisions of all matrix products of a program."""
    found = set()
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            precision = equation.params["precision"]
            found.add(precision[0] if isinstance(precision, tuple) else precision)
        for inner in jax.tree.leaves(
            tuple(equation.params.values()),
            is_leaf=lambda x: hasattr(x, "eqns") or hasattr(x, "jaxpr"),
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                found |= products(inner)
    return found


@pytest.mark.parametrize(
    "platform, setting, expected",
    [
        ("gpu", "float32", {HIGHEST}),
        ("tpu", "published", {HIGH, None, HIGHEST}),  # products of levels are float32
    ],
)
def test_every_product_of_a_model_has_its_precision(
    platform, setting, expected, reduced_model
):
    def load():
        return ngcm_cli.load_model(reduced_model, precision=setting)

    model = built_on(platform, load).with_water_budget()
    data = bundled_state(model)

    def forecast(fields):
        state = model.encode(fields, data.forcing, data.time, jax.random.key(0))
        state = model.advance(state, data.forcing, steps=1)
        return model.decode(state)

    program, _, _ = eqx.filter_make_jaxpr(forecast)(data.fields)
    assert products(program.jaxpr) == expected


@pytest.mark.long
@pytest.mark.parametrize(
    "platform, setting, tolerances",
    [
        ("gpu", "published", 5),
        ("gpu", "fast", 5),
        ("tpu", "published", 25),
        ("tpu", "float32", 1),
    ],
)
def test_a_step_in_each_precision(platform, setting, tolerances):
    """In golden tolerances, ten times what rounding of the inputs changes.

    The bounds are twice what was measured: 2.3, 1.9, 11.3 and 0.07. One pass of TF32
    in transforms and networks differs by 100.
    """
    kept = find_card(DEFAULT).fingerprint
    assert kept is not None
    with products_of(platform):
        model = built_on(platform, lambda: ngcm_cli.load_model(precision=setting))
        found = deviation(one_step(model, bundled_state(model)), kept.variables)
    print(f"{platform} {setting}: {found:.1e}, {found / kept.tolerance:.2f} tolerances")
    assert found <= tolerances * kept.tolerance


@pytest.mark.gpu
@pytest.mark.skipif(jax.default_backend() == "cpu", reason="needs an accelerator")
def test_float32_on_an_accelerator_meets_the_golden_tolerance():
    kept = find_card(DEFAULT).fingerprint
    assert kept is not None
    model = ngcm_cli.load_model(precision="float32")
    found = deviation(one_step(model, bundled_state(model)), kept.variables)
    assert found <= kept.tolerance
