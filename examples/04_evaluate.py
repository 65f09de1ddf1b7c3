"""Score a forecast against a truth, beside persistence, and draw a score card.

    python examples/04_evaluate.py FORECAST TRUTH [SCORES]

For example the forecast of ``01_forecast.py`` against ERA5 in the cloud:
``python examples/04_evaluate.py forecast.zarr arco``. The card is in ``scorecard.png``.
"""

import sys

import numpy as np

import ngcm_cli

forecast, truth = sys.argv[1:3]
output = sys.argv[3] if len(sys.argv) > 3 else "scores.nc"

scores = ngcm_cli.evaluate(
    {"ngcm": forecast}, truth, baseline="persistence", output=output, overwrite=True
)
name = next(str(name) for name in scores.data_vars if str(name).startswith("rmse."))
rmse = scores[name].sel(region="global")
if "level" in rmse.dims:
    rmse = rmse.dropna("level", how="all").isel(level=0)
print(f"{name} ({rmse.units}), of the forecast and of persistence")
for lead in rmse.lead_time.values:
    ours, persistence = rmse.sel(lead_time=lead).values
    hours = lead / np.timedelta64(1, "h")
    print(f"after {hours:3.0f} h: {ours:8.3f} {persistence:8.3f}")

card = ngcm_cli.plot(output, what="scorecard", output="scorecard.png", overwrite=True)
print(f"{card} has the score card.")
