"""Runs of the tiny model through the public verbs: seconds, not minutes."""

import pathlib
import sys
import types

import pytest

from ngcm_cli.simulation import setup
from ngcm_cli.testing import TinyModel

CARD = types.SimpleNamespace(
    name="tiny",
    weights=types.SimpleNamespace(sha256="0123456789abcdef" * 4),
    licence="CC0-1.0",
    paper="https://doi.org/10.1038/s41586-024-07744-y",
)


def use_tiny_model(monkeypatch: pytest.MonkeyPatch, **changes) -> TinyModel:
    """Let every run use the tiny model, whatever model it names.

    Args:
        monkeypatch: undoes it.
        changes: to the fields of `TinyModel`.
    """
    model = TinyModel(**changes)
    monkeypatch.setattr(setup, "open_model", lambda name, **how: (CARD, model))
    return model


def tiny_ngcm() -> list[str]:
    """Return the words that start ``ngcm`` in a process of its own with that model."""
    code = (
        "import sys, pytest\n"
        f"sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})\n"
        "from tiny_run import use_tiny_model\n"
        "from ngcm_cli.cli import program\n"
        "with pytest.MonkeyPatch.context() as patch:\n"
        "    use_tiny_model(patch)\n"
        "    program()"
    )
    return [sys.executable, "-c", code]
