"""Labels of exported files: those asked for, and those that the run implies."""

import dataclasses
import logging
from collections.abc import Sequence

import numpy as np

from ngcm_cli.errors import ConfigError
from ngcm_cli.output.cmor.request import Request, Variant, sanitized
from ngcm_cli.output.cmor.source import Means
from ngcm_cli.output.cmor.table import EXPERIMENTS

log = logging.getLogger(__name__)

UNSPECIFIED = "unspecified"

_SUFFIX_OF_OFFSET = {0.0: "", 2.0: "-p2k", 4.0: "-p4k"}
_AIMIP_BEGIN, _AIMIP_END = np.datetime64("1978-10-01"), np.datetime64("2025-01-01")
_AIMIP, _OTHER_EXPERIMENT = "aimip", "amip-style"


@dataclasses.dataclass(frozen=True)
class Labels:
    """Labels in the names and the attributes of the exported files.

    Attributes:
        experiment: CMIP's ``experiment_id``.
        activity: CMIP's ``activity_id``.
        source: CMIP's ``source_id``, the label of the model.
        institution: name of the institution that made the run.
        institution_id: CMIP's ``institution_id``.
        contact: who answers questions about the data.
        license: licence of the data; None is that of the run.
        variant: of the first realization.
        variant_info: what the variant means; None follows from the run.
    """

    experiment: str
    activity: str
    source: str
    institution: str
    institution_id: str
    contact: str
    license: str | None
    variant: Variant
    variant_info: str | None

    @classmethod
    def of(cls, stores: Sequence[Means], request: Request) -> "Labels":
        """Return the labels given, and for the others those that the run implies.

        What is left unspecified, and an experiment that is not named, is logged.

        Args:
            stores: all stores of the run.
            request: what is asked for.

        Raises:
            ConfigError: the run implies no experiment, or a directory tree is asked for
                and the institution is not named.
        """
        attributes = stores[0].attributes
        experiment = request.experiment or _experiment_of(stores)
        is_aimip = experiment in EXPERIMENTS and experiment.startswith(_AIMIP)
        institution = request.institution or request.institution_id or UNSPECIFIED
        labels = cls(
            experiment=experiment,
            activity=request.activity or ("AIMIP" if is_aimip else UNSPECIFIED),
            source=request.source_id or sanitized(str(attributes.get("model", "ngcm"))),
            institution=institution,
            institution_id=request.institution_id or sanitized(institution),
            contact=request.contact or UNSPECIFIED,
            license=request.license,
            variant=request.variant,
            variant_info=request.variant_info,
        )
        missing = [
            name
            for name in ("institution", "contact", "activity")
            if getattr(labels, name) == UNSPECIFIED
        ]
        if request.tree and "institution" in missing:
            raise ConfigError(
                "The directory tree begins with the institution, which is not named.",
                "Give --institution-id.",
            )
        if missing:
            flags = ", ".join(f"--{name}" for name in missing)
            log.warning(
                f"{', '.join(missing)} of the files: unspecified; CMIP wants {flags}."
            )
        return labels


def _experiment_of(stores: Sequence[Means]) -> str:
    """Return the AIMIP experiment that the run is, or a label that is not AIMIP's."""
    attributes = stores[0].attributes
    offset = float(attributes.get("sst_offset", 0.0))
    sst = attributes.get("sst")
    is_other_sst = sst in ("persist", "anomaly-persist", "climatology")
    if is_other_sst or offset not in _SUFFIX_OF_OFFSET or "sst_patch" in attributes:
        raise ConfigError(
            f"The SST of the run, {sst or 'prescribed'} with {offset:+g} K, is not "
            "that of an AIMIP experiment.",
            "Name the experiment with --experiment.",
        )
    differences = _differences_from_aimip(stores)
    suffix = _SUFFIX_OF_OFFSET[offset]
    if not differences:
        return f"{_AIMIP}{suffix}"
    experiment = f"{_OTHER_EXPERIMENT}{suffix}"
    log.warning(
        f"The experiment is labelled {experiment}, not {_AIMIP}{suffix}, because the "
        f"run {', '.join(differences)}. Name another with --experiment."
    )
    return experiment


def _differences_from_aimip(stores: Sequence[Means]) -> list[str]:
    """Return in what a run does not follow the protocol of AIMIP Phase 1.

    That its record is AIMIP's can only be known of one that certainly is not.
    """
    found = []
    begin = min(means.planned_bounds[0, 0] for means in stores)
    end = max(means.planned_bounds[-1, 1] for means in stores)
    if begin != _AIMIP_BEGIN:
        found.append(f"begins on {begin.astype('datetime64[D]')}, not {_AIMIP_BEGIN}")
    if end != _AIMIP_END:
        found.append(f"ends on {end.astype('datetime64[D]')}, not {_AIMIP_END}")
    sea = str(stores[0].attributes.get("sst_source", ""))
    if "bundled" in sea:
        found.append("has the bundled sea-surface temperature, not AIMIP's")
    return found
