"""Height of the ground of the dynamical core."""

import equinox as eqx
import jax

from ngcm_cli import units
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.spectral.filters import change_truncation


@eqx.filter_jit
def surface_altitude(model: NeuralGCM) -> jax.Array:
    """Return the height of the ground in m, (longitude, latitude).

    It is that of the surface pressure of the state. Models learn it; the orography of
    encoder and decoder is another.
    """
    dycore, harmonics = model.dycore, model.harmonics
    height = dycore.orography.modal(dycore.harmonics.grid)
    resolved = change_truncation(height, harmonics.grid.modal_shape)
    return harmonics.to_nodal(resolved[None])[0] / units.METER
