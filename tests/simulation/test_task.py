"""Which members are computed together does not depend on which are wanted."""

from ngcm_cli.simulation.task import Block, Task, blocks_of


def test_blocks_begin_where_blocks_of_that_size_always_begin():
    blocks = blocks_of(range(50, 61), 8)
    assert [block.number for block in blocks] == [6, 7]
    assert blocks[0].members == tuple(range(50, 56))
    assert blocks[0].computed == range(48, 56)
    assert blocks[1].members == (56, 57, 58, 59, 60)
    assert blocks[1].computed == range(56, 64)
    assert [blocks[0].row(member) for member in (50, 55)] == [2, 7]


def test_every_member_is_wanted_once():
    for size in range(1, 9):
        for first in range(5):
            blocks = blocks_of(range(first, first + 11), size)
            wanted = [member for block in blocks for member in block.members]
            assert wanted == list(range(first, first + 11))
            assert all(len(block.computed) == size for block in blocks)


def test_complete_members_are_left_out():
    blocks = blocks_of([*range(3), *range(7, 9)], 2, without=[0, 1, 7])
    assert blocks == [Block(1, 2, (2,)), Block(4, 2, (8,))]


def test_the_names_of_tasks_are_different():
    tasks = [Task(init, Block(n, 2, (2 * n,))) for init in (0, 1) for n in (0, 1, 11)]
    assert len({task.name for task in tasks}) == len(tasks)
