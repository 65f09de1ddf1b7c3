"""Run eight members with statistics and print their spread.

Run it from anywhere: python examples/02_ensemble.py [OUTPUT.zarr] [MEMBERS] [LEAD]
"""

import sys

import xarray

import ngcm_cli

output = sys.argv[1] if len(sys.argv) > 1 else "ensemble.zarr"
members = int(sys.argv[2]) if len(sys.argv) > 2 else 8
lead = sys.argv[3] if len(sys.argv) > 3 else "48h"
path = ngcm_cli.ensemble(
    members=members,
    lead=lead,
    every="6h",
    variables="temperature,geopotential",
    levels="500,850",
    statistics="mean,std,p10,p90",
    output=output,
)

ensemble = xarray.open_zarr(path)
print(f"{ensemble.attrs['title']}: {ensemble.sizes['realization']} members")
spread = ensemble.temperature_std.sel(level=850).isel(init_time=0).load()
for lead_time in spread.lead_time.values:
    hours = int(lead_time.astype("timedelta64[h]").astype(int))
    mean = float(spread.sel(lead_time=lead_time).mean())
    print(f"after {hours:3} h: spread of temperature at 850 hPa {mean:.3f} K")
