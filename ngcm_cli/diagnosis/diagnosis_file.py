"""The file of a diagnosis: NetCDF-4 with all numbers, curves and maps.

Numbers are variables without dimensions, or along ``realization``; the others are on
some of these, and every variable has ``units``, ``long_name`` and ``topic``:

======================  ===============================================================
``level``               pressure, hPa, ascending
``latitude``            degrees, ascending; ``longitude`` likewise
``season``              ``mean``, ``djf``, ``jja``
``month``               beginning of each month of a series
``time``, ``day``       of series of instantaneous fields; middle of days, of means
``lead_time``           of forecasts; ``lead_day`` whole days
``calendar_month``      1 to 12
``region``, ``rate``    of the distribution of P - E; mm per day
``wavenumber``          total wavenumber, at ``spectrum_level``, hPa
``realization``         member of the run
======================  ===============================================================

With a reference, ``NAME_reference`` is the same of the reference, ``FIELD_bias`` the
map of the difference of the means, ``FIELD_rmsb`` its root mean square. Global
attributes: ``run``, ``reference``, ``model``, ``data`` (kind and times of the data),
``notes``, ``not_computed`` (a line each), ``settings`` (JSON), ``ngcm_version``,
``history``.
"""

import os
import pathlib
from collections.abc import Sequence

import xarray as xr

from ngcm_cli.errors import OutputError
from ngcm_cli.io.atomic import temporary_sibling, translate_os_errors
from ngcm_cli.io.output_file import check_writable, sole_writer


def check_output(
    path: pathlib.Path, overwrite: bool, inputs: Sequence[str] = ()
) -> None:
    """Check, before anything is read, that a file can be written.

    Args:
        path: of the file.
        overwrite: whether it may exist.
        inputs: locations of what is read.

    Raises:
        OutputError: it exists, its directory does not, or it is an input.
    """
    folder = pathlib.Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise OutputError(
            f"The directory of the output, {folder}, does not exist.",
            "Create it, or choose another --output.",
        )
    if path.is_dir():
        raise OutputError(f"The output {path} is a directory.", "Name a file.")
    if path.exists() and not overwrite:
        raise OutputError(
            f"The output {path} exists.",
            "Choose another --output, or give --overwrite to replace it.",
        )
    check_writable(path, inputs)


def write_diagnosis(found: xr.Dataset, path: pathlib.Path) -> None:
    """Write a diagnosis; the file appears under its name when it is whole.

    Raises:
        OutputError: it cannot be written.
    """
    packed = {"zlib": True, "complevel": 1}
    encoding = {
        str(name): packed for name, x in found.data_vars.items() if x.size > 1000
    }
    known = {**found.attrs, "Conventions": "CF-1.11"}
    with (
        translate_os_errors(
            "Writing the diagnosis",
            lambda action: f"{action}, or choose another --output.",
        ),
        sole_writer(path) as target,
    ):
        new = temporary_sibling(target)
        try:
            found.assign_attrs(known).to_netcdf(new, encoding=encoding)
            new.replace(target)
        except RuntimeError as error:  # of the C library
            raise OutputError(
                f"{path} could not be written: {error}.", "Check the disk."
            ) from error
        finally:
            new.unlink(missing_ok=True)
