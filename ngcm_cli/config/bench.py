"""The settings of ``ngcm bench``."""

from typing import ClassVar

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings


class BenchConfig(CheckedSettings):
    """The settings of ``ngcm bench``.

    Attributes:
        model: name of a listed model, or path of a card or checkpoint.
        precision: of matrix products: ``published``, ``float32`` or ``fast``.
        members: how many are computed at once, one measurement for each number.
        steps: model steps of one timing; None is as many as take about two seconds.
        format: of the table that is printed.
        offline: whether the network is not used.
    """

    command: ClassVar[str] = "bench"

    model: values.Text = values.DEFAULT_MODEL
    precision: values.Precision = "published"
    members: values.Counts = (1,)
    steps: values.Count | None = None
    format: values.TableFormat = "table"
    offline: values.Switch = False
