"""Cyclones at one time, as DetectNodes of TempestExtremes finds them."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ngcm_cli.config.cyclone_criteria import CycloneCriteria
from ngcm_cli.tracks.closed_contour import (
    has_closed_contour,
    local_minima,
    lowest_within,
    merge_near,
)
from ngcm_cli.tracks.horizontal_grid import HorizontalGrid


@dataclasses.dataclass(frozen=True)
class Candidates:
    """Centres of cyclones at one time, each attribute (candidate,).

    Attributes:
        latitude_index: on the grid.
        longitude_index: on the grid.
        latitude: degrees.
        longitude: degrees.
        properties: ``mean_sea_level_pressure`` in Pa, ``wind_speed`` in m s-1,
            ``vorticity`` in s-1 and ``surface_altitude`` in m, as far as known.
    """

    latitude_index: np.ndarray
    longitude_index: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    properties: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.latitude)


def detect(
    grid: HorizontalGrid, fields: Mapping[str, np.ndarray], criteria: CycloneCriteria
) -> Candidates:
    """Return the cyclones at one time.

    Extremes of the searched field are merged, then those stay that closed contours
    surround, of the searched field and of thickness.

    Args:
        grid: of the fields.
        fields: (row, column) each: ``pressure`` or ``cyclonic_vorticity``,
            ``thickness`` (geopotential at 300 minus at 500 hPa) if it is a criterion,
            and ``pressure``, ``vorticity``, ``wind``, ``surface_height`` if they are
            known.
        criteria: of the search.
    """
    if criteria.search == "pressure":
        searched, rise = fields["pressure"], criteria.pressure_rise
    else:
        searched, rise = -fields["cyclonic_vorticity"], criteria.vorticity_fall
    points = local_minima(grid, searched)
    points = merge_near(grid, searched, points, criteria.merge_distance)
    closed = has_closed_contour(grid, searched, points, rise, criteria.contour_radius)
    points = points[closed]
    if criteria.thickness_fall and len(points):
        cold = -fields["thickness"]
        warmest = lowest_within(grid, cold, points, criteria.thickness_search)
        closed = has_closed_contour(
            grid, cold, warmest, criteria.thickness_fall, criteria.thickness_radius
        )
        points = points[closed]
    rows, columns = np.divmod(points, grid.shape[1])
    return Candidates(
        rows,
        columns,
        grid.latitude[rows],
        grid.longitude[columns] % 360,
        _properties(grid, fields, criteria, points),
    )


def _properties(
    grid: HorizontalGrid,
    fields: Mapping[str, np.ndarray],
    criteria: CycloneCriteria,
    points: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return what is recorded of cyclones.

    Pressure is that of the centre, or the lowest near it if vorticity was searched.
    """
    found = {}
    if "pressure" in fields:
        at = points
        if criteria.search == "vorticity":
            at = lowest_within(grid, fields["pressure"], points, criteria.wind_radius)
        found["mean_sea_level_pressure"] = fields["pressure"].reshape(-1)[at]
    if "wind" in fields:
        wind = fields["wind"]
        at = lowest_within(grid, -wind, points, criteria.wind_radius)
        found["wind_speed"] = wind.reshape(-1)[at]
    for name, field in (
        ("vorticity", "vorticity"),
        ("surface_altitude", "surface_height"),
    ):
        if field in fields:
            found[name] = fields[field].reshape(-1)[points]
    return found
