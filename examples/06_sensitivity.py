"""What the temperature over the North Pacific tomorrow depends on, as a map.

    python examples/06_sensitivity.py [LEAD] [OUTPUT]

Prints where the forecast is most sensitive, and beside each other what the gradient
predicts of a perturbed forecast and what that gives.
"""

import sys

import ngcm_cli

lead = sys.argv[1] if len(sys.argv) > 1 else "24h"
output = sys.argv[2] if len(sys.argv) > 2 else "sensitivity.nc"

found = ngcm_cli.find_sensitivity(
    target="pacific=mean(t850, lat=30:60, lon=200:240)",
    with_respect_to="t,sst",
    perturbation="gradient,t850 += 1,sst += 1",
    lead=lead,
    output=output,
    overwrite=True,
)
print(f"{found.attrs['title']}, after {lead}: {float(found.pacific):.2f} K")
gradient = found.gradient_of_pacific_to_temperature
for level in (850, 500):
    warmed = float(gradient.sel(level=level).sum())
    print(f"a kelvin more at {level} hPa now: {warmed:+.3f} K")
    field = found.sensitivity_of_pacific_to_temperature.sel(level=level)
    at = field.isel(field.argmax(["latitude", "longitude"]))
    print(f"  most from {float(at.latitude):.0f} N, {float(at.longitude):.0f} E")
print(found.attrs["perturbation_check"])

path = ngcm_cli.plot(
    output,
    variable="sensitivity_of_pacific_to_temperature",
    level=850,
    output="sensitivity.png",
    overwrite=True,
)
print(f"{path} has the map at 850 hPa.")
