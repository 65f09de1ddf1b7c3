"""One initial time without a run: the same state, forcing and checks as a run has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_run import CARD

from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.simulation import single_start
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.testing import TinyModel


@pytest.fixture
def read(monkeypatch):
    """Read a start of the tiny model with some settings."""
    monkeypatch.setattr(
        single_start, "open_model", lambda name, **how: (CARD, TinyModel())
    )
    return lambda **settings: single_start.read_start(ForecastConfig(**settings))


@pytest.mark.parametrize("sst", ["persist", "climatology"])
def test_the_start_of_a_forecast(read, monkeypatch, tmp_path, sst):
    from ngcm_cli.simulation import setup

    monkeypatch.setattr(setup, "open_model", lambda name, **how: (CARD, TinyModel()))
    settings = {"lead": "40d", "every": "10d", "seed": 3, "sst": sst}
    start = read(**settings)
    run = set_up(ForecastConfig(**settings, output=tmp_path / "out.zarr"))
    assert (start.init, start.steps) == (np.datetime64("1959-01-02T00", "s"), 960)
    expected = run.initial_state(0, 0), run.forcing(0).at(start.init)
    arrays = lambda tree: [
        jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x
        for x in jax.tree.leaves(tree)
    ]
    ours = arrays((start.encode(), start.forcing))
    for x, y in zip(ours, arrays(expected), strict=True):
        np.testing.assert_array_equal(x, y)
    attributes = start.attributes()
    assert (attributes["model"], attributes["seed"]) == ("tiny", 3)


def test_times_between_steps(read):
    with pytest.raises(ConfigError, match="lead 1h30m is not one or more steps"):
        read(lead="90m", every="90m")
    with pytest.raises(ConfigError, match="init 1959-01-02T00:30 is not a whole"):
        read(lead="1h", every="1h", init="1959-01-02T00:30")
