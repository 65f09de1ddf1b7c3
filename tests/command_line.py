"""The command line, run in this process: as the real one, without starting Python."""

import contextlib
import io
import pathlib
import subprocess
import sys

import pytest

from ngcm_cli.cli import main


def ngcm(*words: object, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Run ``ngcm`` in a folder; return its exit code and what it printed."""
    command, out, err = ["ngcm", *map(str, words)], io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", command)
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())
