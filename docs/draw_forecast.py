"""Draw the map of the documentation: 850 hPa temperature and 500 hPa height.

Run from anywhere, with the extra ``docs``::

    ngcm forecast --lead 3d --every 12h --output forecast.zarr
    python docs/draw_forecast.py forecast.zarr docs/forecast.png

Coastlines are those of Natural Earth (1:110m, public domain).
"""

import gzip
import io
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray
from PIL import Image

COASTLINES = pathlib.Path(__file__).parents[1] / "ngcm_cli/plots/coastline.json.gz"
STANDARD_GRAVITY = 9.80665  # m s-2


def map_field(field: xarray.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return longitudes, latitudes in radians and values, shape (latitude, longitude).

    Longitudes rise from -180 to 180 degrees; both ends are the same meridian.
    """
    field = field.transpose("latitude", "longitude")
    field = field.assign_coords(longitude=(field.longitude + 180) % 360 - 180)
    field = field.sortby("longitude")
    first, last = field.isel(longitude=0), field.isel(longitude=-1)
    field = xarray.concat(
        [
            last.assign_coords(longitude=last.longitude - 360),
            field,
            first.assign_coords(longitude=first.longitude + 360),
        ],
        "longitude",
    )
    edges = np.array([-180.0, *field.longitude.values[1:-1], 180.0])
    field = field.interp(longitude=np.unique(edges))
    return np.radians(field.longitude), np.radians(field.latitude), field.values


def draw(forecast: xarray.Dataset, picture: pathlib.Path) -> None:
    """Write the map of the last lead time of a forecast as PNG."""
    last = forecast.isel(init_time=0, lead_time=-1)
    temperature = last["temperature"].sel(level=850) - 273.15
    height = last["geopotential"].sel(level=500) / STANDARD_GRAVITY / 10
    figure, axes = plt.subplots(
        figsize=(9, 5.3), subplot_kw={"projection": "mollweide"}, layout="constrained"
    )
    colours = axes.contourf(
        *map_field(temperature), levels=np.arange(-40, 41, 4), cmap="RdYlBu_r",
        extend="both",
    )  # fmt: skip
    lines = axes.contour(
        *map_field(height), levels=np.arange(456, 600, 12), colors="black",
        linewidths=0.6,
    )  # fmt: skip
    axes.clabel(lines, levels=lines.levels[::2], fontsize=6, fmt="%d")
    coastlines = json.loads(gzip.decompress(COASTLINES.read_bytes()))["lines"]
    for line in coastlines:
        longitude, latitude = np.radians(np.array(line)).T
        axes.plot(longitude, latitude, color="0.35", linewidth=0.7)
    axes.grid(color="0.5", linewidth=0.3)
    axes.set_xticklabels([])
    axes.tick_params(labelsize=7)
    bar = figure.colorbar(colours, ax=axes, orientation="horizontal", shrink=0.6)
    bar.set_label("temperature at 850 hPa (°C)", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    start = last["init_time"].values
    valid = np.datetime_as_string(start + last["lead_time"].values, unit="h")
    hours = int(last["lead_time"].values / np.timedelta64(1, "h"))
    axes.set_title(
        "Temperature at 850 hPa (colour), height of 500 hPa (contours every 12 dam)\n"
        f"valid {valid} UTC, {hours} h after {np.datetime_as_string(start, unit='h')}, "
        f"model {forecast.attrs['model']}",
        fontsize=9,
    )
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    # 96 colours instead of true colour: a third of the size.
    Image.open(drawn).convert("RGB").quantize(96).save(picture, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with xarray.open_zarr(sys.argv[1], decode_timedelta=True) as opened:
        draw(opened.load(), pathlib.Path(sys.argv[2]))
