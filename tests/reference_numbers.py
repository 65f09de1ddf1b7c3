"""Numbers of the reference implementation: stored, or computed by it now.

A test that asks for the fixture ``reference`` runs in two variants. ``stored`` is part
of every run and compares with numbers in ``tests/reference/``. ``live`` has the marker
``reference``, needs the package ``neuralgcm`` and compares with what it computes now.
``tests/reference/record.py`` runs the second one and writes its numbers for the first.
"""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "reference"
LARGEST = 250_000  # bytes of a file
COUNT = 600
GIVEN = "given "  # begins the names of inputs


class ReferenceNumbers:
    """The numbers of one file of tests, by name.

    Args:
        name: of the file of tests, without ``test_`` and suffix.
        live: compute them with the reference instead of reading them.
    """

    def __init__(self, name: str, live: bool):
        self.path, self.live = FOLDER / f"{name}.npz", live
        self._found: dict[str, np.ndarray] = {}
        for path in [] if live else [self.path, self._inputs]:
            if path.exists():
                with np.load(path) as stored:
                    self._found |= stored

    @property
    def _inputs(self) -> pathlib.Path:
        return self.path.with_stem(f"{self.path.stem}_inputs")

    def __call__(
        self, name: str, compute: Callable[[], Any], count: int = COUNT
    ) -> np.ndarray:
        """Return the reference's array; of a stored one, ``count`` elements.

        Args:
            name: of the array, unique in the file of tests.
            compute: calls the reference; not called where its numbers are stored.
            count: how many elements are stored, or all where there are fewer.
        """
        if not self.live:
            if name not in self._found:
                raise AssertionError(f"{name} is not in {self.path}: record it.")
            return self._found[name]
        x = np.asarray(compute())
        if name in self._found:
            raise AssertionError(f"There are two arrays {name}.")
        self._found[name] = x if x.size <= count else x.flat[places(x.size, count)]
        return x

    def given(self, name: str, x) -> np.ndarray:
        """Return an input of the reference, as it was when its numbers were stored.

        For inputs that are computed, which another machine rounds otherwise.
        """
        return self(f"{GIVEN}{name}", lambda: x, count=np.size(x))

    def number(self, name: str, compute: Callable[[], Any]) -> float:
        """Return one number of the reference."""
        return float(self(name, compute))

    def sample(self, ours, count: int = COUNT) -> np.ndarray:
        """Return those elements of an array of ours that are stored of the other's."""
        x = np.asarray(ours)
        return x if self.live or x.size <= count else x.flat[places(x.size, count)]

    def record(self) -> None:
        """Write the numbers that the reference has computed."""
        given = {k: x for k, x in self._found.items() if k.startswith(GIVEN)}
        answers = {k: x for k, x in self._found.items() if k not in given}
        for path, arrays in ((self.path, answers), (self._inputs, given)):
            if not arrays:
                continue
            np.savez_compressed(path, **{k: compact(x) for k, x in arrays.items()})
            if path.stat().st_size > LARGEST:
                size = path.stat().st_size
                raise AssertionError(f"{path} has {size} bytes: store less.")


def compact(x: np.ndarray) -> np.ndarray:
    """Return float64 that hold float32 as such."""
    small = x.astype(np.float32) if x.dtype == np.float64 else x
    return small if np.array_equal(small, x, equal_nan=x.dtype.kind == "f") else x


def places(size: int, count: int) -> np.ndarray:
    """Indices of about ``count`` elements, scattered and the same everywhere."""
    return np.unique(np.arange(count) * 2_654_435_761 % size)
