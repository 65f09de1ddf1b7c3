"""Names for array shapes in signatures (jaxtyping).

Axis order inside the model is everywhere ``level longitude latitude`` on the grid and
``level m total_wavenumber`` in spectral space; surface fields have one level. Leading
axes (ensemble members, stacked variables) are added by ``jax.vmap`` at the call site.
"""

from jaxtyping import Array, Float

Nodal = Float[Array, "level longitude latitude"]
NodalSurface = Float[Array, "1 longitude latitude"]
Modal = Float[Array, "level m total_wavenumber"]
Columns = Float[Array, "channel longitude latitude"]
