"""The reference's bundled model, run once with a view of what is inside of it."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from gcm import bundled
from published_checkpoint import published_checkpoint

from ngcm_cli.checkpoint.published.reference import read_published
from ngcm_cli.dynamics import State

ROOT = "stochastic_modular_step_model/~/"
ENCODER = f"{ROOT}dimensional_learned_weatherbench_to_primitive_encoder"
PHYSICS = (
    f"{ROOT}stochastic_physics_parameterization_step/~/div_curl_neural_parameterization"
)
DECODER = f"{ROOT}dimensional_learned_primitive_to_weatherbench_decoder"
SURFACE = (
    f"{PHYSICS}/~/combined_features/~/embedding_surface_features/~/"
    "nodal_land_sea_ice_embedding"
)
PROFILE = (
    f"{PHYSICS}/~/combined_features/~/embedding_volume_features/~/"
    "modal_to_nodal_embedding/nodal_volume_mapping/~/vertical_conv_tower"
)


@functools.cache
def reference_model():
    """The reference's model of the published checkpoint."""
    import neuralgcm

    checkpoint = read_published(published_checkpoint())
    static = checkpoint.static
    units = {"geopotential_at_surface": "m**2 s**-2", "land_sea_mask": "dimensionless"}
    grid = ("longitude", "latitude")
    dataset = xr.Dataset(
        {name: (grid, static[name], {"units": unit}) for name, unit in units.items()},
        coords={name: static[name] for name in (*grid, "level")},
    )
    return neuralgcm.PressureLevelModel.from_checkpoint(
        {
            "model_config_str": checkpoint.config,
            "params": checkpoint.params,
            "aux_ds_dict": dataset.to_dict(),
        }
    )


@functools.cache
def reference():
    """The reference's model, its inputs, and what its modules returned on the way."""
    import haiku

    model, data = reference_model(), bundled.sample()
    clock = {"sim_time": model.datetime64_to_sim_time(np.array(data.time))}
    fields, forcing = data.fields | clock, data.forcing | clock

    def watched(method, *args):
        """What a compiled method returns, and what each module in it returned."""

        def run(*args):
            returned = {}

            def watch(call, given, named, context):
                out = call(*given, **named)
                if context.method_name == "__call__" and not inside_columns(out):
                    returned[context.module.module_name] = out
                return out

            with haiku.intercept_methods(watch):
                return method.__wrapped__(model, *args), returned

        return jax.block_until_ready(jax.jit(run)(*args))

    encoded, on_the_way = watched(
        type(model).encode, fields, forcing, jax.random.key(0)
    )
    decoded, later = watched(type(model).decode, encoded, forcing)
    return types.SimpleNamespace(
        model=model,
        fields=fields,
        forcing=forcing,
        encoded=encoded,
        decoded=decoded,
        returned=on_the_way | later,
    )


def inside_columns(out) -> bool:
    """Whether a module works on one column, inside of a map over all."""
    shapes = [getattr(x, "shape", ()) for x in jax.tree.leaves(out)]
    return not shapes or any(shape[-2:] not in ALLOWED for shape in shapes if shape)


ALLOWED = {(128, 64), (128, 65), (126, 64)}


def returned(module):
    return jax.device_get(reference().returned[module])


@functools.cache
def their_step():
    ref = reference()
    return jax.block_until_ready(ref.model.advance(ref.encoded, ref.forcing))


def our_state(theirs) -> State:
    """Our form of a modal state of the reference: the layouts are the same."""
    state = theirs if isinstance(theirs, dict) else theirs.asdict()
    names = "vorticity", "divergence", "temperature_variation", "log_surface_pressure"
    return State(
        **{name: jnp.asarray(state[name]) for name in names},
        tracers={k: jnp.asarray(state["tracers"][k]) for k in sorted(state["tracers"])},
    )


def by_name(state: State) -> dict[str, np.ndarray]:
    fields = {k: np.asarray(v) for k, v in vars(state).items() if k != "tracers"}
    return fields | {k: np.asarray(v) for k, v in state.tracers.items()}
