"""The ground of the model of a run: where land is, and how high."""

import logging
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ngcm_cli.config import AmipConfig, read_run_file
from ngcm_cli.diagnostics.surface_altitude import surface_altitude
from ngcm_cli.errors import CheckpointError, NgcmError
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.output.cmor.source import find_means
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.output.run_directory import RUN_FILE
from ngcm_cli.zoo import Card, find_card, open_model

log = logging.getLogger(__name__)


def ground_of_run(run: pathlib.Path) -> dict[str, np.ndarray] | None:
    """Return what the model of a run knows of the ground, on the grid of the run.

    Args:
        run: folder of the run.

    Returns:
        ``sftlf``, the area of land in %, and ``orog``, the height of the ground in m,
        each (latitude, longitude) float64; None, which is logged, where the model is
        not on this computer.

    Raises:
        InputDataError: the folder has no means.
    """
    attributes = find_means(run)[0].attributes
    try:
        name = _name_in(run, str(attributes["model"]))
        model = _model_of(name, attributes["weights_sha256"])
    except (NgcmError, KeyError) as error:
        reason = error.message if isinstance(error, NgcmError) else "it names no model"
        log.warning(
            f"sftlf and orog are not exported, for lack of the run's model: {reason}"
        )
        return None
    return _ground(model, attributes)


def ground_of_model(
    name: str, sha256: str, attributes: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Return what a model knows of the ground, as `ground_of_run` does.

    Args:
        name: of the model.
        sha256: of its weights.
        attributes: of an output, which describe its grid.

    Raises:
        NgcmError: the model is not on this computer, or has other weights.
    """
    return _ground(_model_of(name, sha256), attributes)


def _ground(model: NeuralGCM, attributes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return land in % and height in m on the grid that attributes describe."""
    grid = OutputGrid.native(model.grid)
    if attributes.get("latitude_spacing") != "gauss":
        spacing = 180 / (int(attributes["latitude_nodes"]) - 1)
        grid = OutputGrid.regular(model.grid, spacing)
    fields = {
        "sftlf": 100.0 * np.asarray(model.land_fraction, np.float64),
        "orog": np.asarray(surface_altitude(model), np.float64),
    }
    return {name: grid.regrid(field).T for name, field in fields.items()}


def _name_in(run: pathlib.Path, name: str) -> str:
    """Return how a run named its model: the path of a card, or a name of the zoo."""
    path = run / RUN_FILE
    if not path.is_file():
        return name
    return read_run_file(path, AmipConfig.model_fields).get("model", name)


def _model_of(name: str, sha256: str) -> NeuralGCM:
    """Return a model.

    Raises:
        NgcmError: it is not on this computer, or has other weights.
    """
    card = find_card(name)
    model = None
    if not isinstance(card, Card) or card.weights.sha256 == sha256:
        card, model = open_model(name, offline=True)
    if model is None or card.weights.sha256 != sha256:
        raise CheckpointError(
            f"{name} has other weights than the run.", "Fetch those of the run."
        )
    return model
