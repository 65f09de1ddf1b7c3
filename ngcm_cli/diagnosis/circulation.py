"""The mean meridional circulation, its cells, and jets."""

import numpy as np

from ngcm_cli.diagnosis.columns import GROUND, layer_masses, masses_above_levels
from ngcm_cli.diagnosis.seasons import (
    note_incomplete_year,
    season_coordinate,
    seasonal_means,
    seasons_of,
    suffix,
    title,
)
from ngcm_cli.diagnosis.sphere import zonal_mean
from ngcm_cli.diagnosis.topic import (
    COLUMN_LEVELS,
    SURFACE_PRESSURE,
    Averages,
    Entry,
    Fields,
    Topic,
    by_calendar_month,
    entry,
    number,
)
from ngcm_cli.units import LENGTH

U, V, T = "u_component_of_wind", "v_component_of_wind", "temperature"
JET_LEVELS = 850.0, 250.0
"""Pressures at which jets are looked for, hPa."""
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


def streamfunction_of_zonal_means(
    v: np.ndarray, levels: np.ndarray, latitude: np.ndarray
) -> np.ndarray:
    """Return `mass_streamfunction` of zonal means, the ground being at 1000 hPa.

    Args:
        v: zonal mean of the northward wind, m s-1, (level, latitude).
        levels: hPa, ascending.
        latitude: degrees, ascending.
    """
    ground = np.full((len(latitude), 1), GROUND)
    masses, above = layer_masses(levels, ground), masses_above_levels(levels, ground)
    return mass_streamfunction(np.asarray(v)[..., None], masses, above, latitude)


def hadley_cells(
    streamfunction: np.ndarray, levels: np.ndarray, latitude: np.ndarray
) -> dict[str, float]:
    """Return strength and edges of the Hadley cells.

    ``northern`` and ``southern`` are the maximum and the minimum of the streamfunction
    within 40 degrees of the equator, between 150 and 950 hPa [kg s-1]. The edges are
    where, polewards of its extreme at 500 hPa within 40 degrees in each hemisphere, it
    first changes its sign there [degrees]; NaN where there is no such cell, where it
    reaches the pole, or where 500 hPa is not between levels.

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
    tropics = np.flatnonzero((latitude >= 0) & (latitude <= CELL_BAND))
    if not np.isfinite(profile).all() or not len(tropics):
        return np.nan
    top = tropics[np.argmax(profile[tropics])]
    if profile[top] <= 0:
        return np.nan
    # At the pole every streamfunction is zero, to rounding.
    beyond = np.flatnonzero((profile[top:] <= 0) & (latitude[top:] < 90 - 1e-5))
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


_SECTION = "season", "level", "latitude"
_HEMISPHERES = ("north", "northern", True), ("south", "southern", False)


def _reduce(fields: Fields) -> dict[str, np.ndarray]:
    grid = fields.grid
    above = masses_above_levels(grid.levels, fields.surface_pressure, grid.highest)
    flow = mass_streamfunction(fields[V], fields.masses, above, grid.latitude)
    found = {
        "eastward": zonal_mean(fields[U]),
        "streamfunction": flow,
        "known_ground": np.float64(SURFACE_PRESSURE in fields),
    }
    if T in fields:
        found["temperature"] = zonal_mean(fields[T])
    return found


def _conclude(averages: Averages) -> dict[str, Entry]:
    grid, found = averages.grid, {"season": season_coordinate(averages)}
    note_incomplete_year(averages)
    if not averages.means["known_ground"].all():
        averages.note(
            "without surface_pressure the ground is at 1000 hPa everywhere; missing "
            "values count as below the ground"
        )
    elif grid.is_zonal:
        averages.note("the ground is at the zonal mean of surface_pressure")
    if grid.highest is not None:
        averages.note(
            "the streamfunction uses no level above the model's highest, at "
            f"{grid.highest:.3g} hPa"
        )
    wind = seasonal_means(averages, "eastward")
    flow = seasonal_means(averages, "streamfunction")
    found["zonal_wind"] = entry(_SECTION, wind, "m s-1", "Zonal-mean eastward wind")
    found["mass_streamfunction"] = entry(
        _SECTION, flow, "kg s-1", "Mass streamfunction of the meridional circulation"
    )
    if "temperature" in averages.means:
        found["zonal_temperature"] = entry(
            _SECTION,
            seasonal_means(averages, "temperature"),
            "K",
            "Zonal-mean temperature",
        )
    for i, season in enumerate(seasons_of(averages)):
        found |= _cells(flow[i], averages, season) | _jets(wind[i], averages, season)
    return found


def note_interpolation(averages: Averages, pressure: float) -> None:
    """Note that values at a pressure are interpolated, if it is no level of the data.

    Args:
        averages: whose grid has the levels.
        pressure: hPa.
    """
    levels = np.asarray(averages.grid.levels, float)
    if not len(levels) or np.isclose(levels, pressure).any():
        return
    if levels[0] < pressure < levels[-1]:
        after = int(np.searchsorted(levels, pressure))
        averages.note(
            f"values at {pressure:g} hPa, which is no level of the data, are "
            f"interpolated between {levels[after - 1]:g} and {levels[after]:g} hPa"
        )


def _cells(flow: np.ndarray, averages: Averages, season: str) -> dict[str, Entry]:
    grid, end = averages.grid, suffix(season)
    cells = hadley_cells(flow, grid.levels, grid.latitude)
    note_interpolation(averages, EDGE_LEVEL)
    if np.isnan(cells["northern_edge"]) and season == "mean":
        averages.miss(
            "Edge of the northern Hadley cell", "a change of sign of psi at 500 hPa"
        )
    if np.isnan(cells["southern_edge"]) and season == "mean":
        averages.miss(
            "Edge of the southern Hadley cell", "a change of sign of psi at 500 hPa"
        )
    return {
        f"hadley_{name}{end}": number(x, units, f"{what}{title(season)}")
        for name, x, units, what in (
            ("north", cells["northern"], "kg s-1", "Maximum of psi, northern cell"),
            ("south", cells["southern"], "kg s-1", "Minimum of psi, southern cell"),
            (
                "edge_north",
                cells["northern_edge"],
                "degrees_north",
                "Northern edge of the Hadley cells at 500 hPa",
            ),
            (
                "edge_south",
                cells["southern_edge"],
                "degrees_north",
                "Southern edge of the Hadley cells at 500 hPa",
            ),
        )
        if np.isfinite(x)
    }


def _jets(wind: np.ndarray, averages: Averages, season: str) -> dict[str, Entry]:
    grid, found = averages.grid, {}
    for level in JET_LEVELS:
        note_interpolation(averages, level)
        profile = at_level(wind, grid.levels, level)
        if not np.isfinite(profile).any():
            if season == "mean":
                averages.miss(f"Jets at {level:g} hPa", "levels on both sides of it")
            continue
        for name, adjective, is_northern in _HEMISPHERES:
            latitude, speed = jet(profile, grid.latitude, is_northern)
            what = f"{adjective} jet at {level:g} hPa{title(season)}"
            end = f"{name}_{level:g}hPa{suffix(season)}"
            found[f"jet_latitude_{end}"] = number(
                latitude, "degrees_north", f"Latitude of the {what}"
            )
            found[f"jet_speed_{end}"] = number(speed, "m s-1", f"Speed of the {what}")
    return found


CIRCULATION = Topic(
    title="Zonal-mean circulation",
    needs=((U, V),),
    optional=(SURFACE_PRESSURE, T),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=by_calendar_month,
    levels=COLUMN_LEVELS,
    of_zonal_means=True,
)
