"""Files and directories that are whole or not there."""

import errno
import os

import pytest

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import (
    atomic_file,
    remove_temporary_siblings,
    replace_directory,
    temporary_sibling,
    translate_os_errors,
    write_text,
)


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make(folder, text):
    folder.mkdir()
    (folder / "content").write_text(text)


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "out.txt"
    with atomic_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    write_text(path, "später")
    assert path.read_bytes() == "später".encode()
    assert names(tmp_path) == ["out.txt"]


def test_a_failure_keeps_what_was_there(tmp_path):
    path = tmp_path / "out.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), atomic_file(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


def test_leftovers_are_those_of_one_path(tmp_path):
    left, other = temporary_sibling(tmp_path / "a"), temporary_sibling(tmp_path / "ab")
    make(left, "half")
    other.touch()
    temporary_sibling(tmp_path / "a").touch()
    assert len(names(tmp_path)) == 3
    remove_temporary_siblings(tmp_path / "a")
    assert names(tmp_path) == [other.name]
    remove_temporary_siblings(tmp_path / "missing" / "a")


@pytest.mark.parametrize("before", ["nothing", "directory", "file"])
def test_a_directory_takes_its_name(tmp_path, before):
    target, new = tmp_path / "out", temporary_sibling(tmp_path / "out")
    make(new, "new")
    if before == "directory":
        make(target, "old")
    elif before == "file":
        target.write_text("old")
    replace_directory(new, target, overwrite=True)
    assert (target / "content").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_a_directory_is_not_replaced_without_leave(tmp_path):
    target, new = tmp_path / "out", temporary_sibling(tmp_path / "out")
    make(new, "new")
    make(target, "old")
    with pytest.raises(OSError, match="not empty"):
        replace_directory(new, target)
    assert (target / "content").read_text() == "old"


def test_what_was_there_comes_back(tmp_path, monkeypatch):
    target, new = tmp_path / "out", temporary_sibling(tmp_path / "out")
    make(new, "new")
    make(target, "old")
    rename = os.rename

    def fail(source, destination):
        if source == new:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, destination)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="Input/output error"):
        replace_directory(new, target, overwrite=True)
    assert (target / "content").read_text() == "old"
    assert names(tmp_path) == sorted(["out", new.name])


@pytest.mark.parametrize(
    "code, reason, action",
    [
        (errno.ENOSPC, "the disk is full", "Free some space"),
        (errno.EDQUOT, "the disk is full", "Free some space"),
        (errno.EIO, "Input/output error", "Check the disk"),
    ],
)
def test_errors_of_the_disk_say_what_to_do(code, reason, action):
    with (
        pytest.raises(OutputError) as caught,
        translate_os_errors("Writing out.zarr", lambda action: f"{action}, and wait."),
    ):
        raise OSError(code, os.strerror(code))
    assert (
        str(caught.value) == f"Writing out.zarr stopped: {reason}. {action}, and wait."
    )


@pytest.mark.parametrize("error", [OutputError("Whole.", "Do."), KeyError("bug")])
def test_other_errors_stay_as_they_are(error):
    with (
        pytest.raises(type(error)) as caught,
        translate_os_errors("Writing", lambda action: action),
    ):
        raise error
    assert caught.value is error
