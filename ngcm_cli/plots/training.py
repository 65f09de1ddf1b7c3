"""The course of a training: loss, its terms, gradient norm against updates."""

import pathlib
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.figure import drawing, line_colour, new_axes
from ngcm_cli.plots.panels import set_header
from ngcm_cli.training.training_directory import TrainingDirectory

_NOT_TERMS = ("update", "kind", "stage", "loss", "learning_rate", "gradient_norm")
_NOT_TERMS += ("seconds", "returns")
_PANELS = {
    "loss": "Loss",
    "terms": "Terms of the loss",
    "gradient_norm": "Norm of the gradient",
}


def open_training(path: pathlib.Path) -> xr.Dataset:
    """Return the metrics of a training, along ``update`` and ``evaluation``.

    Raises:
        InputDataError: there are none, or they are damaged.
    """
    rows = TrainingDirectory(path).read_metrics()
    variables = {}
    try:
        for kind, dim in ("train", "update"), ("held_out", "evaluation"):
            own = [row for row in rows if row["kind"] == kind]
            names = [name for name in own[0] if name not in ("kind", "update")]
            at = {dim: [int(row["update"]) for row in own]}
            for name in names:
                values = [float(row[name] or "nan") for row in own]
                full = name if kind == "train" else f"held_out_{name}"
                variables[full] = xr.DataArray(values, at, [dim])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputDataError(
            f"{path} has no metrics that can be drawn: {type(error).__name__}.",
            "Name the directory of a training that has made an update.",
        ) from None
    return xr.Dataset(variables)


def draw_training(
    metrics: xr.Dataset, what: str = "loss", *, axes: Axes | None = None
) -> Axes:
    """Draw the loss of a training, its terms or the norm of its gradient.

    Args:
        metrics: of `open_training`.
        what: ``loss``, ``terms`` or ``gradient_norm``.
        axes: where to draw; None makes a figure.
    """
    with drawing():
        _, axes = new_axes(axes, (8.0, 2.8))
        update = metrics["update"].values
        if what == "terms":
            names = [
                name
                for name in map(str, metrics.data_vars)
                if name not in _NOT_TERMS and not name.startswith("held_out_")
                if metrics[name].notnull().any()
            ]
            for at, name in enumerate(names):
                values, label = metrics[name].values, name.replace("_", " ")
                axes.plot(update, values, color=line_colour(at), label=label)
        else:
            axes.plot(update, metrics[what].values, color=line_colour(0), lw=0.9)
        if what == "loss":
            axes.lines[0].set_label("batches")
            held_out = metrics["held_out_loss"]
            axes.plot(
                held_out["evaluation"].values, held_out.values,
                color=line_colour(1), marker="o", markersize=3, label="held out",
            )  # fmt: skip
        if what != "gradient_norm":
            axes.legend(loc="best", ncols=3)
        axes.set_yscale("log")
        for edge in update[1:][np.diff(metrics["stage"].values) > 0]:
            axes.axvline(edge, color="0.6", linewidth=0.8, linestyle=":")
        axes.set_title(_PANELS[what], loc="left", fontsize=9)
        axes.margins(x=0)
    return axes


def training_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return loss, terms and gradient norm of a training, dotted where stages begin.

    Raises:
        ConfigError: a setting does not suit the picture.
    """
    if config.variable or config.region:
        raise ConfigError(
            "A picture of a training has no variable and no region.", "Leave them out."
        )
    metrics = datasets[0]
    with drawing():
        figure = Figure(figsize=config.size or (8.0, 6.6), layout="constrained")
        panels = figure.subplots(len(_PANELS), sharex=True)
        for axes, what in zip(panels, _PANELS, strict=True):
            draw_training(metrics, what, axes=axes)
        panels[-1].set_xlabel("Update")
        name = pathlib.Path(str(metrics.attrs["location"])).name
        best = float(metrics["held_out_loss"].min())
        text = f"{name} · least held-out loss {best:.4g}"
        set_header(figure, config.title or "Training", text)
    return figure
