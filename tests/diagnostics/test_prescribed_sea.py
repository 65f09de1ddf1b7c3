"""The sea that a run was given, in its output."""

import jax
import numpy as np
import pytest
from diagnostics import reduced_states as small

from ngcm_cli.diagnostics import evaluate, resolve_name
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.gcm.forcing import Forcing

SST, ICE = "sea_surface_temperature", "sea_ice_cover"


def test_names():
    assert [resolve_name(x, (SST, ICE)) for x in ("sst", "siconc")] == [SST, ICE]


@pytest.mark.parametrize("offset", [0.0, 2.0])
def test_it_is_what_the_forcing_gives_at_the_time_of_the_state(offset):
    """15 h into the reference day, between two fields, partly held within bounds."""
    model, state = small.model(), small.weather()
    times = np.array(["1979-01-01", "1979-01-02"], "datetime64[s]")
    draw = np.random.default_rng(1)
    shape = (2, 1, *model.grid.nodal_shape)
    fields = {SST: draw.normal(275, 8, shape), ICE: draw.normal(0.5, 1, shape)}
    fields = {name: x.astype(np.float32) for name, x in fields.items()}
    forcing = Forcing.at_times(times, fields, offset)
    given = evaluate(model, state, forcing, (SST, ICE))
    host = SurfaceForcing(times, fields, (), offset)
    expected = host.at_time(np.datetime64("1979-01-01T15", "s"))
    for name in (SST, ICE):
        assert given[name].shape == (1, *model.grid.nodal_shape)
        np.testing.assert_allclose(given[name], expected[name], atol=2e-4)
    assert given[ICE].min() == 0 and given[ICE].max() == 1


def test_a_sea_that_persists_has_its_bits():
    given = evaluate(small.model(), small.weather(), small.forcing(), (SST, ICE))
    jax.tree.map(np.testing.assert_array_equal, given, small.forcing())


def test_without_a_forcing_it_is_not_known():
    with pytest.raises(ValueError, match="needs the surface forcing"):
        evaluate(small.model(), small.weather(), None, (SST,))
