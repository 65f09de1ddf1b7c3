"""Traced programs on disk between commands, which need not trace them again.

JAX traces a function before it can look for its compiled program: before the first
step of a short forecast, nothing else takes as long. Here a traced program is found by
what it is made of: the source of this package, versions of libraries, settings of JAX,
and the function with all of its arguments but the values of arrays.
"""

import dataclasses
import enum
import functools
import hashlib
import importlib.metadata
import logging
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

from ngcm_cli.io.checked_file import read_checked, write_checked
from ngcm_cli.io.package_source import source_digest

_log = logging.getLogger(__name__)

_LIBRARIES = "jax", "jaxlib", "equinox", "diffrax", "lineax", "optimistix", "numpy"
_KNOWN = {"ngcm_cli", "builtins", *_LIBRARIES}
_PLAIN = "jax_disable_jit", "jax_debug_nans", "jax_debug_infs"
_CLASS = "class "
_WITH_CONTENT = dict, list, tuple, set, np.ndarray

_folder: pathlib.Path | None = None
_since = 0.0


def keep_traced_programs(folder: pathlib.Path | None, since: float = 0.0) -> None:
    """Keep on disk what is traced from now on; None: no longer.

    For commands only. A change to the functions of this package that a process makes
    itself is not seen: it would be given the program that was traced without it.

    Args:
        folder: of the programs; made if it is not there.
        since: when the process began to import this package, as ``time.time`` has it;
            nothing is kept if the package has changed since then.
    """
    global _folder, _since
    _folder, _since = folder, since


class TracedProgram:
    """``jax.jit`` of a function of pytrees, whose leaves that are no arrays are static.

    On a CPU the program is read from the folder of `keep_traced_programs`, or kept
    there, if all that it depends on is known; elsewhere it has not been tried.

    Args:
        function: of a module of this package; pure; to be kept, it returns arrays in
            containers and dataclasses.
        options: of XLA, to compile it.
    """

    def __init__(
        self, function: Callable[..., Any], options: dict[str, Any] | None = None
    ):
        self._function = function
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._options = options
        self._jit = jax.jit(
            self._of_leaves, static_argnums=(0, 1), compiler_options=options
        )
        self._programs: dict[Any, Callable[..., Any] | None] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function does."""
        structure, others, arrays = _split((args, kwargs))
        program = self._stored(structure, others, arrays)
        if program is None:
            return self._jit(structure, others, arrays)
        return _from_containers(program(*_present(arrays)))

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """Return the program as one that can be compiled, ``jax.stages.Lowered``."""
        structure, others, arrays = _split((args, kwargs))
        program = self._stored(structure, others, arrays)
        if program is None:
            return self._jit.lower(structure, others, arrays)
        return program.lower(*_present(arrays))  # pyright: ignore

    def _of_leaves(self, structure: Any, others: tuple[Any, ...], arrays: list[Any]):
        leaves = (
            other if array is None else array
            for array, other in zip(arrays, others, strict=True)
        )
        args, kwargs = jax.tree.unflatten(structure, leaves)
        return self._function(*args, **kwargs)

    def _stored(
        self, structure: Any, others: tuple[Any, ...], arrays: list[Any]
    ) -> Callable[..., Any] | None:
        """Return the program on disk, which is traced and written if it is new."""
        if (
            _folder is None
            or jax.default_backend() != "cpu"
            or any(getattr(jax.config, name) for name in _PLAIN)
            or any(isinstance(x, Tracer) for x in arrays)
        ):
            return None
        shapes = tuple(map(_shape, arrays))
        key = _folder, _settings(), structure, others, shapes
        if key not in self._programs:
            program = None
            try:
                program = self._read_or_trace(_folder, structure, others, arrays)
            except Exception as error:
                # Nothing is lost, whatever it is: an error of the function is raised
                # again when it is traced as usual.
                _log.debug("%s is traced in every run: %s", self._name, error)
            self._programs[key] = program
        return self._programs[key]

    def _read_or_trace(
        self,
        folder: pathlib.Path,
        structure: Any,
        others: tuple[Any, ...],
        arrays: list[Any],
    ) -> Callable[..., Any]:
        leaves = (
            other if array is None else _Array(*_shape(array))
            for array, other in zip(arrays, others, strict=True)
        )
        arguments = jax.tree.unflatten(structure, leaves)
        source = _source(_since)
        if source is None:
            raise _UnknownError("the source may not be what is loaded")
        parts = source, _libraries(), _settings(), _of_known_package(self._name)
        digest = hashlib.sha256()
        for part in _describe((*parts, self._options, arguments)):
            digest.update(part)
        path = folder / f"{digest.hexdigest()}-traced"
        content = read_checked(path)
        if content is None:
            content = self._trace(structure, others, arrays)
            if source == source_digest(_since):
                write_checked(path, content)
        exported = jax.export.deserialize(bytearray(content))
        return jax.jit(exported.call, compiler_options=self._options)

    def _trace(
        self, structure: Any, others: tuple[Any, ...], arrays: list[Any]
    ) -> bytes:
        """Return the program in bytes."""

        def flat(*present: jax.Array) -> Any:
            rest = iter(present)
            here = [None if x is None else next(rest) for x in arrays]
            return _to_containers(self._of_leaves(structure, others, here))

        return bytes(jax.export.export(jax.jit(flat))(*_present(arrays)).serialize())


def _split(tree: Any) -> tuple[Any, tuple[Any, ...], list[Any]]:
    """Return structure, what is no array, and arrays, with None for the others."""
    leaves, structure = jax.tree.flatten(tree)
    arrays = [x if eqx.is_array(x) else None for x in leaves]
    others = tuple(None if eqx.is_array(x) else x for x in leaves)
    return structure, others, arrays


def _present(arrays: list[Any]) -> list[Any]:
    return [x for x in arrays if x is not None]


def _shape(x: Any) -> Any:
    """Return what a program knows of an array."""
    if x is None:
        return None
    return x.shape, x.dtype, getattr(x, "weak_type", False)


class _Array:
    """An array without its values, for its description."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, weak_type: bool):
        self.described = shape, str(dtype), weak_type


class _UnknownError(Exception):
    """A program depends on something that has no description."""


def _describe(x: Any) -> Iterator[bytes]:
    """Yield the same bytes for what gives the same program, in any process."""
    kind = type(x)
    yield f"{kind.__module__}.{kind.__qualname__}(".encode()
    if x is None or kind in (bool, int, float, complex, str, bytes):
        yield repr(x).encode()
    elif isinstance(x, enum.Enum):
        yield from _describe((_known(kind), x.name))
    elif kind in (tuple, list):
        yield str(len(x)).encode()
        for item in x:
            yield from _describe(item)
    elif kind is dict:
        yield from _describe(list(x.items()))
    elif kind in (set, frozenset):
        yield from sorted(b"".join(_describe(item)) for item in x)
    elif kind is _Array:
        yield from _describe(x.described)
    elif kind is functools.partial and not vars(x):
        yield from _describe((x.func, x.args, x.keywords))
    elif dataclasses.is_dataclass(kind) and not issubclass(kind, _WITH_CONTENT):
        yield _known(kind).encode()
        for field in dataclasses.fields(x):
            yield from _describe((field.name, getattr(x, field.name, None)))
    elif (kind is np.ndarray or issubclass(kind, np.generic)) and not x.dtype.hasobject:
        yield f"{x.dtype} {x.shape} ".encode()
        yield x.tobytes()
    elif isinstance(x, np.dtype):
        yield str(x).encode()
    else:  # a function or a class, which its name stands for
        yield _known(x).encode()
    yield b")"


def _known(x: Any) -> str:
    """Return the name of a function or class of which the source is known."""
    module, name = getattr(x, "__module__", None), getattr(x, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        raise _UnknownError(f"{x!r} has no name")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not x:
        raise _UnknownError(f"{module}.{name} is not there")
    return _of_known_package(f"{module}.{name}")


def _of_known_package(name: str) -> str:
    if name.split(".")[0] not in _KNOWN or "<" in name:  # <locals>
        raise _UnknownError(f"{name} may be anything")
    return name


def _settings() -> tuple[str, ...]:
    """Return all settings of JAX, but for those of the cache of compiled programs."""
    return tuple(
        repr(getattr(jax.config, name, value))  # also where a context has set it
        for name, value in sorted(jax.config.values.items())
        if "cache" not in name
    )


@functools.cache
def _source(since: float) -> str | None:
    return source_digest(since)


@functools.cache
def _libraries() -> Any:
    """Return versions, and how NumPy computes on this machine."""
    versions = tuple(map(importlib.metadata.version, _LIBRARIES))
    return sys.version, versions, np.show_config(mode="dicts")


def _to_containers(x: Any) -> Any:
    """Return arrays in dictionaries, lists and tuples, which JAX can export.

    Raises:
        _UnknownError: something else than these and dataclasses of arrays.
    """
    kind = type(x)
    if x is None or (eqx.is_array(x) and not x.weak_type):
        return x
    if kind in (list, tuple):
        return kind(map(_to_containers, x))
    if kind is dict and not any(str(name).startswith(_CLASS) for name in x):
        return {name: _to_containers(value) for name, value in x.items()}
    if not dataclasses.is_dataclass(kind) or "." in kind.__qualname__:
        raise _UnknownError(f"it returns {kind}")
    fields = {f.name: getattr(x, f.name) for f in dataclasses.fields(x)}
    return {_CLASS + _known(kind): _to_containers(fields)}


def _from_containers(x: Any) -> Any:
    """Return what `_to_containers` was given."""
    if isinstance(x, list | tuple):
        return type(x)(map(_from_containers, x))
    if not isinstance(x, dict):
        return x
    values = {name: _from_containers(value) for name, value in x.items()}
    name = next(iter(values), "")
    if not name.startswith(_CLASS):
        return values
    module, _, kind = name.removeprefix(_CLASS).rpartition(".")
    return getattr(importlib.import_module(module), kind)(**values[name])
