"""GRIB files, editions 1 and 2: the extra ``grib``."""
