"""Which members are computed together does not depend on which are wanted."""

import jax
from ngcm_cli.ensemble.blocks import blocks_of, shared_by


def test_blocks_begin_where_blocks_of_that_size_always_begin():
    blocks = blocks_of(range(50, 61), 8)
    assert [block.number for block in blocks] == [6, 7]
    assert blocks[0].members == tuple(range(50, 56))
    assert blocks[0].computed == range(48, 56)
    assert blocks[1].members == (56, 57, 58, 59, 60)
    assert blocks[1].computed == range(56, 64)


def test_every_member_is_wanted_once():
    for size in range(1, 9):
        for first in range(5):
            blocks = blocks_of(range(first, first + 11), size)
            wanted = [member for block in blocks for member in block.members]
            assert wanted == list(range(first, first + 11))
            assert all(len(block.computed) == size for block in blocks)


def test_as_many_devices_as_share_evenly():
    devices = jax.devices() * 4  # only their number counts
    assert [len(shared_by(devices, size)) for size in range(1, 9)] == [
        *(1, 2, 3, 4, 1, 3, 1, 4)
    ]
