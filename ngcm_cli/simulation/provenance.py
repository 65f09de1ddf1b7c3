"""Provenance: the global attributes that say what made an output, and from what."""

import functools
import importlib.metadata
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

import ngcm_cli
from ngcm_cli.config import (
    AmipConfig,
    EnsembleConfig,
    ForecastConfig,
    ForecastSettings,
)
from ngcm_cli.config.noise import vectors_file
from ngcm_cli.config.settings import Settings
from ngcm_cli.simulation.data_sources import (
    describe_analysis,
    describe_forcing,
    described,
    public_command,
)
from ngcm_cli.time_format import format_duration, format_time, utc_now
from ngcm_cli.zoo import Card


def run_attributes(
    config: Settings,
    card: Card,
    inits: Sequence[np.datetime64],
    notes: Mapping[str, Sequence[str]],
) -> Callable[[int], dict[str, Any]]:
    """Return a function from the index of an initial time to global attributes."""
    return functools.partial(_attributes, config, card, inits, notes)


def _attributes(
    config: Settings,
    card: Card,
    inits: Sequence[np.datetime64],
    notes: Mapping[str, Sequence[str]],
    init: int,
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "title": _title(config, card, inits, init),
        "source": f"NeuralGCM v1, {card.name}, weights SHA-256 {card.weights.sha256}",
        "history": f"{utc_now()}: {public_command(config)}",
        "references": card.paper,
        "license": card.licence,
        "model": card.name,
        "weights_sha256": card.weights.sha256,
        "precision": config.precision,
        "seed": config.seed,
        **software_attributes(),
    }
    attributes["data_source"] = describe_analysis(config)
    if notes["data"]:
        attributes["notes"] = "\n".join(notes["data"])
    attributes["sst_source"] = describe_forcing(config)
    attributes["sst_offset"] = config.sst_offset
    if isinstance(config, AmipConfig):
        attributes["sst"] = "climatology" if config.sst_climatology else "prescribed"
        fixed = config.fix_mean_pressure
        attributes["mean_surface_pressure"] = "fixed" if fixed else "free"
        if config.sst_patch is not None:
            attributes["sst_patch"] = ",".join(f"{x:g}" for x in config.sst_patch)
    else:
        attributes["sst"] = getattr(config, "sst", "")
        attributes |= _perturbation(config)
    if config.nudge is not None:
        attributes["nudging"] = describe_nudging(config)
        if notes["nudging"]:
            attributes["nudging_notes"] = "\n".join(notes["nudging"])
    if notes["variables"]:
        attributes["variables_notes"] = "\n".join(notes["variables"])
    if notes["sst"]:
        attributes["sst_notes"] = "\n".join(notes["sst"])
    return attributes


def software_attributes() -> dict[str, str]:
    """Return the device, numerical settings and versions that made an output."""
    return {
        "device": device(),
        **numerical_settings(),
        "python_version": platform.python_version(),
        "ngcm_version": ngcm_cli.__version__,
        **{
            f"{package}_version": importlib.metadata.version(package)
            for package in ("jax", "jaxlib", "equinox")
        },
    }


def _perturbation(config: Settings) -> dict[str, Any]:
    """Return how members of a forecast differ, where they are asked to."""
    found: dict[str, Any] = {}
    if isinstance(config, ForecastConfig) and config.member is not None:
        found["member"] = config.member
    if isinstance(config, ForecastSettings) and config.perturb != "none":
        amplitude = config.amplitude
        found["perturb"] = config.perturb
        found["perturb_amplitude"] = (  # files hold numbers and text
            amplitude if isinstance(amplitude, float) else str(amplitude)
        )
        if vectors_file(config.perturb) is None:
            found["perturb_pressure_amplitude"] = config.pressure_amplitude
    return found


def describe_nudging(config: Settings) -> str:
    """Return what a nudged run is nudged to, how fast and in what."""
    assert config.nudge and config.nudge_time and config.nudge_variables
    scales = ""
    if config.nudge_wavenumber is not None:
        scales = f", total wavenumbers up to {config.nudge_wavenumber}"
    return (
        f"{', '.join(config.nudge_variables)} within "
        f"{format_duration(config.nudge_time)}{scales}, to {described(config.nudge)}"
    )


def _title(
    config: Settings, card: Card, inits: Sequence[np.datetime64], init: int
) -> str:
    first = format_time(inits[init])
    if isinstance(config, AmipConfig):
        return f"AMIP-style run of {card.name} from {first}"
    kind = "Ensemble" if isinstance(config, EnsembleConfig) else "Forecast"
    several = f" and {len(inits) - 1} other times" if len(inits) > 1 else ""
    return f"{kind} by {card.name} from {first}{several}"


def device() -> str:
    """Return what the model runs on."""
    first = jax.devices()[0]
    kind = first.device_kind
    return kind if kind == first.platform else f"{first.platform} ({kind})"


def numerical_settings() -> dict[str, str]:
    """Return what decides the last bits besides versions and device, by attribute.

    Precision of matrix products, whether operations give the same bits every time
    (those of CPUs and TPUs do, those of GPUs where a flag asks for it), and what was
    set in the environment for it.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    asked = re.search(
        r"--xla_gpu_(deterministic_ops|exclude_nondeterministic_ops)"
        r"(=true|=1)?(?!\S)",
        flags,
    )
    config: Any = jax.config  # whose attributes are made at run time
    settings = {
        "matmul_precision": config.jax_default_matmul_precision or "default",
        "float64": "enabled" if config.jax_enable_x64 else "disabled",
        "deterministic_operations": (
            "yes" if jax.default_backend() != "gpu" or asked else "no"
        ),
        "xla_flags": flags.strip(),
        "nvidia_tf32_override": os.environ.get("NVIDIA_TF32_OVERRIDE", ""),
    }
    return {name: str(text) for name, text in settings.items() if text}
