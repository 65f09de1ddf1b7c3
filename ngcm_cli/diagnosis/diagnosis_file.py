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

import pathlib

import xarray as xr

from ngcm_cli.io.output_file import sole_writer
from ngcm_cli.output.dataset_file import write_dataset


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
    hint = "Check the disk, or choose another --output."
    with sole_writer(path) as target:
        write_dataset(found.assign_attrs(known), target, encoding, hint)
