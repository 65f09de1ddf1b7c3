"""``ngcm plot``: read what is to be drawn, draw it, write the picture."""

import contextlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.io.output_file import check_writable
from ngcm_cli.plots.figure import picture_format, save
from ngcm_cli.plots.map_figure import map_figure
from ngcm_cli.plots.sources import derived_file, open_source, stem_of

Draw = Callable[[Sequence[xr.Dataset], PlotConfig], Figure]

_SEVERAL = ("series", "spectra", "scores", "scorecard", "tracks", "meteogram")
"""Pictures of several files."""
_CONTENT = {
    "series": ("series", "fields", "zonal"),
    "section": ("fields", "zonal"),
    "hovmoller": ("fields", "zonal"),
    "spectra": ("fields", "scores"),
    "scores": ("scores",),
    "scorecard": ("scores",),
    "tracks": ("tracks",),
}
"""What a picture shows, if not fields."""
_DRAWN = {
    "fields": "fields", "zonal": "zonal means", "series": "global series",
    "scores": "scores", "tracks": "tracks",
}  # fmt: skip


def plot(*files: str | pathlib.Path, what: str | None = None, **settings: Any) -> Any:
    """Draw a picture of files as ``ngcm plot`` does, and return its path.

    Args:
        files: forecasts, ensembles, analyses, climate runs, scores or tracks.
        what: kind of picture, a key of `PICTURES`; None is what the files suggest.
        settings: of `PlotConfig`, such as ``variable="t850"``.

    Raises:
        ConfigError: a setting is wrong, or not in the data.
        InputDataError: a file cannot be read.
        OutputError: the picture exists, or cannot be written.
    """
    config = PlotConfig(what=what, files=tuple(map(str, files)), **settings)
    return draw_picture(config)


def draw_picture(config: PlotConfig) -> pathlib.Path:
    """Draw a picture, and return its path; see `plot`."""
    if config.output is not None:
        check_output(config.output, config)
    with contextlib.ExitStack() as opened:

        def read(location: str) -> xr.Dataset:
            dataset = open_source(location, config.what, offline=config.offline)
            return opened.enter_context(contextlib.closing(dataset))

        datasets = [read(location) for location in config.files]
        what = config.what or suggest(datasets)
        if config.what is None and what == "map" and _is_series(datasets[0]):
            what = "series"
        output = config.output or pathlib.Path(f"{stem_of(config.files[0])}_{what}.png")
        if what == "animation" and config.output is None:
            output = output.with_suffix(".gif")
        check_output(output, config, what)
        _check_content(what, datasets, config)
        minus = None if config.minus is None else read(config.minus)
        if what == "animation":
            from ngcm_cli.plots.animation import write_animation

            write_animation(datasets[0], config, output)
            return output
        if what == "map":
            figure = map_figure(datasets[0], config, minus)
        else:
            with _checked(datasets):
                figure = _drawing(what)(datasets, config)
        save(figure, output, config.dpi)
    return output


def _checked(datasets: Sequence[xr.Dataset]) -> contextlib.AbstractContextManager:
    first = datasets[0].attrs
    if first["content"] in ("scores", "tracks"):
        names = ", ".join(str(dataset.attrs["location"]) for dataset in datasets)
        return derived_file(names, first["content"])
    return contextlib.nullcontext()


def _is_series(dataset: xr.Dataset) -> bool:
    return dataset.attrs["content"] == "series"


def _drawing(what: str) -> Draw:
    """Return the function that draws a kind of picture, imported when it is needed."""
    import importlib

    module = importlib.import_module(f"ngcm_cli.plots.{what}")
    return getattr(module, f"{what}_figure")


def suggest(datasets: Sequence[xr.Dataset]) -> str:
    """Return the kind of picture that suits data."""
    first = datasets[0]
    content = first.attrs["content"]
    if content == "scores":
        return "scores"
    if content in ("tracks", "series"):
        return content
    if content == "zonal":
        return "section"
    names = [str(name) for name in first.data_vars]
    has_statistics = any(n.endswith("_mean") for n in names) and any(
        n.endswith("_std") for n in names
    )
    if first.sizes.get("realization", 1) > 1 or has_statistics:
        return "spread"
    return "map"


def check_output(path: pathlib.Path, config: PlotConfig, what: str = "") -> None:
    """Check that a picture can be written, before anything is drawn.

    Raises:
        ConfigError: its format is unknown, or does not suit the kind.
        OutputError: it exists, its folder does not, or it is what is drawn.
    """
    kind = picture_format(path)
    if what and (kind == "mp4" and what != "animation"):
        raise ConfigError(
            "MP4 is for animations.", "Give a name in .png, .svg or .pdf."
        )
    if what == "animation" and kind not in ("gif", "mp4"):
        raise ConfigError(
            f"An animation cannot be {kind.upper()}.", "Give a name in .gif or .mp4."
        )
    if path.exists() and not config.overwrite:
        raise OutputError(f"{path} exists.", "Name another, or give --overwrite.")
    if not path.parent.is_dir():
        raise OutputError(
            f"The folder {path.parent} does not exist.", "Create it first."
        )
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", "Name a file.")
    read = [*config.files, *([config.minus] if config.minus else [])]
    check_writable(path, read)


def _check_content(
    what: str, datasets: Sequence[xr.Dataset], config: PlotConfig
) -> None:
    known = _CONTENT.get(what, ("fields",))
    for dataset in datasets:
        content = dataset.attrs["content"]
        if content not in known:
            raise InputDataError(
                f"{dataset.attrs['location']} holds {_DRAWN[content]}, which "
                f"`{what}` does not show.",
                f"The picture `{suggest([dataset])}` does.",
            )
    if len(datasets) > 1 and what not in _SEVERAL:
        raise ConfigError(
            f"The picture `{what}` is of one file.",
            "To subtract another, give it as --minus."
            if what == "map"
            else "Name one file.",
        )
    if config.minus is not None and what != "map":
        raise ConfigError(
            f"minus is given, and the picture is `{what}`.", "It is for maps."
        )
