"""Forecasts on disk: Zarr and NetCDF, NumPy only, never JAX.

``store`` writes what ``layout`` describes, where ``place`` says that it may be;
``netcdf`` makes one file of a finished store, ``cmor`` the files of CMIP of the means
that a climate run left.
"""
