"""Settings of a command: immutable, checked when they are made, and as flags again."""

import pathlib
import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.errors import ConfigError, check_text
from ngcm_cli.time_format import (
    counts_hours,
    format_duration,
    format_time,
    format_times,
)

_NULL = "", "~", "null"  # in run files


class CheckedSettings(pydantic.BaseModel):
    """Settings of any command, whose names are those of its flags."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True
    )
    command: ClassVar[str]

    _readings: tuple[str, ...] = ()

    def __init__(self, **settings: Any):
        for value in settings.values():
            check_text(value if isinstance(value, str | pathlib.PurePath) else "")
        try:
            super().__init__(**settings)
        except pydantic.ValidationError as error:
            raise settings_error(error, type(self).model_fields) from None
        self._readings = tuple(
            f"{name} {value} is {format_duration(span)}: a number counts hours"
            for name, value in settings.items()
            if isinstance(span := getattr(self, name), np.timedelta64)
            and counts_hours(value)
        )

    @property
    def readings(self) -> tuple[str, ...]:
        """How settings were read that can be written in several ways, for the plan."""
        return self._readings

    def as_flags(self, defaults: bool = False) -> dict[str, str]:
        """Return the settings by name, as the text of their flags, without None.

        Args:
            defaults: whether settings that were not given are included.
        """
        return {
            name: _text_of(getattr(self, name))
            for name in type(self).model_fields
            if (defaults or name in self.model_fields_set)
            and getattr(self, name) is not None
        }

    def command_line(self) -> str:
        """Return the command line of these settings."""
        flags = ["ngcm", self.command]
        for name, text in self.as_flags().items():
            value, flag = getattr(self, name), name.replace("_", "-")
            if value is True:
                flags.append(f"--{flag}")
            elif value is not False:
                flags += [f"--{flag}", text]
            elif type(self).model_fields[name].default is True:
                flags.append(f"--no-{flag}")
        return shlex.join(flags)


def _text_of(value: Any) -> str:
    if isinstance(value, range):
        return f"{value.start}:{value.stop}"
    if isinstance(value, tuple) and value and isinstance(value[0], np.datetime64):
        return format_times(value)
    if isinstance(value, tuple) and value and isinstance(value[0], np.timedelta64):
        return ",".join(map(format_duration, value))
    if isinstance(value, tuple):
        return ",".join(map(_item_text, value)) or "none"
    if isinstance(value, np.timedelta64):
        return format_duration(value)
    if isinstance(value, np.datetime64):
        return format_time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _item_text(item: Any) -> str:
    """Return an item of a list as text; of a pair both, as ``t850:300``."""
    is_pair = type(item) is tuple
    return ":".join(map(str, item)) if is_pair else str(item)


def settings_error(
    error: pydantic.ValidationError, known: Mapping[str, Any]
) -> ConfigError:
    """Return the first failure of a validation as an error a user can act on."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        subject = f"{name}: " if name else ""  # else it is about several settings
        return ConfigError(f"{subject}{cause.message}", cause.hint)
    if first["type"] == "missing":
        return ConfigError(
            f"{name} is not given, and has no default.",
            f"Give --{name.replace('_', '-')}, or {name}=... in Python.",
        )
    assert first["type"] == "extra_forbidden", first  # all values have parsers of ours
    return ConfigError(f"Unknown setting '{name}'.", values.closest(name, known))


def is_given(value: Any) -> bool:
    """Return whether a setting of a run file has a value, and not null or nothing."""
    return value is not None and not (isinstance(value, str) and value in _NULL)


def given_settings(settings: Mapping[Any, Any]) -> dict[str, Any]:
    """Return those settings of a part of a run file that are not null.

    Their names have underscores. Values that are left empty stay, to be refused.
    """
    return {
        str(name).replace("-", "_"): value
        for name, value in settings.items()
        if is_given(value) or value == ""
    }
