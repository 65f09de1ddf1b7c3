import os

import pytest

from ngcm_cli.io.checked_file import read_checked, write_checked


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 9])
def test_there_and_back(tmp_path, content):
    path = tmp_path / "new" / "file"
    write_checked(path, content)
    assert read_checked(path) == content
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("size", [0, 5, 32, 40, -1])
def test_a_damaged_file(tmp_path, size):
    path = tmp_path / "file"
    write_checked(path, bytes(100))
    path.write_bytes(path.read_bytes()[:size])
    assert read_checked(path) is None


def test_what_is_not_there_or_cannot_be_written(tmp_path):
    assert read_checked(tmp_path / "none") is None
    (tmp_path / "file").touch()
    write_checked(tmp_path / "file" / "none", b"x")
    assert os.listdir(tmp_path) == ["file"]
