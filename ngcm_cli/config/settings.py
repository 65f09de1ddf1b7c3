"""What the settings of every kind of run have in common."""

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration, format_time, format_times


class Settings(pydantic.BaseModel):
    """Settings of a run: immutable, none unknown, every value checked.

    Attributes:
        model: name of a card in the zoo, or path of one.
        data: NetCDF, GRIB or Zarr with the initial state, as a path, a URL, a pattern
            of files, or ``arco``; None is the bundled sample, as the command has it.
        seed: of the random stream, ``jax.random.key(seed)``, below 2**32.
        variables: what to write; None is what the command has as default.
        levels: pressure levels to write, in hPa; None is all of the model's.
        grid: to write on: spacing in degrees of a regular one with poles; None, in
            words ``native``, is the model's.
        sst_data: where sea-surface temperature and sea ice are.
        sst_offset: K, added to sea-surface temperature everywhere.
        offline: use no network; weights and data must be on this computer.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True
    )
    command: ClassVar[str]

    model: values.Text = values.DEFAULT_MODEL
    data: values.Text | None = None
    seed: values.Seed = 0
    variables: values.Names | None = None
    levels: values.Levels | None = None
    grid: values.Spacing = None
    sst_data: values.Text | None = None
    sst_offset: values.Kelvin = 0.0
    offline: values.Switch = False

    def __init__(self, **settings: Any):
        try:
            super().__init__(**settings)
        except pydantic.ValidationError as error:
            raise _as_sentence(error, type(self).model_fields) from None

    @pydantic.model_validator(mode="after")
    def _not_empty(self) -> Self:
        for name in ("variables", "levels"):
            if getattr(self, name) == ():
                raise ConfigError(
                    f"{name} is empty.", "Name at least one, or leave it out."
                )
        return self

    def words(self, defaults: bool = False) -> dict[str, str]:
        """The settings by name, as the text of their flags; None is left out.

        Args:
            defaults: also those that were not given.
        """
        return {
            name: _text_of(getattr(self, name))
            for name in type(self).model_fields
            if (defaults or name in self.model_fields_set)
            and getattr(self, name) is not None
        }

    def command_line(self) -> str:
        """The command that runs this again."""
        flags = ["ngcm", self.command]
        for name, text in self.words().items():
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
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, np.timedelta64):
        return format_duration(value)
    if isinstance(value, np.datetime64):
        return format_time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _as_sentence(
    error: pydantic.ValidationError, known: Mapping[str, Any]
) -> ConfigError:
    """The first complaint of a validation, as one that a user can act on."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        place = f"{name}: " if name else ""  # else it is about several settings
        return ConfigError(f"{place}{cause.message}", cause.hint)
    assert first["type"] == "extra_forbidden", first  # every value is read above
    return ConfigError(f"Unknown setting '{name}'.", values.closest(name, known))
