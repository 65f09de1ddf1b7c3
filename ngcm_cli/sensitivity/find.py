"""From settings to sensitivities: gradients of targets, and singular vectors."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.config.sensitivity import SensitivityConfig
from ngcm_cli.diagnosis.columns import GROUND, layer_masses
from ngcm_cli.diagnostics import needs_water_budget
from ngcm_cli.errors import ConfigError, UnstableRunError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.read_analysis import AnalysisRequest, read_analysis
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.io.compilation_cache import enable_compilation_cache
from ngcm_cli.io.progress import (
    ByteProgress,
    CountProgress,
    begin_phase,
    no_progress,
)
from ngcm_cli.io.text_table import column_lines
from ngcm_cli.output.dataset_file import check_output
from ngcm_cli.sensitivity.file import (
    TargetGradients,
    gradient_dataset,
    vector_dataset,
    with_coordinates,
    write_sensitivity,
)
from ngcm_cli.sensitivity.gradient import (
    LESS_MEMORY,
    forecast_targets,
    gradients,
    with_change,
)
from ngcm_cli.sensitivity.perturbation import (
    Comparison,
    Perturbation,
    along_gradient,
    comparison_rows,
    make_perturbations,
    predicted_change,
    resolve_input,
)
from ngcm_cli.sensitivity.singular_vectors import Propagator, find_singular_vectors
from ngcm_cli.sensitivity.target import (
    Target,
    cell_areas,
    make_targets,
    parse_target,
)
from ngcm_cli.simulation.interrupts import explain_out_of_memory
from ngcm_cli.simulation.single_start import SingleStart, read_start
from ngcm_cli.time_format import format_duration, format_time, utc_now


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """What is asked of one forecast, checked.

    Attributes:
        config: the settings.
        start: model, analysis and forcing.
        targets: whose gradients are wanted.
        fields: names of the fields whose gradients are wanted.
        perturbations: whose effects are predicted and computed.
        masses: by field, see `gradient_dataset`.
    """

    config: SensitivityConfig
    start: SingleStart
    targets: tuple[Target, ...]
    fields: tuple[str, ...]
    perturbations: Sequence[Perturbation]
    masses: Mapping[str, np.ndarray]

    @property
    def members(self) -> tuple[int | None, ...]:
        """Numbers of the members; None is the run without a number."""
        return (None,) if self.config.members is None else tuple(self.config.members)


def find_sensitivity(
    config: SensitivityConfig | None = None,
    *,
    download: ByteProgress = no_progress,
    track: CountProgress = no_progress,
    **settings: Any,
) -> xr.Dataset:
    """Return the sensitivity of a forecast to what it starts from.

    Args:
        config: settings; None makes them of the keyword arguments.
        download: of bytes of files that must be downloaded whole.
        track: of products of the search for singular vectors.
        **settings: of `SensitivityConfig`, such as ``target`` and ``lead``; with
            ``output`` the result is also written.

    Returns:
        Gradients and singular vectors in the layout of ``sensitivity.file``. The
        attribute ``perturbation_check`` has predicted and true changes as a table.

    Raises:
        NgcmError: one of its children, which says what to change.

    Example:
        >>> found = find_sensitivity(target="mean(t850, lat=45:60)", lead="1d")
        >>> found.sensitivity_of_mean_t850_to_temperature.sel(level=500)
    """
    config = SensitivityConfig(**settings) if config is None else config
    if config.output is not None:
        return save_sensitivity(config, download, track)[1]
    enable_compilation_cache()
    return _find(_read_problem(config, download), track)


def save_sensitivity(
    config: SensitivityConfig,
    download: ByteProgress = no_progress,
    track: CountProgress = no_progress,
) -> tuple[pathlib.Path, xr.Dataset]:
    """Compute sensitivities and write them; return the path and what was written.

    Raises:
        NgcmError: one of its children, which says what to change.
    """
    enable_compilation_cache()
    inputs = [x for x in (config.data, config.sst_data, config.truth) if x is not None]
    if config.output is not None:
        check_output(config.output, config.overwrite, inputs)
    problem = _read_problem(config, download)
    start = problem.start
    name = f"{start.card.name}_{format_time(start.init)}_sensitivity.nc"
    path = config.output or pathlib.Path(name)
    check_output(path, config.overwrite, inputs)
    dataset = _find(problem, track)
    write_sensitivity(dataset, path)
    return path, dataset


def _read_problem(config: SensitivityConfig, download: ByteProgress) -> Problem:
    """Read the data, and check all that does not need the model to run."""
    texts = [parse_target(text) for text in config.target]
    start = read_start(config.forecast, download)
    model, truth = start.model, {}
    if config.members is not None and len(config.members) > 1 and not model.stochastic:
        raise ConfigError(
            f"All members of {model.name} are the same: it is deterministic.",
            "Leave out --members.",
        )
    if config.singular_vectors is not None and not isinstance(model, NeuralGCM):
        raise ConfigError(
            f"{model.name} has no modal state, and so no singular vectors.",
            "Leave out --singular-vectors.",
        )
    if config.truth is not None:
        valid = start.init + config.lead
        request = AnalysisRequest(config.truth, valid, config.offline)
        truth = read_analysis(request, ModelInputs.of(model), download).fields
    targets = make_targets(texts, model, truth)
    if needs_water_budget(n for t in targets for n in t.functional.variables):
        start = dataclasses.replace(start, model=model.with_water_budget())
    fields = []
    for asked in config.with_respect_to:
        name, level = resolve_input(asked, model)
        if level is not None:
            raise ConfigError(
                f"with_respect_to: '{asked}' has a level, and gradients are written "
                "on all levels.",
                "Leave out the number.",
            )
        fields.append(name)
    areas = cell_areas(model)
    column = layer_masses(np.array(model.levels), np.full(areas.shape, GROUND)) * areas
    inputs = (*model.input_variables, *model.forcing_variables)
    masses = {n: column if n in model.input_variables else areas[None] for n in inputs}
    return Problem(
        config,
        start,
        targets,
        tuple(dict.fromkeys(fields)),
        make_perturbations(config.perturbation if targets else (), model),
        masses,
    )


def _find(problem: Problem, track: CountProgress) -> xr.Dataset:
    start, config, parts, attributes = problem.start, problem.config, [], {}
    what = f"a gradient over {start.steps} steps"
    with explain_out_of_memory(what, LESS_MEMORY):
        if problem.targets:
            dataset, comparisons = _gradients(problem)
            parts.append(dataset)
            table = comparison_rows(comparisons)
            if comparisons:
                attributes["perturbation_check"] = "\n".join(column_lines(table))
        if config.singular_vectors is not None:
            parts.append(_vectors(problem, track))
    attributes |= start.attributes() | _provenance(config, start)
    return with_coordinates(
        parts,
        start.model.grid,
        start.model.levels,
        np.asarray(start.model.sigma_levels.centers),
        start.init,
        config.members,
        attributes,
    )


def _gradients(problem: Problem) -> tuple[xr.Dataset, list[Comparison]]:
    """Return the gradients of all members, and how well they predict."""
    start, targets = problem.start, problem.targets
    functionals = tuple(target.functional for target in targets)
    comparisons: list[Comparison] = []
    values, found = [], []
    begin_phase("Compiling the model")
    for number, member in enumerate(problem.members):
        key = start.key(member)
        gradient = gradients(
            start.model,
            start.fields,
            start.forcing,
            start.init,
            key,
            functionals,
            start.steps,
            is_limited=number == 0,
        )
        values.append(np.asarray(gradient.values))
        rows = {name: np.asarray(x) for name, x in gradient.fields.items()}
        if not all(np.isfinite(x).all() for x in (values[-1], *rows.values())):
            raise UnstableRunError(
                f"The gradient over {start.steps} steps is not finite.",
                "Give a shorter --lead.",
            )
        if problem.perturbations:
            begin_phase("Computing the forecasts from perturbed states")
            values[-1] = _forecast(problem, member, {})
        for perturbation in problem.perturbations:
            comparisons += _compare(problem, perturbation, member, values[-1], rows)
        found.append({name: rows[name] for name in problem.fields})
    written = [
        TargetGradients(
            target.label,
            target.text,
            target.units,
            np.array([x[i] for x in values]),
            {name: np.stack([x[name][i] for x in found]) for name in problem.fields},
        )
        for i, target in enumerate(targets)
    ]
    return gradient_dataset(
        written, problem.masses, problem.config.members
    ), comparisons


def _compare(
    problem: Problem,
    perturbation: Perturbation,
    member: int | None,
    values: np.ndarray,
    gradient: Mapping[str, np.ndarray],
) -> Iterator[Comparison]:
    """Yield the predicted and the true change of every target of a member."""
    start, targets = problem.start, problem.targets
    fields = {n: np.asarray(x[0]) for n, x in start.forcing.fields.items()}
    fields |= start.fields
    after = None
    for i, target in enumerate(targets):
        one = {name: x[i] for name, x in gradient.items()}
        change = perturbation.change
        if change is None:
            wanted = {name: one[name] for name in problem.fields}
            change = along_gradient(wanted, fields, problem.masses)
        if after is None or perturbation.change is None:
            after = _forecast(problem, member, change)
        yield Comparison(
            target.label,
            target.units,
            perturbation.text,
            member,
            values[i],
            predicted_change(one, change),
            after[i] - values[i],
        )


def _forecast(
    problem: Problem, member: int | None, change: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the targets of a forecast from changed fields."""
    start = problem.start
    return forecast_targets(
        start.model,
        {name: x + change.get(name, 0) for name, x in start.fields.items()},
        with_change(start.forcing, change),
        start.init,
        start.key(member),
        [target.functional for target in problem.targets],
        start.steps,
    )


def _vectors(problem: Problem, track: CountProgress) -> xr.Dataset:
    """Return the singular vectors of the first member."""
    start, config = problem.start, problem.config
    model, count = start.model, config.singular_vectors
    assert isinstance(model, NeuralGCM) and count is not None
    begin_phase("Searching singular vectors")
    is_moist = config.norm == "total-energy"
    propagator = Propagator(
        model, start.encode(problem.members[0]), start.forcing, start.steps, is_moist
    )
    expected = 6 * count + 20  # products, roughly
    found = find_singular_vectors(
        propagator,
        count,
        config.seed,
        lambda done: track(min(done, expected), max(done, expected)),
    )
    return vector_dataset(found.values, found.initial, found.final, config.norm)


def _provenance(config: SensitivityConfig, start: SingleStart) -> dict[str, Any]:
    """Return the global attributes that are not those of a forecast."""
    locations = {n: getattr(config, n) for n in ("data", "sst_data", "truth")}
    shown = {name: redacted(x) for name, x in locations.items() if x is not None}
    command = config.model_copy(update=shown).command_line()
    of_what = f"forecasts by {start.card.name} from {format_time(start.init)}"
    return {
        "title": f"Sensitivity of {of_what}",
        "history": f"{utc_now()}: {command}",
        "lead_time": format_duration(config.lead),
    }
