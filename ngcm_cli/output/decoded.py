"""The state of a model as an xarray dataset, as a caller of the library wants it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.diagnostics import available, diagnostics_of, evaluate, resolve_name
from ngcm_cli.output.field_selection import COORDINATES, FieldSelection
from ngcm_cli.output.grid import OutputGrid


def decode(
    model: Any,
    state: Any,
    variables: Iterable[str] | None = None,
    *,
    forcing: Any = None,
    time: np.datetime64 | None = None,
) -> xr.Dataset:
    """Return variables of one state with coordinates and CF attributes.

    Args:
        model: of the state.
        state: from ``model.encode`` or ``model.advance``.
        variables: names, also short ones, as for ``--variables``; by default what
            ``model.decode`` returns.
        forcing: surface forcing, for variables that are computed from it.
        time: valid time, for the coordinate ``time``.

    Returns:
        Each variable with dimensions ([level,] latitude, longitude), in SI units.

    Raises:
        ConfigError: there is no such variable.
        ValueError: the model or the state cannot give it.

    Example:
        >>> fields = decode(model, state, ["t", "msl"], time=data.time)
        >>> fields.temperature.sel(level=500).mean()
    """
    names = tuple(variables) if variables is not None else tuple(model.default_outputs)
    known, table = available(model), diagnostics_of(model)
    names = tuple(dict.fromkeys(resolve_name(name, known, table) for name in names))
    selection = FieldSelection(
        {name: table[name] for name in names},
        model.levels,
        model.levels,
        "level",
        OutputGrid.native(model.grid),
    )
    data = {}
    for name, field in evaluate(model, state, forcing, names).items():
        dimensions, _, attributes = selection.describe(name)
        data[name] = dimensions, selection.select(name, np.asarray(field)), attributes
    coordinates: dict[str, Any] = {
        name: (coordinate.dimensions, coordinate.values, dict(coordinate.attributes))
        for name, coordinate in selection.coordinates().items()
    }
    if time is not None:
        valid = time.astype("datetime64[ns]")
        coordinates["time"] = ((), valid, COORDINATES["time"])
    return xr.Dataset(data, coordinates, {"source": f"NeuralGCM v1, {model.name}"})
