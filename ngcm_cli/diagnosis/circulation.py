"""The mean meridional circulation, jets, and winds of the stratosphere."""

import numpy as np

from ngcm_cli.diagnosis.sphere import at_latitude
from ngcm_cli.units import LENGTH

JET_BAND = 15.0, 75.0
"""Latitudes of each hemisphere in which jets are looked for, degrees."""
CELL_BAND = 40.0
"""Latitude, of both hemispheres, up to which extremes are of the Hadley cells."""
CELL_LEVELS = 150.0, 950.0
"""Pressures between which extremes of the Hadley cells are looked for, hPa."""
EDGE_LEVEL = 500.0


def mass_streamfunction(
    v: np.ndarray, masses: np.ndarray, above: np.ndarray, latitude: np.ndarray
) -> np.ndarray:
    """Return the mass streamfunction of the mean meridional circulation, kg s-1.

        ψ(φ, p) = (2 π a cos φ / g) ∫₀^p [v] dp′

    positive where the air rises in the south and sinks in the north (Peixoto and Oort
    1992, Physics of Climate, eq. 7.15, with p downwards). Nothing flows below the
    ground.

    Args:
        v: northward wind, m s-1, (level, latitude, longitude), pressure ascending.
        masses: of the layers, `columns.layer_masses`.
        above: of their parts above the levels, `columns.masses_above_levels`.
        latitude: degrees, ascending.

    Returns:
        At the levels, (level, latitude).
    """
    flow = np.where(np.isfinite(v) & (masses > 0), v * masses, 0.0).mean(-1)
    part = np.where(np.isfinite(v) & (above > 0), v * above, 0.0).mean(-1)
    circle = 2 * np.pi * LENGTH * np.cos(np.deg2rad(np.asarray(latitude, float)))
    return circle * (np.cumsum(flow, axis=0) - flow + part)


def hadley_cells(
    streamfunction: np.ndarray, levels: np.ndarray, latitude: np.ndarray
) -> dict[str, float]:
    """Return strength and edges of the Hadley cells.

    ``northern`` and ``southern`` are the maximum and the minimum of the streamfunction
    within 40 degrees of the equator, between 150 and 950 hPa [kg s-1]. The edges are
    where, polewards of its extreme at 500 hPa, it first changes its sign there
    [degrees]; NaN where it does not, or where 500 hPa is not between levels.

    Args:
        streamfunction: kg s-1, (level, latitude).
        levels: hPa, ascending.
        latitude: degrees, ascending.
    """
    latitude, levels = np.asarray(latitude, float), np.asarray(levels, float)
    tropics = np.abs(latitude) <= CELL_BAND
    layer = (levels >= CELL_LEVELS[0]) & (levels <= CELL_LEVELS[1])
    nothing = np.full((1, 1), np.nan)
    cells = streamfunction[np.ix_(layer, tropics)] if layer.any() else nothing
    middle = at_level(streamfunction, levels, EDGE_LEVEL)
    return {
        "northern": float(cells.max()),
        "southern": float(cells.min()),
        "northern_edge": _edge(middle, latitude),
        "southern_edge": -_edge(-middle[::-1], -latitude[::-1]),
    }


def _edge(profile: np.ndarray, latitude: np.ndarray) -> float:
    """Return the latitude north of the maximum where a profile becomes negative."""
    tropics = np.flatnonzero(np.abs(latitude) <= CELL_BAND)
    if not np.isfinite(profile).all() or not len(tropics):
        return np.nan
    top = tropics[np.argmax(profile[tropics])]
    if profile[top] <= 0:
        return np.nan
    beyond = np.flatnonzero(profile[top:] <= 0)
    if not len(beyond):
        return np.nan
    after = top + beyond[0]
    before, here = profile[after - 1], profile[after]
    share = before / (before - here)
    return float(latitude[after - 1] + share * (latitude[after] - latitude[after - 1]))


def jet(
    profile: np.ndarray, latitude: np.ndarray, is_northern: bool
) -> tuple[float, float]:
    """Return latitude [degrees] and speed [m s-1] of the westerly jet.

    The maximum of the parabola through the fastest zonal-mean wind between 15 and 75
    degrees and its two neighbours.

    Args:
        profile: zonal-mean eastward wind, m s-1, (latitude,).
        latitude: degrees, ascending.
        is_northern: which hemisphere.
    """
    latitude = np.asarray(latitude, float)
    low, high = JET_BAND
    north = latitude if is_northern else -latitude
    band = np.flatnonzero((north >= low) & (north <= high) & np.isfinite(profile))
    if not len(band):
        return np.nan, np.nan
    top = band[np.argmax(profile[band])]
    near = slice(top - 1, top + 2)
    x, y = latitude[near] - latitude[top], profile[near]
    if top in (0, len(latitude) - 1) or not np.isfinite(y).all() or y[1] < max(y):
        return float(latitude[top]), float(profile[top])
    a, b, c = np.polyfit(x, y, 2)
    if a >= 0:
        return float(latitude[top]), float(profile[top])
    return float(latitude[top] - b / (2 * a)), float(c - b**2 / (4 * a))


def at_level(section: np.ndarray, levels: np.ndarray, pressure: float) -> np.ndarray:
    """Return a section at a pressure, interpolated linearly in its logarithm.

    Args:
        section: (..., level, latitude), pressure ascending.
        levels: hPa.
        pressure: hPa.

    Returns:
        (..., latitude); NaN where the pressure is not between levels.
    """
    levels = np.asarray(levels, float)
    if len(levels) and np.isclose(levels, pressure).any():
        return section[..., int(np.argmin(np.abs(levels - pressure))), :]
    if not len(levels) or not levels[0] <= pressure <= levels[-1]:
        return np.full_like(section[..., :1, :].squeeze(-2), np.nan)
    after = int(np.searchsorted(levels, pressure))
    top, bottom = np.log(levels[after - 1]), np.log(levels[after])
    share = (np.log(pressure) - top) / (bottom - top)
    return (1 - share) * section[..., after - 1, :] + share * section[..., after, :]


def polar_night_wind(
    u: np.ndarray, levels: np.ndarray, latitude: np.ndarray
) -> np.ndarray:
    """Return zonal-mean wind at 60 N and 10 hPa, m s-1; easterly in a major warming.

    Charlton and Polvani 2007, doi:10.1175/JCLI3996.1.

    Args:
        u: zonal-mean eastward wind, m s-1, (..., level, latitude).
        levels: hPa, ascending.
        latitude: degrees, ascending.
    """
    return at_latitude(at_level(u, levels, 10.0), latitude, 60.0)


def major_warmings(day: np.ndarray, wind: np.ndarray) -> int:
    """Return the number of major sudden stratospheric warmings.

    The zonal-mean wind at 60 N and 10 hPa becomes easterly from November to March; it
    was westerly for 20 days in succession since the last easterly day, and is so again
    for 10 days in succession before the end of April (Charlton and Polvani 2007,
    doi:10.1175/JCLI3996.1).

    Args:
        day: days of a record without gaps, datetime64[D], (day,).
        wind: daily means, m s-1, (day,).
    """
    month = day.astype("datetime64[M]").astype(int) % 12 + 1
    count, westerly_days = 0, 0
    for i in range(len(day)):
        if wind[i] >= 0:
            westerly_days += 1
            continue
        in_season = month[i] >= 11 or month[i] <= 3
        if westerly_days >= 20 and in_season and _returns(day, wind, i):
            count += 1
        westerly_days = 0
    return count


def _returns(day: np.ndarray, wind: np.ndarray, onset: int) -> bool:
    """Return whether westerlies return for ten days before the end of April."""
    year = day[onset].astype("datetime64[Y]")
    if day[onset].astype("datetime64[M]").astype(int) % 12 >= 10:
        year = year + 1
    end = (year.astype("datetime64[M]") + 4).astype("datetime64[D]")
    spell = 0
    for i in range(onset, int(np.searchsorted(day, end))):
        spell = spell + 1 if wind[i] >= 0 else 0
        if spell >= 10:
            return True
    return False
