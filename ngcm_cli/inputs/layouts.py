"""Names and levels as the converters of GRIB write them to NetCDF.

wgrib2 writes a variable for each level, ``TMP_500mb`` and ``TMP_surface``. NCL's
ncl_convert2nc adds codes of product, level type and grid, ``TMP_P0_L100_GLL0`` and
``T_GDS0_ISBL``, and gives variables on different levels axes of their own.
"""

import re
from collections.abc import Iterator

import xarray as xr

from ngcm_cli.inputs.axes import find_axes

_LEVEL = re.compile(r"(.+)_(\d+(?:D\d+)?)mb")  # of wgrib2; 1D5 is 1.5
_SURFACE = re.compile(r"(.+)_surface")
_NCL_2 = re.compile(r"(.+?)_P\d+_L(\d+)_G\w+")
_NCL_1 = re.compile(r"(.+?)_(?:GDS)?\d+_(ISBL|SFC)(?:_\w+)?")
_ON_LEVELS, _AT_SURFACE = ("100", "ISBL"), ("1", "SFC")
_SKIN = "skt"  # called air temperature at the surface


def short_name(name: str) -> str:
    """Return the name of a variable without the codes of a converter."""
    if match := _LEVEL.fullmatch(name):
        return match[1]
    if match := _SURFACE.fullmatch(name):
        return _at_surface(match[1])
    if match := _NCL_2.fullmatch(name) or _NCL_1.fullmatch(name):
        if match[2] in _ON_LEVELS:
            return match[1]
        # At another level, such as 2 m, it is not what its short name says.
        return _at_surface(match[1]) if match[2] in _AT_SURFACE else name
    return name


def _at_surface(name: str) -> str:
    return _SKIN if name.lower() in ("t", "tmp") else name


def split_levels(dataset: xr.Dataset) -> Iterator[xr.Dataset]:
    """Yield parts of a dataset that have at most one axis of pressure levels each.

    The first part has all other variables; each variable that wgrib2 wrote for one
    level is in a part where ``level``, hPa, is a scalar.
    """
    axes = find_axes(dataset, "level")
    others = [axis for axis in axes[1:] if axis in dataset.dims]
    elsewhere: dict[str, list[str]] = {axis: [] for axis in others}
    single: dict[float, list[str]] = {}
    for name in dataset.data_vars:
        dims = dataset.variables[name].dims
        axis = next((axis for axis in others if axis in dims), None)
        match = _LEVEL.fullmatch(str(name))
        if match and not set(axes) & set(dims):
            single.setdefault(float(match[2].replace("D", ".")), []).append(str(name))
        elif axis is not None and axes[0] not in dims:
            elsewhere[axis].append(str(name))
    apart = [*sum(elsewhere.values(), []), *sum(single.values(), [])]
    yield dataset.drop_vars([*apart, *others])
    for axis, names in elsewhere.items():
        if names:
            beside = [other for other in axes if other != axis]
            yield dataset[names].drop_vars(beside, errors="ignore")
    for pressure, names in single.items():
        bare = dataset[names].drop_vars(axes, errors="ignore")
        yield bare.assign_coords(level=((), pressure, {"units": "hPa"}))
