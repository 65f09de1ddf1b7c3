import jax
import numpy as np
import pytest

from ngcm_cli.dynamics import Dycore, State
from ngcm_cli.dynamics.orography import Orography
from ngcm_cli.spectral.filters import change_truncation


@pytest.fixture(scope="session")
def era5() -> tuple[Dycore, State]:
    """The bundled model's dynamical core and encoded state, for one substep."""
    import ngcm_cli
    from ngcm_cli import bundled_state

    model = ngcm_cli.load_model()
    data = bundled_state(model)
    key = jax.random.key(0)
    encoded = model.encode(data.fields, data.forcing, data.time, key).state
    core = model.step.dycore
    shape = core.harmonics.grid.modal_shape
    state = jax.tree.map(lambda x: change_truncation(x, shape), encoded)
    grid = core.harmonics.grid
    once = Dycore(
        core.harmonics,
        core.levels,
        core.reference_temperature,
        Orography(core.orography.modal(grid), None, 0.0),
        np.asarray(core.solver.filter.factors),
        core.solver.solver.step_size,
        1,
    )
    return once, state
