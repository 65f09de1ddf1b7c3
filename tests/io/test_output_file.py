import os
import subprocess
import sys

import pytest

from ngcm_cli.errors import OutputError
from ngcm_cli.io.output_file import check_writable, sole_writer, stamp


def test_output_is_none_of_the_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, store = tmp_path / "data.nc", tmp_path / "data.zarr"
    data.touch()
    store.mkdir()
    (store / "zarr.json").touch()
    (tmp_path / "link.nc").symlink_to(data)
    os.link(data, tmp_path / "hard.nc")
    (tmp_path / "folder").mkdir()
    for name, location in (
        ("data.nc", "data.nc"),
        ("link.nc", "data.nc"),
        ("hard.nc", "data.nc"),
        ("data.nc", "d*.nc"),
        ("data.zarr/scores.nc", "data.zarr"),
    ):
        with pytest.raises(OutputError, match="would overwrite the data"):
            check_writable(tmp_path / name, ["https://some.where/data.nc", location])
    check_writable(tmp_path / "other.nc", ["data.nc", "data.zarr", "arco", "*.grib"])
    check_writable(tmp_path / "folder" / "scores.nc", ["folder"])
    with pytest.raises(OutputError, match="too long"):
        check_writable(tmp_path / ("x" * 250), [])


def test_what_cannot_be_written_is_known_before(tmp_path):
    check_writable(tmp_path / "out.nc", [])
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file/out.nc cannot be written to"):
        check_writable(tmp_path / "file" / "out.nc", [])


def test_writer_is_alone_follows_links_and_removes_what_others_left(tmp_path):
    file, link = tmp_path / "o.png", tmp_path / "link.png"
    link.symlink_to(file)
    left = tmp_path / ".o.png.0badcafe.partial"
    left.touch()
    with sole_writer(link) as target:
        assert target == file
        assert not left.exists()
        with pytest.raises(OutputError, match="Another process"), sole_writer(file):
            pass
        code = (
            "import pathlib\n"
            "from ngcm_cli.io.output_file import sole_writer\n"
            f"with sole_writer(pathlib.Path({str(file)!r})): pass\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True)
        assert b"Another process" in done.stderr
    assert sorted(tmp_path.iterdir()) == [link]
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    with sole_writer(loop) as target:
        assert target.name == "loop.png"


def test_stamp_changes_with_the_files(tmp_path):
    data = tmp_path / "a.nc"
    data.write_bytes(b"1")
    first = stamp(str(tmp_path / "*.nc"))
    data.write_bytes(b"12")
    assert stamp(str(tmp_path / "*.nc")) != first
    assert stamp("https://some.where/data.nc") == stamp("arco") == ""
