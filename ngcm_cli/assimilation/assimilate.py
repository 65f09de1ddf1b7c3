"""The verb: from a background and observations to an analysis on disk."""

import dataclasses
import logging
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.assimilation import analysis_file
from ngcm_cli.assimilation.analysis_fields import analysis_fields
from ngcm_cli.assimilation.background_error import BackgroundError, deviation_shapes
from ngcm_cli.assimilation.background_error_file import read_background_errors
from ngcm_cli.assimilation.departures import (
    BELOW_GROUND,
    FAR_FROM_BACKGROUND,
    USED,
    Departures,
    control_quality,
)
from ngcm_cli.assimilation.observation_operator import (
    ObservationOperator,
    padded_size,
)
from ngcm_cli.assimilation.observation_table import read_observations
from ngcm_cli.assimilation.observations import Observations
from ngcm_cli.assimilation.variational import (
    Iteration,
    Minimum,
    Window,
    minimize,
    value_and_gradient,
)
from ngcm_cli.config import ForecastConfig
from ngcm_cli.config.assimilate import AssimilateConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.inputs.sources.location import is_remote, redacted
from ngcm_cli.io.compilation_cache import enable_compilation_cache
from ngcm_cli.io.progress import (
    ByteProgress,
    CountProgress,
    begin_phase,
    no_progress,
)
from ngcm_cli.output.dataset_file import check_output
from ngcm_cli.simulation.interrupts import explain_out_of_memory
from ngcm_cli.simulation.single_start import SingleStart, read_start
from ngcm_cli.time_format import format_time, utc_now

log = logging.getLogger(__name__)

_SAMPLES = 8  # errors of the background, for quality control
_REDUCTION = 0.01  # of the norm of the gradient, at which the minimisation ends


@dataclasses.dataclass(frozen=True, eq=False)
class Assimilation:
    """An analysis, and how it came about.

    Attributes:
        path: of the analysis.
        diagnostics_path: of its departures from the observations.
        state: the analysis as a state of the model, which its file has but nearly.
        background: the state that it began with.
        departures: of all observations in the window.
        minimum: where the minimisation ended.
    """

    path: pathlib.Path
    diagnostics_path: pathlib.Path
    state: ModelState
    background: ModelState
    departures: Departures
    minimum: Minimum


def assimilate(
    config: AssimilateConfig | None = None,
    *,
    track: CountProgress = no_progress,
    download: ByteProgress = no_progress,
    **settings: Any,
) -> Assimilation:
    """Find the initial state that fits a background and observations, and write it.

    Strong-constraint 4D-Var; see `ngcm_cli.assimilation.variational`.

    Args:
        config: the settings, or else its fields as keywords.
        track: receives the iterations made and the most there can be.
        download: receives the progress of downloads, in bytes.
        **settings: fields of `AssimilateConfig`, such as ``observations`` and
            ``window``.

    Raises:
        NgcmError: one of its children, which says what to change.

    Example:
        >>> found = assimilate(observations="soundings.csv", background="era5.nc")
        >>> forecast(data=found.path, output="forecast.zarr")
    """
    config = AssimilateConfig(**settings) if config is None else config
    enable_compilation_cache()
    begin_phase("Reading the observations and the background")
    if config.output is not None:
        _check_outputs(config, config.output)
    table = read_observations(config.observations)
    start = _read_background(config, download)
    model = start.model
    if not isinstance(model, NeuralGCM):
        raise ConfigError(
            f"{model.name} cannot be differentiated.", "Give another --model."
        )
    output = config.output or pathlib.Path(
        f"{model.name}_analysis_{format_time(start.init)}.nc"
    )
    _check_outputs(config, output)
    end = start.init + config.window
    observations = table.within(start.init, end)
    if outside := len(table) - len(observations):
        log.info(
            f"{outside} of {len(table)} observations are outside the window, "
            f"{format_time(start.init)} to {format_time(end)}."
        )
    observations.check_levels(model.levels)
    with explain_out_of_memory(
        "the gradient", "Give a shorter --window, or use a larger device."
    ):
        found = _analyse(config, start, model, observations, track)
    window, departures, minimum = found
    state = window.state(minimum.control)
    diagnostics = analysis_file.diagnostics_path(output)
    attributes = _attributes(config, start, departures, minimum)
    fields = analysis_fields(start, model, window.background, state)
    begin_phase(f"Writing {output}")
    analysis_file.write_diagnostics(
        diagnostics, departures, _series(minimum), attributes
    )
    analysis_file.write_analysis(
        output, fields, model.grid, model.levels, start.init, attributes
    )
    return Assimilation(
        output, diagnostics, state, window.background, departures, minimum
    )


def _check_outputs(config: AssimilateConfig, output: pathlib.Path) -> None:
    errors = config.background_errors and str(config.background_errors)
    read = [str(config.observations), config.background, config.sst_data, errors]
    for path in (output, analysis_file.diagnostics_path(output)):
        check_output(path, config.overwrite, filter(None, read))


def _read_background(config: AssimilateConfig, download: ByteProgress) -> SingleStart:
    """Read the model, the background and the forcing of the window."""
    optional: dict[str, Any] = {
        "sst_data": config.sst_data,
        "data": config.background,
        "init": None if config.init is None else format_time(config.init),
    }
    forecast = ForecastConfig(
        model=config.model,
        lead=config.window,
        every=config.window,
        seed=config.seed,
        sst=config.sst,
        offline=config.offline,
        **{name: x for name, x in optional.items() if x is not None},
    )
    return read_start(forecast, download, lead="window")


def _analyse(
    config: AssimilateConfig,
    start: SingleStart,
    model: NeuralGCM,
    observations: Observations,
    track: CountProgress,
) -> tuple[Window, Departures, Minimum]:
    scale, deviation = config.background_error_scale, None
    if config.background_errors is not None:
        shapes = deviation_shapes(model)
        deviation = read_background_errors(config.background_errors, shapes)
    begin_phase("Compiling the model and its gradient")
    background = start.encode()
    operator = ObservationOperator.of(observations, model, start.init, start.steps)
    if deviation is None:
        errors = BackgroundError.default(model, background, scale)
    else:
        errors = BackgroundError.of(model, {k: scale * x for k, x in deviation.items()})
    count = len(observations)
    zeros = np.zeros(padded_size(count), np.float32)
    value, weight = zeros.copy(), zeros.copy()
    value[:count] = observations.value
    window = Window(
        model=model,
        background=background,
        forcing=start.forcing,
        errors=errors,
        operator=operator,
        value=jnp.asarray(value),
        weight=jnp.asarray(weight),
    )
    (_, parts), _ = jax.device_get(value_and_gradient(window, window.zero()))
    first = np.asarray(parts["equivalents"][:count], np.float64)
    if not np.isfinite(first).all():
        raise InputDataError(
            "The forecast from the background is not finite within the window.",
            "Give another --background or a shorter --window.",
        )
    departures = control_quality(
        observations,
        first,
        _error_samples(window, model)[:, :count],
        _surface_pressure(window, model, observations, start),
        config.reject_beyond,
    )
    _say_rejected(departures)
    weight[:count] = np.where(departures.status == USED, 1 / observations.error, 0)
    window = dataclasses.replace(window, weight=jnp.asarray(weight))
    begin_phase("Minimising")
    made = []

    def report(iteration: Iteration) -> None:
        log.info(
            f"Iteration {len(made)}: cost {iteration.cost:.6g} (background "
            f"{iteration.background:.4g}, observations {iteration.observations:.6g}), "
            f"gradient {iteration.gradient:.3g}"
        )
        made.append(iteration)
        track(len(made) - 1, config.iterations)

    minimum = minimize(window, config.iterations, _REDUCTION, report)
    log.info(minimum.reason)
    last = np.asarray(minimum.equivalents[:count], np.float64)
    return window, dataclasses.replace(departures, analysis=last), minimum


def _error_samples(window: Window, model: NeuralGCM) -> np.ndarray:
    """Return equivalents of errors of the background, before the model moves them."""

    def seen(state: ModelState) -> np.ndarray:
        fields = model.decode(state, window.operator.variables)
        return np.asarray(window.operator.interpolate(fields))

    base = seen(window.background)
    keys = jax.random.split(jax.random.key(0), _SAMPLES)
    return np.stack(
        [seen(window.state(window.errors.draw(key))) - base for key in keys]
    )


def _surface_pressure(
    window: Window, model: NeuralGCM, observations: Observations, start: SingleStart
) -> np.ndarray:
    """Return surface pressure of the background at observations, hPa."""
    name = "surface_pressure"
    variable = np.full(len(observations), name)
    there = dataclasses.replace(observations, variable=variable)
    operator = ObservationOperator.of(there, model, start.init, start.steps)
    fields = model.decode(window.background, (name,))
    return np.asarray(operator.interpolate(fields))[: len(observations)] / 100


def _say_rejected(departures: Departures) -> None:
    for status, why in (
        (FAR_FROM_BACKGROUND, "too far from the background"),
        (BELOW_GROUND, "below the ground of the model"),
    ):
        if count := departures.count(status):
            total = len(departures.observations)
            log.info(f"{count} of {total} observations are rejected: {why}.")
    if not departures.count(USED):
        raise InputDataError(
            "All observations in the window are rejected.",
            "Check their units and times and the background, or give a larger "
            "--reject-beyond.",
        )


def _series(minimum: Minimum) -> dict[str, np.ndarray]:
    names = {
        "cost": "cost",
        "background": "cost_background",
        "observations": "cost_observations",
        "gradient": "gradient_norm",
        "evaluations": "evaluations",
    }
    return {
        name: np.array([getattr(x, field) for x in minimum.iterations])
        for field, name in names.items()
    }


def _attributes(
    config: AssimilateConfig,
    start: SingleStart,
    departures: Departures,
    minimum: Minimum,
) -> dict[str, Any]:
    public = {}
    for name in ("background", "sst_data"):
        if (value := getattr(config, name)) is not None and is_remote(value):
            public[name] = redacted(value)
    command = config.model_copy(update=public).command_line()
    when = format_time(start.init)
    return start.attributes() | {
        "title": f"4D-Var analysis by {start.model.name} at {when}",
        "history": f"{utc_now()}: {command}",
        "observations": str(config.observations),
        "observations_used": departures.count(USED),
        "observations_rejected": len(departures.observations) - departures.count(USED),
        "window_end": format_time(start.init + config.window),
        "background_error_scale": config.background_error_scale,
        "minimisation": minimum.reason,
    }
