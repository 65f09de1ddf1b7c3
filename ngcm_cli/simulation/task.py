"""Tasks: the division of a run into initial times and blocks of members."""

import dataclasses
from collections.abc import Collection, Iterable


@dataclasses.dataclass(frozen=True)
class Block:
    """Members that are computed together.

    Block n of blocks of a size begins with member n * size, whatever members the run
    has. So a member has the same place and the same neighbours in every run with blocks
    of that size, and gets the same bits if as many share its device; the last block is
    filled up with members that are not written, instead of being compiled again.

    Attributes:
        number: of the block.
        size: how many members are computed.
        members: which of them are wanted.
    """

    number: int
    size: int
    members: tuple[int, ...]

    @property
    def computed(self) -> range:
        """The members that are computed."""
        return range(self.number * self.size, (self.number + 1) * self.size)

    def row(self, member: int) -> int:
        """Return the place of a member along the realization axis of the state."""
        return member - self.computed.start


@dataclasses.dataclass(frozen=True)
class Task:
    """The members of a block from one initial time.

    Attributes:
        init: index of the initial time.
        block: of members.
    """

    init: int
    block: Block

    @property
    def name(self) -> str:
        """A short name for files."""
        return f"{self.init}-{self.block.number}"


def blocks_of(
    members: Iterable[int], size: int, without: Collection[int] = ()
) -> list[Block]:
    """Return the blocks in which members lie.

    Args:
        members: their numbers.
        size: of a block.
        without: members that are complete; blocks of these alone are left out.
    """
    blocks: dict[int, list[int]] = {}
    for member in sorted(set(members) - set(without)):
        blocks.setdefault(member // size, []).append(member)
    return [Block(number, size, tuple(some)) for number, some in blocks.items()]
