"""Means over area and longitude, of fields that may lack values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.plots.projections import wrap
from ngcm_cli.plots.regions import Box
from ngcm_cli.spectral.legendre import gauss_legendre_nodes

_ROUNDING = 1e-3  # degrees, of latitudes in files


def in_box(field: xr.DataArray, box: Box) -> xr.DataArray:
    """Return the part of a field whose points are in a box."""
    south, north, west, east = box
    latitude = field["latitude"].values
    rows = np.flatnonzero((latitude >= south - 1e-6) & (latitude <= north + 1e-6))
    field = field.isel(latitude=rows)
    if "longitude" in field.dims and east - west < 360:
        middle = (west + east) / 2
        relative = wrap(field["longitude"].values - middle)
        inside = np.flatnonzero(np.abs(relative) <= (east - west) / 2 + 1e-6)
        inside = inside[np.argsort(relative[inside])]
        field = field.isel(longitude=inside)
        field = field.assign_coords(longitude=middle + relative[inside])
    return field


def area_mean(
    field: xr.DataArray, box: Box | None = None, *, along_longitude: bool = True
) -> xr.DataArray:
    """Return the mean over an area of what is known, weighted by the area of cells.

    On Gaussian latitudes the weights are those of Gaussian quadrature, by which the
    mean over the globe of what a spectral model resolves is exact.

    Args:
        field: on all latitudes of its grid, ascending.
        box: part of the globe; None is all of it.
        along_longitude: whether to average over longitudes, too.

    Raises:
        ConfigError: the box has no point of the grid.
    """
    weights = xr.DataArray(
        _weights(field["latitude"].values),
        dims="latitude",
        coords={"latitude": field["latitude"]},
    )
    if box is not None:
        field = in_box(field, box)
        if not field.size:
            raise ConfigError("The region has no point of the grid.", "Widen it.")
        weights = weights.sel(latitude=field["latitude"])
    dims = ["latitude"]
    if along_longitude and "longitude" in field.dims:
        dims.append("longitude")
    return field.weighted(weights).mean(dims, keep_attrs=True)


def _weights(latitude: np.ndarray) -> np.ndarray:
    steps = np.diff(latitude)
    if len(steps) and not np.allclose(steps, steps[0], rtol=1e-4):
        nodes, weights = gauss_legendre_nodes(len(latitude))
        gaussian = np.rad2deg(np.arcsin(nodes))
        if np.allclose(latitude, gaussian, rtol=0, atol=_ROUNDING):
            return weights
    return area_weights(latitude)


def time_mean(
    field: xr.DataArray,
    reduced: Callable[[xr.DataArray], xr.DataArray] = lambda one: one,
) -> xr.DataArray:
    """Return the mean over time, or the field of one time, read.

    Args:
        field: with the dimension time, of which one is read after the other: a record
            may be long; or without.
        reduced: what is averaged of each, such as the zonal mean.
    """
    if "time" not in field.dims:
        return reduced(field).load()
    total: Any = 0.0
    for at in range(field.sizes["time"]):
        total = total + reduced(field.isel(time=at).load().astype(np.float64))
    mean = (total / field.sizes["time"]).drop_vars("time", errors="ignore")
    return mean.rename(field.name).assign_attrs(field.attrs)


def zonal_mean(field: xr.DataArray) -> xr.DataArray:
    """Return the mean over longitude of what is known."""
    if "longitude" not in field.dims:
        return field
    return field.mean("longitude", keep_attrs=True)
