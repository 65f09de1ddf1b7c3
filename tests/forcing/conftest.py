"""Analyses that look like a user's."""

from analysis_fixtures import analysis_on, native, regular

__all__ = ["analysis_on", "native", "regular"]
