"""Height of the ground of the model that made a dataset."""

import logging

import numpy as np
import xarray as xr

from ngcm_cli.errors import NgcmError

log = logging.getLogger(__name__)


def model_surface_height(data: xr.Dataset) -> np.ndarray | None:
    """Return the height of the ground of the model of a run, on the grid of the data.

    Args:
        data: with the attributes ``model`` and ``weights_sha256`` that runs write.

    Returns:
        Height in m, (latitude, longitude); None if no model is named, or it is not on
        this computer.
    """
    if not {"model", "weights_sha256"} <= set(data.attrs):
        return None
    from ngcm_cli.simulation.ground import ground_of_model

    try:
        ground = ground_of_model(
            str(data.attrs["model"]), str(data.attrs["weights_sha256"]), data.attrs
        )
    except NgcmError as error:
        log.info(f"The height of the ground of the model is not used: {error.message}")
        return None
    height = ground["orog"]
    expected = data.sizes["latitude"], data.sizes["longitude"]
    return height if height.shape == expected else None
