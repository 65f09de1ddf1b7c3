"""The settings of ``ngcm diagnose``."""

import dataclasses
import re
import shlex
from typing import Annotated, Any, ClassVar

import numpy as np
import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.errors import ConfigError

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_UNITS = {4: "Y", 7: "M", 10: "D"}  # by length of the text


@dataclasses.dataclass(frozen=True)
class Period:
    """A span of whole days.

    Attributes:
        text: as it was given.
        begin: first day, datetime64[s].
        end: day after the last.
    """

    text: str
    begin: np.datetime64
    end: np.datetime64

    def __str__(self) -> str:
        return self.text


def parse_period(value: Any) -> Period:
    """Return the period of ``1979/1988``, ``1979-01/1988-12`` or ``1979``.

    Years, months or days; both ends are included.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(value, Period):
        return value
    text = str(value).strip()
    first, _, last = text.partition("/")
    last = last or first
    try:
        if not (_DATE.fullmatch(first) and _DATE.fullmatch(last)):
            raise ValueError
        begin = np.datetime64(first, "s")
        end = (np.datetime64(last, _UNITS[len(last)]) + 1).astype("datetime64[s]")
    except ValueError:
        raise ConfigError(
            f"'{text}' is not a period.",
            "Give years, months or days, such as 1979-01/1988-12.",
        ) from None
    if not begin < end:
        raise ConfigError(
            f"The period {text} ends before it begins.", "Give the earlier time first."
        )
    return Period(text, begin, end)


class DiagnoseConfig(CheckedSettings):
    """The settings of ``ngcm diagnose``.

    Attributes:
        run: output of a run, or other forecasts or a record.
        against: analysis or record with which it is compared.
        period: times of a record, or initial times of forecasts; None is all.
        output: NetCDF file of all numbers, curves and maps; None writes none.
        overwrite: replace an existing file.
        format: of the table that is printed.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "diagnose"

    run: values.Text
    against: values.Text | None = None
    period: Annotated[Period | None, pydantic.BeforeValidator(parse_period)] = None
    output: values.Path | None = None
    overwrite: values.Switch = False
    format: values.TableFormat = "table"
    offline: values.Switch = False

    def command_line(self) -> str:
        """Return the command line of these settings, the run without a flag."""
        flags = super().command_line()
        name = shlex.quote(self.run)
        return flags.replace(f" --run {name}", f" {name}", 1)

    @pydantic.model_validator(mode="after")
    def _is_netcdf(self) -> "DiagnoseConfig":
        if self.output is not None and self.output.suffix != ".nc":
            raise ConfigError(
                f"The output {self.output} is not named as NetCDF.",
                "End its name in .nc.",
            )
        return self
