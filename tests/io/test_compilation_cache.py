import os
import pathlib
import subprocess
import sys

import pytest
from jax._src import compilation_cache

from ngcm_cli.io.compilation_cache import is_whole, remove_damaged_entries

WHOLE = compilation_cache.compress_executable(bytes(range(256)) * 400)
COMPILE = """
import warnings, sys
warnings.simplefilter("error")
import jax
from ngcm_cli.io.compilation_cache import enable_compilation_cache
enable_compilation_cache()
jax.jit(lambda x: x @ x + 3)(jax.numpy.ones((7, 7))).block_until_ready()
"""


@pytest.mark.parametrize("size", [0, 1, 40, len(WHOLE) // 2, len(WHOLE) - 1])
def test_an_entry_that_was_cut_short_is_removed(tmp_path, size):
    damaged, whole = tmp_path / "a-cache", tmp_path / "b-cache"
    damaged.write_bytes(WHOLE[:size])
    whole.write_bytes(WHOLE)
    remove_damaged_entries(tmp_path)
    assert not damaged.exists()
    assert whole.read_bytes() == WHOLE


def test_an_entry_of_another_library_is_left_alone(tmp_path):
    entry = tmp_path / "a-cache"
    entry.write_bytes(b"\x00" + WHOLE)
    assert is_whole(entry)


def test_entries_are_examined_once(tmp_path):
    old = tmp_path / "a-cache"
    old.write_bytes(WHOLE)
    remove_damaged_entries(tmp_path)
    old.write_bytes(WHOLE[:40])  # not how it happens, but to see who reads it
    os.utime(old, (1e9, 1e9))
    remove_damaged_entries(tmp_path)
    assert old.exists()


def test_there_need_not_be_a_cache(tmp_path):
    remove_damaged_entries(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_damaged_cache_heals_in_the_next_run(tmp_path):
    """As a killed process or a full disk leaves it: without a warning from JAX."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    environment |= {"NGCM_HOME": str(tmp_path), "JAX_PLATFORMS": "cpu"}

    def run() -> dict[str, bytes]:
        command = [sys.executable, "-c", COMPILE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return {x.name: x.read_bytes() for x in folder.glob("*-cache")}

    folder = pathlib.Path(tmp_path) / "compiled"
    before = run()
    assert before
    for name, content in before.items():
        (folder / name).write_bytes(content[: len(content) // 3])
    after = run()
    assert after.keys() == before.keys()
    assert all(is_whole(folder / name) for name in after)
