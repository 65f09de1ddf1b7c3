"""Targets: numbers of a forecast whose derivatives are computed.

``mean(t850, lat=45:60, lon=230:250)`` is the area-weighted mean of any output variable
in a box or over the globe, ``kinetic_energy(250:850, ...)`` that of ½(u² + v²) at a
level or in a layer, and ``mse(z500, ...)`` that of the squared difference from a truth.
"""

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ngcm_cli.config import closest
from ngcm_cli.diagnosis.columns import GROUND, layer_masses
from ngcm_cli.diagnostics import available, diagnostics_of, evaluate
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.interface import Model
from ngcm_cli.output.cell_bounds import Cells
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.sensitivity.derived_units import product
from ngcm_cli.simulation.output_selection import resolve_variable
from ngcm_cli.verification.regions import Region, parse_bounds, parse_region

KINDS = ("mean", "kinetic_energy", "mse")
_U, _V = "u_component_of_wind", "v_component_of_wind"
NUMBER = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
"""Pattern of a number without a sign."""

_TARGET = re.compile(r"(?:([A-Za-z]\w*)\s*=\s*)?(\w+)\s*\((.*)\)")
_LAYER = re.compile(rf"({NUMBER})(?::({NUMBER}))?\s*(?:hpa)?", re.IGNORECASE)
_EXAMPLE = "Write it as mean(t850, lat=45:60, lon=230:250)."
_TAKEN = re.compile(  # by coordinates and other variables of the file
    "level|sigma|latitude|longitude|realization|time|"
    "(gradient|sensitivity)_of_.*|(evolved_)?singular_.*"
)


class Functional(eqx.Module):
    """A scalar of output fields that JAX differentiates.

    Attributes:
        kind: one of `KINDS`.
        variables: output variables that it takes.
        weights: of every value, sum one; of single-level variables with one level.
        truth: of ``mse``, of the shape of the weights.
    """

    kind: str = eqx.field(static=True)
    variables: tuple[str, ...] = eqx.field(static=True)
    weights: Float[Array, "level longitude latitude"]
    truth: Float[Array, "level longitude latitude"] | None = None

    def __call__(self, fields: Mapping[str, jax.Array]) -> Float[Array, ""]:
        """Return its value, of fields (level, longitude, latitude) in SI units."""
        x = fields[self.variables[0]]
        if self.kind == "kinetic_energy":
            x = (x**2 + fields[self.variables[1]] ** 2) / 2
        elif self.truth is not None:
            x = (x - self.truth) ** 2
        return (self.weights * x).sum()

    def exactly(self, fields: Mapping[str, ArrayLike]) -> float:
        """Return its value in double precision, on the host."""
        doubled = jax.tree.map(lambda x: np.asarray(x, np.float64), self)
        return float(doubled({n: np.asarray(fields[n], np.float64) for n in fields}))


@dataclasses.dataclass(frozen=True, eq=False)
class Target:
    """A functional, and how it is named.

    Attributes:
        label: name in files and tables, such as ``mean_t850``.
        text: its definition, as it was given.
        units: SI units of its value.
        functional: what is differentiated.
    """

    label: str
    text: str
    units: str
    functional: Functional


@dataclasses.dataclass(frozen=True)
class TargetText:
    """A target as a user writes it, parsed, but not yet compared with a model.

    Attributes:
        label: name that was given, or empty.
        text: the whole of it.
        kind: one of `KINDS`.
        subject: variable, level or layer.
        region: where.
    """

    label: str
    text: str
    kind: str
    subject: str
    region: Region


def parse_target(text: str) -> TargetText:
    """Return a target such as ``[name=]mean(t850, lat=45:60, lon=230:250)``.

    Raises:
        ConfigError: it is not written so.
    """
    found = _TARGET.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"'{text}' is not a target.", _EXAMPLE)
    label, kind, inside = found.groups()
    if kind.lower() not in KINDS:
        raise ConfigError(
            f"'{text}' is not a target: there is no '{kind}'.", closest(kind, KINDS)
        )
    if label and _TAKEN.fullmatch(label):
        raise ConfigError(
            f"'{text}' cannot be called {label}: the file has that name for another.",
            "Give another name.",
        )
    subject, *others = (part.strip() for part in inside.split(","))
    if not subject:
        raise ConfigError(f"'{text}' names no variable.", _EXAMPLE)
    return TargetText(
        label or "", text.strip(), kind.lower(), subject, parse_area(others, text)
    )


def parse_area(parts: Sequence[str], text: str) -> Region:
    """Return the region of ``lat=S:N`` and ``lon=W:E``, or of ``region=NAME``.

    Args:
        parts: these, in any order; none for the globe.
        text: of which they are a part, for messages.

    Raises:
        ConfigError: they are something else, or not on the globe.
    """
    given: dict[str, str] = {}
    for part in parts:
        name, equals, value = (x.strip().lower() for x in part.partition("="))
        if not equals or name not in ("lat", "lon", "region") or name in given:
            raise ConfigError(
                f"'{part}' in '{text}' is not understood.",
                "Give lat=SOUTH:NORTH and lon=WEST:EAST in degrees, or region=NAME, "
                "each once.",
            )
        given[name] = value
    if "region" in given:
        name, region = parse_region(given.pop("region"))
        if given or region.surface is not None:
            raise ConfigError(
                f"The region of '{text}' is more than the region {name}.",
                "Give a region of the globe alone, without lat, lon, land or sea.",
            )
        return region
    box = f"{given.get('lat', '-90:90')},{given.get('lon', '0:360')}"
    bounds = parse_bounds(box)
    if bounds is None:
        raise ConfigError(
            f"The box of '{text}' is not understood.",
            "Give lat=SOUTH:NORTH and lon=WEST:EAST in degrees, such as lat=45:60, "
            "lon=-130:-110.",
        )
    south, north, west, east = bounds
    return Region(((south, north),), (west, east))


def make_targets(
    texts: Sequence[TargetText], model: Model, truth: Mapping[str, np.ndarray]
) -> tuple[Target, ...]:
    """Return targets of the forecasts of a model.

    Args:
        texts: parsed.
        model: whose output variables and grid they use.
        truth: by ERA5 name, (level, longitude, latitude), for ``mse``.

    Raises:
        ConfigError: the model has no such variable or level, or no cell in the region.
    """
    targets: list[Target] = []
    for text in texts:
        target = _make(text, model, truth)
        taken = {other.label for other in targets}
        if target.label in taken:
            if text.label:
                raise ConfigError(
                    f"Two targets are called {text.label}.", "Rename one of them."
                )
            names = (f"{target.label}_{n}" for n in itertools.count(2))
            label = next(name for name in names if name not in taken)
            target = dataclasses.replace(target, label=label)
        targets.append(target)
    return tuple(targets)


def _make(text: TargetText, model: Model, truth: Mapping[str, np.ndarray]) -> Target:
    reference, names = None, available(model)
    if text.kind == "kinetic_energy":
        variables: tuple[str, ...] = tuple(
            resolve_variable(name, names, model)[0] for name in (_U, _V)
        )
        units, vertical = "m2 s-2", _layer(text, model)
        subject = re.sub(r"[^0-9]+", "_", text.subject).strip("_")
    else:
        name, level = resolve_variable(text.subject, names, model)
        diagnostic = diagnostics_of(model)[name]
        if diagnostic.needs == "nudging":
            raise ConfigError(
                f"'{text.text}' is of nudged runs, and this forecast is not nudged.",
                "Name another variable.",
            )
        variables, units = (name,), diagnostic.units
        vertical, subject = _vertical(text, name, level, model), text.subject
        if text.kind == "mse":
            units = product((units, 2))
            if name not in truth:
                raise ConfigError(
                    f"'{text.text}' needs {name} of a truth.",
                    f"Give --truth DATA and one of {', '.join(model.input_variables)}.",
                )
            reference = jnp.asarray(truth[name])
    weights = vertical[:, None, None] * region_weights(text.region, model, text.text)
    functional = Functional(
        text.kind, variables, jnp.asarray(weights, jnp.float32), reference
    )
    subject = re.sub(r"\W+", "_", subject)
    return Target(text.label or f"{text.kind}_{subject}", text.text, units, functional)


def _vertical(
    text: TargetText, name: str, level: float | None, model: Model
) -> np.ndarray:
    """Return the weights of levels of a variable."""
    if not diagnostics_of(model)[name].on_levels:
        return np.ones(1)
    if level is None:
        raise ConfigError(
            f"'{text.text}' needs a level: {name} has many.",
            f"Name one in hPa, such as {text.subject}500.",
        )
    return np.eye(len(model.levels))[find_level(level, model)]


def find_level(level: float, model: Model) -> int:
    """Return the index of a pressure level of a model.

    Raises:
        ConfigError: it has no such level.
    """
    if level not in model.levels:
        nearest = min(model.levels, key=lambda known: abs(known - level))
        raise ConfigError(
            f"{model.name} has no level {level:g} hPa.", f"The nearest is {nearest:g}."
        )
    return model.levels.index(level)


def _layer(text: TargetText, model: Model) -> np.ndarray:
    """Return the weights of a level, or of the levels of a layer by their mass."""
    found = _LAYER.fullmatch(text.subject)
    if found is None:
        raise ConfigError(
            f"'{text.subject}' in '{text.text}' is neither a level nor a layer.",
            "Give hPa, such as kinetic_energy(850) or kinetic_energy(250:850).",
        )
    ends = sorted(float(x) for x in found.groups() if x is not None)
    first, last = (find_level(x, model) for x in (ends[0], ends[-1]))
    levels = np.arange(len(model.levels))
    mass = layer_masses(np.array(model.levels), np.full((1, 1), GROUND))[:, 0, 0]
    inside = np.where((levels >= first) & (levels <= last), mass, 0)
    return inside / inside.sum()


def cell_areas(model: Model) -> np.ndarray:
    """Return the areas of the cells of a model's grid, m², (longitude, latitude)."""
    grid = OutputGrid.native(model.grid)
    return Cells.of(grid.latitude, grid.longitude, "gauss").areas.T


def inside_region(region: Region, model: Model, text: str) -> np.ndarray:
    """Return which cells are in a region, (longitude, latitude), at least one.

    Raises:
        ConfigError: there is none.
    """
    grid = OutputGrid.native(model.grid)
    inside = region.contains(grid.latitude, grid.longitude).T
    if not inside.any():
        raise ConfigError(
            f"'{text}' has no cell of the grid of {model.name}, "
            f"{360 / len(grid.longitude):.2g} degrees wide.",
            "Make the box larger.",
        )
    return inside


def region_weights(region: Region, model: Model, text: str) -> np.ndarray:
    """Return the weights of a mean over a region by area, (longitude, latitude)."""
    area = np.where(inside_region(region, model, text), cell_areas(model), 0)
    return area / area.sum()


def target_values(
    model: Model,
    state: Any,
    forcing: Forcing,
    functionals: Sequence[Functional],
) -> Float[Array, " target"]:
    """Return the values of targets of a state, differentiable."""
    fields = target_fields(model, state, forcing, functionals)
    return jnp.stack([functional(fields) for functional in functionals])


def target_fields(
    model: Model,
    state: Any,
    forcing: Forcing,
    functionals: Sequence[Functional],
) -> dict[str, jax.Array]:
    """Return the output fields of a state that targets take."""
    names = tuple(dict.fromkeys(n for f in functionals for n in f.variables))
    return evaluate(model, state, forcing, names)
