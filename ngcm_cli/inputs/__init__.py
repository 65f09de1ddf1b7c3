"""What users have, on the model's grid: xarray and NumPy only, never JAX.

``inputs`` is what a run asks: an `atmosphere` and the `sea` through the run. ``places``
and ``opening`` (``stores``, ``remote``, ``files``, ``grib``) find data; ``dataset``,
``times`` (``calendars``), ``source_grid``, ``conversion`` and ``source`` understand
them; ``analysis`` (``pressure_levels``, ``vertical``) reads the air, ``sea_record`` and
``sea_modes`` (``midmonth``, ``sea_patch``) the sea; ``regrid`` puts both on the grid;
``prepared`` keeps them; ``check`` tells about them. ``variables`` is the one table of
names and units.
"""
