"""What the JSON files of a run must hold, to be believed."""

import pathlib
from typing import Any

import pydantic

from ngcm_cli.errors import OutputError


class _Content(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class _Event(_Content):
    """A member that became unstable, or was rewound."""

    init_time: str
    realization: pydantic.NonNegativeInt
    reason: str


class RunRecord(_Content):
    """What a resumed run must have in common with the one before."""

    version: int
    command: str
    settings: dict[str, Any]
    weights_sha256: str
    spec_sha256: Any
    forcing_sha256: Any
    nudging_sha256: Any = ""
    vectors_sha256: Any = ""
    batch: pydantic.PositiveInt
    members: list[pydantic.NonNegativeInt]
    complete: list[pydantic.NonNegativeInt]
    failed: list[_Event]
    run: str
    versions: dict[str, str]
    stores: list[str] = []
    status: str | None = None


class Outcome(_Content):
    """What happened in a task that is complete."""

    members: list[pydantic.NonNegativeInt] = []
    failed: list[_Event]
    rewinds: list[_Event]


class ProgressRecord(_Content):
    """How far a process is."""

    status: str = ""
    tasks_done: pydantic.NonNegativeInt = 0
    tasks: pydantic.NonNegativeInt = 0
    failed: list[_Event] = []
    rewinds: list[_Event] = []
    members: list[pydantic.NonNegativeInt] = []
    init_time: str = ""
    time: str = ""
    windows: pydantic.NonNegativeInt = 0
    total_windows: pydantic.PositiveInt = 1
    window_seconds: pydantic.NonNegativeInt = 0
    windows_per_second: pydantic.NonNegativeFloat = 0


def check_content(
    kind: type[_Content], content: Any, path: pathlib.Path
) -> dict[str, Any]:
    """Return the content of a JSON file, which has what its kind must have.

    Raises:
        OutputError: something is missing, or not what it must be.
    """
    try:
        kind.model_validate(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its beginning"
        raise OutputError(
            f"{path} is damaged at {where}: {first['msg']}.",
            "Put it back from a copy, or start a new run.",
        ) from None
    return content
