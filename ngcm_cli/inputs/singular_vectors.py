"""Singular vectors in a file of ``ngcm sensitivity``, to perturb initial states."""

import logging
import pathlib
from collections.abc import Sequence

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.io.netcdf_library import open_with_xarray
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.time_format import format_time

log = logging.getLogger(__name__)

VECTOR = "singular_vector"
"""Dimension of singular vectors, and what their variables begin with."""

FIELDS = (
    *("temperature", "u_component_of_wind", "v_component_of_wind"),
    *("specific_humidity", "log_surface_pressure"),
)
"""Fields of a singular vector on sigma levels, and of the last at the surface."""


def read_singular_vectors(
    path: str, grid: Grid, sigma: np.ndarray, inits: Sequence[np.datetime64] = ()
) -> dict[str, np.ndarray]:
    """Return the initial singular vectors of a file.

    A warning says if they are not of all the times that are perturbed.

    Args:
        path: of a file that ``ngcm sensitivity --singular-vectors`` has written.
        grid: of the model that is perturbed.
        sigma: its sigma levels.
        inits: initial times, UTC, that are perturbed.

    Returns:
        `FIELDS` in SI units, each (vector, level, longitude, latitude), float32.

    Raises:
        InputDataError: the file cannot be read, or is not of the model.
    """
    place = pathlib.Path(path)
    if not place.is_file():
        raise InputDataError(
            f"There is no file {path} of singular vectors.",
            "Make one with ngcm sensitivity --singular-vectors N.",
        )
    try:
        check_chunks(place)
        with open_with_xarray(path) as file:
            found = {n: file.get(f"{VECTOR}_{n}") for n in FIELDS}
            arrays = {n: x.load() for n, x in found.items() if x is not None}
            times = file["time"].values.ravel() if "time" in file else np.array([])
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, InputDataError):
            raise
        raise InputDataError(
            f"{path} cannot be read: {error}.", "Check that it is whole."
        ) from None
    if len(arrays) < len(FIELDS) or not all(x.size for x in arrays.values()):
        raise InputDataError(
            f"{path} holds no singular vectors.",
            "Make it with ngcm sensitivity --singular-vectors N.",
        )
    first = arrays[FIELDS[0]]
    axes = {
        "sigma": np.asarray(sigma),
        "latitude": np.rad2deg(grid.latitude),
        "longitude": np.rad2deg(grid.longitude),
    }
    for name, values in axes.items():
        own = first[name].values if name in first.coords else np.array([])
        if own.shape != values.shape or not np.allclose(own, values, atol=1e-5):
            raise InputDataError(
                f"The singular vectors in {path} are of another {name} than that of "
                "the model.",
                "Compute them with the model that is perturbed.",
            )
    fields = {}
    for name, x in arrays.items():
        dims = (VECTOR, *axes) if name != FIELDS[-1] else (VECTOR, *list(axes)[1:])
        if set(x.dims) != set(dims):
            raise InputDataError(
                f"{VECTOR}_{name} in {path} is on {', '.join(map(str, x.dims))}, not "
                f"on {', '.join(dims)}.",
                "Make the file with ngcm sensitivity --singular-vectors N; of one "
                "vector, keep the dimension.",
            )
        values = np.asarray(x.transpose(*dims).values, np.float32).swapaxes(-1, -2)
        fields[name] = values if values.ndim == 4 else values[:, None]
        if not np.isfinite(values).all():
            raise InputDataError(
                f"The singular vectors in {path} have values that are not finite.",
                "Compute them anew.",
            )
    others = [init for init in inits if times.size and init not in times]
    if others:
        log.warning(
            f"The singular vectors in {path} are those of {format_time(times[0])}, and "
            f"perturb the state of {format_time(others[0])}, of another flow."
        )
    return fields
