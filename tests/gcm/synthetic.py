"""States on the bundled model's grid that are made of given fields, not of data."""

import jax
import jax.numpy as jnp
import numpy as np
from gcm import bundled

from ngcm_cli import units
from ngcm_cli.dynamics import State
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.gcm import ModelState
from ngcm_cli.physics.random_fields import RandomState
from ngcm_cli.physics.water_budget import Water
from ngcm_cli.spectral.operators import vorticity_divergence

PRESSURE = 98_000.0  # Pa


def around(
    prognostic: State,
    water: Water | None = None,
    time: np.datetime64 = units.REFERENCE_TIME,
) -> ModelState:
    """A state of a model without memory and noise."""
    seconds = float((time - units.REFERENCE_TIME) / np.timedelta64(1, "s"))
    return ModelState(
        state=prognostic,
        memory=None,
        random=RandomState(None, jax.random.key(0), jnp.int32(0)),
        water=water,
        substep=jnp.int32(seconds // 3600),
        time=jnp.float32(seconds * units.SECOND),
    )


def atmosphere(
    u=0.0, v=0.0, temperature=250.0, pressure=PRESSURE, vapour=0.0, ice=0.0, liquid=0.0
) -> State:
    """A modal state from fields in SI units that broadcast to the grid."""
    model = bundled.model()
    harmonics, levels = model.encoder.harmonics, model.encoder.levels
    shape = levels.layers, *model.grid.nodal_shape

    def nodal(x, shape=shape):
        return jnp.asarray(np.broadcast_to(x, shape), jnp.float32)

    reference = np.array(model.step.dycore.reference_temperature)[:, None, None]
    vorticity, divergence = vorticity_divergence(
        nodal(np.multiply(u, units.METER_PER_SECOND)),
        nodal(np.multiply(v, units.METER_PER_SECOND)),
        harmonics,
    )
    log_pressure = nodal(np.log(pressure * units.PASCAL), (1, *shape[1:]))
    return State(
        vorticity=vorticity,
        divergence=divergence,
        temperature_variation=harmonics.to_modal(nodal(temperature - reference)),
        log_surface_pressure=harmonics.to_modal(log_pressure),
        tracers={
            name: harmonics.to_modal(nodal(x))
            for name, x in zip(TRACERS, (ice, liquid, vapour), strict=True)
        },
    )


def random(seed: int = 0, largest: int = 62) -> State:
    """Unit noise in every coefficient up to a total wavenumber."""
    draw = np.random.default_rng(seed)
    mask = bundled.model().grid.mask * (np.arange(65) <= largest)

    def noise(x):
        return jnp.asarray(mask * draw.standard_normal(x.shape), jnp.float32)

    return jax.tree.map(noise, jax.eval_shape(atmosphere))
