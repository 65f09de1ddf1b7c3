"""Where a run comes from, in the words of its output."""

import datetime
import importlib.metadata
import platform
from typing import Any

import jax

import ngcm_cli
from ngcm_cli.config.settings import Settings
from ngcm_cli.zoo import Card


def provenance(
    config: Settings, card: Card, title: str, command: str, notes: tuple[str, ...]
) -> dict[str, Any]:
    """Global attributes that say what made an output.

    Args:
        config: of the run.
        card: of the model.
        title: of the output.
        command: that made it, as it may be written down.
        notes: conversions and substitutions made in the data.
    """
    attributes: dict[str, Any] = {
        "title": title,
        "source": f"NeuralGCM v1, {card.name}, weights SHA-256 {card.weights.sha256}",
        "history": f"{now()}: {command}",
        "references": card.paper,
        "license": card.licence,
        "model": card.name,
        "weights_sha256": card.weights.sha256,
        "seed": config.seed,
        "device": device(),
        "python_version": platform.python_version(),
        "ngcm_version": ngcm_cli.__version__,
    }
    for package in ("jax", "jaxlib", "equinox"):
        attributes[f"{package}_version"] = importlib.metadata.version(package)
    if notes:
        attributes["notes"] = "\n".join(notes)
    return attributes


def now() -> str:
    """The time, as histories have it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def device() -> str:
    """What the model runs on."""
    first = jax.devices()[0]
    kind = first.device_kind
    return kind if kind == first.platform else f"{first.platform} ({kind})"
