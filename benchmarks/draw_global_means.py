"""Draw the global means of a long run.

    pip install matplotlib
    python benchmarks/draw_global_means.py RUN PICTURE.png

Daily values as they are in ``RUN/global.zarr``; of several runs their mean.
"""

import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from ngcm_cli.simulation.status import read_global_means, read_status


def main(run: pathlib.Path, picture: pathlib.Path) -> None:
    """Six panels, one above the other."""
    times, fields = read_global_means(run / "global.zarr")
    model = read_status(run).run.settings["model"]
    warmth = fields["temperature"]
    middle = warmth.shape[1] // 2
    panels = [
        ("temperature, lowest level, K", [warmth[:, -1]]),
        ("temperature, middle and top level, K", [warmth[:, middle], warmth[:, 0]]),
        ("surface pressure, hPa", [fields["surface_pressure"] / 100]),
        ("water vapour, kg/m²", [fields["water_vapour"]]),
        ("kinetic energy, MJ/m²", [fields["kinetic_energy"] / 1e6]),
        ("fastest wind, m/s", [fields["max_wind"].max(axis=1)]),
    ]
    figure, axes = plt.subplots(len(panels), sharex=True, figsize=(9, 11))
    for axis, (title, lines) in zip(axes, panels, strict=True):
        for line in lines:
            axis.plot(times, line, linewidth=1)
        axis.set_title(title, fontsize=9, loc="left")
        axis.grid(alpha=0.3)
        low, high = (f(line) for f, line in ((np.min, lines[0]), (np.max, lines[0])))
        axis.margins(x=0)
        print(f"{title}: {low:.2f} to {high:.2f}")
    figure.suptitle(f"{model}, {len(times)} days from {str(times[0])[:10]}")
    figure.tight_layout()
    figure.savefig(picture, dpi=80)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
