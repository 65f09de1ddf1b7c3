"""Standard deviations of background errors as a file.

NetCDF with one variable for each control variable of
`ngcm_cli.assimilation.background_error`, on the dimensions ``level`` (sigma levels from
the top; ``surface`` of ln pₛ) and ``total_wavenumber``: standard deviations of the
spectral coefficients in the units of the model.
"""

import pathlib
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.checked_netcdf import open_netcdf
from ngcm_cli.io.output_file import sole_writer
from ngcm_cli.output.dataset_file import write_dataset


def write_background_errors(
    path: pathlib.Path, deviation: Mapping[str, np.ndarray], model: str
) -> None:
    """Write standard deviations, each (level, 1, total_wavenumber).

    Args:
        path: of the file.
        deviation: as in `BackgroundError`.
        model: its name.

    Raises:
        OutputError: the file cannot be written.
    """
    variables = {
        name: (
            ("level" if len(x) > 1 else "surface", "total_wavenumber"),
            np.asarray(x)[:, 0],
            {"units": "1", "comment": "in the nondimensional units of the model"},
        )
        for name, x in deviation.items()
    }
    with sole_writer(path) as target:
        write_dataset(xr.Dataset(variables, attrs={"model": model}), target, {})


def read_background_errors(
    path: pathlib.Path, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Return standard deviations by name, each of its shape.

    Args:
        path: of a file that `write_background_errors` wrote.
        shapes: (level, 1, total_wavenumber) by name.

    Raises:
        InputDataError: it cannot be read, lacks a variable, or is of another model.
    """
    try:
        with open_netcdf(path, str(path), cache=False) as dataset:
            found = {
                name: np.asarray(dataset[name].values, np.float32)
                for name in shapes
                if name in dataset
            }
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputDataError(
            f"The background errors {path} cannot be read: {reason}.", "Check the file."
        ) from None
    hint = "Write them with `write_background_errors` for this model."
    for name, (levels, _, wavenumbers) in shapes.items():
        if name not in found:
            raise InputDataError(f"The background errors {path} lack {name}.", hint)
        x = found[name]
        if x.shape != (levels, wavenumbers):
            raise InputDataError(
                f"{name} in {path} is {list(x.shape)}, and levels and total "
                f"wavenumbers of the model {[levels, wavenumbers]}.",
                hint,
            )
        if not (np.isfinite(x).all() and (x >= 0).all() and x.any()):
            raise InputDataError(
                f"{name} in {path} has values that are no standard deviations.", hint
            )
    return {name: x[:, None] for name, x in found.items()}
