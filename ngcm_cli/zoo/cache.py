"""Fetched weights on this computer: where they are, and that they stay the same.

Beside ``NAME.pkl`` lies ``NAME.lock.yaml``, which pins the file: what was there at
first use is what is used ever after.
"""

import contextlib
import datetime
import hashlib
import logging
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Annotated

import pydantic
import yaml

from ngcm_cli.checkpoint.card import PublishedCard, as_yaml
from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.cache_dir import cache_dir
from ngcm_cli.io.lock import Lock, LockedError
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress

log = logging.getLogger(__name__)

_PIN_HEADER = """\
# Pins the weights beside it: ngcm refuses them if they change. To accept other weights,
# remove this file.
"""


class Pin(pydantic.BaseModel):
    """What the lock file says.

    Attributes:
        sha256: of the weights.
        bytes: their size.
        location: where they came from; None for a file that a person put there.
        md5: as the object store published it, base64.
        crc32c: as the object store published it, base64.
        date: when it was written, UTC.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    sha256: Annotated[str, pydantic.Field(pattern="^[0-9a-f]{64}$")]
    bytes: int
    location: str | None = None
    md5: str | None = None
    crc32c: str | None = None
    date: str


def weights_path(card: PublishedCard) -> pathlib.Path:
    """Where the weights of a card are, or will be."""
    return cache_dir() / "models" / f"{card.name}.pkl"


def pin_path(card: PublishedCard) -> pathlib.Path:
    """Where the lock file of a card is, or will be."""
    return weights_path(card).with_name(f"{card.name}.lock.yaml")


def is_here(card: PublishedCard) -> bool:
    """Whether the weights are on this computer."""
    return os.path.isfile(weights_path(card))


def fetch(
    card: PublishedCard, *, offline: bool = False, progress: ByteProgress = no_progress
) -> pathlib.Path:
    """The weights of a card, which are fetched if they are not here.

    Args:
        card: of the model.
        offline: use no network.
        progress: sees how the download is getting on.

    Raises:
        CheckpointError: they cannot be had, or are not those that were pinned.
    """
    path = weights_path(card)
    if is_here(card):
        check(card)
        return path
    if os.path.isdir(path):
        raise CheckpointError(
            f"There is a folder at {path}, where the weights belong.", "Remove it."
        )
    if offline:
        raise CheckpointError(
            f"The weights of {card.name} ({about_size(card)}) are not on this computer "
            "and nothing may be downloaded now.",
            ways_out(card),
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path.parent, error) from None
    with _alone(card):
        if is_here(card):  # another process was faster
            check(card)
            return path
        _download(card, progress)
    return path


def check(card: PublishedCard) -> Pin:
    """Raise unless the weights that are here are those that they should be.

    Weights without a lock file are pinned, if they agree with the card.

    Raises:
        CheckpointError: they have changed, or the lock file is not usable.
    """
    path = weights_path(card)
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError as error:
        raise CheckpointError(
            f"The weights {path} cannot be read: {error.strerror}.",
            "Check their permissions and the disk.",
        ) from None
    _check_card(card, sha256, size, f"The weights {path} are")
    pin = read_pin(card)
    if pin is None:
        pin = Pin(sha256=sha256, bytes=size, date=_now())
        log.info(f"The weights {path} are used for the first time: {_pinned(pin)}.")
        try:
            write_pin(card, pin)
        except CheckpointError as error:  # a folder that is shared for reading only
            log.info(f"They cannot be pinned. {error.message}")
    elif pin.sha256 != sha256:
        raise CheckpointError(
            f"The weights {path} have changed: their SHA-256 is {sha256[:12]}…, pinned "
            f"on {pin.date} was {pin.sha256[:12]}….",
            f"Remove the file and run: ngcm models fetch {card.name}. If the change is "
            f"meant, remove {pin_path(card)} instead.",
        )
    if pin.location is not None and pin.location not in card.weights.locations:
        raise CheckpointError(
            f"The weights {path} came from {pin.location}, which the card of "
            f"{card.name} does not name: another model of this name was here before.",
            "Give the card another name, or remove the weights and their lock file.",
        )
    return pin


def read_pin(card: PublishedCard) -> Pin | None:
    """The pin of a card's weights, if there is one.

    Raises:
        CheckpointError: the lock file is not usable.
    """
    path = pin_path(card)
    try:
        return Pin.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        raise CheckpointError(
            f"The lock file {path} cannot be read.",
            "Remove it; the weights beside it are then pinned again as they are.",
        ) from None


def write_pin(card: PublishedCard, pin: Pin) -> None:
    """Write the lock file, whole or not at all."""
    path = pin_path(card)
    partial = path.with_name(path.name + ".partial")
    content = {k: v for k, v in pin.model_dump().items() if v is not None}
    try:
        partial.write_text(_PIN_HEADER + as_yaml(content), "utf-8")
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path.parent, error) from None


def about_size(card: PublishedCard) -> str:
    """Size of the weights for people: exact where the card says it."""
    about = "" if card.weights.bytes else "about "
    return f"{about}{format_size(card.about_bytes)}"


def ways_out(card: PublishedCard) -> str:
    """What to do where weights cannot be fetched."""
    return (
        f"Run 'ngcm models fetch {card.name}' where there is a network and copy the "
        f"file to {weights_path(card)}, or give --model the path of a checkpoint."
    )


def _download(card: PublishedCard, progress: ByteProgress) -> None:
    """Fetch from the first location that has the file, check, pin and rename."""
    from ngcm_cli.zoo.download import Unavailable, discard, download
    from ngcm_cli.zoo.transport import http_address

    path, pin = weights_path(card), read_pin(card)
    log.info(
        f"Fetching the weights of {card.name}, {about_size(card)}, licence "
        f"{card.licence}, to {path}."
    )
    refusals: dict[str, str] = {}
    for location in card.weights.locations:
        address = http_address(location)
        if address in refusals:
            continue
        log.info(f"From {address}")
        try:
            got = download(address, path, progress)
            if got.bytes < card.about_bytes // 2:  # the page of a proxy, say
                discard(path)
                raise Unavailable(f"sends {got.bytes} bytes, too few for this model")
        except Unavailable as reason:
            refusals[address] = str(reason)
            log.info(f"{address} {reason}.")
            continue
        try:
            _check_card(card, got.sha256, got.bytes, f"{address} has weights that are")
            if pin is not None and pin.sha256 != got.sha256:
                raise CheckpointError(
                    f"{address} has other weights than were pinned on {pin.date}: "
                    f"SHA-256 {got.sha256[:12]}…, not {pin.sha256[:12]}….",
                    f"If the change is meant, remove {pin_path(card)} and fetch again.",
                )
        except CheckpointError:
            discard(path)
            raise
        try:
            got.file.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from None
        pin = Pin(
            sha256=got.sha256,
            bytes=got.bytes,
            location=location,
            md5=got.announced.get("md5"),
            crc32c=got.announced.get("crc32c"),
            date=_now(),
        )
        write_pin(card, pin)
        checked = " and ".join(got.announced) or "no checksum to compare with"
        log.info(f"Fetched {format_size(got.bytes)} ({checked}): {_pinned(pin)}.")
        return
    reasons = "; ".join(f"{place} {reason}" for place, reason in refusals.items())
    raise CheckpointError(
        f"The weights of {card.name} cannot be fetched: {reasons}.", ways_out(card)
    )


def _check_card(card: PublishedCard, sha256: str, size: int, whose: str) -> None:
    """Weights agree with what the card says of them, if it does."""
    hint = "They are damaged or of another version; remove the file, fetch it again."
    if card.weights.bytes not in (None, size):
        raise CheckpointError(
            f"{whose} not those of the card of {card.name}: "
            f"{size} bytes, not {card.weights.bytes}.",
            hint,
        )
    if card.weights.sha256 not in (None, sha256):
        raise CheckpointError(
            f"{whose} not those of the card of {card.name}: "
            f"SHA-256 {sha256[:12]}…, not {str(card.weights.sha256)[:12]}….",
            hint,
        )


@contextlib.contextmanager
def _alone(card: PublishedCard) -> Iterator[None]:
    """Wait until no other process fetches the same weights, then keep others out."""
    file = weights_path(card).with_name(f".{card.name}.fetching")
    waiting = False
    while True:
        try:
            lock = Lock(file)
            break
        except LockedError:
            if not waiting:
                log.info(f"Another process is fetching {card.name}; waiting for it.")
            waiting = True
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.release()


def _unwritable(place: pathlib.Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"{place} cannot be written to: {error.strerror}.",
        "Set NGCM_HOME to a folder that can be.",
    )


def _pinned(pin: Pin) -> str:
    return f"pinned to SHA-256 {pin.sha256[:12]}…"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
