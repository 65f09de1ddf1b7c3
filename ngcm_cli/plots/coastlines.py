"""Coastlines of Natural Earth, 1:110 million, public domain."""

import functools
import gzip
import importlib.resources
import json

import numpy as np

from ngcm_cli.plots.projections import Projection, project_line


@functools.cache
def coastlines() -> tuple[np.ndarray, ...]:
    """Return the coastlines: longitudes and latitudes in degrees, (point, 2) each."""
    file = importlib.resources.files("ngcm_cli.plots") / "coastline.json.gz"
    lines = json.loads(gzip.decompress(file.read_bytes()))["lines"]
    return tuple(part for line in lines for part in _without_seam(np.array(line)))


def _without_seam(line: np.ndarray) -> list[np.ndarray]:
    """Return a line without what runs along the date line: it is no coast."""
    is_seam = (np.abs(line[:-1, 0]) > 179.99) & (np.abs(line[1:, 0]) > 179.99)
    parts = np.split(line, np.flatnonzero(is_seam) + 1)
    return [part for part in parts if len(part) > 1]


def project_coastlines(projection: Projection) -> list[np.ndarray]:
    """Return the coastlines on a map: x and y, shape (point, 2) each."""
    return [p for line in coastlines() for p in project_line(projection, *line.T)]
