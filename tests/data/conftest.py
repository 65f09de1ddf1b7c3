"""Analyses that look like a user's, to be spoiled in one way per test."""

import numpy as np
import pytest
import xarray as xr
from analysis import GRID, build_analysis


@pytest.fixture
def native() -> xr.Dataset:
    """An analysis on the model's own grid."""
    return build_analysis(np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude))


@pytest.fixture
def regular() -> xr.Dataset:
    """An analysis on a 10-degree grid with poles."""
    return build_analysis(np.arange(0, 360, 10.0), np.arange(-90, 91, 10.0))


@pytest.fixture
def analysis_on():
    """Builds an analysis from longitudes, latitudes and times."""
    return build_analysis
