"""Files of cyclone tracks: NetCDF as CF defines trajectories.

The dataset that `find_tracks` returns and the NetCDF file have the same layout, a
contiguous ragged array of trajectories (CF conventions 1.11, section 9.3.3 and appendix
H.4.3): the points of all tracks stand one after the other along ``point``, those of
the first track first, and ``row_size`` says how many belong to each track. There may be
no track, and then no point, at all.

Along ``track``:

- ``track_id``: number from 0, int32, ``cf_role`` trajectory_id.
- ``row_size``: number of points of the track, int32, ``sample_dimension`` point.
- ``init_time``: initial time of the forecast, datetime64; of forecasts only.
- ``realization``: number of the member, int32; of ensembles only.
- ``source``: file of the track, text; only if there were several.
- ``storm_id``: storm of the best track that it was matched with, text, empty if none;
  only after a comparison with a best track.

Along ``point``:

- ``time``: valid time, datetime64. ``lead_time``: timedelta64; of forecasts only.
- ``latitude``, ``longitude``: of the centre, degrees; longitude from 0 to below 360, so
  that a track over the meridian of Greenwich jumps there.
- ``mean_sea_level_pressure``: lowest, Pa; absent if the data are without it.
- ``wind_speed``: highest near the centre, m s-1; the attribute ``comment`` says of
  which level or height.
- ``vorticity``: relative vorticity at 850 hPa, s-1, negative in cyclones south of the
  equator; only if it was searched for.
- ``surface_altitude``: height of the ground, m; only if it is known.
- ``track_error``, ``along_track_error``, ``cross_track_error``: km, of the forecast
  position against the best track at the same time, the latter two positive ahead and to
  the right of the storm's motion; ``pressure_error`` in Pa and ``wind_error`` in m s-1,
  forecast minus best track. NaN where the best track has no point; only after a
  comparison.

Global attributes name the criteria and every substitution, ``init_times`` and
``realizations`` the forecasts that were searched, also those without a track.
"""
