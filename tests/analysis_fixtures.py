"""Analyses that look like a user's, to be spoiled in one way per test."""

import pytest
import xarray as xr
from small_analysis import build_analysis, native_analysis, regular_analysis


@pytest.fixture
def native() -> xr.Dataset:
    """An analysis on the model's own grid."""
    return native_analysis()


@pytest.fixture
def regular() -> xr.Dataset:
    """An analysis on a 10-degree grid with poles."""
    return regular_analysis()


@pytest.fixture
def analysis_on():
    """Builds an analysis from longitudes, latitudes and times."""
    return build_analysis
