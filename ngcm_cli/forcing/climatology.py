"""A monthly climatology of sea-surface temperature and sea ice."""

import functools
from typing import TYPE_CHECKING

import numpy as np

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.mid_month_values import mid_month_values
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.inputs.calendars import month_lengths
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.bundled import climatology_path
from ngcm_cli.inputs.time_meaning import MEAN
from ngcm_cli.inputs.times import describe_times
from ngcm_cli.inputs.variables import SEA_ICE, SST, SURFACE_VARIABLES
from ngcm_cli.time_format import format_time

if TYPE_CHECKING:
    from ngcm_cli.forcing.sst_record import SSTRecord


def read_climatology(path: str, model_inputs: ModelInputs) -> SurfaceForcing:
    """Return the climatology in a file of monthly means, as `climatology_of` does."""
    # They import xarray, which a run from cached fields does not need.
    from ngcm_cli.forcing.sst_record import SSTRecord
    from ngcm_cli.inputs.input_dataset import InputDataset

    with InputDataset.open(path, SURFACE_VARIABLES) as dataset:
        return climatology_of(SSTRecord(dataset, model_inputs, MEAN), [])


def climatology_of(record: "SSTRecord", notes: list[str]) -> SurfaceForcing:
    """Return the mean year of a record of monthly means as mid-month values.

    There are twelve fields, with times in 2001, a year of the most frequent length.

    Raises:
        InputDataError: The record is not one of monthly means of whole years, or it is
            not known whether they are means.
    """
    months = np.arange("2001-01", "2002-01", dtype="datetime64[M]")
    fields, times = {}, months
    for name, means in mean_of_months(record, notes).items():
        bounds = units.SEA_BOUNDS_SI[name]
        times, values = mid_month_values(means, months, *bounds, periodic=True)
        fields[name] = values[:, None]
        if name == SST and not record.is_climatology:
            after = record.times[0] - record.times[0].astype("datetime64[M]")
            stamps = months.astype("datetime64[s]") + after
            record.check_month_stamps(stamps, means)
            year = times[0], times[-1]
            record.check_clear((times, values), (stamps, means), *year)
    return SurfaceForcing(times, fields, tuple(dict.fromkeys(notes)))


def mean_of_months(record: "SSTRecord", notes: list[str]) -> dict[str, np.ndarray]:
    """Return the mean of all Januaries, of all Februaries, and so on, by ERA5 name.

    Shape (month, longitude, latitude).

    Raises:
        InputDataError: The record is not one of monthly means of whole years.
    """
    path = record.dataset.path
    shape = 12, *record.model_inputs.grid.nodal_shape
    names = [n for n in (SST, SEA_ICE) if n in record.dataset.fields]
    times, counts = {}, {}
    for name in names:
        known = record.times_of(name)
        count = np.bincount(known.months.astype(int) % 12, minlength=12)
        if not known.monthly or count.min() == 0:
            raise InputDataError(
                f"'{path}' holds {describe_times(known.times)}, which is not enough "
                "for a monthly climatology.",
                "Name monthly means of a year or more with --sst-data, or none for the "
                "climatology that comes with ngcm.",
            )
        times[name], counts[name] = known.times, count
    totals = {name: np.zeros(shape) for name in names}
    for name, time, values in record.read_together(times, notes):
        totals[name][int(time.astype("datetime64[M]").astype(int)) % 12] += values
    for name in names:
        if counts[name].max() > 1:
            first, last = map(format_time, times[name][[0, -1]])
            notes.append(f"Climatology: mean of {first} to {last} for every month.")
    notes += record.fill_notes()
    return {name: totals[name] / counts[name][:, None, None] for name in names}


@functools.lru_cache(maxsize=2)
def amip_months(model_inputs: ModelInputs) -> dict[str, np.ndarray]:
    """Return the means of every month in AMIP's climatology, by ERA5 name.

    Shape (month, longitude, latitude), January first.
    """
    from ngcm_cli.forcing.sst_record import SSTRecord
    from ngcm_cli.inputs.input_dataset import InputDataset

    with InputDataset.open(climatology_path(), SURFACE_VARIABLES) as dataset:
        return mean_of_months(SSTRecord(dataset, model_inputs, MEAN), [])


def repeat_climatology(
    climatology: SurfaceForcing, start: np.datetime64, end: np.datetime64
) -> SurfaceForcing:
    """Return a climatology at every mid-month in and around a period."""
    first, last = (t.astype("datetime64[M]") for t in (start, end))
    months = np.arange(first - 1, last + 2)
    times = months.astype("datetime64[s]") + month_lengths(months) // 2
    index = months.astype(int) % 12
    fields = {name: x[index] for name, x in climatology.fields.items()}
    return SurfaceForcing(times, fields, ())
