"""A pickle, decoded as data.

Unpickling runs whatever a file asks for, so nothing here unpickles: the instructions of
the stream are decoded one by one, and the few that a published model needs are carried
out on plain data. The names it may mention stand for themselves and are never looked
up; there is nothing a stream could call. Every instruction costs no more than what it
adds to the stream, so a small file cannot ask for much memory or time.

Both dialects found in the wild are decoded: arrays of NumPy, and the arrays of old JAX
versions, which today's JAX refuses. JAX is not needed for either.
"""

import enum
import math
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

_MOST_INSTRUCTIONS = 5_000_000  # the largest published model has 0.3 million
_NUMBERS = frozenset({
    "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1",
})  # fmt: skip
_BYTE_ORDERS = frozenset({"<", ">", "|", "="})
_OTHER_FILES = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"\x89HDF": "an HDF5 or NetCDF file",
    b"CDF": "a NetCDF file",
}


def decode(data: bytes) -> Any:
    """Return the containers, strings, numbers and `Array`s that a pickle describes.

    Raises:
        Refusal: the stream is damaged, or asks for more than plain data.
    """
    return _Stream(data).decode()


class Refusal(Exception):
    """The rest of a sentence that begins with the file."""


class _Global(enum.Enum):
    """The names a published file may mention."""

    RECONSTRUCT = enum.auto()
    SCALAR = enum.auto()
    NDARRAY = enum.auto()
    DTYPE = enum.auto()
    JAX_ARRAY = enum.auto()


_ALLOWED = {
    "numpy.core.multiarray _reconstruct": _Global.RECONSTRUCT,
    "numpy._core.multiarray _reconstruct": _Global.RECONSTRUCT,
    "numpy.core.multiarray scalar": _Global.SCALAR,
    "numpy._core.multiarray scalar": _Global.SCALAR,
    "numpy ndarray": _Global.NDARRAY,
    "numpy dtype": _Global.DTYPE,
    "jax._src.array _reconstruct_array": _Global.JAX_ARRAY,
}


class _Dtype:
    """A kind of number whose byte order may still follow."""

    def __init__(self, code: str):
        self.code = code
        self.order = "="


class Array:
    """An array of the stream; its value is None while its content has yet to follow."""

    value: np.ndarray | None = None


class _Stream:
    """The instructions of one pickle, carried out on plain data."""

    def __init__(self, data: bytes):
        self.data = data
        self.unclaimed = len(data)  # array bytes that the file can still justify
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memo: dict[int, Any] = {}

    def decode(self) -> Any:
        """Return the object the stream builds."""
        for magic, kind in _OTHER_FILES.items():
            if self.data.startswith(magic):
                raise Refusal(f"is {kind}, not a published model")
        if not self.data:
            raise Refusal("is empty")
        if not self.data.startswith(b"\x80"):
            raise Refusal("is not a pickle, so not a published model")
        try:
            end = 0
            for count, (opcode, argument, position) in enumerate(
                pickletools.genops(self.data)
            ):
                if count >= _MOST_INSTRUCTIONS:
                    raise Refusal("has more parts than any published model")
                self._carry_out(opcode.name, argument)
                end = (position or 0) + 1
            (result,) = self.stack
            if end != len(self.data):
                raise Refusal("has data after its end")
        except (ValueError, IndexError, KeyError, TypeError):
            raise Refusal("is truncated or damaged") from None
        return result

    def _carry_out(self, name: str, argument: Any) -> None:
        if name in _IGNORED:
            return
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _INTEGERS:
            if not -(2**63) <= argument < 2**63:
                raise Refusal("holds an integer of more than 64 bits")
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in ("GLOBAL", "INST"):
            self._mention(argument)
            if name == "INST":
                raise Refusal("asks for an object to be built")
        elif name in _TUPLES:
            self._tuple(_TUPLES[name])
        elif name in _ACTIONS:
            _ACTIONS[name](self)
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        else:
            raise Refusal(
                f"uses the pickle instruction {name}, which no published model needs"
            )

    def _mention(self, name: str) -> None:
        if name not in _ALLOWED:
            shown = ascii(name.replace(" ", "."))[1:-1][:80]
            raise Refusal(f"asks for {shown}, which is not part of a published model")
        self.stack.append(_ALLOWED[name])

    def _mention_from_stack(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise Refusal("asks for a global without naming it")
        self._mention(f"{module} {name}")

    def _mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def _tuple(self, length: int) -> None:
        if length > len(self.stack):
            raise IndexError
        items = self.stack[len(self.stack) - length :]
        del self.stack[len(self.stack) - length :]
        self.stack.append(tuple(items))

    def _tuple_since_mark(self) -> None:
        items = self._since_mark()
        self.stack.append(tuple(items))

    def _append(self) -> None:
        self._extend([self.stack.pop()])

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError
        self.stack[-1].extend(items)

    def _set(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._update([key, value])

    def _update(self, items: list[Any]) -> None:
        keys, values = items[::2], items[1::2]
        if type(self.stack[-1]) is not dict or len(keys) != len(values):
            raise TypeError
        if not all(type(key) is str for key in keys):
            raise Refusal("has a key that is not a string")
        self.stack[-1].update(zip(keys, values, strict=True))

    def _memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _reduce(self) -> None:
        """Apply a call in a pickle; here one of four ways to begin an array."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Global) or type(arguments) is not tuple:
            raise Refusal("asks for a call that no published model needs")
        self.stack.append(self._begin(function, arguments))

    def _begin(self, function: _Global, arguments: tuple) -> "Array | _Dtype":
        match function, arguments:
            case _Global.DTYPE, (str(code), *_):
                if code not in _NUMBERS:
                    kind = ascii(code)[:80]
                    raise Refusal(f"holds an array of {kind}, which are not numbers")
                return _Dtype(code)
            case _Global.RECONSTRUCT, (_Global.NDARRAY, tuple(), bytes()):
                return Array()
            case _Global.SCALAR, (_Dtype() as dtype, bytes(raw)):
                scalar = Array()
                scalar.value = self._array((), dtype, False, raw)
                return scalar
            case _Global.JAX_ARRAY, (_Global.RECONSTRUCT, tuple(inner), state, dict()):
                array = self._begin(_Global.RECONSTRUCT, inner)
                self._complete(array, state)
                return array
        raise Refusal("asks for a call that no published model needs")

    def _build(self) -> None:
        state = self.stack.pop()
        self._complete(self.stack[-1], state)

    def _complete(self, target: Any, state: Any) -> None:
        match target, state:
            case _Dtype(), (int(), str(order), None, None, None, *_) if (
                order in _BYTE_ORDERS
            ):
                target.order = order
            case Array(value=None), (
                int(), tuple(shape), _Dtype() as dtype, bool(fortran), bytes(raw)
            ):  # fmt: skip
                target.value = self._array(shape, dtype, fortran, raw)
            case _:
                raise Refusal("holds an array that is not plain numbers")

    def _array(
        self, shape: tuple, dtype: _Dtype, fortran: bool, raw: bytes
    ) -> np.ndarray:
        stored = np.dtype(dtype.code).newbyteorder(dtype.order)  # type: ignore[arg-type]
        if len(shape) > 8 or not all(type(n) is int and n >= 0 for n in shape):
            raise Refusal("holds an array whose shape is not a few whole numbers")
        if math.prod(shape) * stored.itemsize != len(raw):
            raise Refusal(
                f"claims an array of shape {shape} but holds {len(raw)} bytes"
            )
        self.unclaimed -= len(raw)
        if self.unclaimed < 0:
            raise Refusal("claims arrays larger than the file itself")
        array = np.ndarray(shape, stored, raw, order="F" if fortran else "C")
        return array.astype(stored.newbyteorder("="), order="C")


_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_LITERALS = frozenset({
    "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
})  # fmt: skip
_INTEGERS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "LONG4"})
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_ACTIONS: dict[str, Callable[[_Stream], None]] = {
    "MARK": _Stream._mark,
    "TUPLE": _Stream._tuple_since_mark,
    "APPEND": _Stream._append,
    "APPENDS": lambda stream: stream._extend(stream._since_mark()),
    "SETITEM": _Stream._set,
    "SETITEMS": lambda stream: stream._update(stream._since_mark()),
    "MEMOIZE": _Stream._memoize,
    "STACK_GLOBAL": _Stream._mention_from_stack,
    "REDUCE": _Stream._reduce,
    "BUILD": _Stream._build,
}
