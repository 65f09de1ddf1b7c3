"""The output of runs on disk: Zarr stores, NetCDF and CMOR files, restart files.

`streams` says which stores a run writes, `field_selection` and `grid` which fields they
hold, `schema` how a store looks and `zarr` writes it; `netcdf` and `cmor` export it.
`run_paths` are the paths of a run, `run_directory` its working directory, with
`restart_file` and `partial_statistics`. Nothing here imports JAX.
"""
