"""``ngcm plot``: read what is to be drawn, draw it, write the picture."""

import contextlib
import importlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.output.dataset_file import check_output
from ngcm_cli.plots.diagnosis import drawn_of
from ngcm_cli.plots.figure import picture_format, save
from ngcm_cli.plots.map_figure import map_figure
from ngcm_cli.plots.sources import derived_file, open_source, stem_of

Draw = Callable[[Sequence[xr.Dataset], PlotConfig], Figure]

_SEVERAL = ("series", "spectra", "scores", "scorecard", "tracks", "meteogram")
"""Pictures of several files."""
_MOST_PIXELS = 200_000_000
_CONTENT = {
    "series": ("series", "fields", "zonal"),
    "section": ("fields", "zonal"),
    "hovmoller": ("fields", "zonal"),
    "spectra": ("fields", "scores"),
    "scores": ("scores",),
    "scorecard": ("scores",),
    "tracks": ("tracks",),
    "training": ("training",),
}
"""What a picture shows, if not fields."""
_DRAWN = {
    "fields": "fields", "zonal": "zonal means", "series": "global series",
    "scores": "scores", "tracks": "tracks", "diagnosis": "a diagnosis",
    "training": "a training",
}  # fmt: skip


def plot(
    *files: str | pathlib.Path, what: str | None = None, **settings: Any
) -> pathlib.Path:
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
    _check_size(config)
    if config.output is not None:
        check_picture(config.output, config)
    with contextlib.ExitStack() as opened:

        def read(location: str) -> xr.Dataset:
            dataset = open_source(location, config.what, offline=config.offline)
            return opened.enter_context(contextlib.closing(dataset))

        datasets = [read(location) for location in config.files]
        if datasets[0].attrs["content"] == "diagnosis" and len(datasets) == 1:
            datasets, config = drawn_of(datasets[0], config)
        what = config.what or suggest(datasets)
        output = config.output or pathlib.Path(f"{stem_of(config.files[0])}_{what}.png")
        if what == "animation" and config.output is None:
            output = output.with_suffix(".gif")
        check_picture(output, config, what)
        _check_content(what, datasets, config)
        minus = None if config.minus is None else read(config.minus)
        if minus is not None:
            _check_content("map", [minus], config)
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


def _check_size(config: PlotConfig) -> None:
    """Check that a picture fits into memory, at four bytes a pixel.

    Raises:
        ConfigError: it is too large.
    """
    width, height = (inches * config.dpi for inches in config.size or (0, 0))
    if width * height > _MOST_PIXELS:
        raise ConfigError(
            f"A picture of {width:.0f} x {height:.0f} pixels is too large: at most "
            f"{_MOST_PIXELS / 1e6:g} million are drawn.",
            "Give a smaller size, or fewer dots per inch (dpi).",
        )


def _checked(datasets: Sequence[xr.Dataset]) -> contextlib.AbstractContextManager:
    first = datasets[0].attrs
    if first["content"] in ("scores", "tracks"):
        names = ", ".join(str(dataset.attrs["location"]) for dataset in datasets)
        return derived_file(names, first["content"])
    return contextlib.nullcontext()


def _drawing(what: str) -> Draw:
    """Return the function that draws a kind of picture, imported when it is needed."""
    module = importlib.import_module(f"ngcm_cli.plots.{what}")
    return getattr(module, f"{what}_figure")


def suggest(datasets: Sequence[xr.Dataset]) -> str:
    """Return the kind of picture that suits data."""
    first = datasets[0]
    content = first.attrs["content"]
    if content in ("scores", "tracks", "series", "training"):
        return content
    if content in ("diagnosis", "zonal"):
        return "section"
    names = [str(name) for name in first.data_vars]
    has_statistics = any(n.endswith("_mean") for n in names) and any(
        n.endswith("_std") for n in names
    )
    if first.sizes.get("realization", 1) > 1 or has_statistics:
        return "spread"
    return "map"


def check_picture(path: pathlib.Path, config: PlotConfig, what: str = "") -> None:
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
    read = [*config.files, *([config.minus] if config.minus else [])]
    check_output(path, config.overwrite, read)


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
