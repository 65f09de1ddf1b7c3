"""The file of sensitivities: NetCDF-4 that `ngcm plot` draws and `--perturb` reads.

For each target ``NAME`` and field ``FIELD``, on ``[realization], [level], latitude,
longitude``:

``NAME``
    value of the target; the attribute ``definition`` has its text
``gradient_of_NAME_to_FIELD``
    its derivative with respect to the value of one cell (and level)
``sensitivity_of_NAME_to_FIELD``
    the same per mass of air that the value stands for (kg), at the surface per area
    (m2): it does not depend on the grid

Of singular vectors, on ``singular_vector, sigma, latitude, longitude``, the file has
``singular_value``, ``singular_vector_FIELD`` (initial perturbations of 1 J kg-1) and
``evolved_singular_vector_FIELD``.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.inputs.singular_vectors import VECTOR
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.output_file import sole_writer
from ngcm_cli.output.dataset_file import write_dataset
from ngcm_cli.output.field_selection import COORDINATES
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.sensitivity.derived_units import product
from ngcm_cli.spectral.grid import Grid

_OF_STATE = "log_surface_pressure"


@dataclasses.dataclass(frozen=True, eq=False)
class TargetGradients:
    """A target and its gradients, as they are written.

    Attributes:
        label: name of the target.
        definition: its text.
        units: of its value.
        values: of every member, (member,).
        gradients: by field, (member, level, longitude, latitude).
    """

    label: str
    definition: str
    units: str
    values: np.ndarray
    gradients: Mapping[str, np.ndarray]


def gradient_dataset(
    targets: Sequence[TargetGradients],
    masses: Mapping[str, np.ndarray],
    members: Sequence[int] | None,
) -> xr.Dataset:
    """Return targets and gradients as variables.

    Args:
        targets: of all members.
        masses: of the air of each value in kg, (level, longitude, latitude); of surface
            fields with one level the area in m2.
        members: their numbers; None leaves out the dimension.
    """
    found: dict[str, Any] = {}
    leading = () if members is None else ("realization",)
    for target in targets:
        values = np.asarray(target.values, np.float64)
        attributes = _attributes(f"Target {target.label}", target.units)
        if target.units == "K":
            attributes["units_metadata"] = "temperature: on_scale"
        found[target.label] = (
            leading,
            values if leading else values[0],
            attributes | {"definition": target.definition},
        )
        for name, x in target.gradients.items():
            on_levels = x.shape[-3] > 1
            each = "kg" if on_levels else "m2"
            what = "kilogram of air" if on_levels else "square metre"
            units = product((target.units, 1), (VARIABLES[name].units, -1))
            title = VARIABLES[name].long_name.lower()
            for kind, values, unit, text in (
                ("gradient", x, units, "value of a cell"),
                (
                    "sensitivity",
                    x / masses[name],
                    product((units, 1), (each, -1)),
                    what,
                ),
            ):
                dims, data = _in_file_order(values, leading, "level", on_levels)
                long_name = (
                    f"{kind.capitalize()} of {target.label} to {title}, per {text}"
                )
                found[f"{kind}_of_{target.label}_to_{name}"] = (
                    dims,
                    data,
                    _attributes(long_name, unit),
                )
    return xr.Dataset(found)


def vector_dataset(
    values: np.ndarray,
    initial: Mapping[str, np.ndarray],
    final: Mapping[str, np.ndarray],
    norm: str,
) -> xr.Dataset:
    """Return singular vectors as variables.

    Args:
        values: singular values.
        initial: perturbations by field, (vector, level, longitude, latitude).
        final: what they become.
        norm: name of the norm.
    """
    attributes = _attributes("Growth of the root of the energy", "1") | {"norm": norm}
    found: dict[str, Any] = {"singular_value": ((VECTOR,), values, attributes)}
    kinds = ((VECTOR, "Initial"), (f"evolved_{VECTOR}", "Evolved"))
    for (prefix, title), fields in zip(kinds, (initial, final), strict=True):
        for name, x in fields.items():
            on_levels = name != _OF_STATE
            dims, data = _in_file_order(x, (VECTOR,), "sigma", on_levels)
            units = VARIABLES[name].units if on_levels else "1"
            label = name.replace("_", " ")
            found[f"{prefix}_{name}"] = (
                dims,
                data,
                _attributes(f"{title} singular vector, {label}", units),
            )
    found[VECTOR] = ((VECTOR,), np.arange(1, len(values) + 1), {"units": "1"})
    return xr.Dataset(found)


def with_coordinates(
    parts: Sequence[xr.Dataset],
    grid: Grid,
    levels: Sequence[float],
    sigma: np.ndarray,
    init: np.datetime64,
    members: Sequence[int] | None,
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Return one dataset with its coordinates and global attributes.

    Args:
        parts: gradients, singular vectors or both.
        grid: of the model.
        levels: pressure levels, hPa.
        sigma: sigma levels.
        init: initial time, UTC.
        members: their numbers, or None.
        attributes: of the file.
    """
    dataset = parts[0].merge(parts[1]) if parts[1:] else parts[0]
    native = OutputGrid.native(grid)
    known: dict[str, Any] = {
        "level": np.asarray(levels),
        "sigma": np.asarray(sigma, np.float64),
        "latitude": native.latitude,
        "longitude": native.longitude,
    }
    if members is not None:
        known["realization"] = np.asarray(members)
    attrs = COORDINATES | {"realization": {"standard_name": "realization"}}
    coordinates: dict[str, Any] = {
        name: (name, x, attrs[name])
        for name, x in known.items()
        if name in dataset.dims
    }
    coordinates["time"] = ((), init.astype("datetime64[ns]"), COORDINATES["time"])
    known_attributes = {"Conventions": "CF-1.11", **attributes, **native.attributes}
    return dataset.assign_coords(coordinates).assign_attrs(known_attributes)


def write_sensitivity(dataset: xr.Dataset, path: pathlib.Path) -> None:
    """Write sensitivities; the file appears under its name when it is whole.

    Raises:
        OutputError: it cannot be written.
    """
    packed = {"zlib": True, "complevel": 1, "shuffle": True}
    encoding = {
        str(name): packed for name, x in dataset.data_vars.items() if x.size > 1000
    }
    encoding["time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    hint = "Check the disk, or choose another --output."
    with sole_writer(path) as target:
        write_dataset(dataset, target, encoding, hint)


def _in_file_order(
    x: np.ndarray, leading: tuple[str, ...], vertical: str, on_levels: bool
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return dimensions and values of (member, level, longitude, latitude)."""
    x = x if leading else x[0]
    x = x if on_levels else x[..., 0, :, :]
    levels = (vertical,) if on_levels else ()
    data = np.ascontiguousarray(np.swapaxes(x, -1, -2), np.float32)
    return (*leading, *levels, "latitude", "longitude"), data


def _attributes(long_name: str, units: str) -> dict[str, Any]:
    attributes = {"long_name": long_name, "units": units}
    if any(part.startswith("K") for part in units.split()):
        attributes["units_metadata"] = "temperature: difference"
    return attributes
