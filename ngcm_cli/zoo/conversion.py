"""Conversion of a published checkpoint to the format of ngcm."""

import pathlib

import pydantic

from ngcm_cli.checkpoint.card import PublishedCard
from ngcm_cli.checkpoint.native import write_native
from ngcm_cli.errors import CheckpointError, ConfigError, OutputError
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.zoo import cache
from ngcm_cli.zoo.catalogue import model_names, read_card
from ngcm_cli.zoo.published import DESCRIPTION_KEYS, clean_name, read_checkpoint


def convert(
    name_or_path: str,
    folder: str | pathlib.Path,
    *,
    name: str | None = None,
    overwrite: bool = False,
    progress: ByteProgress = no_progress,
) -> pathlib.Path:
    """Write a published model as a card and weights in the format of ngcm.

    The model is given by its name, and fetched if it is not here, or by the path of a
    checkpoint (``.pkl``). The result is the same model, bit by bit, under the same name
    unless another is given. A checkpoint with the name of a listed model takes its
    description from that card, and must be that model.

    Returns:
        Path of the card, beside the weights.

    Raises:
        CheckpointError: The model is not usable, or is in the format of ngcm already.
        OutputError: The files exist or cannot be written.
    """
    folder, path = pathlib.Path(folder), pathlib.Path(name_or_path)
    is_checkpoint = path.suffix == ".pkl"
    listed = (
        _listed_card(name or path.stem)
        if is_checkpoint
        else _published_card(name_or_path)
    )
    name = name or (clean_name(path.stem) if listed is None else listed.name)
    targets = [folder / f"{name}.{suffix}" for suffix in ("yaml", "safetensors")]
    existing = [str(target) for target in targets if target.exists()]
    if existing and not overwrite:
        raise OutputError(
            f"{' and '.join(existing)} exist{'s' if len(existing) == 1 else ''}.",
            "Choose another folder or --name, or give --overwrite to replace it.",
        )
    if listed is not None and not is_checkpoint:
        path = cache.fetch(listed, progress=progress)
    card, arrays = read_checkpoint(path, listed)
    description = {key: getattr(card, key) for key in DESCRIPTION_KEYS}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_native(folder, {**description, "name": name}, card.spec, arrays)
    except pydantic.ValidationError:
        raise ConfigError(
            f"'{name}' is not a valid name of a model.",
            "Give --name letters, digits, dots, dashes and underscores.",
        ) from None
    except OSError as error:
        raise OutputError(
            f"The model cannot be written to {folder}: {error.strerror}.",
            "Choose another folder, or free some space.",
        ) from None
    return targets[0]


def _listed_card(name: str) -> PublishedCard | None:
    """Return the card of the published model of this name, or None."""
    card = read_card(name) if name in model_names() else None
    return card if isinstance(card, PublishedCard) else None


def _published_card(name_or_path: str) -> PublishedCard:
    card = read_card(name_or_path)
    if isinstance(card, PublishedCard):
        return card
    raise CheckpointError(
        f"{card.name} is in the format of ngcm already.",
        "Name a published model, or the path of a checkpoint (.pkl).",
    )
