"""Global attributes of score files: where scores come from."""

import json
from typing import Any

import ngcm_cli
from ngcm_cli.config.evaluate import COMPUTE, EvaluateConfig
from ngcm_cli.inputs.sources.location import redacted
from ngcm_cli.time_format import format_duration, format_time, utc_now
from ngcm_cli.verification.evaluation_plan import EvaluationPlan
from ngcm_cli.verification.evaluation_sources import EvaluationSources
from ngcm_cli.verification.partial_scores import Missing

_SHOWN = 20  # times
_OF_THE_COMMAND = "output", "overwrite", "resume", "format", "scheduler", "offline"
"""Settings that do not change scores."""


def describe_scores(
    config: EvaluateConfig,
    sources: EvaluationSources,
    plan: EvaluationPlan,
    missing: Missing,
) -> dict[str, Any]:
    """Return the global attributes of the scores of an evaluation."""
    described = {name: _whose(d) for name, d in sources.forecasts.items()}
    described |= {name: _whose(d) for name, d in sources.baselines.items()}
    attributes: dict[str, Any] = {
        "Conventions": "CF-1.11",
        "title": "Scores of forecasts",
        "forecasts": json.dumps(described),
        "truth": _whose(sources.truth),
        "grid": plan.grid.description,
        "settings": json.dumps(scoring_settings(config)),
        "interval": "95 % confidence, from blocks of successive initial times",
        "ngcm_version": ngcm_cli.__version__,
        "history": f"{utc_now()}: {_redacted(config).command_line()}",
    }
    if plan.climatology is not None:
        attributes["climatology"] = _climatology(config, plan)
    if plan.reference is not None:
        attributes["reference"] = plan.reference
    times = sorted({time for times in missing.truth.values() for time in times})
    if times:
        attributes["missing_truth_times"] = ", ".join(times[:_SHOWN])
        attributes["number_of_missing_truth_times"] = len(times)
    attributes["notes"] = "\n".join([*plan.notes, *notes_of(missing)])
    return attributes


def notes_of(missing: Missing) -> list[str]:
    """Return sentences about what was left out because it has no values."""
    notes = []
    for variable, times in missing.truth.items():
        notes.append(f"{len(times)} valid times of {variable} have no truth")
    for (forecast, variable), count in missing.forecasts.items():
        notes.append(
            f"{count} records of {variable} of {forecast} have no values (NaN) and "
            "are left out"
        )
    for (forecast, variable), count in missing.incomplete.items():
        notes.append(
            f"{count} fields of {variable} of {forecast} have cells without values "
            "(NaN), which are left out with their weight"
        )
    return notes


def describe_plan(
    config: EvaluateConfig, plan: EvaluationPlan, computed: bool = False
) -> str:
    """Return the summary of an evaluation that has not begun, of several lines.

    Args:
        config: the settings.
        plan: what would be scored, but for a climatology that is not there.
        computed: whether a climatology would be computed first.
    """
    times = plan.alignment
    inits, leads = times.init_times, times.lead_times
    pairs = times.positions.size
    first, last = format_time(inits[0]), format_time(inits[-1])
    near, far = format_duration(leads[0]), format_duration(leads[-1])
    lines = {
        "Forecasts": ", ".join(f.name for f in plan.forecasts if not f.is_baseline),
        "Baselines": ", ".join(map(str, config.baseline)),
        "Truth": redacted(config.truth or ""),
        "Climatology": "computed first" if computed else "",
        "Starts": f"{len(inits)}, {first} to {last}" if len(inits) > 1 else first,
        "Leads": f"{len(leads)}, {near} to {far}" if len(leads) > 1 else near,
        "Pairs": f"{int((times.positions >= 0).sum())} of {pairs} have a truth",
        "Variables": ", ".join(
            variable.name
            + ("" if variable.levels is None else f" at {_hpa(variable.levels)}")
            for variable in plan.variables
        ),
        "Metrics": ", ".join(plan.metrics),
        "Regions": ", ".join(plan.regions),
        "Grid": plan.grid.description,
        "Notes": "; ".join(plan.notes),
        "Output": str(config.output),
    }
    return "\n".join(f"{name:<11} {text}" for name, text in lines.items() if text)


def _hpa(levels: tuple[float, ...]) -> str:
    return ", ".join(f"{level:g}" for level in levels) + " hPa"


def _whose(dataset: Any) -> str:
    location = str(dataset.attrs.get("location", "in memory"))
    model = str(dataset.attrs.get("model", ""))
    return f"{location} ({model})" if model else location


def _climatology(config: EvaluateConfig, plan: EvaluationPlan) -> str:
    assert plan.climatology is not None
    attributes = plan.climatology.dataset.attrs
    period = attributes.get("period")
    where = "the truth" if config.climatology == COMPUTE else str(config.climatology)
    return f"{redacted(where)}, {period}" if period else redacted(where)


def scoring_settings(config: EvaluateConfig, defaults: bool = False) -> dict[str, str]:
    """Return the settings that scores depend on, as text by name.

    Args:
        config: the settings.
        defaults: whether settings that were not given are included.
    """
    flags = _redacted(config).as_flags(defaults)
    return {name: text for name, text in flags.items() if name not in _OF_THE_COMMAND}


def _redacted(config: EvaluateConfig) -> EvaluateConfig:
    """Return settings that may be published: URLs without passwords, signatures."""
    shown: dict[str, Any] = {}
    for name in "forecast", "baseline":
        several = getattr(config, name)
        shown[name] = tuple(x._replace(location=redacted(x.location)) for x in several)
    for name in "truth", "climatology":
        if (location := getattr(config, name)) is not None:
            shown[name] = redacted(location)
    given = {name: x for name, x in shown.items() if name in config.model_fields_set}
    return config.model_copy(update=given)
