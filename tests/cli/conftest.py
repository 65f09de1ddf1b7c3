"""The command line in this process, in an empty directory."""

import signal
import sys

import pytest
from tiny_run import use_tiny_model

from ngcm_cli.cli import main


@pytest.fixture
def ngcm(monkeypatch, capsys, tmp_path):
    """Run a command; return its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def ngcm(*args):
        monkeypatch.setattr(sys, "argv", ["ngcm", *map(str, args)])
        before = signal.getsignal(signal.SIGINT)  # which an interruption changes
        with pytest.raises(SystemExit) as caught:
            main()
        signal.signal(signal.SIGINT, before)
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return ngcm


@pytest.fixture
def tiny(monkeypatch):
    """Let every run use the tiny model."""
    return use_tiny_model(monkeypatch)
