import pathlib
import sys
import types

import pytest

import ngcm_cli
from ngcm_cli.io.package_source import digest_of, source_digest


def test_all_files_matter_with_their_names(tmp_path):
    def digest(**contents: str) -> str | None:
        files = [tmp_path / f"{name}.py" for name in contents]
        for path, text in zip(files, contents.values(), strict=True):
            path.write_text(text)
        return digest_of(files, tmp_path)

    sources = [{"a": "x", "b": "yz"}, {"a": "xy", "b": "z"}, {"a": "x", "c": "yz"}]
    assert len({digest(**source) for source in sources}) == 3
    assert digest(**sources[0]) == digest(**sources[0])


def test_it_is_the_package():
    files = sorted(pathlib.Path(ngcm_cli.__path__[0]).rglob("*.py"))
    assert len(files) > 100
    assert source_digest() == digest_of(files, pathlib.Path(ngcm_cli.__path__[0]))


def test_a_file_that_is_newer_than_what_is_loaded(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("x")
    time = max(path.stat().st_mtime, path.stat().st_ctime)
    assert digest_of([path], tmp_path, time) is not None
    assert digest_of([path], tmp_path, time - 1) is None
    assert source_digest(1.0) is None


@pytest.mark.parametrize("file", [None, "/archive.zip/ngcm_cli/elsewhere.py"])
def test_a_module_from_elsewhere(monkeypatch, file):
    """As in a zip archive, or with compiled modules alone."""
    module = types.ModuleType("ngcm_cli.elsewhere")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert source_digest() is None


def test_a_file_that_cannot_be_read(monkeypatch, tmp_path):
    """An editor's lock is a link to nowhere, and ends in .py."""
    folder = pathlib.Path(ngcm_cli.__path__[0])
    copy = tmp_path / ".#model.py"
    copy.symlink_to("nowhere")
    files = [*folder.rglob("*.py"), copy]
    monkeypatch.setattr(pathlib.Path, "rglob", lambda *_: files)
    assert source_digest() is None
