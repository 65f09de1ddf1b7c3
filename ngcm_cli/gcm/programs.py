"""Programs that run once per output and not once per step."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

from ngcm_cli.gcm.traced_programs import TracedProgram

P = ParamSpec("P")
T = TypeVar("T")

OUTPUT_OPTIONS = {"xla_backend_optimization_level": 2}
"""Of XLA for such programs on a CPU; 3, the default, takes longer to compile them."""


def output_jit(function: Callable[P, T]) -> Callable[P, T]:
    """``eqx.filter_jit`` for a function that is called once per output.

    On a CPU its program compiles in 0.55 to 0.7 of the time and runs as fast, to a few
    per cent: see ``benchmarks/README.md``. Called within another program, the function
    becomes a part of that one.
    """
    part = eqx.filter_jit(function)
    program = TracedProgram(function, OUTPUT_OPTIONS)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        chosen = program if takes_output_options(args, kwargs) else part
        return chosen(*args, **kwargs)

    return call


def takes_output_options(*arguments: Any) -> bool:
    """Return whether a program called now with such arguments has `OUTPUT_OPTIONS`."""
    if jax.default_backend() != "cpu":
        return False
    # JAX accepts options of the outermost program only. In one, all new arrays are
    # tracers; between a program and its derivative, those are that it depends on.
    arrays = *jax.tree.leaves(arguments), jax.device_put(np.float32(0))
    return not any(isinstance(x, Tracer) for x in arrays)
