"""The annual cycle: amplitude and phase of its first harmonic."""

import numpy as np

from ngcm_cli.diagnosis.sphere import area_weights, weighted_mean
from ngcm_cli.diagnosis.topic import (
    Averages,
    Entry,
    Fields,
    Topic,
    by_calendar_month,
    entry,
    number,
)
from ngcm_cli.diagnosis.water import EVAPORATION, NET_RATE, RAIN, net_rate, rain_rate

T, U, PRESSURE = "temperature", "u_component_of_wind", "mean_sea_level_pressure"
COLUMN_WATER, SST = "total_column_water_vapour", "sea_surface_temperature"
_MAP = "latitude", "longitude"
_CLIMATOLOGY = "calendar_month", *_MAP

CYCLES = {
    "temperature_850hPa": ("K", "Temperature at 850 hPa"),
    "mean_sea_level_pressure": ("Pa", "Mean sea level pressure"),
    "total_column_water_vapour": ("kg m-2", "Total column water vapour"),
    "sea_surface_temperature": ("K", "Sea surface temperature"),
    "precipitation": ("mm day-1", "Precipitation"),
    "net_precipitation": ("mm day-1", "P - E"),
    "u_component_of_wind_250hPa": ("m s-1", "Eastward wind at 250 hPa"),
}
"""Units and long names of the fields whose annual cycle is found."""
_EXTRATROPICS = (("north", (20.0, 90.0), "20-90N"), ("south", (-90.0, -20.0), "20-90S"))


def annual_harmonic(climatology: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return amplitude and phase of the annual harmonic of a monthly climatology.

    With months of equal length, whose means stand for their middles,

        x(t) = mean + A cos(2 π (t - t₀)/12) + ...

    The mean over a month is smaller than the value in its middle by the factor
    sin(π/12)/(π/12) = 0.989, which is not corrected.

    Args:
        climatology: (month, ...), January first.

    Returns:
        Amplitude A, in the units of the climatology, and the time of the maximum t₀,
        in months since the beginning of January, from 0 to 12; both (...).

    Raises:
        ValueError: there are not twelve months.
    """
    climatology = np.asarray(climatology, np.float64)
    if len(climatology) != 12:
        raise ValueError(f"{len(climatology)} months instead of 12")
    angle = 2 * np.pi * (np.arange(12) + 0.5) / 12
    cosine = np.tensordot(np.cos(angle), climatology, 1) / 6
    sine = np.tensordot(np.sin(angle), climatology, 1) / 6
    phase = np.arctan2(sine, cosine) * 6 / np.pi
    return np.hypot(cosine, sine), phase % 12


def _maps(fields: Fields) -> dict[str, np.ndarray]:
    found = {}
    for name in PRESSURE, COLUMN_WATER, SST:
        if name in fields:
            found[name] = fields[name]
    for name, level in (T, 850), (U, 250):
        if name in fields and np.isclose(fields.grid.levels, level).any():
            found[f"{name}_{level}hPa"] = fields.at(name, level)
    if RAIN in fields:
        found["precipitation"] = rain_rate(fields)
    if NET_RATE in fields or (RAIN in fields and EVAPORATION in fields):
        found["net_precipitation"] = net_rate(fields)
    return found


def _conclude_cycle(averages: Averages) -> dict[str, Entry]:
    latitude = averages.grid.latitude
    months = np.array(averages.bins) + 1
    found: dict[str, Entry] = {
        "calendar_month": (("calendar_month",), months, {"long_name": "Month"})
    }
    is_whole = len(averages.bins) == 12
    if not is_whole:
        averages.miss(
            "Amplitude and phase of the annual cycle",
            f"all calendar months; there are {len(averages.bins)}",
        )
    for name, (units, what) in CYCLES.items():
        if name not in averages.means:
            continue
        maps = averages.means[name]
        found[f"{name}_climatology"] = entry(
            _CLIMATOLOGY, maps, units, f"{what}, mean of each calendar month"
        )
        mean = np.average(maps, axis=0, weights=None if is_whole else averages.counts)
        found[f"{name}_mean"] = number(
            weighted_mean(mean, area_weights(latitude)), units, f"{what}, global mean"
        )
        if not is_whole:
            continue
        amplitude, phase = annual_harmonic(maps)
        found[f"{name}_amplitude"] = entry(
            _MAP, amplitude, units, f"{what}, amplitude of the annual harmonic"
        )
        found[f"{name}_phase"] = entry(
            _MAP,
            phase,
            "1",
            f"{what}, maximum of the annual harmonic, months since 1 January",
        )
        for band, bounds, text in _EXTRATROPICS:
            series = weighted_mean(maps, area_weights(latitude, *bounds))
            size, peak = annual_harmonic(series)
            found[f"{name}_amplitude_{band}"] = number(
                size, units, f"{what}, annual harmonic of the mean {text}"
            )
            found[f"{name}_phase_{band}"] = number(
                peak, "1", f"{what}, month of its maximum {text}", period=12.0
            )
    return found


SEASONAL_CYCLE = Topic(
    title="Annual cycle and mean state",
    needs=((T,), (PRESSURE,), (COLUMN_WATER,), (SST,), (U,), (RAIN,), (NET_RATE,)),
    optional=(T, U, PRESSURE, COLUMN_WATER, SST, RAIN, NET_RATE, EVAPORATION),
    reduce=_maps,
    conclude=_conclude_cycle,
    bin_of=by_calendar_month,
    records_only=True,
    of_zonal_means=True,
)
