"""Arrays of a dataset that are read, reordered and converted when they are indexed.

They are backends of xarray's own lazy indexing, so that no Dask is needed.
"""

import abc
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from ngcm_cli.errors import printable
from ngcm_cli.inputs.sources.open import reading_error

Convert = Callable[[np.ndarray, Any], np.ndarray]
"""Function of values as stored, with the index of the levels, to values in SI units."""


class _Lazy(BackendArray, abc.ABC):
    """A lazy array, indexed by whole numbers, slices and lists along each axis."""

    def __init__(self, shape: Sequence[int], dtype: np.dtype):
        self.shape = tuple(shape)
        self.dtype = dtype

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self.read
        )

    def __deepcopy__(self, memo: Any) -> Any:
        return self  # it does not change

    def __reduce__(self):
        raise TypeError(
            "data that are not loaded cannot be pickled: load() them, or open them "
            "where they are used"
        )

    @abc.abstractmethod
    def read(self, key: tuple) -> np.ndarray:
        """Return the values at an outer index."""

    def variable(self, dimensions: Sequence[str], attributes: dict) -> xr.Variable:
        """Return the array as a lazy variable."""
        lazy = indexing.LazilyIndexedArray(self)
        return xr.Variable(dimensions, lazy, attributes)


class ArrangedArray(_Lazy):
    """A variable of a file with axes in canonical order.

    Args:
        array: lazy variable of a file.
        axes: for each axis of the result its dimension in the file, or None for an axis
            of size one that the file lacks, and the order of its indices in the file,
            or None for all in their order.
        convert: of values as stored; the index of the levels is that of the result.
        level: number of the axis of levels, or None.
        whole: number of last axes that are read whole: those of the horizontal grid.
    """

    def __init__(
        self,
        array: xr.DataArray,
        axes: Sequence[tuple[str | None, np.ndarray | None]],
        convert: Convert,
        level: int | None,
        whole: int,
    ):
        sizes = [
            1 if dim is None else array.sizes[dim] if order is None else len(order)
            for dim, order in axes
        ]
        is_float = array.dtype.kind == "f"
        super().__init__(sizes, array.dtype if is_float else np.dtype(np.float64))
        self._array, self._axes, self._convert = array, axes, convert
        self._level, self._whole = level, whole

    def read(self, key: tuple) -> np.ndarray:
        """Return the values at an outer index; the horizontal grid is read whole.

        Raises:
            InputDataError: They cannot be read: the file is damaged, or its server
                fails.
        """
        last = len(self._axes) - self._whole
        wanted, after = {}, []
        for number, ((dim, order), index) in enumerate(
            zip(self._axes, key, strict=True)
        ):
            if dim is None or number >= last:
                after.append(index)
                continue
            chosen = _as_list(index, self.shape[number])
            wanted[dim] = _as_slice(chosen if order is None else order[chosen])
            after.append(0 if _is_number(index) else slice(None))
        # Read first: xarray reads a lazy array that is transposed point by point.
        try:
            stored = self._array.isel(wanted).compute()
        except Exception as error:  # codecs raise their own: EOFError, zlib.error
            name = printable(str(self._array.attrs.get("found", self._array.name)))
            raise reading_error(f"'{name}'", error) from error
        present = [dim for dim, _ in self._axes if dim is not None]
        values = stored.transpose(*present).values
        for number, (dim, _) in enumerate(self._axes):
            if dim is None:
                values = np.expand_dims(values, number)
        for number in range(last, len(self._axes)):
            order = self._axes[number][1]
            if order is not None and not _is_identity(order):
                values = np.take(values, order, number)
        level = None if self._level is None else key[self._level]
        values = self._convert(values, level).astype(self.dtype, copy=False)
        return _outer(values, tuple(after))


class JoinedArray(_Lazy):
    """Parts of a variable, in several files, one after the other along an axis.

    Args:
        parts: lazy variables of the same dimensions.
        axis: number of the axis along which they follow each other.
        order: indices of the joined axis, in the order of the result.
    """

    def __init__(self, parts: Sequence[xr.Variable], axis: int, order: np.ndarray):
        shape = [*parts[0].shape]
        shape[axis] = len(order)
        super().__init__(shape, np.result_type(*(part.dtype for part in parts)))
        self._parts, self._axis, self._order = parts, axis, order
        self._ends = np.cumsum([part.shape[axis] for part in parts])

    def read(self, key: tuple) -> np.ndarray:
        """Return the values at an outer index, one part after the other."""
        axis, index = self._axis, key[self._axis]
        chosen = self._order[_as_list(index, self.shape[axis])]
        if not len(chosen):
            nothing = np.broadcast_to(np.zeros((), self.dtype), self.shape)
            return _outer(nothing, key)
        part_of = np.searchsorted(self._ends, chosen, side="right")
        pieces, places = [], []
        for number in np.unique(part_of):
            mine = np.flatnonzero(part_of == number)
            begin = self._ends[number] - self._parts[number].shape[axis]
            inner = _as_slice(chosen[mine] - begin)
            part, own = self._parts[number], (*key[:axis], inner, *key[axis + 1 :])
            pieces.append(part.isel(dict(zip(part.dims, own, strict=True))).values)
            places.append(mine)
        # Axes that are indexed by a number are gone.
        kept = axis - sum(_is_number(k) for k in key[:axis])
        values = np.concatenate(pieces, axis=kept)
        values = np.take(values, np.argsort(np.concatenate(places)), axis=kept)
        return values.take(0, axis=kept) if _is_number(index) else values


class DifferenceArray(_Lazy):
    """A variable minus itself at earlier positions along an axis.

    Args:
        array: lazy variable.
        axis: number of the axis.
        earlier: for each position along it the earlier one, or `ZERO` where the
            variable itself is the result, or `NOTHING` where that is NaN.
    """

    ZERO, NOTHING = -1, -2

    def __init__(self, array: xr.Variable, axis: int, earlier: np.ndarray):
        super().__init__(array.shape, array.dtype)
        self._array, self._axis, self._earlier = array, axis, earlier

    def read(self, key: tuple) -> np.ndarray:
        """Return the values at an outer index; each position is read once."""
        axis, index = self._axis, key[self._axis]
        chosen = _as_list(index, self.shape[axis])
        earlier = self._earlier[chosen]
        needed = np.union1d(chosen, earlier[earlier >= 0])
        own = (*key[:axis], _as_slice(needed), *key[axis + 1 :])
        part = self._array.isel(dict(zip(self._array.dims, own, strict=True)))
        # Axes that are indexed by a number are gone.
        kept = axis - sum(_is_number(k) for k in key[:axis])
        read = np.moveaxis(part.values, kept, 0)
        values = read[np.searchsorted(needed, chosen)]
        has_earlier = earlier >= 0
        values[has_earlier] -= read[np.searchsorted(needed, earlier[has_earlier])]
        values[earlier == self.NOTHING] = np.nan
        values = np.moveaxis(values, 0, kept)
        return values.take(0, axis=kept) if _is_number(index) else values


class FirstValues:
    """What the first values that are read decide, for all that are read later."""

    def __init__(self, decide: Callable[[np.ndarray, Any], Any]):
        self._decide, self._lock, self._found = decide, threading.Lock(), None

    def __call__(self, values: np.ndarray, level: Any) -> Any:
        """Return the decision; None as long as no value is finite."""
        with self._lock:
            if self._found is None and np.isfinite(values).any():
                self._found = self._decide(values, level)
            return self._found


def _is_number(index: Any) -> bool:
    return isinstance(index, int | np.integer)


def _as_list(index: Any, size: int) -> np.ndarray:
    """Return the numbers that an index along one axis selects."""
    if isinstance(index, slice):
        return np.arange(size)[index]
    return np.atleast_1d(np.asarray(index)) % size


def _as_slice(numbers: np.ndarray) -> Any:
    """Return consecutive numbers as a slice, which files read fastest."""
    if len(numbers) and _is_identity(numbers - numbers[0]):
        return slice(int(numbers[0]), int(numbers[-1]) + 1)
    return numbers


def _is_identity(order: np.ndarray) -> bool:
    return np.array_equal(order, np.arange(len(order)))


def _outer(values: np.ndarray, key: tuple) -> np.ndarray:
    """Index each axis on its own."""
    for axis in range(len(key) - 1, -1, -1):
        index = key[axis]
        if _is_number(index) or isinstance(index, slice):
            values = values[(slice(None),) * axis + (index,)]  # no copy
        else:
            values = np.take(values, np.asarray(index), axis)
    return values
