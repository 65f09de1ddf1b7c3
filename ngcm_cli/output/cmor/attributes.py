"""Global attributes that CMIP asks for, from those of the run."""

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np

from ngcm_cli.output.cmor.labels import Labels
from ngcm_cli.output.cmor.request import Variant
from ngcm_cli.output.cmor.source import Means
from ngcm_cli.output.cmor.table import DATA_SPECS_VERSION, EXPERIMENTS

# The phase of CMIP whose names and tables these are.
_MIP_ERA = "CMIP6"
# Attributes of the store and its progress, or carried by other attributes here.
_NOT_CARRIED = {
    *("Conventions", "completed_records", "frequency", "ngcm_run"),
    *("sst_notes", "status"),
}


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a file holds, in CMIP's terms.

    Attributes:
        variable: CMIP's name of the variable.
        table: CMIP's table.
        frequency: CMIP's frequency.
        realm: CMIP's modeling realm.
    """

    variable: str
    table: str
    frequency: str
    realm: str


def global_attributes(
    means: Means,
    labels: Labels,
    identity: Identity,
    member: int,
    resolution: str,
    now: str,
) -> dict[str, Any]:
    """Return those of one file, of types that the netCDF classic model has.

    Args:
        means: store that the file is made of.
        labels: in its name.
        identity: of the file.
        member: position of the realization in the store.
        resolution: CMIP's nominal resolution of the grid.
        now: UTC time of the export, ISO 8601.
    """
    run, variant = means.attributes, variant_of(means, labels, member)
    history = [str(run["history"])] if run.get("history") else []
    experiment = labels.experiment
    names = (
        *(_MIP_ERA, labels.institution_id, labels.source, experiment),
        *("none", variant.label),
    )
    attributes = {
        **{k: v for k, v in run.items() if k not in _NOT_CARRIED},
        "Conventions": "CF-1.11 CMIP-6.2",
        "activity_id": labels.activity,
        "contact": labels.contact,
        "creation_date": now,
        "data_specs_version": DATA_SPECS_VERSION,
        "experiment": EXPERIMENTS.get(experiment, experiment),
        "experiment_id": experiment,
        "external_variables": "areacella" if identity.variable != "areacella" else "",
        "forcing_index": variant.forcing,
        "frequency": identity.frequency,
        "further_info_url": f"https://furtherinfo.es-doc.org/{'.'.join(names)}",
        "grid": _grid_description(run),
        "grid_label": grid_label(run),
        "history": "\n".join([*history, f"{now}: ngcm export --cmor"]),
        "initialization_index": variant.initialization,
        "institution": labels.institution,
        "institution_id": labels.institution_id,
        "license": labels.license or run.get("license"),
        "mip_era": _MIP_ERA,
        "nominal_resolution": resolution,
        "physics_index": variant.physics,
        "product": "model-output",
        "realization_index": variant.realization,
        "realm": identity.realm,
        "source_id": labels.source,
        "source_type": "AGCM",
        "sub_experiment": "none",
        "sub_experiment_id": "none",
        "table_id": identity.table,
        "title": run.get("title") or f"Output of {labels.source} for {experiment}",
        # The prefix of CMIP6's handles; one resolves once the file is registered.
        "tracking_id": f"hdl:21.14100/{uuid.uuid4()}",
        "variable_id": identity.variable,
        "variant_info": labels.variant_info or _variant_info(means, variant, member),
        "variant_label": variant.label,
    }
    notes = [str(text) for text in (run.get("comment"), run.get("sst_notes")) if text]
    attributes["comment"] = "\n".join(notes)
    return {name: _classic(x) for name, x in attributes.items() if x not in ("", None)}


def variant_of(means: Means, labels: Labels, member: int) -> Variant:
    """Return the variant of a realization of a store, by its position there."""
    return labels.variant.plus(means.first - 1 + member)


def _variant_info(means: Means, variant: Variant, member: int) -> str:
    """Return what the four indices stand for, from the settings of the run."""
    run = means.attributes
    number = int(means.values("realization")[member]) if means.members > 1 else member
    realization = f"realization {number} of its store"
    if means.start:
        realization += f", started {means.start}"
    if "seed" in run:
        realization += f", random seed {run['seed']}"
    physics = str(run.get("model", "the model"))
    if "mean_surface_pressure" in run:
        physics += f" with {run['mean_surface_pressure']} mean surface pressure"
    forcing = f"sea of {run.get('sst_source', 'the run')}"
    if offset := float(run.get("sst_offset", 0.0)):
        forcing += f", {offset:+g} K"
    if "sst_patch" in run:
        forcing += f", anomaly {run['sst_patch']}"
    return (
        f"r{variant.realization}: {realization}; i{variant.initialization}: "
        f"{run.get('data_source', 'the initial state')}; p{variant.physics}: "
        f"{physics}; f{variant.forcing}: {forcing}"
    )


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
    if isinstance(value, float):
        return value
    return str(value).encode(errors="backslashreplace").decode()
