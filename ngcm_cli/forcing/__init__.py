"""Sea-surface temperature and sea ice that force a run, as functions of time.

`read_forcing` answers a request with a `surface_forcing`: `sst_record` reads the data,
with `record_fields`, `undefined_sea` and `record_times`; `sst_modes` decides how they
evolve, with a `climatology` and an `sst_anomaly`; `mid_month_values` (with
`bounded_means`) preserve monthly means. `run_inputs` reads forcing and analysis
together, `data_report` describes what data can be used for.
"""
