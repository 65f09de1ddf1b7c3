"""The truth of new outputs: checked, and what it says about their normalisation."""

from typing import Any

import numpy as np

from ngcm_cli.checkpoint.spec import OutputHeadSpec, TowerSpec
from ngcm_cli.config.new_output import NewOutput
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.inputs.surface_record import SurfaceRecord
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.time_format import format_time

_ATTRIBUTES = "units", "long_name", "standard_name", "cell_methods"


class OutputTruth:
    """The truth of one new output, on the model's grid.

    Args:
        name: of the output.
        config: its settings.
        data: of the training, that has the truth if no other is named.
        grid: of the model.
        offline: whether no network may be used.
        download: receives the progress of downloads.

    Attributes:
        record: of the variable.

    Raises:
        InputDataError: there are no such data, or they cannot be the truth.
    """

    def __init__(
        self,
        name: str,
        config: NewOutput,
        data: str,
        grid: Grid,
        offline: bool = False,
        download: ByteProgress = no_progress,
    ):
        self.name, self.config, self._grid = name, config, grid
        names = [name, *config.aliases, *filter(None, [config.cmip])]
        self.record = SurfaceRecord(
            config.truth or data,
            names if config.variable is None else [config.variable],
            grid,
            config.units,
            offline=offline,
            progress=download,
        )

    def spec(self, mean: float, deviation: float) -> OutputHeadSpec:
        """Return the specification of the output.

        Args:
            mean: of the truth, in the units of the output.
            deviation: its standard deviation.
        """
        config, there = self.config, self.record.attributes
        attributes = {
            key: getattr(config, key) or there.get(key, "") for key in _ATTRIBUTES
        }
        attributes["long_name"] = attributes["long_name"] or self.name
        return OutputHeadSpec(
            **attributes,
            aliases=config.aliases,
            cmip=config.cmip or "",
            shift=0.0 if config.minimum is not None else mean,
            scale=deviation,
            minimum=config.minimum,
            fields=config.fields,
            levels=config.levels,
            sees_sea=config.sees_sea,
            position_fields=config.position_fields,
            tower=TowerSpec(
                latent=config.latent,
                blocks=config.blocks,
                block_layers=config.block_layers,
                decode_layers=config.decode_layers,
            ),
        )

    def describe(self, numbers: Any) -> str:
        """Return where it comes from and its ``TruthCheck.moments``, in one line."""
        mean, deviation, missing = map(float, numbers)
        units = self.record.attributes["units"]
        text = f"{self.name} from {self.record.found} in "
        text += f"{redacted(self.record.location)}, mean {mean:.5g} {units}, "
        text += f"standard deviation {deviation:.5g} {units}"
        if missing:
            text += f"; {missing:.0%} of the sphere has no truth and does not count"
        return text


class TruthCheck:
    """Checks the fields of a truth as they are read, and adds them up.

    Args:
        truth: of the output.
        grid: of the model.
    """

    def __init__(self, truth: OutputTruth, grid: Grid):
        self._truth = truth
        self._area = np.asarray(grid.area_weights, np.float64)[None]
        self._known: np.ndarray | None = None
        self._moments: list[list[float]] = []

    def add(self, time: np.datetime64, field: np.ndarray, is_trained: bool) -> None:
        """Check a field, (1, longitude, latitude); one that is trained on counts.

        Raises:
            InputDataError: it has values below the minimum.
        """
        self._known = known = np.isfinite(field)
        minimum = self._truth.config.minimum
        if minimum is not None and (least := np.nanmin(field)) < minimum:
            raise InputDataError(
                f"In '{redacted(self._truth.record.location)}': '{self._truth.name}' "
                f"is {least:.6g} at {format_time(time)}, below its minimum "
                f"{minimum:g}.",
                "Give another minimum, or correct the values.",
            )
        if is_trained:
            weights = np.where(known, self._area, 0)
            weights = weights / weights.sum()
            x = np.where(known, field, 0).astype(np.float64)
            self._moments.append([(weights * x).sum(), (weights * x**2).sum()])

    def moments(self) -> np.ndarray:
        """Return mean, standard deviation and the share without truth, float32.

        Raises:
            InputDataError: all values are the same.
        """
        mean, square = np.mean(self._moments, axis=0)
        deviation = np.sqrt(max(square - mean**2, 0.0))
        if not deviation > 1e-6 * abs(mean):
            raise InputDataError(
                f"In '{redacted(self._truth.record.location)}': '{self._truth.name}' "
                "is the same everywhere and at all times.",
                "There is nothing to learn: check the data.",
            )
        assert self._known is not None
        area = np.broadcast_to(self._area, self._known.shape)
        missing = (area * ~self._known).sum() / area.sum()
        return np.array([mean, deviation, missing], np.float32)
