"""The temporary files of an unfinished download, by which it can be resumed."""

import os
import pathlib
from typing import Annotated

import pydantic

from ngcm_cli.zoo.http_session import Checksum


class DownloadNote(pydantic.BaseModel):
    """Content of the JSON file: which file a partial one is the beginning of."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    address: str
    total: int | None
    # An ETag or a date, sent unchanged in the header If-Range.
    validator: Annotated[str, pydantic.Field(pattern=r"^[ -~]*$")] | None
    announced: dict[Checksum, str]


def discard(target: pathlib.Path) -> None:
    """Remove the temporary files of a target."""
    for file in temporary_files(target):
        if os.path.lexists(file):
            file.unlink()


def temporary_files(target: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Return the paths of the partial file and of its JSON file."""
    partial = target.with_name(target.name + ".partial")
    return partial, target.with_name(target.name + ".partial.json")
