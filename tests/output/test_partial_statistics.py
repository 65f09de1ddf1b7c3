"""Partial statistics: what counts after a process was killed at any moment."""

import numpy as np
import pytest

from ngcm_cli.diagnostics.ensemble_statistics import summarize
from ngcm_cli.errors import OutputError
from ngcm_cli.output.partial_statistics import PartialStatistics, SavedPartial

NAMES = "mean", "p10"


@pytest.fixture
def partial(tmp_path) -> PartialStatistics:
    return PartialStatistics(tmp_path / "0")


def summary(members=(0, 1)):
    x = np.random.default_rng(members).normal(size=(len(members), 4)).astype("f4")
    return summarize(members, x, NAMES, 10)


def save(partial, process, block, members):
    partial.write(0, "t", process, block, summary(members))
    partial.complete(SavedPartial(process, block, frozenset(members)))


def test_a_summary_comes_back(partial):
    written = summary()
    partial.write(3, "temperature", 0, 2, written)
    found = partial.read(3, "temperature", SavedPartial(0, 2, frozenset()))
    assert (found.members, found.count) == ((0, 1), 2)
    for name in ("total", "squares", "least", "greatest"):
        np.testing.assert_array_equal(
            getattr(found, name), getattr(written, name), strict=True
        )


def test_only_complete_blocks_count(partial):
    save(partial, 0, 0, (0, 1))
    save(partial, 0, 1, (0, 1, 2, 3))
    partial.write(0, "t", 0, 2, summary((0, 1, 2, 3, 4)))  # killed before its end
    assert partial.saved({0, 1, 2}) == [SavedPartial(0, 1, frozenset(range(4)))]
    assert partial.saved({0}) == [SavedPartial(0, 0, frozenset({0, 1}))]
    assert partial.saved(set()) == []


def test_of_every_process_the_most_and_no_member_twice(partial):
    save(partial, 0, 0, (0, 1))
    save(partial, 1, 1, (2, 3))
    save(partial, 2, 2, (0, 1, 4))
    found = partial.saved({0, 1, 2})
    assert [(p.process, p.block) for p in found] == [(0, 0), (1, 1)]
    assert [p.process for p in partial.saved({0, 1, 2}, process=2)] == [2]


def test_what_a_newer_block_replaces_is_removed(partial):
    for block in range(3):
        save(partial, 0, block, range(2 * block + 2))
    save(partial, 1, 3, (9,))
    partial.keep_only(0, {2})
    assert [(p.process, p.block) for p in partial.saved(range(4))] == [(0, 2), (1, 3)]
    assert sorted(p.name for p in partial.folder.iterdir()) == ["0-2", "1-3"]
    partial.remove()
    assert not partial.folder.exists()
    assert partial.saved(range(4)) == []


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated"])
def test_a_damaged_summary_is_refused(partial, damage):
    save(partial, 0, 0, (0, 1))
    path = partial.folder / "0-0" / "0.t.npz"
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
    with pytest.raises(
        OutputError, match="0.t.npz is damaged or missing. Remove .*0-0; its"
    ):
        partial.read(0, "t", SavedPartial(0, 0, frozenset()))


def test_a_damaged_list_of_members_does_not_count(partial):
    save(partial, 0, 0, (0, 1))
    (partial.folder / "0-0" / "members.json").write_text("[0, ")
    assert partial.saved({0}) == []
