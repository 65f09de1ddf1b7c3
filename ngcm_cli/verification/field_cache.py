"""Fields in memory that several forecasts are compared with."""

import collections
import threading
from collections.abc import Callable, Hashable, Sequence

import numpy as np


class FieldCache:
    """The fields that were used last, in bounded memory; several threads may use it.

    One thread reads at a time, so that no field is read twice.

    Args:
        read: function of a variable and positions, which returns an array
            (component, position, level, latitude, longitude).
        most_bytes: of all fields that are kept.
    """

    def __init__(
        self,
        read: Callable[[Hashable, Sequence[int]], np.ndarray],
        most_bytes: int,
    ):
        self._read, self._most_bytes = read, most_bytes
        self._fields: collections.OrderedDict[tuple[Hashable, int], np.ndarray]
        self._fields = collections.OrderedDict()
        self._bytes, self._lock = 0, threading.Lock()

    def get(
        self, variable: Hashable, positions: Sequence[int], neighbours: Sequence[int]
    ) -> np.ndarray:
        """Return fields, read or kept, shape (component, position, level, ...).

        A single one is a view of what is kept, and must not be changed.

        Args:
            variable: what to read.
            positions: which fields.
            neighbours: further positions that are read with them, where some of
                these are not kept yet.
        """
        fields = self.fields(variable, positions, neighbours)
        return fields[0][:, None] if len(fields) == 1 else np.stack(fields, axis=1)

    def fields(
        self, variable: Hashable, positions: Sequence[int], neighbours: Sequence[int]
    ) -> list[np.ndarray]:
        """Return fields as `get` does, each (component, level, ...), without copies."""
        with self._lock:
            found = {p: self._fields.get((variable, p)) for p in positions}
            absent = [p for p, field in found.items() if field is None]
            if absent:
                wanted = sorted({*absent, *neighbours})
                wanted = [p for p in wanted if (variable, p) not in self._fields]
                values = self._read(variable, wanted)
                for number, position in enumerate(wanted):
                    field = values[:, number]
                    if position in found:
                        found[position] = field
                    self._keep((variable, position), field, len(wanted) == 1)
            for position in positions:
                if (variable, position) in self._fields:
                    self._fields.move_to_end((variable, position))
            return [found[p] for p in positions]  # pyright: ignore

    def _keep(self, key: tuple[Hashable, int], field: np.ndarray, whole: bool) -> None:
        # A copy, or a part would keep all that was read with it in memory.
        self._fields[key] = field if whole else field.copy()
        self._bytes += field.nbytes
        while self._bytes > self._most_bytes and len(self._fields) > 1:
            _, oldest = self._fields.popitem(last=False)
            self._bytes -= oldest.nbytes
