"""The Gaussian grid and the spherical-harmonic truncation that belongs to it."""

import dataclasses
import functools
import math

import numpy as np

from ngcm_cli.spectral.legendre import gauss_legendre_nodes


@dataclasses.dataclass(frozen=True)
class Grid:
    """A Gaussian longitude-latitude grid with a triangular truncation.

    Static and hashable: two grids with the same four numbers are the same grid, also to
    JAX. Latitudes run from south to north, longitudes from 0 eastwards.

    Attributes:
        longitude_wavenumbers: M; zonal wavenumbers are m = 0 … M − 1.
        total_wavenumbers: L; total wavenumbers are l = 0 … L − 1.
        longitude_nodes: number of equally spaced longitudes.
        latitude_nodes: number of Gauss-Legendre latitudes.
    """

    longitude_wavenumbers: int
    total_wavenumbers: int
    longitude_nodes: int
    latitude_nodes: int

    @classmethod
    def linear(cls, n: int) -> "Grid":
        """Return the linear grid TLn: as many nodes as the truncation resolves."""
        return cls(n + 1, n + 2, 2 * (n + 1), n + 1)

    @classmethod
    def quadratic(cls, wavenumbers: int) -> "Grid":
        """Return the grid on which products of two fields of M modes do not alias."""
        nodes = 3 * wavenumbers + 1
        return cls(wavenumbers, wavenumbers + 1, nodes, math.ceil(nodes / 2))

    @classmethod
    def triangular(cls, n: int) -> "Grid":
        """Return the quadratic grid of the truncation Tn, of total wavenumbers 0 … n.

        It has one more, n + 1, which derivatives in latitude need and which models
        clip. As usual there are at least 3n + 1 longitudes and half as many latitudes,
        so that products of two fields do not alias: T42 has 128 by 64 nodes. Both are
        rounded up to have an even number of latitudes, and so none on the equator.
        """
        longitudes = 4 * math.ceil((3 * n + 1) / 4)
        return cls(n + 1, n + 2, longitudes, longitudes // 2)

    @property
    def nodal_shape(self) -> tuple[int, int]:
        """(longitude, latitude)."""
        return self.longitude_nodes, self.latitude_nodes

    @property
    def modal_shape(self) -> tuple[int, int]:
        """(rows, total wavenumber): two rows, cosine and sine, per zonal wavenumber."""
        return 2 * self.longitude_wavenumbers, self.total_wavenumbers

    @functools.cached_property
    def longitude(self) -> np.ndarray:
        """Longitudes in radians, shape (longitude_nodes,), float64."""
        return 2 * np.pi * np.arange(self.longitude_nodes) / self.longitude_nodes

    @functools.cached_property
    def sin_latitude(self) -> np.ndarray:
        """Gauss-Legendre nodes, south to north, shape (latitude_nodes,), float64."""
        return gauss_legendre_nodes(self.latitude_nodes)[0]

    @property
    def latitude(self) -> np.ndarray:
        """Latitudes in radians, shape (latitude_nodes,), float64."""
        return np.arcsin(self.sin_latitude)

    @property
    def cos_latitude(self) -> np.ndarray:
        """Cosine of latitude, shape (latitude_nodes,), float64."""
        return np.sqrt(1 - self.sin_latitude**2)

    @functools.cached_property
    def area_weights(self) -> np.ndarray:
        """Solid angle of a node of each latitude, shape (latitude_nodes,), float64."""
        gauss = gauss_legendre_nodes(self.latitude_nodes)[1]
        return 2 * np.pi / self.longitude_nodes * gauss

    @functools.cached_property
    def mask(self) -> np.ndarray:
        """True where a modal array holds a coefficient: m ≤ l, and no sine of m = 0."""
        row = np.arange(self.modal_shape[0])[:, None]
        valid = row // 2 <= np.arange(self.total_wavenumbers)
        return valid & (row != 1)
