"""Tropical cyclones: detection, tracks and their verification."""
