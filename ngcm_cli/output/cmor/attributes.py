"""The global attributes of CMIP, filled from what a run says of itself."""

import dataclasses
import re
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.output.cmor.source import Means
from ngcm_cli.output.cmor.table import DATA_SPECS_VERSION, EXPERIMENTS, WARMING

UNSPECIFIED = "unspecified"

# Of the store and its progress, not of the run; or said in other attributes here.
_NOT_CARRIED = {"Conventions", "completed_records", "frequency", "sst_notes", "status"}


@dataclasses.dataclass(frozen=True)
class Labels:
    """What names the files of an export.

    Attributes:
        experiment: CMIP's ``experiment_id``.
        source: CMIP's ``source_id``, the name of the model.
        institution: of whoever ran it, in words.
    """

    experiment: str
    source: str
    institution: str = UNSPECIFIED

    @classmethod
    def of(
        cls,
        attributes: Mapping[str, Any],
        experiment: str | None = None,
        source: str | None = None,
        institution: str | None = None,
    ) -> "Labels":
        """Labels that were asked for, and for the rest those that the run implies.

        Args:
            attributes: global attributes of a store of the run.
            experiment: for AIMIP's, named after the sea of the run, if None.
            source: the model's name in letters, digits and dashes, if None.
            institution: not known, if None.

        Raises:
            ConfigError: a label has other signs than letters, digits and dashes, or the
                run implies none.
        """
        return cls(
            _label("--experiment", experiment) if experiment else _implied(attributes),
            _label("--source-id", source)
            if source
            else _sign(str(attributes.get("model", "ngcm"))),
            " ".join((institution or "").split()) or UNSPECIFIED,
        )


def _sign(text: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", text).strip("-")


def _label(flag: str, text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9]+(-[A-Za-z0-9]+)*", text):
        near = _sign(text)
        raise ConfigError(
            f"{flag} '{text}' cannot be part of the name of CMIP's files.",
            "Use letters, digits and dashes only"
            + (f", as in {near}." if near else "."),
        )
    return text


def _implied(attributes: Mapping[str, Any]) -> str:
    """AIMIP's experiment with the sea of the run."""
    warming = float(attributes.get("sst_offset", 0.0))
    sea = attributes.get("sst")
    is_other_sea = sea in ("persist", "anomaly-persist", "climatology")
    if is_other_sea or warming not in WARMING or "sst_patch" in attributes:
        raise ConfigError(
            f"The sea of the run, {sea or 'prescribed'} with {warming:+g} K, is not "
            "that of an experiment of AIMIP.",
            "Name the experiment with --experiment.",
        )
    return WARMING[warming]


def global_attributes(
    means: Means,
    labels: Labels,
    variable: str,
    realization: int,
    resolution: str,
    now: str,
) -> dict[str, Any]:
    """Of one file, as netCDF's classic model can hold them.

    Without ``further_info_url``, and with a plain UUID as ``tracking_id``: CMIP's pages
    and its handles are for data that are registered there.

    Args:
        means: where the file comes from.
        labels: that name it.
        variable: CMIP's name; ``areacella`` has no time.
        realization: CMIP's number, from 1.
        resolution: CMIP's nominal resolution of the grid.
        now: UTC time of the export, ISO 8601.
    """
    run, is_fixed = means.attributes, variable == "areacella"
    variant = f"r{realization}i1p1f1"
    history = [str(run["history"])] if run.get("history") else []
    start = f"start {means.start}, " if means.start else ""
    experiment = labels.experiment
    attributes = {
        **{k: v for k, v in run.items() if k not in _NOT_CARRIED},
        "Conventions": "CF-1.11",
        "activity_id": "AIMIP",
        "creation_date": now,
        "data_specs_version": DATA_SPECS_VERSION,
        "experiment": EXPERIMENTS.get(experiment, experiment),
        "experiment_id": experiment,
        "external_variables": "" if is_fixed else "areacella",
        "forcing_index": 1,
        "frequency": "fx" if is_fixed else means.table.frequency,
        "grid": _grid_words(run),
        "grid_label": grid_label(run),
        "history": "\n".join([*history, f"{now}: ngcm export --cmor"]),
        "initialization_index": 1,
        "institution": labels.institution,
        "institution_id": _sign(labels.institution),
        # The cycle of CMIP whose names and tables these are.
        "mip_era": "CMIP6",
        "nominal_resolution": resolution,
        "physics_index": 1,
        "product": "model-output",
        "realization_index": realization,
        "realm": "atmos",
        "source_id": labels.source,
        "source_type": "AGCM",
        "sub_experiment": "none",
        "sub_experiment_id": "none",
        "table_id": "fx" if is_fixed else means.table.name,
        "title": run.get("title") or f"Output of {labels.source} for {experiment}",
        "tracking_id": f"urn:uuid:{uuid.uuid4()}",
        "variable_id": variable,
        "variant_info": f"{start}realization {realization - means.first} of its store",
        "variant_label": variant,
    }
    notes = [str(text) for text in (run.get("comment"), run.get("sst_notes")) if text]
    attributes["comment"] = "\n".join(notes)
    return {name: _classic(x) for name, x in attributes.items() if x not in ("", None)}


def grid_label(attributes: Mapping[str, Any]) -> str:
    """CMIP's: ``gn`` on the model's own grid, which is Gaussian, else ``gr``."""
    return "gn" if attributes.get("latitude_spacing") == "gauss" else "gr"


def _grid_words(run: Mapping[str, Any]) -> str:
    def size(prefix: str = "") -> str:
        names = (f"{prefix}longitude_nodes", f"{prefix}latitude_nodes")
        if not all(name in run for name in names):
            return ""
        return "; {} x {} longitude/latitude".format(*(run[name] for name in names))

    if grid_label(run) == "gn":
        return f"native Gaussian grid{size()}"
    return (
        f"regular grid with poles{size()}; conservatively regridded from the native "
        f"Gaussian grid{size('native_')}"
    )


def _classic(value: Any) -> Any:
    """An attribute as netCDF's classic model holds it: int32, float64 or text."""
    if isinstance(value, bool | list | tuple | dict):
        return str(value)
    if isinstance(value, int):
        limits = np.iinfo(np.int32)
        fits = limits.min <= value <= limits.max
        return np.int32(value) if fits else str(value)
    return value if isinstance(value, float) else str(value)
