import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees
from hypothesis import given
from hypothesis import strategies as st

from ngcm_cli.physics.scaling import (
    Normalization,
    OutputScaling,
    concatenate_features,
    soft_clip,
)

GRID = (4, 3)
HUMIDITY = "specific_humidity"


def constant(value, levels=1):
    return jnp.full((levels, *GRID), value, jnp.float32)


def normalization(*names, **others):
    return Normalization(
        shifts=tuple((name, 1.0) for name in names),
        scales=tuple((name, 4.0) for name in names),
        **others,
    )


def test_shift_then_scale():
    out = normalization("t", "u")({"u": constant(1), "t": constant(3)})
    np.testing.assert_array_equal(out[:, 0, 0], [0.5, 0])


def test_every_level_has_the_scale_of_its_feature():
    """With humidity amid the others, and features of one and of two levels."""
    shifts = {"a": 1.0, HUMIDITY: 2.0, "t": 3.0, "u": 5.0}
    scaling = Normalization(
        shifts=tuple(shifts.items()),
        scales=tuple((name, 2 * shift) for name, shift in shifts.items()),
        profile=(0.5, 0.25),
    )
    features = {name: constant(7, levels=2) for name in shifts} | {"a": constant(7)}
    expected = [3, 1.25 / 0.5, 1.25 / 0.25, *[4 / 6] * 2, *[0.2] * 2]
    found = scaling(features)[:, 0, 0]
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_a_feature_of_unknown_scale_is_an_error():
    with pytest.raises(KeyError, match="v"):
        normalization("t", "u")({"v": constant(3)})


def test_scales_of_absent_features_are_ignored():
    assert normalization("t", "u")({"t": constant(3)}).shape == (1, *GRID)


@pytest.mark.parametrize("suffix", ["", "_del2", "_dlat", "_dlon"])
def test_humidity_and_its_derivatives_are_divided_by_the_profile(suffix):
    name = HUMIDITY + suffix
    out = normalization(name, profile=(0.5, 2.0))({name: constant(5, levels=2)})
    np.testing.assert_array_equal(out[:, 0, 0], [2, 0.5])


@pytest.mark.parametrize("name", [f"memory_{HUMIDITY}", "temperature_variation", "u"])
def test_nothing_else_is_divided_by_the_profile(name):
    out = normalization(name, profile=(0.5, 2.0))({name: constant(5, levels=2)})
    np.testing.assert_array_equal(out, constant(1, levels=2))


def test_the_soft_clip_comes_last():
    clipped = normalization("t", max_value=16.0)({"t": constant(1e6)})
    np.testing.assert_array_equal(clipped, soft_clip(constant((1e6 - 1) / 4), 16.0))


def float64_soft_clip(x, bound):
    softplus = lambda y: np.logaddexp(y, 0)
    inner = softplus(2 * bound - softplus(x + bound))
    return bound - inner * 2 * bound / softplus(2 * bound)


@given(st.floats(-60, 60, width=32), st.sampled_from([4.0, 16.0]))
def test_soft_clip_follows_its_formula(x, bound):
    ours = float(soft_clip(jnp.float32(x), bound))
    # Two rounded numbers of the size of the bound are subtracted.
    assert abs(ours - float64_soft_clip(x, bound)) <= 8 * EPS * bound
    assert abs(ours) <= bound * (1 + 8 * EPS)


def test_soft_clip_is_the_identity_well_inside():
    x = jnp.linspace(-6, 6, 101)
    # e^-10 is what the soft corner leaves 10 below the bound of 16.
    assert_agrees("soft clip", "1", soft_clip(x, 16.0), x, 2 * np.exp(-10))


def test_soft_clip_never_decreases():
    y = soft_clip(jnp.linspace(-100, 100, 1001), 16.0)
    assert (np.diff(y) >= -8 * EPS * 16).all()


def test_features_are_packed_in_the_order_of_their_names():
    # Digits come before capitals, capitals before "_", "_" before small letters.
    names = ["x_del2", "b", "x", "CNN1D", "GRF_1", "a1", "a", "aB"]
    packed = concatenate_features({name: constant(i) for i, name in enumerate(names)})
    order = ["CNN1D", "GRF_1", "a", "a1", "aB", "b", "x", "x_del2"]
    expected = [names.index(name) for name in order]
    np.testing.assert_array_equal(packed[:, 0, 0], expected)


def test_outputs_are_split_and_scaled():
    scaling = OutputScaling(
        names=("log_surface_pressure", HUMIDITY, "u"),
        scales=(2.0, 3.0, 5.0),
        sizes=(1, 2, 2),
        profile=(0.5, 4.0),
    )
    columns = jnp.broadcast_to(jnp.arange(1.0, 6)[:, None, None], (5, *GRID))
    out = scaling(columns)
    assert list(out) == ["log_surface_pressure", HUMIDITY, "u"]
    np.testing.assert_array_equal(out["log_surface_pressure"][:, 0, 0], [2])
    np.testing.assert_array_equal(out[HUMIDITY][:, 0, 0], [2 * 3 * 0.5, 3 * 3 * 4])
    np.testing.assert_array_equal(out["u"][:, 0, 0], [20, 25])
