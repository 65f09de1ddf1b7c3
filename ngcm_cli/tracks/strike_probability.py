"""Strike probability: the share of members with a cyclone passing near a place."""

import numpy as np
import xarray as xr
from scipy.spatial import KDTree

from ngcm_cli.errors import InputDataError
from ngcm_cli.tracks.great_circle import EARTH_RADIUS, arc_points, chord, unit_vectors
from ngcm_cli.tracks.track_dataset import tracks_of

_FINENESS = 10  # points on a track per radius: distances are within 0.2 % of it


def strike_probability(
    tracks: xr.Dataset, radius: float = 120.0, spacing: float = 1.0
) -> xr.Dataset:
    """Return the probability that a cyclone passes within a distance.

    It is the share of members with a track, great circles between its points, that
    comes within the distance at any time of the forecast. Members without a track
    count.

    Args:
        tracks: of an ensemble, in the layout that `ngcm_cli.tracks.track_file`
            describes.
        radius: distance in km.
        spacing: of the places, a grid with poles, degrees.

    Returns:
        ``strike_probability`` from 0 to 1, ([init_time,] latitude, longitude).

    Raises:
        InputDataError: the tracks are not those of an ensemble.
    """
    members = np.atleast_1d(tracks.attrs.get("realizations", []))
    if not len(members):
        raise InputDataError(
            "The tracks are of a single run: their strike probability is 0 or 1.",
            "Give an ensemble, such as the output of ngcm ensemble.",
        )
    count = round(180 / spacing)
    latitude = (2 * np.arange(count + 1) - count) * 90 / count
    longitude = np.arange(2 * count) * 180 / count
    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    tree = KDTree(unit_vectors(lat, lon).reshape(-1, 3))
    inits = str(tracks.attrs.get("init_times", "")).split()
    starts = np.array(inits, "datetime64[s]")
    counts = np.zeros((max(len(inits), 1), lat.size))
    struck: dict[tuple[int, int], set[int]] = {}
    positions = unit_vectors(tracks["latitude"].values, tracks["longitude"].values)
    for number, points in enumerate(tracks_of(tracks)):
        start = 0
        if "init_time" in tracks:
            init = tracks["init_time"].values[number].astype("datetime64[s]")
            start = int(np.flatnonzero(starts == init)[0])
        key = start, int(tracks["realization"].values[number])
        struck.setdefault(key, set()).update(_near(tree, positions[points], radius))
    for (start, _), places in struck.items():
        counts[start, sorted(places)] += 1
    share = (counts / len(members)).reshape(-1, *lat.shape)
    dims = (
        ("init_time", "latitude", "longitude") if inits else ("latitude", "longitude")
    )
    attributes = {
        "long_name": f"Probability of a tropical cyclone within {radius:g} km",
        "units": "1",
        "comment": f"share of {len(members)} members, at any time of the forecast",
    }
    data = share if inits else share[0]
    return _dataset(data, dims, attributes, starts, latitude, longitude, tracks)


def _near(tree: KDTree, positions: np.ndarray, radius: float) -> set[int]:
    """Return the places within a distance of a track, by their number in the tree.

    Args:
        tree: of the places.
        positions: unit vectors of the track, (point, 3).
        radius: km.
    """
    degrees = np.degrees(radius / EARTH_RADIUS)
    legs = [
        arc_points(a, b, degrees / _FINENESS)
        for a, b in zip(positions[:-1], positions[1:], strict=True)
    ]
    line = np.concatenate([positions[:1], *legs])
    found = tree.query_ball_point(line, chord(degrees))
    return {place for places in found for place in places}


def _dataset(
    data: np.ndarray,
    dims: tuple[str, ...],
    attributes: dict,
    starts: np.ndarray,
    latitude: np.ndarray,
    longitude: np.ndarray,
    tracks: xr.Dataset,
) -> xr.Dataset:
    coordinates: dict = {
        "latitude": (
            "latitude",
            latitude,
            {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
        ),
        "longitude": (
            "longitude",
            longitude,
            {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
        ),
    }
    if "init_time" in dims:
        names = {
            "standard_name": "forecast_reference_time",
            "long_name": "Initial time of the forecast",
            "units_metadata": "leap_seconds: none",
        }
        coordinates["init_time"] = ("init_time", starts, names)
    kept = "Conventions", "history", "source", "criteria", "wind", "notes", "model"
    return xr.Dataset(
        {"strike_probability": (dims, data.astype(np.float32), attributes)},
        coordinates,
        {
            **{name: tracks.attrs[name] for name in kept if name in tracks.attrs},
            "title": "Strike probability of tropical cyclones",
        },
    )
