"""Map projections of the sphere: pure functions of NumPy arrays, radius 1.

Longitudes and latitudes are in degrees. `Projection.forward` gives NaN for places that
are not on the map; `Projection.inverse` gives the nearest place of the map for points
outside its outline, so that a picture can be filled up to the outline and cut there.

Formulas: Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper
1395; the table of the Robinson projection: Robinson (1974), as in Snyder and Voxland
(1989), An Album of Map Projections.
"""

import abc
import dataclasses

import numpy as np
from scipy.interpolate import CubicSpline

_ROBINSON_LENGTH = (
    *(1.0, 0.9986, 0.9954, 0.99, 0.9822, 0.973, 0.96, 0.9427, 0.9216, 0.8962),
    *(0.8679, 0.835, 0.7986, 0.7597, 0.7186, 0.6732, 0.6213, 0.5722, 0.5322),
)
"""Length of the parallels at 0, 5, ..., 90 degrees, relative to the equator."""
_ROBINSON_DISTANCE = (
    *(0.0, 0.062, 0.124, 0.186, 0.248, 0.31, 0.372, 0.434, 0.4958, 0.5571),
    *(0.6176, 0.6769, 0.7346, 0.7903, 0.8435, 0.8936, 0.9394, 0.9761, 1.0),
)
"""Their distance from the equator, relative to that of the poles."""

Points = tuple[np.ndarray, np.ndarray]
"""Two arrays of one shape: longitude and latitude, or x and y."""


def wrap(longitude: np.ndarray | float) -> np.ndarray:
    """Return longitudes in degrees, from -180 inclusive to 180 exclusive."""
    return (np.asarray(longitude, np.float64) + 180) % 360 - 180


@dataclasses.dataclass(frozen=True)
class Projection(abc.ABC):
    """A projection, and the part of the sphere that is shown.

    Attributes:
        centre: longitude of the centre of the map, degrees.
    """

    centre: float = 0.0

    @abc.abstractmethod
    def forward(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        """Return x and y of places; NaN where they are not on the map."""

    @abc.abstractmethod
    def inverse(self, x: np.ndarray, y: np.ndarray) -> Points:
        """Return the longitude and latitude of points of the map, degrees."""

    @abc.abstractmethod
    def outline(self) -> np.ndarray:
        """Return the closed outline of the map, shape (point, 2)."""

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Least and greatest x, then least and greatest y, of the map."""
        x, y = self.outline().T
        return float(x.min()), float(x.max()), float(y.min()), float(y.max())


class _Pseudocylindrical(Projection):
    """A projection of the whole globe with straight parallels."""

    def outline(self) -> np.ndarray:
        """Return the meridians 180 degrees east and west of the centre, closed."""
        latitude = np.linspace(-90, 90, 181)
        x, y = self._from_relative(np.full(181, 180.0), latitude)
        west, east = np.stack([-x, y], 1), np.stack([x, y], 1)
        return np.concatenate([east, west[::-1], east[:1]])

    def forward(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        """Return x and y of places."""
        return self._from_relative(wrap(longitude - self.centre), latitude)

    @abc.abstractmethod
    def _from_relative(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        """Return x and y by the longitude from the centre, -180 to 180 degrees."""


class Robinson(_Pseudocylindrical):
    """The Robinson projection: the whole globe, a compromise of area and shape."""

    def _from_relative(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        length, distance = _robinson(np.abs(latitude))
        x = 0.8487 * length * np.radians(longitude)
        return x, 1.3523 * distance * np.sign(latitude)

    def inverse(self, x: np.ndarray, y: np.ndarray) -> Points:
        """Return the longitude and latitude of points of the map, degrees."""
        degrees = np.linspace(0, 90, 9001)
        distance = np.clip(np.abs(y) / 1.3523, 0, 1)
        size = np.interp(distance, _robinson(degrees)[1], degrees)
        relative = np.degrees(x / (0.8487 * _robinson(size)[0]))
        return np.clip(relative, -180, 180) + self.centre, size * np.sign(y)


def _robinson(latitude: np.ndarray) -> Points:
    """Return relative length and distance of parallels, latitude from 0 to 90."""
    # Mirrored at the equator, so that the curves are smooth there.
    at = np.arange(-90, 91, 5)
    length = (*_ROBINSON_LENGTH[:0:-1], *_ROBINSON_LENGTH)
    distance = (*(-x for x in _ROBINSON_DISTANCE[:0:-1]), *_ROBINSON_DISTANCE)
    return CubicSpline(at, length)(latitude), CubicSpline(at, distance)(latitude)


class Mollweide(_Pseudocylindrical):
    """The Mollweide projection: the whole globe, equal areas (Snyder, page 251)."""

    def _from_relative(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        angles = np.radians(np.linspace(-90, 90, 18001))
        theta = np.interp(latitude, _mollweide_latitude(angles), angles)
        x = np.sqrt(8) / np.pi * np.radians(longitude) * np.cos(theta)
        return x, np.sqrt(2) * np.sin(theta)

    def inverse(self, x: np.ndarray, y: np.ndarray) -> Points:
        """Return the longitude and latitude of points of the map, degrees."""
        theta = np.arcsin(np.clip(y / np.sqrt(2), -1, 1))
        width = np.maximum(np.sqrt(8) / np.pi * np.cos(theta), 1e-12)
        relative = np.clip(np.degrees(x / width), -180, 180)
        return relative + self.centre, _mollweide_latitude(theta)


def _mollweide_latitude(theta: np.ndarray) -> np.ndarray:
    """Return the latitude in degrees of the auxiliary angle in radians."""
    return np.degrees(
        np.arcsin(np.clip((2 * theta + np.sin(2 * theta)) / np.pi, -1, 1))
    )


@dataclasses.dataclass(frozen=True)
class Orthographic(Projection):
    """The globe seen from far above a place (Snyder, page 149).

    Attributes:
        latitude: latitude of the place, degrees.
    """

    latitude: float = 30.0

    def forward(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        """Return x and y of places; NaN on the far side."""
        east = np.radians(longitude - self.centre)
        north, middle = np.radians(latitude), np.radians(self.latitude)
        x = np.cos(north) * np.sin(east)
        y = np.cos(middle) * np.sin(north)
        y = y - np.sin(middle) * np.cos(north) * np.cos(east)
        near = np.sin(middle) * np.sin(north)
        near = near + np.cos(middle) * np.cos(north) * np.cos(east)
        # A little beyond the edge, so that lines reach it.
        is_far = near < -1e-9
        return np.where(is_far, np.nan, x), np.where(is_far, np.nan, y)

    def inverse(self, x: np.ndarray, y: np.ndarray) -> Points:
        """Return the longitude and latitude of points of the map, degrees."""
        distance = np.hypot(x, y)
        shrink = np.where(distance > 1, 1 / np.maximum(distance, 1e-300), 1)
        x, y, distance = x * shrink, y * shrink, np.minimum(distance, 1)
        height, middle = np.sqrt(1 - distance**2), np.radians(self.latitude)
        sine = height * np.sin(middle) + y * np.cos(middle)
        east = np.arctan2(x, height * np.cos(middle) - y * np.sin(middle))
        latitude = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
        return np.degrees(east) + self.centre, latitude

    def outline(self) -> np.ndarray:
        """Return a circle of radius 1."""
        return circle(1.0)


@dataclasses.dataclass(frozen=True)
class PolarStereographic(Projection):
    """A cap around a pole, with true angles (Snyder, page 158).

    Attributes:
        south: whether it is the South Pole.
        edge: latitude of the edge of the map, degrees from the equator.
    """

    south: bool = False
    edge: float = 20.0

    def forward(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        """Return x and y of places; NaN far outside the edge."""
        north = -latitude if self.south else latitude
        # Lines that cross the edge are cut there, not before.
        north = np.where(north < self.edge - 15, np.nan, north)
        east = np.radians(longitude - self.centre)
        distance = _stereographic_distance(north)
        sign = 1 if self.south else -1
        return distance * np.sin(east), sign * distance * np.cos(east)

    def inverse(self, x: np.ndarray, y: np.ndarray) -> Points:
        """Return the longitude and latitude of points of the map, degrees."""
        north = 90 - 2 * np.degrees(np.arctan(np.hypot(x, y) / 2))
        sign = 1 if self.south else -1
        longitude = np.degrees(np.arctan2(x, sign * y)) + self.centre
        return longitude, -north if self.south else north

    def outline(self) -> np.ndarray:
        """Return the circle of latitude of the edge."""
        return circle(float(_stereographic_distance(np.array(self.edge))))


def _stereographic_distance(latitude: np.ndarray) -> np.ndarray:
    """Return the distance from the centre by the latitude from the equator."""
    return 2 * np.tan(np.radians(90 - latitude) / 2)


@dataclasses.dataclass(frozen=True)
class PlateCarree(Projection):
    """Longitude and latitude as x and y, for the globe or a region.

    In a region, x is shortened by the cosine of its middle latitude.

    Attributes:
        half_width: half of the degrees of longitude shown, at most 180.
        south: least latitude, degrees.
        north: greatest latitude, degrees.
    """

    half_width: float = 180.0
    south: float = -90.0
    north: float = 90.0

    @property
    def stretch(self) -> float:
        """Length of a degree of longitude, in degrees of latitude."""
        is_global = self.half_width == 180 and self.north - self.south == 180
        middle = 0.0 if is_global else (self.south + self.north) / 2
        return max(float(np.cos(np.radians(middle))), 0.2)

    def forward(self, longitude: np.ndarray, latitude: np.ndarray) -> Points:
        """Return x and y of places, also of those outside a region."""
        return wrap(longitude - self.centre) * self.stretch, latitude * 1.0

    def inverse(self, x: np.ndarray, y: np.ndarray) -> Points:
        """Return the longitude and latitude of points of the map, degrees."""
        return x / self.stretch + self.centre, np.clip(y, -90, 90)

    def outline(self) -> np.ndarray:
        """Return the box."""
        x = self.half_width * self.stretch
        corners = [(-x, self.south), (x, self.south), (x, self.north)]
        return np.array([*corners, (-x, self.north), (-x, self.south)])


def circle(radius: float) -> np.ndarray:
    """Return a closed circle around the origin, shape (point, 2)."""
    angle = np.linspace(0, 2 * np.pi, 361)
    return radius * np.stack([np.cos(angle), np.sin(angle)], 1)


def project_line(
    projection: Projection, longitude: np.ndarray, latitude: np.ndarray
) -> list[np.ndarray]:
    """Return a line on the map, in as many parts as it is cut into.

    Args:
        projection: of the map.
        longitude: of the points of the line, degrees; neighbours are joined the
            shorter way round.
        latitude: of the points, degrees.

    Returns:
        Arrays of x and y, shape (point, 2), of two points or more.
    """
    longitude, latitude = _densify(np.asarray(longitude), np.asarray(latitude))
    relative = wrap(longitude - projection.centre)
    if isinstance(projection, Orthographic | PolarStereographic):
        cuts = np.array([], int)  # around a pole nothing is cut
    else:
        cuts = np.flatnonzero(np.abs(np.diff(relative)) > 180)
    parts, start, first = [], 0, []
    for cut in cuts:
        side = 180.0 if relative[cut] > 0 else -180.0
        beyond = relative[cut + 1] + 2 * side
        share = (side - relative[cut]) / (beyond - relative[cut])
        at = latitude[cut] + share * (latitude[cut + 1] - latitude[cut])
        inside = np.stack([relative[start : cut + 1], latitude[start : cut + 1]], 1)
        parts.append(np.concatenate([*first, inside, [[side, at]]]))
        start, first = cut + 1, [np.array([[-side, at]])]
    rest = np.stack([relative[start:], latitude[start:]], 1)
    parts.append(np.concatenate([*first, rest]))
    return [piece for part in parts for piece in _visible(projection, part)]


def _visible(projection: Projection, part: np.ndarray) -> list[np.ndarray]:
    # Just inside the edge: 180 degrees east would be wrapped to 180 degrees west.
    east = np.clip(part[:, 0], -180, 180 - 1e-9)
    x, y = projection.forward(east + projection.centre, part[:, 1])
    points = np.stack([x, y], 1)
    is_shown = np.isfinite(x) & np.isfinite(y)
    edges = np.flatnonzero(np.diff(is_shown)) + 1
    pieces = np.split(points, edges)
    return [p for p in pieces if len(p) > 1 and np.isfinite(p).all()]


def _densify(longitude: np.ndarray, latitude: np.ndarray) -> Points:
    """Return a line with points at most two degrees apart, longitudes unwrapped."""
    longitude = np.unwrap(longitude.astype(np.float64), period=360)
    steps = np.hypot(np.diff(longitude), np.diff(latitude))
    count = np.maximum(np.ceil(steps / 2), 1)
    at = np.concatenate([[0.0], np.cumsum(count)])
    fine = np.arange(at[-1] + 1)
    return np.interp(fine, at, longitude), np.interp(fine, at, latitude)
