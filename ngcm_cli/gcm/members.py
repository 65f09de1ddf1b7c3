"""Members of an ensemble: where each begins, and how many of them run at once."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PRNGKeyArray

from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import Fields, NeuralGCM
from ngcm_cli.gcm.model_state import ModelState

Devices = list[Any]  # of jax.Device, which is a variable to type checkers

_MEMBERS = "member"


def member_key(seed: int, member: int | None = None) -> PRNGKeyArray:
    """The random key from which all of a run follows.

    Args:
        seed: of the run.
        member: ``fold_in(key(seed), member)`` if there is one, else ``key(seed)``.
    """
    key = jax.random.key(seed)
    return key if member is None else jax.random.fold_in(key, member)


class SideBySide:
    """A model that takes states of many members in one call, along a leading axis.

    A GPU or TPU computes them at once. A CPU is busy with one, and more would only
    crowd its caches: it computes one after the other, in the same program.

    With several devices every one of them holds as many members as the others and runs
    the program for these alone, so that what a member becomes depends on how many share
    its device, and not on how many devices there are.

    Args:
        model: for one member.
        devices: to share the members among.
    """

    def __init__(self, model: NeuralGCM, devices: Devices | None = None):
        self.model = model
        self.mesh = Mesh(devices, (_MEMBERS,)) if devices and len(devices) > 1 else None
        self.at_once = (devices or jax.devices())[0].platform != "cpu"

    @property
    def levels(self) -> tuple[float, ...]:
        """Pressure levels of the data, hPa, top first."""
        return self.model.levels

    def gather(self, states: Iterable[ModelState], count: int) -> ModelState:
        """One state of all members, each on its device.

        Args:
            states: of the members, taken one by one.
            count: of them, which the devices share evenly.
        """
        states = iter(states)
        devices = [None] if self.mesh is None else list(self.mesh.devices.flat)
        parts = []
        for device in devices:
            some = itertools.islice(states, count // len(devices))
            there = [jax.device_put(state, device) for state in some]
            parts.append(jax.tree.map(lambda *x: jnp.stack(x), *there))
        if self.mesh is None:
            return parts[0]
        split = NamedSharding(self.mesh, PartitionSpec(_MEMBERS))

        def joined(*x):
            shape = count, *x[0].shape[1:]
            return jax.make_array_from_single_device_arrays(shape, split, list(x))

        return jax.tree.map(joined, *parts)

    def each(self, f: Callable[..., Any], states: ModelState, *shared: Any) -> Any:
        """f(model, state, …) of every member."""
        return _each(f, self.mesh, self.at_once, self.model, states, *shared)

    def advance(
        self, states: ModelState, forcing: Fields | Forcing, steps: int = 1
    ) -> ModelState:
        """As `NeuralGCM.advance`."""
        return self.each(NeuralGCM.advance, states, forcing, jnp.int32(steps))

    def decode(
        self, states: ModelState, variables: tuple[str, ...] | None = None
    ) -> dict[str, jax.Array]:
        """As `NeuralGCM.decode`."""
        return self.each(NeuralGCM.decode, states, variables)

    def memory(self, state: ModelState, members: int, forcing: Forcing) -> int:
        """Bytes on one device that XLA's program of a step takes.

        Args:
            state: of one of them.
            members: on the device.
            forcing: as for `advance`.
        """
        states = jax.tree.map(lambda x: jnp.broadcast_to(x, (members, *x.shape)), state)
        program = _each.lower(  # pyright: ignore
            *(NeuralGCM.advance, None, self.at_once, self.model),
            *(states, forcing, jnp.int32(1)),
        )
        sizes = program.compile().compiled.memory_analysis()
        return (
            sizes.temp_size_in_bytes
            + sizes.argument_size_in_bytes
            + sizes.output_size_in_bytes
        )


@eqx.filter_jit
def _each(f, mesh: Mesh | None, at_once: bool, model, states: ModelState, *shared: Any):
    def here(everywhere, states):
        model, shared = eqx.combine(everywhere, static)
        one = lambda state: f(model, state, *shared)
        return jax.vmap(one)(states) if at_once else jax.lax.map(one, states)

    everywhere, static = eqx.partition((model, shared), eqx.is_array)
    if mesh is None:
        return here(everywhere, states)
    split = PartitionSpec(_MEMBERS)
    return jax.shard_map(
        here,
        mesh=mesh,
        in_specs=(PartitionSpec(), split),
        out_specs=split,
        check_vma=False,
    )(everywhere, states)
