"""Evaluate forecasts against a truth, from opened datasets or from files."""

import contextlib
import functools
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import xarray as xr

from ngcm_cli.config.evaluate import (
    CLIMATOLOGY,
    EvaluateConfig,
    NamedLocation,
    parse_locations,
)
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.io.netcdf_library import open_with_xarray
from ngcm_cli.io.output_file import sole_writer, stamp
from ngcm_cli.io.progress import ByteProgress, CountProgress, begin_phase, no_progress
from ngcm_cli.output.dataset_file import check_output
from ngcm_cli.verification.climatology import is_climatology
from ngcm_cli.verification.climatology_file import open_climatology
from ngcm_cli.verification.climatology_of_record import write_climatology
from ngcm_cli.verification.evaluation_blocks import (
    evaluate_blocks,
    evaluate_on_cluster,
)
from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.evaluation_sources import EvaluationSources, open_sources
from ngcm_cli.verification.partial_scores import PartialScores
from ngcm_cli.verification.planning import plan_evaluation, uses_climatology
from ngcm_cli.verification.score_attributes import (
    describe_plan,
    describe_scores,
    scoring_settings,
)
from ngcm_cli.verification.score_file import write_score_file
from ngcm_cli.verification.scores import compute_scores
from ngcm_cli.verification.truth import Truth

_STAMPS = "files"


def evaluate(
    forecast: Any,
    truth: Any,
    *,
    climatology: Any = None,
    baseline: Any = (),
    track: CountProgress = no_progress,
    **settings: Any,
) -> xr.Dataset:
    """Return the scores of forecasts, in the layout of `verification.score_file`.

    Args:
        forecast: a location, a dataset in the form of `open_gridded`, a list of these,
            or a mapping from names to them.
        truth: a location, or a dataset along ``time``.
        climatology: a location, a dataset by ``dayofyear`` and ``hour``, a long record,
            or ``compute``.
        baseline: ``persistence``, ``climatology``, ``probabilistic-climatology``, or
            other forecasts as above.
        track: receives how many initial times are done, and of how many.
        **settings: of `config.EvaluateConfig`, such as ``variables="z500,t850"``. With
            ``output`` the scores are also written to a file.

    Raises:
        ConfigError: a setting is wrong.
        InputDataError: data are not understood, or do not fit together.
        OutputError: a file cannot be written.
    """
    datasets = _Datasets()
    config = EvaluateConfig(
        forecast=tuple(datasets.named(forecast)),
        truth=datasets.location(truth),
        climatology=None if climatology is None else datasets.location(climatology),
        baseline=tuple(datasets.named(baseline)),
        **settings,
    )
    if config.scheduler is not None and datasets.by_location:
        raise ConfigError(
            "Datasets in memory cannot be shared among the workers of a cluster.",
            "Give the locations of files.",
        )
    with contextlib.ExitStack() as closing:
        if "output" not in config.model_fields_set:
            folder = closing.enter_context(tempfile.TemporaryDirectory())
            output = pathlib.Path(folder) / "scores.nc"
            config = config.model_copy(update={"output": output})
        _check_output(config)
        sources = open_sources(config, closing, datasets=datasets.by_location)
        _write(config, sources, track)
        with open_with_xarray(config.output) as scores:
            return scores.load()


def run_evaluation(
    config: EvaluateConfig,
    *,
    track: CountProgress = no_progress,
    download: ByteProgress = no_progress,
) -> pathlib.Path:
    """Evaluate the forecasts of files, and return the path of the score file.

    Args:
        config: the settings.
        track: receives how many initial times are done, and of how many.
        download: receives the progress of downloads, in bytes.

    Raises:
        ConfigError: a setting is wrong.
        InputDataError: data are not understood, or do not fit together.
        OutputError: the score file exists, or cannot be written.
    """
    _check_output(config)
    begin_phase("Reading the data")
    with contextlib.ExitStack() as closing:
        sources = open_sources(config, closing, download)
        _write(config, sources, track)
    return config.output


def summarize_evaluation(
    config: EvaluateConfig, download: ByteProgress = no_progress
) -> str:
    """Return the summary of an evaluation, of which nothing is computed or written.

    Raises:
        ConfigError: a setting is wrong.
        InputDataError: data are not understood, or do not fit together.
        OutputError: the score file exists.
    """
    _check_output(config)
    with contextlib.ExitStack() as closing:
        sources = open_sources(config, closing, download)
        means = sources.climatology
        if means is None or is_climatology(means):
            plan = plan_evaluation(sources, config, means, check=False)
            return describe_plan(config, plan)
        plan = _plan_before_climatology(config, sources)
        return describe_plan(config, plan, computed=uses_climatology(config))


@functools.lru_cache(maxsize=1)  # a worker of a cluster plans once
def plan_of_worker(config: EvaluateConfig) -> EvaluationPlan:
    """Return the plan of an evaluation that another process has begun.

    A climatology that is computed is there already.
    """
    closing = contextlib.ExitStack()  # its files stay open as long as the process
    sources = open_sources(config, closing)
    means = sources.climatology
    if means is not None and not is_climatology(means):
        means = _existing_climatology(config)
    return plan_evaluation(sources, config, means, check=False)


def climatology_path(config: EvaluateConfig) -> pathlib.Path:
    """Return the file of a climatology that is computed."""
    return config.output.with_name(f"{config.output.stem}_climatology.nc")


def _write(
    config: EvaluateConfig, sources: EvaluationSources, track: CountProgress
) -> None:
    """Evaluate forecasts, and write the score file."""
    partial = PartialScores.beside(config.output)
    stamps = "; ".join(map(stamp, _read(config)))
    identity = {**scoring_settings(config, defaults=True), _STAMPS: stamps}
    with contextlib.ExitStack() as closing:
        closing.enter_context(sole_writer(config.output))
        if config.resume:
            _check_begun(partial, identity)
        else:
            partial.remove()
        means = _climatology(config, sources, closing)
        is_computed = means is not None and means is not sources.climatology
        plan = plan_evaluation(sources, config, means, check=not is_computed)
        try:
            partial.begin(identity)
            begin_phase("Scoring the forecasts")
            if config.scheduler is None:
                evaluate_blocks(plan, partial, track)
            else:
                evaluate_on_cluster(plan, config, partial, plan_of_worker, track)
        except BaseException as stop:
            done = partial.complete_blocks()
            if done:
                stop.add_note("What is complete is kept: continue with --resume.")
            else:
                partial.remove()
            raise
        begin_phase("Computing scores and intervals")
        layout = plan.layout
        scores = compute_scores(
            layout, partial, by_init=config.by_init, maps=config.maps
        )
        if not scores.data_vars:
            partial.remove()
            raise InputDataError(
                "Forecasts and truth have no values in common: all are missing where "
                "the other has some.",
                "Give a truth with values, at the same times.",
            )
        scores.attrs = describe_scores(config, sources, plan, partial.missing())
        write_score_file(
            config.output, scores, layout if config.by_init else None, partial
        )
        partial.remove()


def _check_begun(partial: PartialScores, identity: Mapping[str, str]) -> None:
    """Check that an evaluation that was interrupted can be continued.

    Raises:
        ConfigError: its settings are others.
        InputDataError: the data have changed.
    """
    begun = partial.settings() or {}
    if {**begun, _STAMPS: ""} != {**identity, _STAMPS: ""}:
        raise ConfigError(
            f"The evaluation in {partial.folder} has other settings.",
            "Give the same, or --overwrite to begin again.",
        )
    if begun.get(_STAMPS) != identity[_STAMPS]:
        raise InputDataError(
            "Forecasts or truth have changed since the evaluation in "
            f"{partial.folder} began.",
            "Give --overwrite instead of --resume to begin again.",
        )


def _read(config: EvaluateConfig) -> list[str]:
    """Return the locations of what is read."""
    named = [*config.forecast, *config.baseline]
    others = [each for each in (config.truth, config.climatology) if each]
    return [*(each.location for each in named), *others]


def _climatology(
    config: EvaluateConfig, sources: EvaluationSources, closing: contextlib.ExitStack
) -> xr.Dataset | None:
    """Return the climatology, after it was computed from a record if it must be.

    Settings and clock are checked before that, which may take hours.
    """
    given = sources.climatology
    if given is None or not uses_climatology(config):
        return None
    if is_climatology(given):
        return given
    path = climatology_path(config)
    if not (config.resume and path.exists()):
        plan = _plan_before_climatology(config, sources, check=True)
        begin_phase("Computing the climatology")
        record = plan.truth if given is sources.truth else Truth(given, plan.grid)
        scored = plan.alignment.scored
        write_climatology(
            path, record, plan.variables, scored, config.climatology_years
        )
    means = _existing_climatology(config)
    return None if means is None else closing.enter_context(contextlib.closing(means))


def _plan_before_climatology(
    config: EvaluateConfig, sources: EvaluationSources, check: bool = False
) -> EvaluationPlan:
    """Return the plan but for the climatology, which is to be computed."""
    names = [each for each in config.baseline if str(each) != CLIMATOLOGY]
    others = config.model_copy(update={"baseline": tuple(names)})
    return plan_evaluation(sources, others, None, check)


def _existing_climatology(config: EvaluateConfig) -> xr.Dataset | None:
    path = climatology_path(config)
    return open_climatology(str(path)) if path.exists() else None


def _check_output(config: EvaluateConfig) -> None:
    """Check that nothing is lost where the score file will be.

    Raises:
        OutputError: there is a file, an interrupted evaluation, or no folder.
    """
    output, partial = config.output, PartialScores.beside(config.output)
    check_output(output, config.overwrite or config.resume, _read(config))
    if config.resume:
        if partial.settings() is None:
            raise OutputError(
                f"There is no interrupted evaluation of {output}.",
                "Leave out --resume to begin one.",
            )
        return
    if config.overwrite:
        return
    if partial.settings() is not None:
        raise OutputError(
            f"An evaluation of {output} was interrupted.",
            "Continue it with --resume, or begin again with --overwrite.",
        )


class _Datasets:
    """Datasets in memory, and the names that stand for them in settings."""

    def __init__(self) -> None:
        self.by_location: dict[str, xr.Dataset] = {}

    def location(self, item: Any) -> str:
        """Return the location of data; that of a dataset is a name for it."""
        if not isinstance(item, xr.Dataset):
            return str(item)
        name = f"<dataset {len(self.by_location) + 1}>"
        self.by_location[name] = item
        return name

    def named(self, items: Any) -> list[NamedLocation]:
        """Return the names and locations of one or several data."""
        if isinstance(items, dict):
            return [NamedLocation(n, self.location(x)) for n, x in items.items()]
        if isinstance(items, str | xr.Dataset | pathlib.PurePath):
            items = [items]
        return [
            NamedLocation("", self.location(item))
            if isinstance(item, xr.Dataset)
            else parse_locations(item)[0]
            for item in items
        ]
