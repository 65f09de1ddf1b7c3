"""Means against those of NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms

from ngcm_cli.diagnostics.time_means import RunningMean

SIZES = {"temperature": (37, 128, 64), "surface_pressure": (1, 128, 64)}
TYPICAL = {"temperature": (250.0, 20.0), "surface_pressure": (98000.0, 3000.0)}
MONTH = 124  # samples of a month of 31 days, every six hours


def samples(count, seed=0):
    """Weather around a mean, of the size that models have."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        yield {
            name: (mean + spread * draw.standard_normal(SIZES[name])).astype(np.float32)
            for name, (mean, spread) in TYPICAL.items()
        }


def small(*numbers):
    """One sample of a small field for each number."""
    return [{"x": jnp.full((2, 3), number, jnp.float32)} for number in numbers]


def value(mean):
    """The one number that a small field holds everywhere, as bits."""
    (bits,) = set(np.asarray(mean.fields["x"]).view(np.uint32).flat)
    return np.uint32(bits).view(np.float32)


def test_a_month_against_float64():
    sums = {name: np.zeros(shape) for name, shape in SIZES.items()}
    mean = RunningMean.zeros_like(sums)
    for fields in samples(MONTH):
        mean = mean.add(fields)
        for name, x in fields.items():
            sums[name] += x
    assert int(mean.count) == MONTH
    for name, total in sums.items():
        expected = total / MONTH
        # A rounding of half a spacing at the k-th sample counts k/n in the end; by
        # chance they add up to √(n/3) times the RMS of one, EPS/√12 at most.
        tolerance = np.sqrt(MONTH / 3) * EPS / np.sqrt(12) * rms(expected)
        assert_agrees(name, "SI", mean.fields[name], expected, tolerance)


def test_one_sample_is_its_own_mean():
    """Whatever was there before, and whatever bits it has."""
    (broken,) = small(np.nan)
    for number in (0.1, -0.0, 1e-45, np.inf, np.nan, 3e38):
        (fields,) = small(number)
        mean = RunningMean.zeros_like(fields)
        for before in (mean, mean.add(fields), mean.add(broken), spoilt(mean)):
            after = before.restart().add(fields)
            assert int(after.count) == 1
            expected = np.float32(number)
            assert value(after).tobytes() == expected.tobytes()


def spoilt(mean):
    fields = {name: jnp.full_like(x, np.inf) for name, x in mean.fields.items()}
    return RunningMean(mean.count, fields)


def test_what_is_not_kept_changes_nothing():
    one, two, other = small(1.0, 2.0, np.nan)
    mean = RunningMean.zeros_like(one).add(one, jnp.bool_(True))
    same = mean.add(other, jnp.bool_(False))
    assert int(same.count) == 1 and value(same) == 1.0
    assert value(same.add(two, jnp.bool_(True))) == 1.5
    empty = RunningMean.zeros_like(one).add(other, jnp.bool_(False))
    assert int(empty.count) == 0 and value(empty.add(two)) == 2.0


def test_what_is_not_a_number_stays_in_the_mean():
    mean = RunningMean.zeros_like(*small(1.0))
    for fields in small(1.0, np.nan, 2.0):
        mean = mean.add(fields)
    assert np.isnan(value(mean))


def test_members_have_a_count_each():
    draw = np.random.default_rng(1)
    x = draw.normal(280, 20, (5, 3, 2, 4)).astype(np.float32)
    keep = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1]], bool)
    x[1, 1] = np.nan
    together = jax.vmap(RunningMean.zeros_like)({"x": jnp.asarray(x[0])})
    mapped, alone = together, [RunningMean.zeros_like({"x": x[0, 0]})] * 3
    for sample, kept in zip(x, keep, strict=True):
        together = together.add({"x": sample}, kept)
        mapped = jax.vmap(lambda mean, x, keep: mean.add({"x": x}, keep))(
            mapped, sample, kept
        )
        alone = [
            mean.add({"x": sample[i]}) if kept[i] else mean
            for i, mean in enumerate(alone)
        ]
    assert together.count.tolist() == [5, 3, 3]
    for i, mean in enumerate(alone):
        assert together.count[i] == mapped.count[i] == mean.count
        np.testing.assert_array_equal(together.fields["x"][i], mean.fields["x"])
        np.testing.assert_array_equal(mapped.fields["x"][i], mean.fields["x"])
        expected = x[keep[:, i], i].mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(mean.fields["x"], expected, rtol=4 * EPS)
    again = together.restart()
    assert again.count.tolist() == [0, 0, 0]
    again = again.add({"x": x[0]}, keep[1])
    assert again.count.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(again.fields["x"][2], x[0, 2])
    some = together.restart(np.array([False, True, False]))
    assert some.count.tolist() == [5, 0, 3]
    some = some.add({"x": x[0]})
    np.testing.assert_array_equal(some.fields["x"][1], x[0, 1])
    np.testing.assert_array_equal(
        some.fields["x"][0], together.add({"x": x[0]}).fields["x"][0]
    )


def test_shapes_are_enough_to_begin():
    shapes = jax.eval_shape(lambda: {"x": jnp.ones((2, 3))})
    assert value(RunningMean.zeros_like(shapes).add(*small(7.0))) == 7.0


def test_other_names_are_refused():
    mean = RunningMean.zeros_like(*small(1.0))
    with pytest.raises(ValueError, match="the mean is of x; what is added is x, y"):
        mean.add({"x": mean.fields["x"], "y": mean.fields["x"]})
