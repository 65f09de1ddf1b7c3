"""The datasets of an evaluation: opened, named and checked."""

import contextlib
import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import xarray as xr

from ngcm_cli.config.evaluate import BASELINES, COMPUTE, EvaluateConfig, NamedLocation
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.gridded import check_grid, open_gridded
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.verification.climatology_file import open_climatology
from ngcm_cli.verification.daily_precipitation import with_daily_precipitation
from ngcm_cli.verification.forecasts import check_forecast
from ngcm_cli.verification.truth import as_record, check_truth


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluationSources:
    """Datasets in canonical form.

    Attributes:
        forecasts: forecasts by name.
        truth: the truth.
        climatology: a climatology, a long record, or None.
        baselines: forecasts that are baselines, by name.
    """

    forecasts: dict[str, xr.Dataset]
    truth: xr.Dataset
    climatology: xr.Dataset | None = None
    baselines: dict[str, xr.Dataset] = dataclasses.field(default_factory=dict)

    def check(self) -> None:
        """Check that forecasts are forecasts and the truth is none.

        Raises:
            InputDataError: they are not.
        """
        check_truth(self.truth)
        for dataset in (*self.forecasts.values(), *self.baselines.values()):
            check_forecast(dataset)
        if self.climatology is not None:
            check_grid(self.climatology)


def open_sources(
    config: EvaluateConfig,
    closing: contextlib.ExitStack,
    progress: ByteProgress = no_progress,
    datasets: Mapping[str, xr.Dataset] = MappingProxyType({}),
) -> EvaluationSources:
    """Open the datasets that settings name.

    Args:
        config: the settings.
        closing: closes the files when it is left.
        progress: of downloads, in bytes.
        datasets: datasets that are in memory, by their locations in the settings.

    Raises:
        ConfigError: two forecasts have the same name.
        InputDataError: there are no such data, or they are not understood.
    """

    def opened(location: str) -> xr.Dataset:
        if location in datasets:
            return datasets[location]
        dataset = open_gridded(location, offline=config.offline, progress=progress)
        return closing.enter_context(contextlib.closing(dataset))

    assert config.truth is not None
    files = [each for each in config.baseline if str(each) not in BASELINES]
    for each in files:
        is_absent = not pathlib.Path(each.location).exists()
        if each.location.isidentifier() and is_absent:
            raise ConfigError(
                f"There is no baseline '{each.location}', and no file of this name.",
                closest(each.location, BASELINES),
            )
    names = name_forecasts([*config.forecast, *files])
    count = len(config.forecast)
    truth = as_record(opened(config.truth))
    climatology, given = None, config.climatology or ""
    if config.climatology == COMPUTE:
        climatology = truth
    elif given in datasets:
        climatology = datasets[given]
    elif given:
        means = open_climatology(given, offline=config.offline, progress=progress)
        if means is None:
            climatology = opened(given)
        else:
            climatology = closing.enter_context(contextlib.closing(means))
    every = [
        with_daily_precipitation(opened(each.location))
        for each in (*config.forecast, *files)
    ]
    sources = EvaluationSources(
        dict(zip(names[:count], every[:count], strict=True)),
        truth,
        climatology,
        dict(zip(names[count:], every[count:], strict=True)),
    )
    sources.check()
    return sources


def name_forecasts(locations: Sequence[NamedLocation]) -> list[str]:
    """Return a name for each forecast: the one given, or that of its file.

    Raises:
        ConfigError: a name is given twice, or is that of a baseline.
    """
    names: list[str] = []
    for each in locations:
        name = each.name or _stem(each.location)
        if each.name and (name in names or name in BASELINES):
            raise ConfigError(
                f"The name '{name}' is taken.", "Give each forecast a name of its own."
            )
        number = 2
        unique = name
        while unique in names or unique in BASELINES:
            unique, number = f"{name} {number}", number + 1
        names.append(unique)
    return names


def _stem(location: str) -> str:
    """Return the name of a file without its extension, of letters that are plain."""
    name = pathlib.PurePosixPath(location.rstrip("/")).name
    for suffix in (".zarr", ".nc", ".nc4", ".grib2", ".grib", ".grb2", ".h5"):
        name = name.removesuffix(suffix)
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", name).strip("_") or "forecast"
