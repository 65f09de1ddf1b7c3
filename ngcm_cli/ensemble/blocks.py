"""Blocks of members: which there are, and the forecasts of the members of one."""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from ngcm_cli.gcm.members import Devices, SideBySide
from ngcm_cli.gcm.rollout import outputs
from ngcm_cli.plan import Plan


@dataclasses.dataclass(frozen=True)
class Block:
    """Members that are computed at once.

    Block n of blocks of a size begins with member n · size, wherever the ensemble
    begins. So a member has the same place and the same neighbours in every ensemble of
    that size of blocks, and gets the same bits if as many share its device; a block at
    the end is filled up with members that nobody asked for, instead of being compiled
    again.

    Attributes:
        number: of the block.
        size: how many members are computed.
        members: of those, which are wanted.
    """

    number: int
    size: int
    members: tuple[int, ...]

    @property
    def computed(self) -> range:
        """The members that are computed."""
        return range(self.number * self.size, (self.number + 1) * self.size)


def blocks_of(members: Iterable[int], size: int) -> list[Block]:
    """The blocks in which members lie."""
    lying: dict[int, list[int]] = {}
    for member in sorted(members):
        lying.setdefault(member // size, []).append(member)
    return [Block(number, size, tuple(some)) for number, some in lying.items()]


@dataclasses.dataclass(frozen=True)
class Output:
    """Fields of the wanted members of a block at one lead time.

    Attributes:
        lead: place of the lead time.
        members: their numbers.
        fields: by name, (member, level, longitude, latitude), on the host.
    """

    lead: int
    members: tuple[int, ...]
    fields: dict[str, np.ndarray]


def forecast_block(plan: Plan, block: Block, devices: Devices) -> Iterator[Output]:
    """The forecasts of a block's members, one lead time after another.

    Args:
        plan: of the forecast that all members share.
        block: of them.
        devices: that share the members evenly; their number divides the block's size.
    """
    alone = block.size == 1
    together = SideBySide(plan.model, devices)
    wanted = [member - block.computed.start for member in block.members]
    states = (plan.first_state(member) for member in block.computed)
    chunks = outputs(
        # One member takes the very program of a forecast, and gets its bits.
        plan.model if alone else together,
        next(states) if alone else together.gather(states, block.size),
        plan.forcing,
        every=plan.steps_per_output,
        count=plan.layout.count - 1,
        variables=tuple(plan.layout.variables),
    )
    for lead, chunk in enumerate(chunks):
        fields = {
            name: x[None] if alone else x[wanted] for name, x in chunk.fields.items()
        }
        yield Output(lead, block.members, fields)


def shared_by(devices: Devices, size: int) -> Devices:
    """As many of the devices as can share a block evenly."""
    count = max(n for n in range(1, len(devices) + 1) if size % n == 0)
    return devices[:count]
