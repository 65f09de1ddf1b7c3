"""Negative humidity and cloud: the output without them, and the water this adds.

The models may predict slightly negative humidity and cloud water, as spectral models
do, and the state must keep them. Only what is written can be set to zero.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ngcm_cli import units
from ngcm_cli.arrays import Nodal, NodalSurface
from ngcm_cli.diagnostics.diagnostic import Diagnostic
from ngcm_cli.dynamics.state import TRACERS

ADDED = "water_added_by_clipping"
CLIPPED = (*TRACERS, "relative_humidity")
"""Variables that `clip` sets to zero where they are negative."""

CLIPPED_TO_ZERO = "negative values are set to zero"
CLIPPED_COMMENT = f"{CLIPPED_TO_ZERO}, which adds {ADDED}"


def clip(fields: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    """Return the fields, those of `CLIPPED` zero where they are negative."""
    return {
        name: jnp.maximum(x, 0) if name in CLIPPED else x for name, x in fields.items()
    }


def water_added_by_clipping(
    fields: Mapping[str, Nodal], pressure: jax.Array
) -> dict[str, NodalSurface]:
    """Return the water that clipping adds to the column, (1/g) ∫ Σ max(−q, 0) dp.

    A level stands for the air half-way to its neighbours, the lowest one for all down
    to the surface, the highest for all above; below the surface nothing counts.

    Args:
        fields: humidity and cloud [kg kg-1], and the surface pressure [Pa].
        pressure: Pa, ascending, broadcasts to the fields.

    Returns:
        Water in kg m-2, (1, longitude, latitude).
    """
    surface = fields["surface_pressure"]
    between = (pressure[1:] + pressure[:-1]) / 2
    ends = jnp.zeros_like(between[:1]), jnp.full_like(between[:1], jnp.inf)
    edges = jnp.minimum(jnp.concatenate([ends[0], between, ends[1]]), surface)
    lacking = sum(jnp.maximum(-fields[name], 0) for name in TRACERS)
    mass = (jnp.diff(edges, axis=0) * lacking).sum(0, keepdims=True)
    return {ADDED: mass / units.GRAVITY_SI}


NEGATIVE_WATER = (
    Diagnostic(
        name=ADDED,
        standard_name="",
        long_name="Water that setting negative humidity and cloud to zero would add",
        units="kg m-2",
        vertical="surface",
        needs="decoder",
        comment="of all levels of the model's output, also of those not written",
        from_fields=water_added_by_clipping,
        fields=(*TRACERS, "surface_pressure"),
    ),
)
