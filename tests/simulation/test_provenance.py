"""Attributes that say what an output was computed with."""

import jax
import numpy as np
import pytest

from ngcm_cli.config import ForecastConfig
from ngcm_cli.simulation.checkpoint import version_changes, versions
from ngcm_cli.simulation.provenance import numerical_settings, run_attributes
from ngcm_cli.zoo import find_card


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


@pytest.mark.parametrize(
    "amplitude, recorded",
    [("0.8K", 0.8), ("1000:0.8K,300:0.5K", "300:0.5,1000:0.8")],
)
def test_perturbations_are_recorded(amplitude, recorded):
    """As numbers and text, for files of every format hold nothing else."""
    config = ForecastConfig(perturb="gaussian", amplitude=amplitude)
    card, notes = find_card(config.model), {"data": (), "sst": (), "variables": ()}
    found = run_attributes(config, card, [np.datetime64("1959-01-02", "s")], notes)(0)
    assert found["precision"] == "published"
    assert found["perturb"] == "gaussian"
    assert found["perturb_amplitude"] == recorded
    assert found["perturb_pressure_amplitude"] == 50
    assert {type(x) for x in found.values()} <= {str, int, float}
