"""Fill values of Zarr stores: which are marks of missing values, and which are not.

In version 2 of Zarr, zero is the default for chunks that are not stored, and xarray
takes it as a mark. It is one only where attributes say so.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import xarray as xr
import zarr
from xarray.conventions import decode_cf_variable

_FILLS = "ngcm_fills"  # key of the fill values in the encoding of a dataset
_MARKS = {"_FillValue", "missing_value"}
_PACKED = {"scale_factor", "add_offset"}
# Zeros that are values are as many as other values near them, which are those within
# this share of the range.
_NEAR, _MANY = 0.05, 10


@dataclasses.dataclass(frozen=True)
class Fill:
    """What chunks of a variable hold that are not stored.

    Attributes:
        value: As it is decoded, in the units of the file; NaN if it is a mark.
        step: Difference of two packed values where 0 is the fill value by default, so
            that it is not known whether it is a mark; else 0.
    """

    value: float
    step: float = 0.0

    def count_doubtful(self, values: np.ndarray) -> int:
        """Return how many values may be marks: more of zeros than of others near."""
        if not self.step:
            return 0
        packed = np.rint((values - self.value) / self.step)
        zeros = int((packed == 0).sum())
        near = np.abs(packed) <= max(1, _NEAR * np.ptp(packed))
        found = np.unique(packed[near & (packed != 0)], return_counts=True)[1]
        return zeros if zeros > _MANY * max(found, default=0) else 0


def is_masked(array: zarr.Array) -> bool:
    """Return whether a variable has values that stand for missing ones."""
    return not _is_default(array)


def without_default_marks(
    dataset: xr.Dataset, arrays: Mapping[str, zarr.Array]
) -> xr.Dataset:
    """Unpack what xarray has opened without masks, and keep the fill values.

    Args:
        dataset: As opened; variables are decoded where `is_masked` says so.
        arrays: Arrays of the store by name.
    """
    for name in arrays.keys() & dataset.variables.keys():
        variable = dataset.variables[name]
        if _is_default(arrays[name]) and _PACKED & variable.attrs.keys():
            bare = variable.copy(deep=False)
            bare.attrs = {k: x for k, x in variable.attrs.items() if k != "_FillValue"}
            dataset[name] = decode_cf_variable(name, bare, decode_timedelta=False)
    dataset.encoding[_FILLS] = {n: _fill(x) for n, x in arrays.items()}
    return dataset


def fill_of(dataset: xr.Dataset, name: str) -> Fill | None:
    """Return the fill value of a variable; None outside of Zarr stores."""
    return dataset.encoding.get(_FILLS, {}).get(name)


def _is_default(array: zarr.Array) -> bool:
    is_zero = array.metadata.zarr_format == 2 and array.fill_value == 0
    return is_zero and not _MARKS & {*array.attrs}


def _fill(array: zarr.Array) -> Fill:
    scale, offset = (
        array.attrs.get(key, usual)
        for key, usual in (("scale_factor", 1.0), ("add_offset", 0.0))
    )
    is_number = all(isinstance(x, int | float) for x in (scale, offset))
    if array.dtype.kind not in "iuf" or not is_number:
        return Fill(np.nan)
    stored = 0.0 if array.fill_value is None else float(array.fill_value)  # pyright: ignore
    is_mark = array.fill_value is not None and array.metadata.zarr_format == 2
    is_mark = is_mark and not _is_default(array)
    marks = [array.attrs[key] for key in _MARKS & {*array.attrs}]
    if is_mark or stored in [x for x in marks if isinstance(x, int | float)]:
        return Fill(np.nan)
    is_packed = bool(_PACKED & {*array.attrs})
    step = abs(float(scale)) if is_packed and _is_default(array) else 0.0  # pyright: ignore
    return Fill(stored * float(scale) + float(offset), step)  # pyright: ignore
