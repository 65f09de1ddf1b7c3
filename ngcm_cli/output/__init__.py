"""Forecasts and climates on disk: Zarr and NetCDF, NumPy only, never JAX.

``store`` writes the forecast that ``layout`` describes, where ``place`` says that it
may be, and ``netcdf`` makes one file of it. A long run has a ``run_folder``: stores of
``records``, which ``climate`` describes, and a ``restart`` now and then; ``cmor`` makes
the files of CMIP of the means in it, and ``global_series`` reads its global means.
"""
