"""Score files: NetCDF-4 in the layout of WeatherBench 2's published results.

Every score is a float64 variable ``METRIC.VARIABLE``, such as ``rmse.temperature``, on
the dimensions ``[forecast,] region, lead_time[, level]`` in this order:

====================================  =================================================
``rmse.temperature``                  the score, NaN where nothing was scored
``rmse.temperature_lower, _upper``    its confidence interval, from blocks of initial
                                      times; absent with fewer than eight of them
``rmse.temperature_difference``       the forecast minus the reference, on the starts
                                      that both have; with eight of them, with
                                      ``_difference_lower``, ``_difference_upper`` and
                                      ``_difference_p_value``; the global attribute
                                      ``reference`` names the reference
``rmse.temperature_by_init``          with ``--by-init``: of every initial time, on
                                      ``[forecast,] init_time, region, lead_time[,
                                      level]``
``rmse.temperature_map``              with ``--maps``, of bias and rmse: on
                                      ``[forecast,] lead_time[, level], latitude,
                                      longitude``
``spectrum.temperature``              with ``--spectra``: mean power by total
                                      wavenumber, on ``[forecast,] lead_time[, level],
                                      wavenumber``; of the wind its kinetic energy
``zonal_spectrum.temperature``        with ``--spectra``: mean energy on circles of
                                      latitude, on ``[forecast,] lead_time[, level],
                                      zonal_wavenumber``
``spectrum.temperature_truth``        the same of the truth, as for ``zonal_spectrum``
``count.temperature``                 number of initial times, on ``[forecast,]
                                      lead_time``
====================================  =================================================

- ``forecast`` is there only where the file has more than one forecast or baseline; its
  names are those of the table. ``baseline`` along it tells forecasts (0) from baselines
  (1).
- ``region`` holds names; ``global`` is always the first.
- ``level`` is in hPa, ascending, of all variables together; a variable that was scored
  on some of them is NaN on the others. Variables of the surface do not have it.
- ``lead_time`` is a duration.
- Some metrics have further, last dimensions: ``rank`` (of ``rank_histogram``), or
  ``threshold`` and ``probability_bin`` (of events). ``threshold.temperature`` along
  ``threshold`` has the values of the thresholds.

Attributes of a score: ``units``, ``long_name``, ``metric`` and ``variable``. Global
attributes: ``forecasts`` (JSON) and ``truth`` (locations), ``climatology``, ``grid``,
``settings`` (JSON), ``missing_truth_times``, ``notes`` (substitutions, a line each),
``ngcm_version``, ``history``. The group ``statistics``, with ``--by-init``, has the
sums from which the scores follow; files that have it can be merged.
"""

import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.io.netcdf_library import open_with_xarray
from ngcm_cli.output.dataset_file import write_dataset
from ngcm_cli.verification.score_layout import ScoreLayout, StatisticsSource
from ngcm_cli.verification.score_statistics import append_statistics


def write_score_file(
    path: pathlib.Path,
    scores: xr.Dataset,
    layout: ScoreLayout | None = None,
    source: StatisticsSource | None = None,
) -> None:
    """Write a score file, which appears under its name when it is whole.

    Args:
        path: of the file; what is there is replaced.
        scores: as `compute_scores` returns them.
        layout: with the source, to write statistics, too; None writes scores only.
        source: statistics of initial times.

    Raises:
        OutputError: the file cannot be written.
    """
    encoding = {}
    for name, variable in scores.variables.items():
        if variable.dtype.kind == "f":
            encoding[name] = {"_FillValue": np.nan}
    if "lead_time" in scores.coords:
        encoding["lead_time"] = {"units": _unit(scores["lead_time"].values)}
    if "init_time" in scores.coords:
        encoding["init_time"] = {"units": "hours since 1970-01-01"}

    def complete(new: pathlib.Path) -> None:
        if layout is not None and source is not None:
            append_statistics(new, layout, source)

    hint = "Free some space, and continue with --resume."
    write_dataset(scores, path, encoding, hint, complete)


def read_scores(path: str | pathlib.Path) -> xr.Dataset:
    """Return the scores of a file, in memory.

    Raises:
        InputDataError: it is no score file, or a chunk would take far more memory than
            its shape.
    """
    check_chunks(pathlib.Path(path))
    try:
        with open_with_xarray(path, decode_timedelta=True) as file:
            scores = file.load()
    except (OSError, ValueError) as error:
        raise InputDataError(
            f"{path} cannot be opened: {error}.", "Give a file of ngcm evaluate."
        ) from None
    if "region" not in scores.dims or "lead_time" not in scores.dims:
        raise InputDataError(
            f"{path} is no score file.", "Give a file that ngcm evaluate wrote."
        )
    return scores


def _unit(lead_times: np.ndarray) -> str:
    """Return the longest unit in which lead times are whole numbers."""
    for unit, code in ("hours", "h"), ("minutes", "m"):
        if not (lead_times % np.timedelta64(1, code)).astype(int).any():  # type: ignore
            return unit
    return "seconds"
