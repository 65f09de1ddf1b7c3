"""The height of the ground in a dataset."""

import numpy as np
import xarray as xr

from ngcm_cli.units import GRAVITY_SI

_GEOPOTENTIALS = ("geopotential_at_surface", "surface_geopotential", "z_surface")
_HEIGHTS = ("surface_altitude", "orography", "orog", "surface_height")


def find_surface_height(data: xr.Dataset) -> tuple[np.ndarray | None, str]:
    """Return the height of the ground in m, (row, column), and where it is from.

    It is the first field that has a name or standard name of it, at its first time.
    Returns None and an empty text if there is none.
    """
    for name in data.data_vars:
        array = data[name]
        if not {"latitude", "longitude"} <= set(array.dims) or "level" in array.dims:
            continue
        standard = array.attrs.get("standard_name", "")
        if name in _GEOPOTENTIALS or standard == "surface_geopotential":
            factor = 1 / GRAVITY_SI
        elif name in _HEIGHTS or standard == "surface_altitude":
            factor = 1.0
        else:
            continue
        others = [d for d in array.dims if d not in ("latitude", "longitude")]
        field = array.isel(dict.fromkeys(others, 0)).transpose("latitude", "longitude")
        height = factor * field.values.astype(np.float64)
        return height, f"Height of the ground: {name} of the data."
    return None, ""
