"""What users have, on the model's grid: xarray and NumPy only, never JAX.

``inputs`` reads the state that a forecast starts from, with ``opening`` (here or on a
server: ``stores``, ``files``, ``remote``), ``dataset`` (recognise), ``times``,
``pressure_levels``, ``source_grid``, ``conversion`` (to SI) and ``regrid``.
``variables`` is the one table of names and units for data and output. What the arrays
mean to the model is decided in ``ngcm_cli.plan``, which knows both sides.
"""
