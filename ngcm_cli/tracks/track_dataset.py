"""Tracks as a dataset, in the layout that `ngcm_cli.tracks.track_file` describes."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.tracks.detection import Candidates
from ngcm_cli.tracks.stitching import Track

_POINT_COORDINATES = ("time", "lead_time", "latitude", "longitude")
_INDICES = ("latitude_index", "longitude_index")
PROPERTIES = ("mean_sea_level_pressure", "wind_speed", "vorticity", "surface_altitude")
"""What is recorded along tracks, as far as it is known."""

ATTRIBUTES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "track_id": {"long_name": "Number of the track", "cf_role": "trajectory_id"},
        "row_size": {
            "long_name": "Number of points of the track",
            "sample_dimension": "point",
        },
        "init_time": {
            "long_name": "Initial time of the forecast",
            "standard_name": "forecast_reference_time",
            "units_metadata": "leap_seconds: none",
        },
        "realization": {
            "long_name": "Number of the member",
            "standard_name": "realization",
            "units": "1",
        },
        "source": {"long_name": "Data of the track"},
        "storm_id": {"long_name": "Observed storm that the track was matched with"},
        "time": {
            "long_name": "Valid time",
            "standard_name": "time",
            "axis": "T",
            "units_metadata": "leap_seconds: none",
        },
        "lead_time": {
            "long_name": "Time since the initial time",
            "standard_name": "forecast_period",
        },
        "latitude": {
            "long_name": "Latitude of the centre",
            "standard_name": "latitude",
            "units": "degrees_north",
            "axis": "Y",
        },
        "longitude": {
            "long_name": "Longitude of the centre",
            "standard_name": "longitude",
            "units": "degrees_east",
            "axis": "X",
        },
        "mean_sea_level_pressure": {
            "long_name": "Lowest mean sea-level pressure",
            "standard_name": "air_pressure_at_mean_sea_level",
            "units": "Pa",
        },
        "wind_speed": {
            "long_name": "Highest wind speed near the centre",
            "standard_name": "wind_speed",
            "units": "m s-1",
        },
        "vorticity": {
            "long_name": "Relative vorticity at 850 hPa",
            "standard_name": "atmosphere_upward_relative_vorticity",
            "units": "s-1",
        },
        "surface_altitude": {
            "long_name": "Height of the ground",
            "standard_name": "surface_altitude",
            "units": "m",
        },
        "latitude_index": {"long_name": "Index of the latitude in the data, ascending"},
        "longitude_index": {
            "long_name": "Index of the longitude in the data, ascending"
        },
        "track_error": {
            "long_name": "Distance from the best track",
            "units": "km",
        },
        "along_track_error": {
            "long_name": "Distance from the best track along its motion, positive "
            "ahead",
            "units": "km",
        },
        "cross_track_error": {
            "long_name": "Distance from the best track across its motion, positive to "
            "the right",
            "units": "km",
        },
        "pressure_error": {
            "long_name": "Lowest mean sea-level pressure minus that of the best track",
            "units": "Pa",
        },
        "wind_error": {
            "long_name": "Highest wind speed minus that of the best track",
            "units": "m s-1",
        },
    }
)
"""Attributes of every variable of the layout."""


@dataclasses.dataclass(frozen=True)
class Search:
    """One forecast, member or record that was searched, and its tracks.

    Attributes:
        times: valid times, (time,) datetime64.
        candidates: cyclones at each time.
        tracks: of them.
        init_time: of a forecast; None for a record.
        realization: of a member; None for a single run.
        source: of the data.
    """

    times: np.ndarray
    candidates: Sequence[Candidates]
    tracks: Sequence[Track]
    init_time: np.datetime64 | None = None
    realization: int | None = None
    source: str = ""

    def points_of(self, track: Track) -> dict[str, np.ndarray]:
        """Return the columns of a track, each (point,)."""
        at = list(zip(track.times, track.candidates, strict=True))
        found = [(self.candidates[k], i) for k, i in at]
        columns: dict[str, Any] = {
            "time": self.times[track.times].astype("datetime64[s]"),
            "latitude": np.array([c.latitude[i] for c, i in found]),
            "longitude": np.array([c.longitude[i] for c, i in found]),
        }
        if self.init_time is not None:
            span = columns["time"] - self.init_time.astype("datetime64[s]")
            columns["lead_time"] = span
        for name in PROPERTIES:
            if name in found[0][0].properties:
                columns[name] = np.array([c.properties[name][i] for c, i in found])
        for name in _INDICES:
            columns[name] = np.array([getattr(c, name)[i] for c, i in found], np.int32)
        return columns


def build_dataset(searches: Sequence[Search], attributes: dict) -> xr.Dataset:
    """Return the tracks of searches as one dataset.

    Args:
        searches: of the same kind, all of forecasts or all of records.
        attributes: of the dataset.
    """
    tracks = [(search, track) for search in searches for track in search.tracks]
    columns = [search.points_of(track) for search, track in tracks]
    per_track: dict[str, Any] = {
        "track_id": np.arange(len(tracks), dtype=np.int32),
        "row_size": np.array([len(track.times) for _, track in tracks], np.int32),
    }
    if any(search.init_time is not None for search in searches):
        starts = [search.init_time for search, _ in tracks]
        per_track["init_time"] = np.array(starts, "datetime64[s]")
    if any(search.realization is not None for search in searches):
        numbers = [search.realization or 0 for search, _ in tracks]
        per_track["realization"] = np.array(numbers, np.int32)
    if len({search.source for search in searches}) > 1:
        sources = [search.source for search, _ in tracks]
        per_track["source"] = np.array(sources, dtype=object)
    names = _point_names(searches)
    per_point = {name: _joined(name, columns) for name in names}
    return dataset_of(per_track, per_point, attributes)


def dataset_of(per_track: dict, per_point: dict, attributes: dict) -> xr.Dataset:
    """Return a dataset of variables along tracks and along points."""
    data = {name: ("track", x) for name, x in per_track.items()}
    data |= {name: ("point", x) for name, x in per_point.items()}
    dataset = xr.Dataset(data, attrs=attributes)
    for name, array in dataset.variables.items():
        array.attrs.update(ATTRIBUTES[str(name)])
    return dataset.set_coords([n for n in _POINT_COORDINATES if n in per_point])


def tracks_of(dataset: xr.Dataset) -> list[slice]:
    """Return for every track the slice of its points."""
    ends = np.cumsum(dataset["row_size"].values).tolist()
    return [slice(a, b) for a, b in zip([0, *ends][:-1], ends, strict=True)]


def _point_names(searches: Sequence[Search]) -> list[str]:
    """Return the variables along points that any search has, in their order."""
    known = {
        name for s in searches for c in s.candidates[:1] for name in c.properties
    } | {"time", "latitude", "longitude"}
    if any(search.init_time is not None for search in searches):
        known.add("lead_time")
    known |= set(_INDICES)
    order = *_POINT_COORDINATES, *PROPERTIES, *_INDICES
    return [name for name in order if name in known]


def _joined(name: str, columns: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Return a column of all tracks, NaN where a search does not have it."""
    kinds = {"time": "datetime64[s]", "lead_time": "timedelta64[s]"}
    kinds |= dict.fromkeys(_INDICES, "int32")
    parts = [c[name] if name in c else np.full(len(c["time"]), np.nan) for c in columns]
    return np.concatenate([np.empty(0, kinds.get(name, "float64")), *parts])
