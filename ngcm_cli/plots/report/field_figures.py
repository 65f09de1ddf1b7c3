"""The pictures of a report that show fields: maps, and sections of zonal means."""

import dataclasses

import numpy as np
import xarray as xr

from ngcm_cli.plots.means import time_mean, zonal_mean
from ngcm_cli.plots.report.content import Figure
from ngcm_cli.plots.report.describe import describe_time
from ngcm_cli.plots.report.pictures import has_section, map_figure, section_figure

# Pictures by variable and level in hPa, the most telling first; wind_speed is computed.
_MAPS: tuple[tuple[str, float | None], ...] = (
    ("geopotential", 500.0),
    ("mean_sea_level_pressure", None),
    ("temperature", 850.0),
    ("wind_speed", 250.0),
    ("total_column_water_vapour", None),
    ("precipitation_rate", None),
    ("P_minus_E_rate", None),
    ("specific_humidity", 700.0),
)
_MOST_MAPS = 4
_SECTIONS = "u_component_of_wind", "temperature"
MOST_MEMBERS = 200  # of a spread
_MOST_RECORDS = 12  # of a mean
_WIND = "u_component_of_wind", "v_component_of_wind"


@dataclasses.dataclass(frozen=True, eq=False)
class Moment:
    """Fields at one time, or averaged over several.

    Attributes:
        fields: without axes of time; with members, if there are several.
        when: the time, as text.
    """

    fields: xr.Dataset
    when: str


def mean_figures(dataset: xr.Dataset, last: int, top: float) -> list[Figure]:
    """Return maps and sections of the mean over the last records.

    Args:
        dataset: with the axis time.
        last: index of the last record that is used.
        top: pressure of the highest level of the model, hPa; 0 if not known.
    """
    first = max(0, last + 1 - _MOST_RECORDS)
    chosen = dataset.isel(time=slice(first, last + 1))
    times = chosen["time"].values
    when = describe_time(times[0])
    if len(times) > 1:
        when = f"mean of {len(times)} records from {when} to {describe_time(times[-1])}"
    figures = field_figures(Moment(chosen, when))
    for name in _SECTIONS:
        if name in chosen and "level" in chosen[name].dims:
            field = chosen[name]
            field = field.isel(level=np.flatnonzero(field["level"].values >= top))
            if has_section(field):
                zonal = time_mean(field, zonal_mean)
                figures.append(section_figure(zonal, when))
    return figures


def field_figures(moment: Moment) -> list[Figure]:
    """Return maps of the most telling fields; of several members mean and spread."""
    fields, when = moment.fields, moment.when
    figures: list[Figure] = []
    shown = 0
    for name, level in _MAPS:
        maps = _maps(_field(fields, name, level), when)
        if not maps:  # perhaps only statistics over members were kept
            maps = _maps(
                _field(fields, f"{name}_mean", level),
                when,
                _field(fields, f"{name}_std", level),
            )
        figures += maps
        shown += bool(maps)
        if shown == _MOST_MAPS:
            break
    if not figures:
        found = [_field(fields, str(name), None) for name in fields.data_vars]
        for field in [one for one in found if one is not None][:_MOST_MAPS]:
            figures += _maps(field, when)
    return figures


def _maps(
    field: xr.DataArray | None, when: str, spread: xr.DataArray | None = None
) -> list[Figure]:
    """Return the map of a field, and that of the spread of its members if there are."""
    if field is None:
        return []
    if "realization" in field.dims:
        spread = field.std("realization", ddof=1, keep_attrs=True)
        spread = spread.rename(f"{field.name}_std")
        field = field.mean("realization", keep_attrs=True).rename(f"{field.name}_mean")
    maps = [map_figure(field, when)]
    if spread is not None:
        maps.append(map_figure(spread, when, contours=field))
    return maps


def _field(fields: xr.Dataset, name: str, level: float | None) -> xr.DataArray | None:
    """Return a field on a level, read; None if there is none."""
    if name == "wind_speed" and name not in fields:
        u, v = (_field(fields, component, level) for component in _WIND)
        if u is None or v is None:
            return None
        attributes = {"units": "m s-1", "long_name": "Wind speed"}
        return (
            u.copy(data=np.hypot(u.values, v.values))
            .rename(name)
            .assign_attrs(attributes)
        )
    if name not in fields:
        return None
    field = fields[name]
    others = set(field.dims) - {"realization", "time", "level", "latitude", "longitude"}
    if others:
        return None
    if "level" in field.dims:
        levels = field["level"].values
        if level is None:
            level = float(levels[np.abs(levels - 500).argmin()])
        if level not in levels:
            return None
        field = field.isel(level=int(np.flatnonzero(levels == level)[0]))
    if "realization" in field.dims:
        if field.sizes["realization"] == 1:
            field = field.isel(realization=0)
        else:
            field = field.isel(realization=slice(0, MOST_MEMBERS))
    return time_mean(field)
