"""The place of fetched weights, and the lock file beside them that pins their hash."""

import pathlib
from typing import Annotated

import pydantic
import yaml

from ngcm_cli.checkpoint.card import PublishedCard, as_yaml
from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.atomic import write_text
from ngcm_cli.io.cache_dir import cache_dir
from ngcm_cli.io.plain_yaml import read_plain_yaml

_PIN_HEADER = """\
# Pins the weights beside it: ngcm refuses them if they change. To accept other weights,
# remove this file.
"""


class Pin(pydantic.BaseModel):
    """Content of a lock file.

    Attributes:
        location: URL from which they were fetched; None if the user copied them here.
        md5: MD5 that the object store published, base64.
        crc32c: CRC32C that the object store published, base64.
        date: When the file was written, UTC.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    sha256: Annotated[str, pydantic.Field(pattern="^[0-9a-f]{64}$")]
    bytes: int
    location: str | None = None
    md5: str | None = None
    crc32c: str | None = None
    date: str


def weights_path(card: PublishedCard) -> pathlib.Path:
    """Return the path of the weights of a card, whether they exist or not."""
    return cache_dir() / "models" / f"{card.name}.pkl"


def pin_path(card: PublishedCard) -> pathlib.Path:
    """Return the path of the lock file of a card, whether it exists or not."""
    return weights_path(card).with_name(f"{card.name}.lock.yaml")


def read_pin(card: PublishedCard) -> Pin | None:
    """Return the content of a card's lock file, None without one; raise if unusable."""
    path = pin_path(card)
    try:
        return Pin.model_validate(read_plain_yaml(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError):
        raise CheckpointError(
            f"The lock file {path} cannot be read.",
            "Remove it; the weights beside it are then pinned again as they are.",
        ) from None


def write_pin(card: PublishedCard, pin: Pin) -> None:
    """Write a lock file atomically."""
    path = pin_path(card)
    content = {k: v for k, v in pin.model_dump().items() if v is not None}
    try:
        write_text(path, _PIN_HEADER + as_yaml(content))
    except OSError as error:
        raise unwritable(path.parent, error) from None


def unwritable(path: pathlib.Path, error: OSError) -> CheckpointError:
    """Return the error for a path that cannot be written to."""
    return CheckpointError(
        f"{path} cannot be written to: {error.strerror}.",
        "Set NGCM_HOME to a writable folder.",
    )
