"""Files of cyclone tracks: NetCDF as CF defines trajectories.

The dataset that `find_tracks` returns and the NetCDF file have the same layout, a
contiguous ragged array of trajectories (CF conventions 1.11, section 9.3.3 and appendix
H.4.3): the points of all tracks stand one after the other along ``point``, those of
the first track first, and ``row_size`` says how many belong to each track. There may be
no track, and then no point, at all.

Along ``track``:

- ``track_id``: number from 0, int32, ``cf_role`` trajectory_id.
- ``row_size``: number of points of the track, int32, ``sample_dimension`` point.
- ``init_time``: initial time of the forecast, datetime64; of forecasts only.
- ``realization``: number of the member, int32; of ensembles only.
- ``source``: file of the track, text; only if there were several.
- ``storm_id``: storm of the best track that it was matched with, text, empty if none;
  only after a comparison with a best track.

Along ``point``:

- ``time``: valid time, datetime64. ``lead_time``: timedelta64; of forecasts only.
- ``latitude``, ``longitude``: of the centre, degrees; longitude from 0 to below 360, so
  that a track over the meridian of Greenwich jumps there.
- ``mean_sea_level_pressure``: lowest, Pa; absent if the data are without it.
- ``wind_speed``: highest near the centre, m s-1; the attribute ``comment`` says of
  which level or height.
- ``vorticity``: relative vorticity at 850 hPa, s-1, negative in cyclones south of the
  equator; only if it was searched for.
- ``surface_altitude``: height of the ground, m; only if it is known.
- ``latitude_index``, ``longitude_index``: of the centre in the data, both ascending,
  int32.
- ``track_error``, ``along_track_error``, ``cross_track_error``: km, of the forecast
  position against the best track at the same time, the latter two positive ahead and to
  the right of the storm's motion; ``pressure_error`` in Pa and ``wind_error`` in m s-1,
  forecast minus best track. NaN where the best track has no point; only after a
  comparison.

Global attributes name the criteria and every substitution, ``init_times`` and
``realizations`` the forecasts that were searched, also those without a track.
"""

import os
import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.io.atomic import atomic_file
from ngcm_cli.io.netcdf_library import open_with_xarray
from ngcm_cli.io.output_file import sole_writer
from ngcm_cli.output.dataset_file import write_dataset
from ngcm_cli.tracks import tempest_text

_EPOCH = "seconds since 1970-01-01T00:00:00"


def write_tracks(tracks: xr.Dataset, path: pathlib.Path, file_format: str) -> None:
    """Write tracks to a file, which appears under its name when it is whole.

    Args:
        tracks: in the layout of this module.
        path: of the file.
        file_format: ``netcdf``, or ``tempest`` for the text of TempestExtremes.

    Raises:
        OutputError: the file cannot be written, or the format cannot hold the tracks.
    """
    if file_format == "tempest":
        text = tempest_text.format_tracks(tracks)
        try:
            with sole_writer(path) as target, atomic_file(target) as file:
                file.write(text.encode())
        except OSError as error:
            raise OutputError(
                f"{path} could not be written: {error}.",
                "Choose another path, or free space.",
            ) from error
        return
    write_netcdf(tracks, path)


def write_netcdf(dataset: xr.Dataset, path: pathlib.Path) -> None:
    """Write a dataset to a NetCDF-4 file, which appears when it is whole.

    Raises:
        OutputError: the file cannot be written.
    """
    encoding = {
        str(name): _encoding(array) for name, array in dataset.variables.items()
    }
    with sole_writer(path) as target:
        write_dataset(dataset, target, encoding)


def _encoding(array: xr.Variable) -> dict:
    if array.dtype.kind == "M":
        return {"units": _EPOCH, "dtype": "int64", "_FillValue": None}
    if array.dtype.kind == "m":
        return {"units": "hours", "dtype": "float64", "_FillValue": None}
    if array.dtype.kind == "f" and array.dims == ("point",):
        is_place = array.attrs.get("axis") in ("X", "Y")
        return {"_FillValue": None if is_place else np.nan}
    return {"_FillValue": None} if array.dtype.kind in "if" else {}


def read_tracks(
    path: str | os.PathLike[str], columns: tuple[str, ...] | None = None
) -> xr.Dataset:
    """Return the tracks of a file, in memory, in the layout of this module.

    Args:
        path: of a NetCDF file, or of TempestExtremes' text.
        columns: names of the columns of a text after longitude and latitude, such as
            ``("slp", "wind", "zs")``; None is these, as many as there are.

    Raises:
        InputDataError: the file cannot be read, or holds something else.
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as file:
            begins = file.read(8)
    except OSError as error:
        raise InputDataError(
            f"{path} cannot be read: {error.strerror}.", "Check its name."
        ) from None
    if begins[:3] not in (b"CDF", b"\x89HD"):
        return tempest_text.read_tracks(path, columns)
    check_chunks(path)
    try:
        with open_with_xarray(path, decode_timedelta=True) as file:
            tracks = file.load()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputDataError(
            f"{path} cannot be read: {error}.", "Check that it is whole."
        ) from None
    needed = {"row_size", "time", "latitude", "longitude"}
    points = tracks.sizes.get("point")
    if not needed <= set(tracks.variables) or tracks["row_size"].sum() != points:
        raise InputDataError(
            f"{path} holds no tracks in the layout of this program.",
            "Give a file that ngcm tracks has written.",
        )
    return tracks
