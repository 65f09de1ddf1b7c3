"""Which diagnostics a model can give, and their values for a state."""

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import jax
import numpy as np

from ngcm_cli.diagnostics.atmosphere import DECODED, SURFACE_FIELDS
from ngcm_cli.diagnostics.cloud_water import CLOUD_WATER
from ngcm_cli.diagnostics.diagnostic import CmipVariable, Diagnostic
from ngcm_cli.diagnostics.eddies import EDDIES
from ngcm_cli.diagnostics.insolation import INSOLATION
from ngcm_cli.diagnostics.lowest_level import LOWEST_LEVEL
from ngcm_cli.diagnostics.negative_water import NEGATIVE_WATER
from ngcm_cli.diagnostics.prescribed_sea import PRESCRIBED_SEA
from ngcm_cli.diagnostics.pressure_levels import (
    pressure_of_levels,
    surface_pressure,
    to_pressure_levels,
)
from ngcm_cli.diagnostics.tendencies import TENDENCIES
from ngcm_cli.diagnostics.thermodynamics import THERMODYNAMICS
from ngcm_cli.diagnostics.vapour_transport import VAPOUR_TRANSPORT
from ngcm_cli.diagnostics.water import WATER_FLUXES
from ngcm_cli.diagnostics.wind import WIND
from ngcm_cli.errors import CheckpointError
from ngcm_cli.gcm.fields import ATMOSPHERE, NET_WATER, PRECIPITATION, SURFACE
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.interface import PrimitiveEquationModel
from ngcm_cli.gcm.model import Fields, NeuralGCM
from ngcm_cli.gcm.output_heads import OutputHead
from ngcm_cli.gcm.programs import output_jit

Levels = Literal["pressure", "model"]
Apply = Callable[..., dict[str, jax.Array]]

DIAGNOSTICS: Mapping[str, Diagnostic] = MappingProxyType(
    {
        diagnostic.name: diagnostic
        for diagnostic in (
            *DECODED,
            *SURFACE_FIELDS,
            *WATER_FLUXES,
            *WIND,
            *THERMODYNAMICS,
            *EDDIES,
            *NEGATIVE_WATER,
            *LOWEST_LEVEL,
            *CLOUD_WATER,
            *INSOLATION,
            *VAPOUR_TRANSPORT,
            *PRESCRIBED_SEA,
            *TENDENCIES,
        )
    }
)
"""All output variables by name, in the order of listings."""


def diagnostics_of(model: Any) -> Mapping[str, Diagnostic]:
    """Return all output variables by name, and those that only this model has.

    A model may declare its own instead, as ``diagnostics``.

    Raises:
        CheckpointError: one of these has the name of another variable.
    """
    if hasattr(model, "diagnostics"):
        return model.diagnostics
    if not isinstance(model, NeuralGCM) or not model.outputs:
        return DIAGNOSTICS
    if taken := DIAGNOSTICS.keys() & model.outputs.keys():
        raise CheckpointError(
            f"{model.name} has an output of its own that is called '{min(taken)}', as "
            "another output variable is.",
            "Give it another name in the card and in the names of the weights.",
        )
    own = {name: _of_head(name, head) for name, head in model.outputs.items()}
    return {**DIAGNOSTICS, **own}


def _of_head(name: str, head: OutputHead) -> Diagnostic:
    attributes = dataclasses.asdict(head.attributes)
    cmip = attributes.pop("cmip")
    return Diagnostic(
        name=name,
        vertical="surface",
        needs="forcing" if head.sees_sea else "state",
        cmip=CmipVariable(cmip, head.attributes.long_name) if cmip else None,
        is_own=True,
        **attributes,
    )


def available(model: Any) -> tuple[str, ...]:
    """Return the names of the diagnostics that a model can give.

    Args:
        model: a `NeuralGCM`, also with the fluxes that need its water budget; or any
            model with ``output_variables``, of which these are available.
    """
    if not isinstance(model, NeuralGCM):
        return tuple(model.output_variables)
    names = tuple(diagnostics_of(model))
    if model.predicts_precipitation:
        return names
    return tuple(name for name in names if name not in PRECIPITATION)


def needs_water_budget(names: Iterable[str]) -> bool:
    """Return whether the model must keep a water budget to give these diagnostics."""
    return any(
        name in DIAGNOSTICS and DIAGNOSTICS[name].needs == "water" for name in names
    )


def sigma_levels(model: PrimitiveEquationModel) -> np.ndarray:
    """Return the centres of the model's sigma levels, top first, (sigma level,)."""
    return model.sigma_levels.centers


def evaluate(
    model: Any,
    state: Any,
    forcing: Fields | Forcing | None,
    names: tuple[str, ...],
    levels: Levels = "pressure",
    apply: Apply | None = None,
) -> dict[str, jax.Array]:
    """Return diagnostics of a state in SI units.

    A pure function of one member, or of several with ``apply``. Diagnostics are
    computed in groups, each by its own compiled program, so that the values of one do
    not depend on which others are asked for.

    Args:
        model: a `NeuralGCM`; another model of the primitive equations, with ``dycore``,
            ``harmonics`` and ``diagnostics``; or any with ``output_variables`` and
            ``decode(state, names)``.
        state: of the model.
        forcing: as for ``NeuralGCM.advance``; only diagnostics that need "forcing" or
            "nudging" use it, the others do with None.
        names: among those `available`; static.
        levels: "pressure" levels of the model's data, or sigma levels of the "model",
            on which fields are those of the state without the decoder's correction.
        apply: applies a function of model, state and other arguments to all members of
            a state, as ``BatchedModel.map`` does; by default to the one member.

    Returns:
        By name, each (level, longitude, latitude), with one level at the surface.

    Raises:
        ValueError: the model cannot give one of them.
    """
    if apply is None:
        apply = functools.partial(_apply_to_one, model)
    if not hasattr(model, "dycore"):
        if levels != "pressure":
            raise ValueError(f"{type(model).__name__} has no output on its own levels")
        return apply(_decode, state, tuple(names))
    table = diagnostics_of(model)
    for name in names:
        known = model.output_variables if needs_water_budget([name]) else table
        if name not in known:
            raise ValueError(f"{model.name} does not predict '{name}'")
    on_pressure = levels == "pressure"
    wanted = [table[name] for name in names]
    wanted += [table[name] for d in wanted for name in d.fields]
    own = {d.name for d in wanted if _is_own(d, on_pressure)}
    rest = [d for d in wanted if d.name not in own]
    fields: dict[str, jax.Array] = {}
    for group in (ATMOSPHERE, SURFACE, (*NET_WATER, *PRECIPITATION)):
        group = tuple(name for name in group if name in model.output_variables)
        if own & set(group):
            fields |= apply(_decode, state, group)
    heads = model.outputs.items() if isinstance(model, NeuralGCM) else ()
    for sees_sea in (False, True):
        group = tuple(name for name, head in heads if head.sees_sea == sees_sea)
        if wanted_heads := own & set(group):
            if sees_sea and forcing is None:
                raise ValueError(f"'{min(wanted_heads)}' needs the surface forcing")
            given = (forcing,) if sees_sea else ()
            fields |= apply(_decode, state, group, *given)
    for d in rest:
        if d.from_state is not None and d.name not in fields:
            is_forced = d.needs in ("forcing", "nudging")
            given = forcing if is_forced else None
            if is_forced and given is None:
                raise ValueError(f"'{d.name}' needs the surface forcing")
            fields |= apply(_from_state, state, d.from_state, given, on_pressure)
    for d in rest:
        if d.from_fields is not None and d.name not in fields:
            needed = {name: fields[name] for name in d.fields}
            fields |= apply(_from_fields, (state, needed), d.from_fields, on_pressure)
    return {name: fields[name] for name in names}


def mean_fluxes(
    model: Any, state: Any, steps: int, names: Collection[str]
) -> dict[str, jax.Array]:
    """Return means of fluxes over the last steps, in SI units.

    Args:
        model: of the state, with ``mean_fluxes``.
        state: ``steps`` model steps after it was encoded or its accumulated amounts
            were set to zero; for fluxes of water, of a model with a water budget.
        steps: how many; another number does not compile again.
        names: the diagnostics wanted; those that are no fluxes are left out.

    Returns:
        By name, each (1, longitude, latitude).
    """
    wanted = [n for n in names if n in DIAGNOSTICS and DIAGNOSTICS[n].is_flux]
    means: dict[str, jax.Array] = {}
    for name in wanted:
        from_steps = DIAGNOSTICS[name].from_steps
        if name not in means and from_steps is not None:
            means |= from_steps(model, state, steps)
    if any(DIAGNOSTICS[name].from_steps is None for name in wanted):
        means |= model.mean_fluxes(state, steps)
    return {name: means[name] for name in wanted if name in means}


def _is_own(diagnostic: Diagnostic, on_pressure: bool) -> bool:
    """Whether ``decode`` of the model gives it."""
    if diagnostic.from_fields is not None:
        return False
    if diagnostic.needs == "decoder":
        return on_pressure
    return diagnostic.from_state is None


def _apply_to_one(model: Any, function: Callable[..., Any], *args: Any) -> Any:
    return function(model, *args)


def _decode(
    model: Any, state: Any, names: tuple[str, ...], *forcing: Fields | Forcing
) -> dict[str, jax.Array]:
    return model.decode(state, names, *forcing)


# A program for each function, of all that it returns: fused with others, or in part, a
# field could round otherwise, and every choice of names would compile again.
@output_jit
def _from_state(
    model: Any,
    state: Any,
    compute: Callable[..., dict[str, jax.Array]],
    forcing: Fields | Forcing | None,
    on_pressure: bool,
) -> dict[str, jax.Array]:
    fields = compute(model, state, forcing)
    table = {**DIAGNOSTICS, **diagnostics_of(model)}
    layered = {name: x for name, x in fields.items() if table[name].on_levels}
    if on_pressure and layered:
        fields |= to_pressure_levels(model, state, layered)
    return fields


@output_jit
def _from_fields(
    model: PrimitiveEquationModel,
    state_and_fields: tuple[Any, dict[str, jax.Array]],
    compute: Callable[..., dict[str, jax.Array]],
    on_pressure: bool,
) -> dict[str, jax.Array]:
    state, fields = state_and_fields
    if on_pressure:
        return compute(fields, pressure_of_levels(model))
    sigma = sigma_levels(model)[:, None, None]
    return compute(fields, sigma * surface_pressure(model, state))
