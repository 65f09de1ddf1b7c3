"""Forecast two days from the bundled state and print the fastest wind.

Run it from anywhere: python examples/01_forecast.py [OUTPUT.zarr] [LEAD]
"""

import sys

import xarray

import ngcm_cli

output = sys.argv[1] if len(sys.argv) > 1 else "forecast.zarr"
lead = sys.argv[2] if len(sys.argv) > 2 else "2d"
path = ngcm_cli.forecast(lead=lead, every="6h", output=output, overwrite=True)

forecast = xarray.open_zarr(path).isel(init_time=0)
print(f"Forecast from {forecast.init_time.values}, seed {forecast.attrs['seed']}")
winds = forecast[["u_component_of_wind", "v_component_of_wind"]].sel(level=250)
speed = (winds.u_component_of_wind**2 + winds.v_component_of_wind**2) ** 0.5
for day in speed.max(["latitude", "longitude"]):
    hours = day.lead_time.values.astype("timedelta64[h]").astype(int)
    print(f"after {hours:3d} h: fastest wind at 250 hPa {float(day):5.1f} m/s")
