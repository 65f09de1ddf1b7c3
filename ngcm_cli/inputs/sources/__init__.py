"""Where data come from: named sources, files, Zarr stores, object stores, GRIB.

``named`` is the table of sources that have a name, ``location`` resolves what a user
wrote, ``open`` opens it as an xarray dataset. ``zarr`` and ``object_store`` read Zarr
stores on a server, ``download`` fetches whole files, ``grib`` reads GRIB, ``netcdf``
recognises truncated files, ``bundled`` names the data that come with the package.
"""
