"""Text that describes a model: its card, its architecture, differences of two."""

import itertools
import textwrap
from collections.abc import Iterator
from typing import Any

from ngcm_cli.checkpoint.card import (
    Card,
    PublishedCard,
    TrainingRecord,
    as_yaml,
)
from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.io.progress import format_size
from ngcm_cli.zoo import cache
from ngcm_cli.zoo.catalogue import model_names, read_card
from ngcm_cli.zoo.pin import weights_path

_COLUMN = 36  # characters of each model in a comparison


def grid(card: Card | PublishedCard) -> str:
    """Return the numbers of longitudes and latitudes: ``128x64``."""
    longitudes = 2 * (int(card.grid.removeprefix("TL")) + 1)
    return f"{longitudes}x{longitudes // 2}"


def resolution(card: Card | PublishedCard) -> str:
    """Return grid and spacing: ``TL63 128x64 2.8°``."""
    longitudes = int(grid(card).partition("x")[0])
    return f"{card.grid} {grid(card)} {360 / longitudes:.1f}°"


def models_with_precipitation() -> list[str]:
    """Return the names of the models whose cards say that they predict it."""
    cards = map(read_card, model_names())
    return [card.name for card in cards if "precipitation" in (card.predicts or "")]


def weights_state(card: Card | PublishedCard) -> str:
    """Return where the weights are: ``bundled``, ``here`` or ``not fetched``."""
    if isinstance(card, Card):
        return "bundled"
    return "here" if cache.is_here(card) else "not fetched"


def size(card: Card | PublishedCard) -> str:
    """Return the size of the weights file as text."""
    if isinstance(card, Card):
        return format_size(card.weights.bytes)
    return cache.about_size(card)


def describe(card: Card | PublishedCard) -> dict[str, str]:
    """Return the content of a card as text, by heading."""
    unconfirmed = isinstance(card, PublishedCard) and "parameters" in card.unconfirmed
    lines = {
        "Name": card.name,
        "Summary": card.summary,
        "Predicts": card.predicts,
        "Resolution": resolution(card),
        "Parameters": f"{card.parameters:,}".replace(",", " ")
        + (" (reported, not confirmed)" if unconfirmed else ""),
        "Stochastic": "yes" if card.stochastic else "no",
        "Stable for": card.stable_for,
        "Licence": card.licence,
        "Paper": card.paper,
        "Source": card.source,
        "Forecasts": card.published_forecasts,
        "Size": size(card),
    }
    if isinstance(card, PublishedCard):
        lines["Locations"] = " ".join(card.weights.locations)
        path = weights_path(card)
        lines["Weights"] = str(path) if cache.is_here(card) else "not fetched"
    else:
        lines["SHA-256"] = card.weights.sha256
        if card.training is not None:
            lines["Trained"] = _training(card.training)
        top, *_, bottom = (f"{level:g}" for level in card.spec.pressure_levels)
        lines["Levels"] = (
            f"{card.spec.sigma_layers} sigma layers; "
            f"{len(card.spec.pressure_levels)} pressure levels, {top} to {bottom} hPa"
        )
        lines["Step"] = f"{card.spec.step_minutes:g} minutes"
    return {heading: text for heading, text in lines.items() if text is not None}


def _training(record: TrainingRecord) -> str:
    """Return a sentence on how the weights were trained."""
    begun = "random weights for" if record.initialized else "the weights of"
    digest = record.parent_sha256[:12]
    return (
        f"{record.updates} updates from {begun} {record.parent} (SHA-256 {digest}...) "
        f"on {record.data}"
    )


def describe_architecture(spec: ModelSpec) -> str:
    """Return the whole architecture as YAML."""
    return as_yaml(spec.model_dump(mode="json"))


def format_lines(lines: dict[str, str]) -> str:
    """Return headings on the left and text on the right, wrapped."""
    width = max(map(len, lines)) + 2
    return "\n".join(
        textwrap.fill(
            text,
            width + 72,
            initial_indent=f"{heading:<{width}}",
            subsequent_indent=" " * width,
            break_long_words=False,
        )
        for heading, text in lines.items()
    )


def compare(one: Card | PublishedCard, other: Card | PublishedCard) -> str:
    """Return the differences of two models, with architectures if both are known."""
    both_known = isinstance(one, Card) and isinstance(other, Card)
    left, right = _flat(one, both_known), _flat(other, both_known)
    rows = {"name": (one.name, other.name)}
    for key in left | right:
        values = left.get(key, "-"), right.get(key, "-")
        if values[0] != values[1]:
            rows[key] = values
    width = max(map(len, rows)) + 2
    text = []
    for key, values in rows.items():
        columns = [textwrap.wrap(value, _COLUMN) for value in values]
        for i, (a, b) in enumerate(itertools.zip_longest(*columns, fillvalue="")):
            start = key if i == 0 else ""
            text.append(f"{start:<{width}}{a:<{_COLUMN + 2}}{b}".rstrip())
    return "\n".join(text)


def _flat(card: Card | PublishedCard, with_spec: bool) -> dict[str, str]:
    """Return card and architecture with one level of keys, parts joined by dots."""
    content: dict[str, Any] = {
        key: text
        for key, text in describe(card).items()
        if key not in ("Name", "Weights", "SHA-256", "Locations", "Levels", "Step")
    }
    if isinstance(card, Card) and with_spec:
        content |= card.spec.model_dump(mode="json")
    return dict(_leaves(content))


def _leaves(content: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        name = f"{path}{key}"
        if isinstance(value, list) and any(isinstance(x, dict) for x in value):
            value = {str(i + 1): x for i, x in enumerate(value)}
        if isinstance(value, dict):
            yield from _leaves(value, f"{name}.")
        else:
            yield name.lower() if path == "" else name, _format_value(value)


def _format_value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_format_value, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    return "none" if value is None else f"{value}"
