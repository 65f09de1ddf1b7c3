"""Whether a forecast stays stable: global series of what its fields hold."""

import dataclasses

import numpy as np
import xarray as xr

from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.plots.report.content import Part, Table
from ngcm_cli.plots.report.describe import quantity
from ngcm_cli.plots.report.pictures import Panel, series_figures
from ngcm_cli.simulation.stability import MAX_WIND, MEAN_PRESSURE, TEMPERATURES
from ngcm_cli.time_format import format_duration

_MOST_BYTES = 400 * 2**20  # read of a forecast for the series
_U, _V, _T = "u_component_of_wind", "v_component_of_wind", "temperature"
_PRESSURES = "surface_pressure", "mean_sea_level_pressure"
_MEAN_LEVELS = 850.0, 250.0  # hPa
_DAY = np.timedelta64(1, "D")
_ORDER = "Largest", "Mean", "Lowest", "Highest"
"""Of the graphs, by the first word of their labels."""


@dataclasses.dataclass(frozen=True, eq=False)
class Series:
    """A series of global extremes or means.

    Attributes:
        label: of the quantity.
        name: that tells it from others of the same quantity.
        units: of the values.
        values: (member, lead time), NaN where there is nothing.
        limits: least and greatest value of a stable run; None where there is none.
    """

    label: str
    name: str
    units: str
    values: np.ndarray
    limits: tuple[float, float] | None = None


def forecast_stability(
    forecast: xr.Dataset, top: float
) -> tuple[Part | None, list[str]]:
    """Return the part of a report about the stability of a forecast, and warnings.

    Args:
        forecast: of one initial time, in the form of `inputs.gridded`, lazy.
        top: pressure of the highest level of the model, hPa, above which levels are
            extrapolated; 0 where it is not known.
    """
    leads = forecast["lead_time"].values
    used = _used_leads(forecast)
    series, missing = _series(forecast.isel(lead_time=used), top)
    if not series:
        return None, []
    leads = leads[used]
    times = [format_duration(lead.astype("timedelta64[s]")) for lead in leads]
    panels: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for one in series:
        panels.setdefault((one.label, one.units), {})[one.name] = one.values
    members = series[0].values.shape[0]
    caption = "Extremes are over all longitudes, latitudes and levels"
    caption += f" from {top:.3g} hPa down" if top else ""
    caption += "; means are over the area of the Earth"
    if members > 1:
        caption += f"; lines are means of {members} members, bands their range"
    if len(used) < forecast.sizes["lead_time"]:
        caption += f"; {len(used)} of {forecast.sizes['lead_time']} lead times"
    figures = series_figures(
        "Lead time (days)",
        leads / _DAY,
        times,
        [Panel(label, units, lines) for (label, units), lines in panels.items()],
    )
    rows, warnings = _rows(series, times), _warnings(series, times)
    table = Table(
        "Global series: values at the first and last lead time, extremes, and limits "
        "beyond which ngcm calls a run unstable",
        ("Quantity", "First", "Last", "Lowest", "Highest", "Limits"),
        rows,
    )
    verdict = "No value is beyond the limits."
    if warnings:
        verdict = "Values are beyond the limits, or missing."
    notes = [f"Not in the output: {', '.join(missing)}."] if missing else []
    return Part(
        "Stability", [*figures, f"{caption}.", verdict, table, *notes]
    ), warnings


def _used_leads(forecast: xr.Dataset) -> np.ndarray:
    """Return indices of lead times, spread evenly, that can be read in time."""
    count = forecast.sizes["lead_time"]
    names = [name for name in (_U, _V, _T, *_PRESSURES) if name in forecast]
    size = sum(4 * forecast[name].isel(lead_time=0).size for name in names)
    most = max(2, _MOST_BYTES // max(size, 1))
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _series(forecast: xr.Dataset, top: float) -> tuple[list[Series], list[str]]:
    """Return the series of a forecast, and names of what it has not."""
    found: dict[tuple[str, str, str], list[np.ndarray]] = {}
    missing = []
    has_wind = _U in forecast and _V in forecast
    if not has_wind:
        missing.append("wind")
    if _T not in forecast:
        missing.append("temperature")
    pressure = next((name for name in _PRESSURES if name in forecast), "")
    if pressure != _PRESSURES[0]:
        missing.append("surface pressure")
    weights = area_weights(forecast["latitude"].values)
    weights /= weights.sum()
    for index in range(forecast.sizes["lead_time"]):
        one = forecast.isel(lead_time=index)
        if has_wind:
            u, v = (_values(one[name], top) for name in (_U, _V))
            speed = np.sqrt(u.astype(np.float64) ** 2 + v.astype(np.float64) ** 2)
            key = "Largest wind speed", "", "m s⁻¹"
            found.setdefault(key, []).append(np.fmax.reduce(speed, (1, 2, 3)))
        if _T in forecast:
            field = one[_T]
            values = _values(field, top)
            for label, extreme in (
                ("Lowest temperature", np.fmin),
                ("Highest temperature", np.fmax),
            ):
                key = label, "", "K"
                found.setdefault(key, []).append(extreme.reduce(values, (1, 2, 3)))
            levels = _levels(field, top)
            for level in _MEAN_LEVELS:
                if level in levels:
                    chosen = values[:, np.flatnonzero(levels == level)[0]]
                    mean = chosen.mean(-1, dtype=np.float64) @ weights
                    key = "Mean temperature", f"{level:g} hPa", "K"
                    found.setdefault(key, []).append(mean)
        if pressure:
            values = _values(one[pressure], 0)[:, 0]
            mean = values.mean(-1, dtype=np.float64) @ weights / 100
            label = pressure.replace("_", " ").replace("sea level", "sea-level")
            key = f"Mean {label.removeprefix('mean ')}", "", "hPa"
            found.setdefault(key, []).append(mean)
    low, high = TEMPERATURES
    limits = {
        "Largest wind speed": (0.0, MAX_WIND),
        "Lowest temperature": (low, high),
        "Highest temperature": (low, high),
        "Mean surface pressure": (MEAN_PRESSURE[0] / 100, MEAN_PRESSURE[1] / 100),
    }
    series = [
        Series(label, name, units, np.stack(values, 1), limits.get(label))
        for (label, name, units), values in found.items()
    ]
    return sorted(series, key=lambda one: _ORDER.index(one.label.split()[0])), missing


def _levels(field: xr.DataArray, top: float) -> np.ndarray:
    if "level" not in field.dims:
        return np.array([np.inf])
    levels = field["level"].values
    return levels[levels >= top]


def _values(field: xr.DataArray, top: float) -> np.ndarray:
    """Return values as (member, level, latitude, longitude)."""
    if "level" in field.dims and top:
        field = field.isel(level=np.flatnonzero(field["level"].values >= top))
    values = field.values
    if not {"level", "sigma"} & {*field.dims}:
        values = values[..., None, :, :]
    return values if "realization" in field.dims else values[None]


def _rows(series: list[Series], times: list[str]) -> list[tuple[str, ...]]:
    rows = []
    for one in series:
        name = f"{one.label}, {one.name}" if one.name else one.label
        values = np.ma.masked_invalid(one.values)
        mean = values.mean(0).filled(np.nan)
        finite = values.compressed()
        low, high = (
            (float(finite.min()), float(finite.max())) if finite.size else (np.nan,) * 2
        )
        limits = "none"
        if one.limits:
            limits = f"{one.limits[0]:g} to {one.limits[1]:g} {one.units}"
        rows.append(
            (
                name,
                quantity(mean[0], one.units, 5),
                quantity(mean[-1], one.units, 5),
                _extreme(one.values, low, one.units, times),
                _extreme(one.values, high, one.units, times),
                limits,
            )
        )
    return rows


def _extreme(values: np.ndarray, value: float, units: str, times: list[str]) -> str:
    """Return an extreme of (member, time) values and when it is, as text."""
    if not np.isfinite(value):
        return "no value"
    when = times[int(np.argwhere(values == value)[0][1])]
    return f"{quantity(value, units, 5)} at {when}"


def _warnings(series: list[Series], times: list[str]) -> list[str]:
    """Return what is beyond the limits or missing, where that is first so."""
    warnings = []
    for one in series:
        name = f"{one.label}, {one.name}" if one.name else one.label
        bad = ~np.isfinite(one.values)
        if bad.any():
            first = times[int(bad.any(0).argmax())]
            share = bad.mean()
            warnings.append(
                f"{name}: {share:.0%} of the values are missing, the first at {first}."
            )
        if one.limits is not None:
            low, high = one.limits
            beyond = (one.values < low) | (one.values > high)
            if beyond.any():
                index = int(beyond.any(0).argmax())
                worst = one.values[:, index][beyond[:, index]][0]
                warnings.append(
                    f"{name} is {quantity(float(worst), one.units)} at {times[index]}, "
                    f"beyond {low:g} to {high:g} {one.units}: the forecast is unstable."
                )
    return warnings
