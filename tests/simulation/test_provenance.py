"""Attributes that say what an output was computed with."""

import jax
import pytest

from ngcm_cli.simulation.checkpoint import version_changes, versions
from ngcm_cli.simulation.provenance import numerical_settings


@pytest.mark.parametrize(
    "flags, deterministic",
    [
        ("", "no"),
        ("--xla_gpu_deterministic_ops=true", "yes"),
        ("--xla_dump_to=x --xla_gpu_deterministic_ops", "yes"),
        ("--xla_gpu_exclude_nondeterministic_ops=1 --xla_dump_to=x", "yes"),
        ("--xla_gpu_deterministic_ops=false", "no"),
        ("--xla_gpu_deterministic_ops=0", "no"),
    ],
)
def test_flags_of_determinism(monkeypatch, flags, deterministic):
    monkeypatch.setenv("XLA_FLAGS", flags)
    assert numerical_settings()["deterministic_operations"] == "yes"  # on a CPU
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    settings = numerical_settings()
    assert settings["deterministic_operations"] == deterministic
    assert settings.get("xla_flags", "") == flags


def test_precision(monkeypatch):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    with jax.default_matmul_precision("highest"):
        settings = numerical_settings()
    assert settings["matmul_precision"] == "highest"
    assert settings["nvidia_tf32_override"] == "0"


def test_other_settings_than_before_are_announced(monkeypatch):
    before = versions()
    assert version_changes(before) == []
    assert version_changes({"ngcm": before["ngcm"]}) == []  # an older restart file
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_deterministic_ops=true")
    (change,) = version_changes(before)
    assert "with xla_flags none, this is --xla_gpu_deterministic_ops=true" in change
