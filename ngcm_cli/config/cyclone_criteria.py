"""Criteria of tropical-cyclone detection and stitching, and the named sets of them."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np


@dataclasses.dataclass(frozen=True)
class CycloneCriteria:
    """Criteria as those of DetectNodes and StitchNodes of TempestExtremes.

    Ullrich et al. (2021), https://doi.org/10.5194/gmd-14-5023-2021, section 3.2, has
    the method. Angles are great-circle distances in degrees.

    Attributes:
        search: ``pressure``, for minima of mean sea-level pressure, or ``vorticity``,
            for cyclonic maxima of relative vorticity at 850 hPa.
        pressure_rise: from the minimum to a contour around it, Pa.
        vorticity_fall: from the maximum to a contour around it, s-1.
        contour_radius: distance from the centre within which this contour closes.
        thickness_fall: of geopotential at 300 hPa minus that at 500 hPa, from its
            maximum to a contour around that, m2 s-2: the warm core. 0 is no criterion.
        thickness_radius: distance from this maximum within which this contour closes.
        thickness_search: distance from the centre within which the maximum is.
        merge_distance: distance within which only the deeper of two centres counts.
        wind_radius: distance from the centre within which the highest wind is taken.
        reference_step: time between points for which ``max_displacement`` and
            ``min_points`` hold; they are scaled to that of the data.
        max_displacement: distance between consecutive points.
        max_gap: longest time between consecutive points of a track.
        min_duration: shortest time from the first point of a track to the last.
        min_points: number of points that have to meet each of the next three.
        min_wind: m s-1. 0 is no criterion.
        max_latitude: of both hemispheres, degrees. 90 is no criterion.
        max_surface_height: height of the ground, m. Infinity is no criterion.
    """

    search: str = "pressure"
    pressure_rise: float = 200.0
    vorticity_fall: float = 6e-5
    contour_radius: float = 5.5
    thickness_fall: float = 58.8
    thickness_radius: float = 6.5
    thickness_search: float = 1.0
    merge_distance: float = 6.0
    wind_radius: float = 2.0
    reference_step: np.timedelta64 = np.timedelta64(6 * 3600, "s")
    max_displacement: float = 8.0
    max_gap: np.timedelta64 = np.timedelta64(24 * 3600, "s")
    min_duration: np.timedelta64 = np.timedelta64(54 * 3600, "s")
    min_points: int = 10
    min_wind: float = 10.0
    max_latitude: float = 50.0
    max_surface_height: float = 150.0


_TEMPEST = CycloneCriteria()

PRESETS: Mapping[str, CycloneCriteria] = MappingProxyType(
    {
        "tempest-era5": _TEMPEST,
        "neuralgcm-vorticity": dataclasses.replace(
            _TEMPEST, search="vorticity", thickness_fall=25.8
        ),
        "neuralgcm-pressure": dataclasses.replace(_TEMPEST, thickness_fall=25.8),
        "gencast": dataclasses.replace(
            _TEMPEST,
            reference_step=np.timedelta64(12 * 3600, "s"),
            max_displacement=12.0,
            min_points=5,
        ),
    }
)
"""Criteria by name: of TempestExtremes for ERA5, and those based on them.

Ten points at 6 hours span 54 hours, and so do five and a half at 12 hours, of which
five can be counted.
"""
