"""Fit the initial state to observations by 4D-Var, and forecast from it.

    python examples/07_assimilate.py OBSERVATIONS [BACKGROUND] [WINDOW]

``OBSERVATIONS`` is a table in CSV or NetCDF with time, latitude, longitude, pressure,
variable, value and error. The background is the bundled state if none is given.
"""

import sys

import numpy as np

import ngcm_cli

settings = dict(
    zip(("observations", "background", "window"), sys.argv[1:], strict=False)
)
found = ngcm_cli.assimilate(**settings, output="analysis.nc", overwrite=True)

for iteration in found.minimum.iterations:
    print(f"cost {iteration.cost:10.1f}, gradient {iteration.gradient:8.2f}")
departures = found.departures
used = departures.status == 0
for name, equivalents in (
    ("background", departures.background),
    ("analysis", departures.analysis),
):
    apart = (
        departures.observations.value - equivalents
    ) / departures.observations.error
    rms = np.sqrt((apart[used] ** 2).mean())
    print(f"observations differ from the {name} by {rms:.2f} of their errors")

path = ngcm_cli.forecast(
    data=found.path, lead="2h", every="1h", output="forecast.zarr", overwrite=True
)
print(f"{path} has the forecast from the analysis.")
