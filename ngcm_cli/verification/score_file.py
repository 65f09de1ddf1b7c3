"""Score files: NetCDF-4 in the layout of WeatherBench 2's published results.

Every score is a float64 variable ``METRIC.VARIABLE``, such as ``rmse.temperature``, on
the dimensions ``[forecast,] region, lead_time[, level]`` in this order:

====================================  =================================================
``rmse.temperature``                  the score, NaN where nothing was scored
``rmse.temperature_lower, _upper``    its confidence interval, from blocks of initial
                                      times; absent with fewer than two of them
``rmse.temperature_difference``       the forecast minus the reference, on the starts
                                      that both have, with ``_difference_lower`` and
                                      ``_difference_upper``; the global attribute
                                      ``reference`` names the reference
``rmse.temperature_by_init``          with ``--by-init``: of every initial time, on
                                      ``[forecast,] init_time, region, lead_time[,
                                      level]``
``rmse.temperature_map``              with ``--maps``, of bias and rmse: on
                                      ``[forecast,] lead_time[, level], latitude,
                                      longitude``
``spectrum.temperature``              with ``--spectra``: mean power on ``[forecast,]
                                      lead_time[, level], wavenumber``; that of the
                                      truth is ``spectrum.temperature_truth``
``count.temperature``                 number of initial times, on ``[forecast,]
                                      lead_time``
====================================  =================================================

- ``forecast`` is there only where the file has more than one forecast or baseline; its
  names are those of the table. ``baseline`` along it tells forecasts (0) from baselines
  (1).
- ``region`` holds names; ``global`` is always the first.
- ``level`` is in hPa, ascending, of all variables together; a variable that was scored
  on some of them is NaN on the others. Variables of the surface do not have it.
- ``lead_time`` is a duration.
- Metrics with classes have one more, last dimension: ``rank`` (``rank_histogram``) or
  ``probability`` (``reliability``).

Attributes of a score: ``units``, ``long_name``, ``metric`` and ``variable``. Global
attributes: ``forecasts`` and ``truth`` (locations), ``climatology``, ``grid``,
``settings`` (JSON), ``missing_truth_times``, ``notes`` (substitutions), ``ngcm_version``,
``history``. The group ``statistics``, with ``--by-init``, has the sums from which the
scores follow; files that have it can be merged.
"""
