"""A synthetic run: the stores of means that ``ngcm amip`` leaves, field by field known.

Every value says where it stands: it is distinct for each variable, realization, record,
level and node, and of the size of the real thing.
"""

import pathlib
import warnings

import numpy as np
import zarr

from ngcm_cli.diagnostics import DIAGNOSTICS
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.spectral.grid import Grid

QUANTITIES = VARIABLES | DIAGNOSTICS
GRID = Grid.linear(3)  # 8 x 4
LEVELS = (50, 100, 200, 250, 500, 700, 850, 1000)
# What is added to a number from 0 to 1, and what that is multiplied with before.
SIZES = {
    "temperature": (200.0, 100.0),
    "specific_humidity": (0.0, 0.02),
    "u_component_of_wind": (-30.0, 60.0),
    "v_component_of_wind": (-20.0, 40.0),
    "geopotential": (1000.0, 2e5),
    "surface_pressure": (8e4, 2e4),
    "mean_sea_level_pressure": (9.8e4, 5e3),
    "total_column_water_vapour": (0.0, 60.0),
    "P_minus_E_rate": (-1e-4, 2e-4),
    "precipitation_rate": (0.0, 1e-7),
    "evaporation": (-1e-4, 1.2e-4),
}
ATTRIBUTES = {
    "Conventions": "CF-1.11",
    "title": "AMIP run by tl63_stochastic_mini from 1981-12-16T00",
    "source": "NeuralGCM v1, tl63_stochastic_mini, weights SHA-256 da6c",
    "history": "2026-01-02T03:04:05Z: ngcm amip --years 1",
    "references": "https://doi.org/10.1038/s41586-024-07744-y",
    "license": "CC-BY-SA-4.0",
    "model": "tl63_stochastic_mini",
    "weights_sha256": "da6c",
    "data_source": "era5_tl31_1959-01-02T00.nc, the bundled ERA5 state",
    "sst_source": "NOAA OISST",
    "sst": "prescribed",
    "sst_notes": "Sea ice is AMIP's monthly climatology, 2 °C or no.",
    "seed": 4294967295,
    "device": "cpu",
    "jax_version": "0.10.0",
}


def month_bounds(first: str, count: int) -> np.ndarray:
    """Of whole months, (time, 2), datetime64[h]."""
    months = np.datetime64(first, "M") + np.arange(count + 1)
    edges = months.astype("datetime64[h]")
    return np.stack([edges[:-1], edges[1:]], axis=1)


def day_bounds(first: str, count: int) -> np.ndarray:
    """Of whole days, (time, 2), datetime64[h]."""
    edges = (np.datetime64(first, "D") + np.arange(count + 1)).astype("datetime64[h]")
    return np.stack([edges[:-1], edges[1:]], axis=1)


def means(name, members, bounds, levels, grid) -> np.ndarray:
    """The fields of one variable: (realization, time, [level,] latitude, longitude)."""
    shape = [members, len(bounds), len(grid.latitude), len(grid.longitude)]
    if QUANTITIES[name].on_levels:
        shape.insert(2, len(levels))
    count = np.prod(shape)
    offset, scale = SIZES.get(name, (0.0, 1.0))
    turn = [*SIZES, name].index(name) / len(SIZES)
    number = (np.arange(count) / count + turn) % 1
    return (offset + scale * number).astype(np.float32).reshape(shape)


def write_means(
    path: pathlib.Path,
    bounds: np.ndarray,
    *,
    members: int = 1,
    variables=tuple(SIZES),
    levels=LEVELS,
    grid: OutputGrid | None = None,
    completed: int | None = None,
    changes=None,
    **attributes,
) -> dict[str, np.ndarray]:
    """Write a store; what is in it, with a realization in front.

    Args:
        path: ``monthly.zarr`` or ``daily.zarr`` in the folder of a run.
        bounds: of the records, (time, 2), datetime64[h].
        members: realizations; without the dimension if 1.
        variables: ERA5 long names.
        levels: in hPa, ascending.
        grid: horizontal grid; the model's own if None.
        completed: records that are whole; the others are NaN. All if None.
        changes: called with a name and its fields, which it may change.
        attributes: global ones, beside or instead of `ATTRIBUTES`.
    """
    grid = OutputGrid.native(GRID) if grid is None else grid
    completed = len(bounds) if completed is None else completed
    state = {
        "completed_records": completed,
        "status": "complete" if completed == len(bounds) else "running",
        "frequency": "mon" if path.name == "monthly.zarr" else "day",
    }
    group = zarr.create_group(
        path,
        zarr_format=3,
        attributes={**ATTRIBUTES, **grid.attributes, **state, **attributes},
    )
    hours = (bounds - np.datetime64("1970-01-01", "h")).astype(np.int64)
    clock = {"units": "hours since 1970-01-01", "calendar": "proleptic_gregorian"}
    at_surface = not any(QUANTITIES[name].on_levels for name in variables)
    for name, dims, values, extra in (
        ("time", ["time"], hours.mean(axis=1).astype(np.int64), clock),
        ("time_bnds", ["time", "bnds"], hours, clock),
        ("level", ["level"], np.array(levels), {"units": "hPa"}),
        ("latitude", ["latitude"], grid.latitude, {"units": "degrees_north"}),
        ("longitude", ["longitude"], grid.longitude, {"units": "degrees_east"}),
        ("realization", ["realization"], np.arange(members), {}),
    ):
        if (name == "level" and at_surface) or (name == "realization" and members == 1):
            continue
        if name == "time":
            extra = {**extra, "bounds": "time_bnds"}
        group.create_array(name, data=values, dimension_names=dims, attributes=extra)
    written = {}
    for name in variables:
        fields = means(name, members, bounds, levels, grid)
        fields[:, completed:] = np.nan
        if changes is not None:
            changes(name, fields)
        written[name] = fields
        dims = ["time", "level", "latitude", "longitude"]
        if not QUANTITIES[name].on_levels:
            dims.remove("level")
        data = fields if members > 1 else fields[0]
        group.create_array(
            name,
            data=data,
            chunks=(1,) * (data.ndim - len(dims) + 1) + data.shape[-len(dims) + 1 :],
            fill_value=float("nan"),
            dimension_names=(["realization"] if members > 1 else []) + dims,
            attributes={
                "units": QUANTITIES[name].units,
                "cell_methods": "time: mean (interval: 6 hours)",
            },
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no word on consolidated metadata
        zarr.consolidate_metadata(path)
    return written
