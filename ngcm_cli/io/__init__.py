"""Files in, files out: xarray and NumPy only, never JAX.

In: ``inputs`` reads the state that a forecast starts from, with ``dataset`` (open and
recognise), ``times``, ``pressure_levels``, ``source_grid``, ``conversion`` (to SI) and
``regrid``. Out: ``store`` writes forecasts, where ``output`` says that they may be.
``variables`` is the one table of names and units for both. What the arrays mean to the
model is decided in ``ngcm_cli.run``, the only file that knows both sides.
"""
