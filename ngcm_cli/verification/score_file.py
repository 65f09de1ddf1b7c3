"""Score files: NetCDF-4 in the layout of WeatherBench 2's published results.

Every score is a float64 variable ``METRIC.VARIABLE``, such as ``rmse.temperature``, on
the dimensions ``[forecast,] region, lead_time[, level]`` in this order:

====================================  =================================================
``rmse.temperature``                  the score, NaN where nothing was scored
``rmse.temperature_lower, _upper``    its confidence interval, from blocks of initial
                                      times; absent with fewer than eight of them
``rmse.temperature_difference``       the forecast minus the reference, on the starts
                                      that both have; with eight of them, with
                                      ``_difference_lower``, ``_difference_upper`` and
                                      ``_difference_p_value``; the global attribute
                                      ``reference`` names the reference
``rmse.temperature_by_init``          with ``--by-init``: of every initial time, on
                                      ``[forecast,] init_time, region, lead_time[,
                                      level]``
``rmse.temperature_map``              with ``--maps``, of bias and rmse: on
                                      ``[forecast,] lead_time[, level], latitude,
                                      longitude``
``spectrum.temperature``              with ``--spectra``: mean power by total
                                      wavenumber, on ``[forecast,] lead_time[, level],
                                      wavenumber``; of the wind its kinetic energy
``zonal_spectrum.temperature``        with ``--spectra``: mean energy on circles of
                                      latitude, on ``[forecast,] lead_time[, level],
                                      zonal_wavenumber``
``spectrum.temperature_truth``        the same of the truth, as for ``zonal_spectrum``
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
- Some metrics have further, last dimensions: ``rank`` (of ``rank_histogram``), or
  ``threshold`` and ``probability_bin`` (of events). ``threshold.temperature`` along
  ``threshold`` has the values of the thresholds.

Attributes of a score: ``units``, ``long_name``, ``metric`` and ``variable``. Global
attributes: ``forecasts`` (JSON) and ``truth`` (locations), ``climatology``, ``grid``,
``settings`` (JSON), ``missing_truth_times``, ``notes`` (substitutions, a line each),
``ngcm_version``, ``history``. The group ``statistics``, with ``--by-init``, has the
sums from which the scores follow; files that have it can be merged.
"""
