"""A model applied to several members at once, and how many fit into memory."""

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ngcm_cli.arrays import on_device
from ngcm_cli.gcm.interface import Model
from ngcm_cli.gcm.programs import OUTPUT_OPTIONS, takes_output_options
from ngcm_cli.gcm.traced_programs import TracedProgram
from ngcm_cli.io.host import free_host_memory
from ngcm_cli.io.progress import begin_phase

Devices = list[Any]  # of jax.Device, which is a variable to type checkers

_AXIS = "realization"
_SHARE_OF_MEMORY = 0.6  # fields on their way to disk need some, too
_SMALL_SHARE = 0.2  # of that
_LARGEST_BATCH = {"cpu": 8}
"""More members at once gain nothing on a CPU; see benchmarks."""


class BatchedModel:
    """A model applied to states with a leading axis of members.

    A GPU or TPU computes the members at once. A CPU is busy with one, and more would
    only crowd its caches: it computes one after the other, in the same program.

    With several devices every one of them holds as many members as the others and runs
    the program for these alone, so that the bits of a member depend on how many share
    its device, and not on how many devices there are.

    Args:
        model: for one member.
        devices: that share the members evenly; None is the default device.
    """

    def __init__(self, model: Model, devices: Devices | None = None):
        self.model = model
        self.mesh = Mesh(devices, (_AXIS,)) if devices and len(devices) > 1 else None
        self.vectorized = (devices or jax.devices())[0].platform != "cpu"

    def stack(self, states: Iterable[Any], count: int) -> Any:
        """Return one state of all members, each on its device."""
        states = iter(states)
        devices = [None] if self.mesh is None else list(self.mesh.devices.flat)
        parts = []
        for device in devices:
            some = itertools.islice(states, count // len(devices))
            there = [jax.device_put(state, device) for state in some]
            parts.append(_stack(there))
        if self.mesh is None:
            return parts[0]
        split = NamedSharding(self.mesh, PartitionSpec(_AXIS))

        def joined(*x):
            shape = count, *x[0].shape[1:]
            return jax.make_array_from_single_device_arrays(shape, split, list(x))

        return jax.tree.map(joined, *parts)

    def place(self, states: Any) -> Any:
        """Return a stacked state with its members divided among the devices."""
        if self.mesh is None:
            return states
        split = NamedSharding(self.mesh, PartitionSpec(_AXIS))
        return jax.tree.map(lambda x: jax.device_put(x, split), states)

    def map(self, function: Callable[..., Any], states: Any, *shared: Any) -> Any:
        """Return ``function(model, state, *shared)`` of every member, stacked.

        Args:
            function: of one member, called once per output; the same object at every
                call, or it compiles again.
            states: arrays with a leading axis of members.
            shared: further arguments, the same for all members.
        """
        program = _output_map if takes_output_options(shared, states) else _map
        return program(*self._arguments(function), shared, states)

    def advance(self, states: Any, forcing: Any, steps: int) -> Any:
        """Return the states of all members, as ``model.advance`` does of one."""
        shared = forcing, on_device(np.int32(steps))
        return _map(*self._arguments(_advance), shared, states)

    def memory(self, state: Any, members: int, forcing: Any) -> int:
        """Return the bytes on one device that XLA's program of a step takes."""
        states = jax.tree.map(lambda x: jnp.broadcast_to(x, (members, *x.shape)), state)
        shared = forcing, jnp.int32(1)
        program = _map.lower(*self._arguments(_advance), shared, states)
        return program_memory(program.compile())

    def _arguments(self, function: Callable[..., Any]) -> tuple[Any, ...]:
        return function, self.mesh, self.vectorized, self.model


@jax.jit  # one program, and not one for every shape
def _stack(states: list[Any]) -> Any:
    return jax.tree.map(lambda *x: jnp.stack(x), *states)


def program_memory(program: Any) -> int:
    """Return the bytes on one device that a compiled program takes."""
    sizes = program.memory_analysis()
    return (
        sizes.temp_size_in_bytes
        + sizes.argument_size_in_bytes
        + sizes.output_size_in_bytes
    )


def _advance(model: Model, state: Any, forcing: Any, steps: Any) -> Any:
    return model.advance(state, forcing, steps)


def _of_members(
    function: Callable[..., Any],
    mesh: Mesh | None,
    vectorized: bool,
    model: Model,
    shared: tuple[Any, ...],
    states: Any,
) -> Any:
    arrays, others = eqx.partition((model, shared), eqx.is_array)

    def here(arrays, states):
        model, shared = eqx.combine(arrays, others)

        def one(state):
            return function(model, state, *shared)

        if jax.tree.leaves(states)[0].shape[0] == 1:  # no loop around a single member
            first = jax.tree.map(lambda x: x[0], states)
            return jax.tree.map(lambda x: x[None], one(first))
        return jax.vmap(one)(states) if vectorized else jax.lax.map(one, states)

    if mesh is None:
        return here(arrays, states)
    split = PartitionSpec(_AXIS)
    return jax.shard_map(
        here,
        mesh=mesh,
        in_specs=(PartitionSpec(), split),
        out_specs=split,
        check_vma=False,
    )(arrays, states)


# Not programs of Equinox, which the caller waits for: the device would be idle between
# any two, for as long as it takes to call the next.
_map = TracedProgram(_of_members)
_output_map = TracedProgram(_of_members, OUTPUT_OPTIONS)


def devices_for_batch(batch: int) -> Devices:
    """Return as many local devices as can share a batch evenly."""
    devices = jax.local_devices()
    count = max(n for n in range(1, len(devices) + 1) if batch % n == 0)
    return devices[:count]


def auto_batch_size(
    model: Model, state: Callable[[], Any], forcing: Any, members: int, processes: int
) -> int:
    """Return how many members to compute at once, in blocks as even as can be.

    XLA says what its program for a number of members needs; the number is halved until
    that is there. On one device the run finds the program in the cache. Where members
    are computed one after the other nothing is compiled if their states are small.
    """
    devices = jax.local_devices()
    members = math.ceil(members / processes)
    sharing = min(len(devices), members)
    each = math.ceil(members / sharing)
    blocks = math.ceil(each / _LARGEST_BATCH.get(devices[0].platform, each))
    if math.ceil(each / blocks) == 1:
        return sharing
    free = _SHARE_OF_MEMORY * min(map(free_memory, devices))
    batched = BatchedModel(model)
    if not batched.vectorized and _add_little(state, math.ceil(each / blocks), free):
        return math.ceil(each / blocks) * sharing
    begin_phase("Compiling the model, to see how many members fit into memory")
    example = state()
    while (size := math.ceil(each / blocks)) > 1:
        if _needed_memory(batched, example, size, forcing) <= free:
            break
        blocks *= 2
    return size * sharing


def _add_little(state: Callable[[], Any], members: int, free: float) -> bool:
    """Return whether the states of members, before and after a step, are small."""
    arrays = jax.tree.leaves(eqx.filter_eval_shape(state))
    each = sum(x.size * x.dtype.itemsize for x in arrays if hasattr(x, "dtype"))
    return 2 * members * each <= _SMALL_SHARE * free


def _needed_memory(batched: BatchedModel, state: Any, size: int, forcing: Any) -> float:
    """Return bytes for members on a device; infinity if XLA knows they do not fit."""
    try:
        return batched.memory(state, size, forcing)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return math.inf


def free_memory(device: Any) -> float:
    """Return the bytes on a device that are not in use."""
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    return free_host_memory() / jax.local_device_count()  # which they share
