"""From a published checkpoint to our own format."""

import pathlib

import pydantic

from ngcm_cli.checkpoint.card import PublishedCard
from ngcm_cli.checkpoint.native import write_native
from ngcm_cli.errors import CheckpointError, ConfigError, OutputError
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.zoo import cache
from ngcm_cli.zoo.catalogue import model_names, written_card
from ngcm_cli.zoo.published import DESCRIBED, clean_name, read_checkpoint


def convert(
    name_or_path: str,
    folder: str | pathlib.Path,
    *,
    name: str | None = None,
    overwrite: bool = False,
    progress: ByteProgress = no_progress,
) -> pathlib.Path:
    """Write a published model as a card and weights in our own format.

    The result is the same model, bit by bit. A checkpoint that has the name of a model
    of the zoo takes its description from there, and must be that model.

    Args:
        name_or_path: of a published model, which is fetched if it is not here; or the
            path of a checkpoint (``.pkl``).
        folder: where to write; made if it does not exist.
        name: of the result; by default that of the model or file.
        overwrite: replace existing files.
        progress: as for ``fetch``.

    Returns:
        The path of the card, beside the weights.

    Raises:
        CheckpointError: the model is not usable, or is in our format already.
        OutputError: the files exist or cannot be written.
    """
    folder, path = pathlib.Path(folder), pathlib.Path(name_or_path)
    is_checkpoint = path.suffix == ".pkl"
    described = _described(name or path.stem) if is_checkpoint else _card(name_or_path)
    name = name or (clean_name(path.stem) if described is None else described.name)
    targets = [folder / f"{name}.{suffix}" for suffix in ("yaml", "safetensors")]
    existing = [str(target) for target in targets if target.exists()]
    if existing and not overwrite:
        raise OutputError(
            f"{' and '.join(existing)} exist{'s' if len(existing) == 1 else ''}.",
            "Choose another folder or --name, or give --overwrite to replace it.",
        )
    if described is not None and not is_checkpoint:
        path = cache.fetch(described, progress=progress)
    card, arrays = read_checkpoint(path, described)
    description = {key: getattr(card, key) for key in DESCRIBED}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_native(folder, {**description, "name": name}, card.spec, arrays)
    except pydantic.ValidationError:
        raise ConfigError(
            f"A model cannot be called '{name}'.",
            "Give --name letters, digits, dots, dashes and underscores.",
        ) from None
    except OSError as error:
        raise OutputError(
            f"The model cannot be written to {folder}: {error.strerror}.",
            "Choose another folder, or free some space.",
        ) from None
    return targets[0]


def _described(name: str) -> PublishedCard | None:
    """The card of a published model of this name, if the zoo has one."""
    card = written_card(name) if name in model_names() else None
    return card if isinstance(card, PublishedCard) else None


def _card(name_or_path: str) -> PublishedCard:
    card = written_card(name_or_path)
    if isinstance(card, PublishedCard):
        return card
    raise CheckpointError(
        f"{card.name} is in our format already.",
        "Name a published model, or the path of a checkpoint (.pkl).",
    )
