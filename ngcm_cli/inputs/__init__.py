"""Analyses in whatever form users have them, on a model's grid: NumPy and xarray.

`read_analysis` answers a request with an `analysis`: from the `input_cache`, or out of
an `input_dataset`. ``sources`` opens files, stores and named sources. `recognition`,
`axes`, `layouts`, `times`, `calendars`, `forecast_valid_time`, `source_grid` and
`unit_conversion` interpret them; `humidity` and `below_ground` derive what is absent;
`select_analysis`, `pressure_levels`, `vertical_interpolation` and `regrid` bring them
to the grid and levels of `model_inputs`; `physical_consistency` checks the result.
`variables` is the one table of names and units.
"""
