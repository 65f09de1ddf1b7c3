"""Forecast verification: scores against a truth, regions, climatology, baselines."""
