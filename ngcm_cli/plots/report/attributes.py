"""What the attributes of an output say: facts, limits and provenance, for a reader."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ngcm_cli.output.zarr import RUN_ATTRIBUTE
from ngcm_cli.zoo.catalogue import DEFAULT

_NOT_SHOWN = {RUN_ATTRIBUTE, "ngcm_run_id"}
_COMMAND = re.compile(r"^\S*: *(ngcm .*)$", re.DOTALL)
_NOTES = "notes", "sst_notes", "variables_notes"


def model_facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the model, its weights and their licence, and what it ran on."""
    facts = []
    if model := text(attributes, "model"):
        facts.append(("Model", model))
    elif source := text(attributes, "source") or text(attributes, "source_id"):
        facts.append(("Source", source))
    if weights := text(attributes, "weights_sha256"):
        facts.append(("Weights", f"SHA-256 {weights}"))
    if licence := text(attributes, "license"):
        facts.append(("Licence of the weights", licence))
    return facts


def data_facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where initial state and sea-surface temperature come from."""
    facts = []
    if data := text(attributes, "data_source"):
        facts.append(("Initial data", data))
    if sea := text(attributes, "sst_source"):
        mode = text(attributes, "sst")
        offset = attributes.get("sst_offset", 0)
        facts.append(
            (
                "Sea surface",
                sea
                + (f"; {mode}" if mode else "")
                + (f"; offset {text(attributes, 'sst_offset')} K" if offset else ""),
            )
        )
    return facts


def computing_facts(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what an output was computed with."""
    parts = [
        f"{title} {text(attributes, name)}"
        for title, name in (
            ("ngcm", "ngcm_version"),
            ("JAX", "jax_version"),
            ("on", "device"),
            ("seed", "seed"),
        )
        if name in attributes
    ]
    return [("Computed with", ", ".join(parts))] if parts else []


def command(attributes: Mapping[str, Any]) -> str:
    """Return the command that made an output, the last line of its history."""
    lines = text(attributes, "history").split("\n")
    found = [match[1] for line in lines if (match := _COMMAND.match(line.strip()))]
    return found[0] if found else ""


def model_limits(
    attributes: Mapping[str, Any], levels: Any = (), top: float = 0.0
) -> list[str]:
    """Return what the fields of an output must not be used for.

    Args:
        attributes: of the output.
        levels: pressures of the output, hPa.
        top: pressure of the highest level of the model, hPa; 0 if not known.
    """
    limits = []
    if text(attributes, "model") == DEFAULT:
        limits.append(
            f"{DEFAULT} is a small model for learning and testing, with little skill: "
            "do not judge NeuralGCM, or weather and climate, by this output."
        )
    above = [f"{level:g}" for level in sorted(levels) if level < top]
    if above:
        limits.append(
            "Pressures less than that of the highest level of the model, "
            f"{top:.3g} hPa, here {', '.join(above)} hPa, are extrapolated, possibly "
            "far off, and left out of the extremes on this page."
        )
    return limits


def data_notes(attributes: Mapping[str, Any]) -> list[str]:
    """Return what was done to the data before and during a run, each once."""
    lines = (line for name in _NOTES for line in text(attributes, name).split("\n"))
    return list(dict.fromkeys(filter(None, lines)))


def provenance(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the attributes of an output, and the settings in the record of its run."""
    found = [
        (str(name), text(attributes, name))
        for name in attributes
        if name not in _NOT_SHOWN
    ]
    settings = run_record(attributes).get("settings")
    if isinstance(settings, dict):
        lines = (f"{name}: {value}" for name, value in settings.items())
        found.append(("settings", "\n".join(lines)))
    return found


def run_record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of the run in the attributes; empty where there is none."""
    try:
        record = json.loads(str(attributes[RUN_ATTRIBUTE]))
    except (KeyError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def text(attributes: Mapping[str, Any], name: str) -> str:
    """Return an attribute as text; empty where there is none."""
    value = attributes.get(name)
    return "" if value is None else str(value)
