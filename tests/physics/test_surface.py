import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli.physics.scaling import Normalization
from ngcm_cli.physics.surface import (
    NetworkEmbedding,
    SurfaceEmbedding,
    UniformEmbedding,
)
from ngcm_cli.physics.towers import MLP, ColumnTower, Linear, gelu

GRID = (4, 3)
LAND, SEA, ICE = [1.0, 10.0], [2.0, 20.0], [3.0, 30.0]


def uniform(vector):
    return UniformEmbedding(jnp.array(vector)[:, None, None])


def surface(land_fraction, **parts):
    parts = {
        "land": uniform(LAND),
        "sea": uniform(SEA),
        "sea_ice": uniform(ICE),
    } | parts
    return SurfaceEmbedding(jnp.full((1, *GRID), land_fraction), **parts)


def forcing(ice, temperature=280.0):
    return {
        "sea_ice_cover": jnp.full((1, *GRID), ice),
        "sea_surface_temperature": jnp.full((1, *GRID), temperature),
    }


def through(*names):
    """An embedding that returns its features, shifted by 100."""
    one = MLP((Linear(jnp.eye(len(names)), None),), gelu)
    return NetworkEmbedding(
        names=names,
        normalization=Normalization(
            shifts=tuple((name, -100.0) for name in names),
            scales=tuple((name, 1.0) for name in names),
        ),
        tower=ColumnTower(one, (), one),
    )


@pytest.mark.parametrize(
    "land, ice, expected",
    [(1, 0, LAND), (1, 1, LAND), (0, 0, SEA), (0, 1, ICE)],
)
def test_a_pure_surface_has_its_own_embedding(land, ice, expected):
    out = surface(land)({}, forcing(ice))
    assert out.shape == (2, *GRID)
    np.testing.assert_array_equal(out[:, 1, 1], expected)


def test_fractions_mix_linearly():
    out = surface(0.25)({}, forcing(0.5))
    mix = 0.25 * np.array(LAND) + 0.375 * np.array(SEA) + 0.375 * np.array(ICE)
    np.testing.assert_allclose(out[:, 1, 1], mix, rtol=1e-6)


def test_equal_embeddings_do_not_depend_on_fractions():
    same = uniform(LAND)
    out = surface(0.3, land=same, sea=same, sea_ice=same)({}, forcing(0.7))
    np.testing.assert_allclose(out[:, 1, 1], LAND, rtol=1e-6)


def test_a_network_sees_the_lowest_level_and_the_forcing():
    state = {"u": jnp.arange(3.0)[:, None, None] + jnp.zeros((3, *GRID))}
    out = surface(0.0, sea_ice=through("sea_ice_cover", "u"))(state, forcing(1.0))
    np.testing.assert_array_equal(out[:, 0, 0], [101, 102])
    out = surface(0.0, sea=through("sea_surface_temperature"))(state, forcing(0.0))
    np.testing.assert_array_equal(out[:, 0, 0], [380, 380])
