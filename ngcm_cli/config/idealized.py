"""The settings of a run of an idealized case."""

import re
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration

COARSEST, FINEST = 5, 1000
"""Triangular truncations that can be run; grids of finer ones fill any memory."""

_MOST_LAYERS = 1000
_LONGEST = 365_250.0  # days
_ZERO = np.timedelta64(0, "s")
_MINUTE = np.timedelta64(60, "s")


def _truncation(value: Any) -> str:
    text = str(value).strip().upper()
    if not re.fullmatch("T?[0-9]{1,6}", text):
        raise ConfigError(
            f"'{value}' is not a triangular truncation.", "Give one such as T42."
        )
    number = int(text.removeprefix("T"))
    if not COARSEST <= number <= FINEST:
        detail = "coarse" if number < COARSEST else "fine"
        raise ConfigError(
            f"T{number} is too {detail}.", f"Give one from T{COARSEST} to T{FINEST}."
        )
    return f"T{number}"


def _layers(value: Any) -> int | tuple[float, ...]:
    """Return the number of equal layers, or the boundaries of others."""
    items = value if isinstance(value, list | tuple) else [value]
    names = [name.strip() for item in items for name in str(item).split(",")]
    wanted = "Give their number, 2 or more, or boundaries in sigma, such as 0,0.3,1."
    try:
        numbers = [values.parse_number(name) for name in names]
    except ValueError:
        raise ConfigError(f"'{','.join(names)}' are not levels.", wanted) from None
    if len(numbers) == 1:
        count = numbers[0]
        if count != int(count) or not 2 <= count <= _MOST_LAYERS:
            raise ConfigError(f"There cannot be {names[0]} levels.", wanted)
        return int(count)
    # Apart by as much as float32 can tell, in which they are computed.
    ascends = (np.diff(np.asarray(numbers, np.float32)) > 1e-6).all()
    if len(numbers) < 3 or numbers[0] != 0 or numbers[-1] != 1 or not ascends:
        raise ConfigError(
            f"The boundaries '{','.join(names)}' do not ascend from 0 to 1.", wanted
        )
    return tuple(numbers)


def _days(value: Any) -> int | float:
    try:
        text = re.sub(r"\s*(d|days?)$", "", str(value).strip().lower())
        number = values.parse_number(text)
    except ValueError:
        number = np.nan
    if not 0 < number <= _LONGEST or (number * 1440) % 1:
        raise ConfigError(
            f"'{value}' is not a length in days, in whole minutes.",
            "Give one such as 12 or 0.25.",
        )
    return int(number) if number == int(number) else number


def _time_step(value: Any) -> Any:
    if value is None or str(value).strip().lower() == "auto":
        return None
    step = values.parse_duration(value)
    if step <= _ZERO or step % _MINUTE:
        raise ConfigError(
            f"time_step {format_duration(step)} is not one or more whole minutes.",
            "Give auto, or one such as 10m.",
        )
    return step


Truncation = Annotated[str, pydantic.BeforeValidator(_truncation)]
Layers = Annotated[int | tuple[float, ...], pydantic.BeforeValidator(_layers)]
Days = Annotated[int | float, pydantic.BeforeValidator(_days)]
TimeStep = Annotated[np.timedelta64 | None, pydantic.BeforeValidator(_time_step)]


class IdealizedConfig(CheckedSettings):
    """The settings of ``ngcm idealized``; what is not given is as the case has it.

    Attributes:
        case: name of the case.
        truncation: triangular truncation, such as ``T42``.
        levels: number of equally thick sigma layers, or the boundaries of others, from
            0 to 1.
        days: length of the run.
        time_step: length of the time step, whole minutes; None is as long as the
            truncation allows.
        precision: of matrix products: ``published``, ``float32`` or ``fast``.
        every: time between outputs.
        variables: output variables.
        output_levels: pressures in hPa, or ``"model"`` for the sigma levels; None is
            the usual pressure levels.
        grid: spacing in degrees of a regular output grid with poles; None is the grid
            of the truncation.
        output: path of the output; None makes a name of case and resolution.
        zarr_format: version of the format of Zarr stores, 3 or 2.
        overwrite: replace an existing output.
        restart_every: time between restart files; None writes them every few minutes of
            computing and at interruptions.
    """

    command: ClassVar[str] = "idealized"
    allowed_on_resume: ClassVar[tuple[str, ...]] = ("restart_every",)
    sources: ClassVar[tuple[str, ...]] = ()

    # What other runs can choose, and the run machinery asks of all of them.
    seed: ClassVar[int] = 0
    clip_humidity: ClassVar[bool] = False
    nudge_variables: ClassVar[None] = None
    on_instability: ClassVar[str] = "stop"
    scheduler: ClassVar[None] = None

    case: values.Text | None = None
    truncation: Truncation | None = None
    levels: Layers | None = None
    days: Days | None = None
    time_step: TimeStep = None
    precision: values.Precision = "published"
    every: values.Duration | None = None
    variables: values.Names | None = None
    output_levels: values.Levels | None = None
    grid: values.Spacing = None
    output: values.Path | None = None
    zarr_format: values.ZarrFormat = 3
    overwrite: values.Switch = False
    restart_every: values.Duration | None = None

    @property
    def lead(self) -> np.timedelta64 | None:
        """Length of the run."""
        if self.days is None:
            return None
        return np.timedelta64(round(self.days * 86400), "s")

    def command_line(self) -> str:
        """Return the command line of these settings; the case is no option."""
        return super().command_line().replace("--case ", "", 1)

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("variables", "output_levels"):
            if getattr(self, name) == ():
                raise ConfigError(
                    f"{name} is empty.", "Name at least one, or leave it out."
                )
        every, lead, restart = self.every, self.lead, self.restart_every
        if every is None:
            return self
        if every <= _ZERO:
            raise ConfigError(
                "every is zero.", "Give a time between outputs, such as 6h."
            )
        shown = format_duration(every)
        if lead is not None and lead % every:
            raise ConfigError(
                f"The length of {self.days:g} days is not a multiple of every {shown}.",
                "Give other days, or another every.",
            )
        if restart is not None and (not restart or restart % every):
            raise ConfigError(
                f"restart_every {format_duration(restart)} is not a multiple of every "
                f"{shown}.",
                "Give one that is.",
            )
        if self.time_step is not None and every % self.time_step:
            raise ConfigError(
                f"every {shown} is not a multiple of time_step "
                f"{format_duration(self.time_step)}.",
                "Give a time step that divides it.",
            )
        return self
