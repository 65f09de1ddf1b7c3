"""Global attributes that CMIP asks for, from those of the run."""

import dataclasses
import re
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.output.cmor.source import Means
from ngcm_cli.output.cmor.table import (
    DATA_SPECS_VERSION,
    EXPERIMENT_OF_OFFSET,
    EXPERIMENTS,
)

UNSPECIFIED = "unspecified"

# Attributes of the store and its progress, or carried by other attributes here.
_NOT_CARRIED = {"Conventions", "completed_records", "frequency", "sst_notes", "status"}


@dataclasses.dataclass(frozen=True)
class Labels:
    """Labels in the names of the exported files.

    Attributes:
        experiment: CMIP's ``experiment_id``.
        source: CMIP's ``source_id``, the label of the model.
        institution: name of the institution that ran it.
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
        """Return the labels given, and for the others those that the run implies.

        Args:
            attributes: global attributes of a store of the run.
            experiment: that of AIMIP with the SST of the run, if None.
            source: the model's name in letters, digits and dashes, if None.
            institution: unspecified, if None.

        Raises:
            ConfigError: a label has other characters than letters, digits and dashes,
                or the run implies none.
        """
        return cls(
            _label("--experiment", experiment)
            if experiment
            else _experiment_of(attributes),
            _label("--source-id", source)
            if source
            else _sanitized(str(attributes.get("model", "ngcm"))),
            " ".join((institution or "").split()) or UNSPECIFIED,
        )


def _sanitized(text: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", text).strip("-")


def _label(flag: str, text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9]+(-[A-Za-z0-9]+)*", text):
        near = _sanitized(text)
        raise ConfigError(
            f"{flag} '{text}' cannot be part of the name of CMIP's files.",
            "Use letters, digits and dashes only"
            + (f", as in {near}." if near else "."),
        )
    return text


def _experiment_of(attributes: Mapping[str, Any]) -> str:
    """Return the AIMIP experiment with the SST and sea ice of the run."""
    offset = float(attributes.get("sst_offset", 0.0))
    sst = attributes.get("sst")
    is_other_sst = sst in ("persist", "anomaly-persist", "climatology")
    if is_other_sst or offset not in EXPERIMENT_OF_OFFSET or "sst_patch" in attributes:
        raise ConfigError(
            f"The SST of the run, {sst or 'prescribed'} with {offset:+g} K, is not "
            "that of an AIMIP experiment.",
            "Name the experiment with --experiment.",
        )
    return EXPERIMENT_OF_OFFSET[offset]


def global_attributes(
    means: Means,
    labels: Labels,
    variable: str,
    realization: int,
    resolution: str,
    now: str,
) -> dict[str, Any]:
    """Return those of one file, of types that the netCDF classic model has.

    Without ``further_info_url``, and with a plain UUID as ``tracking_id``: CMIP's pages
    and its handles are for data that are registered there.

    Args:
        means: store that the file is made of.
        labels: in its name.
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
        "grid": _grid_description(run),
        "grid_label": grid_label(run),
        "history": "\n".join([*history, f"{now}: ngcm export --cmor"]),
        "initialization_index": 1,
        "institution": labels.institution,
        "institution_id": _sanitized(labels.institution),
        # The phase of CMIP whose names and tables these are.
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
    """Return CMIP's label: ``gn`` on the model's own, Gaussian grid, else ``gr``."""
    return "gn" if attributes.get("latitude_spacing") == "gauss" else "gr"


def _grid_description(run: Mapping[str, Any]) -> str:
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
    """Return an attribute as int32, float64 or text, as the classic model has it."""
    if isinstance(value, bool | list | tuple | dict):
        return str(value)
    if isinstance(value, int):
        limits = np.iinfo(np.int32)
        fits = limits.min <= value <= limits.max
        return np.int32(value) if fits else str(value)
    return value if isinstance(value, float) else str(value)
