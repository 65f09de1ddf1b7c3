import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms

from ngcm_cli import units
from ngcm_cli.physics.random_fields import RandomFields
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

GRID = Grid.linear(31)
HARMONICS = SphericalHarmonics(GRID)
HOURS = (1.0, 8.0, 100.0)
KILOMETRES = (500.0, 1500.0, 4000.0)
MEMBERS = 400


def fields(names=None, raw_times=(0, 0, 0), raw_lengths=(0, 0, 0), clip=6.0):
    return RandomFields(
        harmonics=HARMONICS,
        names=names,
        times=tuple(h * units.HOUR for h in HOURS),
        lengths=tuple(1000 * km * units.METER for km in KILOMETRES),
        interval=units.HOUR,
        clip=clip,
        raw_times=jnp.array(raw_times, jnp.float32),
        raw_lengths=jnp.array(raw_lengths, jnp.float32),
    )


NAMED = fields(("GRF_a", "GRF_b", "GRF_c"))


@pytest.fixture(scope="module")
def ensemble():
    """Modal fields of many members, drawn and one hour later."""
    noise = fields()

    @jax.jit
    @jax.vmap
    def draw(key):
        first = noise.sample(key)
        return first.fields, noise.advance(first).fields

    return jax.device_get(draw(jax.random.split(jax.random.key(1), MEMBERS)))


def area_mean_square(modal):
    """Of each field, from Parseval's identity."""
    return np.mean((modal.astype(np.float64) ** 2).sum((-1, -2)), axis=0) / (4 * np.pi)


def numbers(key):
    return jax.random.key_data(key).tolist()


def degrees_of_freedom(modal):
    """Of the power of each field: how many coefficients make it up."""
    power = np.mean(modal.astype(np.float64) ** 2, axis=0)
    return power.sum((-1, -2)) ** 2 / (power**2).sum((-1, -2))


@pytest.mark.parametrize("hours", [0, 1])
def test_the_variance_is_one_and_stays_one(ensemble, hours):
    modal = ensemble[hours]
    spread = np.sqrt(2 / (MEMBERS * degrees_of_freedom(modal)))
    assert (np.abs(area_mean_square(modal) - 1) < 5 * spread).all()


def test_the_mean_is_zero(ensemble):
    mean = ensemble[0].mean(axis=0)
    deviation = ensemble[0].std(axis=0) / np.sqrt(MEMBERS)
    drawn = deviation > 1e-15  # the smallest scales of large fields vanish
    assert (np.abs(mean)[drawn] < 5.5 * deviation[drawn]).all()
    assert (ensemble[0][:, :, ~GRID.mask] == 0).all()


def test_the_correlation_after_an_hour_is_that_of_the_time_scale(ensemble):
    before, after = ensemble
    product = (before * after).sum((-1, -2)).sum(0) / (4 * np.pi * MEMBERS)
    expected = np.exp(-1 / np.array(HOURS))
    spread = np.sqrt(2 / (MEMBERS * degrees_of_freedom(before)))
    assert (np.abs(product - expected) < 5 * spread).all()


def test_the_spectrum_falls_with_the_length_scale(ensemble):
    power = np.mean(ensemble[0].astype(np.float64) ** 2, axis=0).sum(-2)
    power /= GRID.mask.sum(0)
    n = np.arange(GRID.total_wavenumbers)
    for of_field, km in zip(power, KILOMETRES, strict=True):
        half_square = (1000 * km * units.METER) ** 2 / 2
        decay = np.exp(-half_square * n * (n + 1))
        # Enough draws of a coefficient, and not yet down at rounding.
        seen = (n >= 2) & (decay > 1e-6)
        ratio = of_field[seen] / decay[seen]
        spread = np.sqrt(2 / (MEMBERS * GRID.mask.sum(0)[seen]))
        weight = 1 / spread**2
        level = (ratio * weight).sum() / weight.sum()
        assert (np.abs(ratio / level - 1) < 5 * spread).all()


def test_raw_numbers_lengthen_scales_through_softplus():
    raw = np.log(np.expm1(2 * 1.0)) - np.log(np.e - 1)  # softplus then gives 2
    doubled = fields(raw_times=(raw,) * 3, raw_lengths=(raw,) * 3)
    explicit = eqx.tree_at(
        lambda x: (x.raw_times, x.raw_lengths), doubled, (jnp.zeros(3), jnp.zeros(3))
    )
    explicit = RandomFields(
        harmonics=HARMONICS,
        names=None,
        times=tuple(2 * t for t in doubled.times),
        lengths=tuple(2 * x for x in doubled.lengths),
        interval=doubled.interval,
        clip=doubled.clip,
        raw_times=explicit.raw_times,
        raw_lengths=explicit.raw_lengths,
    )
    ours = doubled.sample(jax.random.key(0)).fields
    expected = explicit.sample(jax.random.key(0)).fields
    # exp(-κ n(n+1)/2) multiplies a rounding of κ by up to κ n(n+1)/2, about 20 here.
    assert_agrees("random fields", "1", ours, expected, 20 * EPS * rms(expected))


def test_the_same_key_gives_the_same_fields():
    noise = fields()
    one, two = (noise.advance(noise.sample(jax.random.key(7))) for _ in range(2))
    np.testing.assert_array_equal(one.fields, two.fields)
    other = noise.sample(jax.random.key(8))
    assert rms(other.fields - noise.sample(jax.random.key(7)).fields) > 0.01


def test_draws_do_not_depend_on_double_precision():
    """``JAX_ENABLE_X64`` must not change which numbers are drawn."""
    drawn = fields().sample(jax.random.key(5)).fields
    with jax.enable_x64(True):
        again = fields().sample(jax.random.key(5)).fields
    np.testing.assert_allclose(again, drawn, atol=1e-5)


@pytest.mark.parametrize("noise", [fields(), NAMED], ids=["batch", "named"])
def test_members_side_by_side_are_members_one_by_one(noise):
    keys = jax.random.split(jax.random.key(3), 3)
    run = jax.jit(lambda key: noise.advance(noise.advance(noise.sample(key))))
    together = jax.vmap(run)(keys)
    for i, key in enumerate(keys):
        alone = run(key)
        assert numbers(together.key[i]) == numbers(alone.key)
        tolerance = 4 * EPS * rms(alone.fields)
        assert_agrees("random fields", "1", together.fields[i], alone.fields, tolerance)


def test_the_key_is_kept_and_steps_are_counted():
    noise = fields()
    first = noise.sample(jax.random.key(0))
    later = noise.advance(noise.advance(first))
    assert (int(first.step), int(later.step)) == (0, 2)
    rest = jax.random.split(jax.random.key(0), 4)[3]
    assert numbers(later.key) == numbers(first.key) == numbers(rest)


def test_successive_draws_differ():
    noise = fields()
    first = noise.sample(jax.random.key(0))
    still = eqx.tree_at(lambda s: s.fields, first, jnp.zeros_like(first.fields))
    later = eqx.tree_at(lambda s: s.step, still, jnp.int32(1))
    assert rms(noise.advance(still).fields - noise.advance(later).fields) > 0.01


def test_named_and_unnamed_fields_begin_alike_and_part_later():
    unnamed = fields()
    first = unnamed.sample(jax.random.key(0))
    np.testing.assert_array_equal(first.fields, NAMED.sample(jax.random.key(0)).fields)
    one, other = unnamed.advance(first), NAMED.advance(first)
    np.testing.assert_array_equal(one.fields, other.fields)  # both counts are zero
    assert rms(unnamed.advance(one).fields - NAMED.advance(one).fields) > 0.01


def test_draws_are_clipped():
    noise = fields(clip=0.5)
    n = np.arange(GRID.total_wavenumbers)
    half_square = (1000 * np.array(KILOMETRES)[:, None, None] * units.METER) ** 2 / 2
    shape = np.exp(-0.5 * half_square * n * (n + 1))
    total = (GRID.mask.sum(0) * shape**2).sum(-1, keepdims=True)
    deviation = np.sqrt(4 * np.pi / total) * shape
    draws = noise.sample(jax.random.key(0)).fields / deviation
    kept = np.broadcast_to(deviation > 1e-15, draws.shape)
    assert 0.49 < np.abs(draws[kept]).max() <= 0.5 * (1 + 1e-4)


def test_features_have_the_names_of_the_fields():
    state = NAMED.sample(jax.random.key(0))
    named = NAMED.nodal(state)
    assert list(named) == ["GRF_a", "GRF_b", "GRF_c"]
    together = fields().nodal(state)
    assert list(together) == ["randomness"]
    np.testing.assert_array_equal(
        np.concatenate(list(named.values())), together["randomness"]
    )
