"""The public tiny model on the public synthetic fields."""

import jax
import numpy as np

from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.testing import FIELDS, TinyModel, synthetic_fields

TIME = np.datetime64("2000-01-01T00", "s")


def test_steps_add_one_to_synthetic_fields():
    model = TinyModel(stochastic=False)
    fields = synthetic_fields(model.grid, len(model.levels))
    assert tuple(fields) == FIELDS
    assert {x.shape for x in fields.values()} == {(3, *model.grid.nodal_shape)}
    sea = np.zeros((1, *model.grid.nodal_shape), np.float32)
    forcing = Forcing.constant({name: sea for name in model.forcing_variables})
    state = model.encode(fields, forcing, TIME, jax.random.key(0))
    later = model.decode(model.advance(state, forcing, 5))
    for name in FIELDS:
        np.testing.assert_array_equal(later[name], fields[name] + 5)
