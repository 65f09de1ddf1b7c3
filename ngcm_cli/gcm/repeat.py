"""A function applied a fixed number of times, so that its derivatives fit in memory."""

import math
from collections.abc import Callable
from typing import TypeVar

import jax

T = TypeVar("T")


def repeat(f: Callable[[T], T], x: T, count: int) -> T:
    """Return f(f(… f(x))), with ``count`` applications.

    Differentiable in forward and in reverse mode, in x and in all that f closes over.
    Two nested scans, each of which recomputes its body on the way back, keep about
    2 √count values of x and the intermediate values of one application; the price is
    that f is evaluated up to three times. Of few applications all values of x are kept,
    and f is evaluated twice. (Griewank 1992, Achieving logarithmic growth
    of temporal and spatial complexity in reverse automatic differentiation, would need
    less memory and more evaluations; reverse mode of diffrax and Equinox works so, but
    has no forward mode.)

    Args:
        f: maps a tree of arrays to another of the same shapes and types.
        x: where to start.
        count: number of applications; each number is a program of its own.

    Raises:
        ValueError: the count is negative.
    """
    if count < 0:
        raise ValueError(f"a function cannot be applied {count} times")
    if count == 0:
        return x
    if count == 1:
        return f(x)

    @jax.checkpoint
    def once(x: T, _: None) -> tuple[T, None]:
        return f(x), None

    if count <= 8:  # nesting would save two values of x, and evaluate f once more
        return jax.lax.scan(once, x, None, length=count)[0]
    length = segment_length(count)

    @jax.checkpoint
    def segment(x: T, _: None) -> tuple[T, None]:
        return jax.lax.scan(once, x, None, length=length)

    x, _ = jax.lax.scan(segment, x, None, length=count // length)
    if rest := count % length:
        x, _ = jax.lax.scan(once, x, None, length=rest)
    return x


def segment_length(count: int) -> int:
    """Return the number of applications in each inner scan, about √count.

    A divisor of the count where there is one of more than √count / 2: another number
    leaves a rest, for which f is compiled once more.
    """
    root = math.isqrt(count)
    divisors = [n for n in range(1, root + 1) if count % n == 0]
    return divisors[-1] if 2 * divisors[-1] > root else root
