"""Run a few days with the sea-surface temperature of 1982 and print global means.

Run it from anywhere: python examples/03_amip.py [FOLDER] [DAYS]
"""

import sys

import xarray

import ngcm_cli

folder = sys.argv[1] if len(sys.argv) > 1 else "amip_run"
days = int(sys.argv[2]) if len(sys.argv) > 2 else 3
path = ngcm_cli.amip(days=days, means="daily", levels="850,500,250", output=folder)

daily = xarray.open_zarr(path / "daily.zarr")
print(f"{daily.attrs['title']}: {daily.sizes['time']} days, {daily.attrs['status']}")
series = xarray.open_zarr(path / "global.zarr").load()
for i, time in enumerate(series.time.values):
    day = series.isel(time=i)
    print(
        f"{str(time)[:10]}  water {float(day.water_vapour):.2f} kg/m2  "
        f"kinetic energy {float(day.kinetic_energy) / 1e6:.3f} MJ/m2  "
        f"fastest wind {float(day.max_wind.max()):.0f} m/s"
    )
