"""The cache of fetched weights, and lock files that pin them.

Beside ``NAME.pkl`` there is ``NAME.lock.yaml`` with the hash of the file at first use:
weights that change later are refused.
"""

import contextlib
import hashlib
import logging
import os
import pathlib
import time
from collections.abc import Iterator

from ngcm_cli.checkpoint.card import LARGEST_WEIGHTS, PublishedCard
from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.lock import Lock, LockedError
from ngcm_cli.io.progress import ByteProgress, format_size, no_progress
from ngcm_cli.time_format import utc_now
from ngcm_cli.zoo.pin import (
    Pin,
    pin_path,
    read_pin,
    unwritable,
    weights_path,
    write_pin,
)

log = logging.getLogger(__name__)

_ALLOWANCE = 2**24  # bytes besides the parameters that a card states


def is_here(card: PublishedCard) -> bool:
    """Return whether the weights are on this computer."""
    return os.path.isfile(weights_path(card))


def fetch(
    card: PublishedCard, *, offline: bool = False, progress: ByteProgress = no_progress
) -> pathlib.Path:
    """Return the path of the weights of a card, fetched if they are not here yet.

    Raises:
        CheckpointError: They are not available, or differ from those pinned.
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
            "and no network may be used.",
            fetch_hint(card),
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path.parent, error) from None
    with _exclusive(card):
        if is_here(card):  # another process was faster
            check(card)
            return path
        _download(card, progress)
    return path


def check(card: PublishedCard) -> Pin:
    """Compare weights with their card and lock file; return the content of the latter.

    Weights without a lock file are pinned if they agree with the card.

    Raises:
        CheckpointError: They have changed, or the lock file is not usable.
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
        pin = Pin(sha256=sha256, bytes=size, date=utc_now())
        log.info(f"The weights {path} are used for the first time: {_pinned(pin)}.")
        try:
            write_pin(card, pin)
        except CheckpointError as error:  # a shared folder that is read-only
            log.info(f"They cannot be pinned. {error.message}")
    elif pin.sha256 != sha256:
        raise CheckpointError(
            f"The weights {path} have changed: their SHA-256 is {sha256[:12]}…, pinned "
            f"on {pin.date} was {pin.sha256[:12]}….",
            f"Remove the file and run: ngcm models fetch {card.name}. If the change is "
            f"intended, remove {pin_path(card)} instead.",
        )
    if pin.location is not None and pin.location not in card.weights.locations:
        raise CheckpointError(
            f"The weights {path} came from {pin.location}, which the card of "
            f"{card.name} does not name: another model had this name before.",
            "Give the card another name, or remove the weights and their lock file.",
        )
    return pin


def about_size(card: PublishedCard) -> str:
    """Return the size of the weights as text, exact if the card states it."""
    about = "" if card.weights.bytes else "about "
    return f"{about}{format_size(card.about_bytes)}"


def fetch_hint(card: PublishedCard) -> str:
    """Return what to do where weights cannot be fetched."""
    return (
        f"Run 'ngcm models fetch {card.name}' where there is a network and copy the "
        f"file to {weights_path(card)}, or give --model the path of a checkpoint."
    )


def _download(card: PublishedCard, progress: ByteProgress) -> None:
    """Fetch from the first location that has the file, check, pin and rename."""
    from ngcm_cli.zoo.download import Unavailable, download
    from ngcm_cli.zoo.http_session import http_url
    from ngcm_cli.zoo.partial_download import discard

    path, pin = weights_path(card), read_pin(card)
    log.info(
        f"Fetching the weights of {card.name}, {about_size(card)}, licence "
        f"{card.licence}, to {path}."
    )
    refusals: dict[str, str] = {}
    for location in card.weights.locations:
        address = http_url(location)
        if address in refusals:
            continue
        log.info(f"From {address}")
        try:
            limit = min(4 * card.about_bytes + _ALLOWANCE, LARGEST_WEIGHTS)
            received = download(address, path, progress, limit)
            if received.bytes < card.about_bytes // 2:  # an error page of a proxy
                discard(path)
                few = f"{received.bytes} bytes, too few for this model"
                raise Unavailable(f"sends {few}")
        except Unavailable as reason:
            refusals[address] = str(reason)
            log.info(f"{address} {reason}.")
            continue
        try:
            _check_card(
                card, received.sha256, received.bytes, f"{address} has weights that are"
            )
            if pin is not None and pin.sha256 != received.sha256:
                raise CheckpointError(
                    f"{address} has other weights than those pinned on {pin.date}: "
                    f"SHA-256 {received.sha256[:12]}…, not {pin.sha256[:12]}….",
                    f"If the change is intended, remove {pin_path(card)} and fetch "
                    "again.",
                )
        except CheckpointError:
            discard(path)
            raise
        try:
            received.file.replace(path)
        except OSError as error:
            raise unwritable(path, error) from None
        pin = Pin(
            sha256=received.sha256,
            bytes=received.bytes,
            location=location,
            md5=received.announced.get("md5"),
            crc32c=received.announced.get("crc32c"),
            date=utc_now(),
        )
        write_pin(card, pin)
        checked = " and ".join(received.announced) or "no checksum to compare with"
        log.info(f"Fetched {format_size(received.bytes)} ({checked}): {_pinned(pin)}.")
        return
    reasons = "; ".join(f"{url} {reason}" for url, reason in refusals.items())
    raise CheckpointError(
        f"The weights of {card.name} cannot be fetched: {reasons}.", fetch_hint(card)
    )


def _check_card(card: PublishedCard, sha256: str, size: int, subject: str) -> None:
    """Refuse weights that differ in size or hash from those stated in the card."""
    stated = card.weights
    if stated.bytes not in (None, size):
        difference = f"{size} bytes, not {stated.bytes}"
    elif stated.sha256 not in (None, sha256):
        difference = f"SHA-256 {sha256[:12]}…, not {str(stated.sha256)[:12]}…"
    else:
        return
    raise CheckpointError(
        f"{subject} not those of the card of {card.name}: {difference}.",
        "They are damaged or of another version; remove the file, fetch it again.",
    )


@contextlib.contextmanager
def _exclusive(card: PublishedCard) -> Iterator[None]:
    """Wait until no other process fetches the same weights, then exclude others."""
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


def _pinned(pin: Pin) -> str:
    return f"pinned to SHA-256 {pin.sha256[:12]}…"
