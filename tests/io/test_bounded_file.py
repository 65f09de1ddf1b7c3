"""Files that are read whole, and what is not read."""

import os

import pytest
import yaml

from ngcm_cli.io.bounded_file import read_bounded
from ngcm_cli.io.plain_yaml import read_plain_yaml


def test_a_file_is_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"123")
    assert read_bounded(path, 3) == b"123"
    with pytest.raises(OSError, match="it has 3 B, and at most 2 B are read"):
        read_bounded(path, 2)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(30 * 10**9)
    for path, reason in (
        (tmp_path / "pipe", "it is not a file"),
        (tmp_path, "it is not a file"),
        ("/dev/zero", "it is not a file"),
        (tmp_path / "sparse", "it has 30 GB"),
    ):
        with pytest.raises(OSError, match=reason):
            read_bounded(path, 10**6)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("a: &x [1]", "line 1 has an anchor"),
        ("a: 1\nb: *x", "line 2 has an anchor or alias"),
        ("a:\n  <<: {b: 1}", "line 2 has a merge key"),
        ("a: !!int ''", "line 1 has a tag"),
        ("a: !!timestamp x", "line 1 has a tag"),
        ("a: 2001-99-99", "a value that is none"),
        ("a: 0b_", "a value that is none"),
        ("a: " + ":".join(["59"] * 10_000), "a value of 29999 characters"),
        ("a: " + "[" * 30 + "]" * 30, "nested too deeply"),
        ("{[1]: 2}", "unhashable key"),
        ("a: \udcff", "surrogates|not text"),
    ],
)
def test_yaml_is_plain(tmp_path, text, reason):
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(yaml.YAMLError, match=reason):
        read_plain_yaml(path, yaml.SafeLoader)


def test_quoted_it_is_a_value(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: '<<'\nb: '*x'\nc: [1, 2.5]\n")
    expected = {"a": "<<", "b": "*x", "c": [1, 2.5]}
    assert read_plain_yaml(path, yaml.SafeLoader) == expected
