"""The settings of ``ngcm bench``."""

from typing import Annotated, Any, ClassVar

import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.errors import ConfigError

_MOST_MEMBERS = 4096


def _member_counts(value: Any) -> tuple[int, ...]:
    """Return the numbers of a list such as ``1,8,32``, ascending.

    Raises:
        ConfigError: one is no whole number from 1 to 4096, or there is none.
    """
    several = value if isinstance(value, list | tuple) else str(value).split(",")
    counts = set()
    for item in several:
        text = str(item).strip()
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_MEMBERS):
            raise ConfigError(
                f"'{text}' is no number of members from 1 to {_MOST_MEMBERS}.",
                "Give one or several, such as 1,8,32.",
            )
        counts.add(int(text))
    if not counts:
        raise ConfigError("No number of members is given.", "Give 1, or 1,8,32.")
    return tuple(sorted(counts))


class BenchConfig(CheckedSettings):
    """The settings of ``ngcm bench``.

    Attributes:
        model: name of a listed model, or path of a card or checkpoint.
        members: how many are computed at once, one measurement for each number.
        steps: model steps of one timing; None is as many as take about two seconds.
        format: of the table that is printed.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "bench"

    model: values.Text = values.DEFAULT_MODEL
    members: Annotated[tuple[int, ...], pydantic.BeforeValidator(_member_counts)] = (1,)
    steps: values.Count | None = None
    format: values.TableFormat = "table"
    offline: values.Switch = False
