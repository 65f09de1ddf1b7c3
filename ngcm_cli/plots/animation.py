"""Animations: maps of all times, as GIF, or MP4 where ffmpeg is installed."""

import contextlib
import io
import itertools
import pathlib
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.io.atomic import temporary_sibling
from ngcm_cli.io.output_file import sole_writer
from ngcm_cli.plots.figure import image_of, picture_format, with_palette, write_file
from ngcm_cli.plots.map_figure import draw_layers, read_layers
from ngcm_cli.plots.regions import choose_projection
from ngcm_cli.plots.selection import select_init

_FRAME = 400  # milliseconds
_MOST_FRAMES = 500
_DPI = 100
_COLOURS = 128


def write_animation(
    dataset: xr.Dataset, config: PlotConfig, output: pathlib.Path
) -> None:
    """Write the maps of all lead times of a forecast, or of all times of a record.

    Raises:
        ConfigError: MP4 is asked for, and ffmpeg is not installed.
        InputDataError: the data have one time, or very many.
        OutputError: the file cannot be written.
    """
    kind = picture_format(output)
    if kind == "mp4" and shutil.which("ffmpeg") is None:
        raise ConfigError(
            "MP4 needs the program ffmpeg, which is not installed.",
            "Give a name in .gif, or install ffmpeg.",
        )
    for name in ("lead", "time"):
        if getattr(config, name) is not None:
            raise ConfigError(
                f"{name} is given, and an animation shows all times.", "Leave it out."
            )
    frames = _frames(dataset, config)
    if kind == "gif":
        _write_gif(frames, output)
    else:
        _write_mp4(frames, output)


def _frames(dataset: xr.Dataset, config: PlotConfig) -> Iterator[Any]:
    """Yield the frames as images of one size."""
    projection = choose_projection(config)
    if "lead_time" in dataset.dims:
        key, (_, init) = "lead", select_init(dataset, config)
        times = dataset["lead_time"].values
        config = config.model_copy(update={"init": init})
    else:
        key = "time"
        times = dataset["time"].values if "time" in dataset.dims else np.array([])
    if not 2 <= len(times) <= _MOST_FRAMES:
        raise InputDataError(
            f"The data have {len(times)} times; an animation has from 2 to "
            f"{_MOST_FRAMES}.",
            "Name other data, or draw a map.",
        )
    dpi = config.dpi if "dpi" in config.model_fields_set else _DPI
    for time in times:
        now = config.model_copy(update={key: time})
        layers = read_layers(dataset, now)
        yield image_of(draw_layers(layers, dataset, now, projection), dpi)


def _write_gif(frames: Iterator[Any], output: pathlib.Path) -> None:
    first = next(frames)
    palette = with_palette(first, _COLOURS)
    others = (frame.quantize(palette=palette, dither=0) for frame in frames)
    file = io.BytesIO()
    palette.save(
        file, format="GIF", save_all=True, append_images=others, duration=_FRAME,
        loop=0, optimize=False,
    )  # fmt: skip
    write_file(output, file.getvalue())


def _write_mp4(frames: Iterator[Any], output: pathlib.Path) -> None:
    """Write frames with ffmpeg, which appears when it is complete."""
    first = next(frames)
    width, height = (size - size % 2 for size in first.size)
    with sole_writer(output) as target:
        _run_ffmpeg(first, frames, (width, height), target)


def _run_ffmpeg(
    first: Any, frames: Iterator[Any], size: tuple[int, int], output: pathlib.Path
) -> None:
    width, height = size
    partial = temporary_sibling(output)
    command = [
        "ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{width}x{height}", "-r", str(1000 / _FRAME), "-i", "-", "-an",
        "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "mp4", str(partial),
    ]  # fmt: skip
    try:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin is not None and process.stderr is not None
            with contextlib.suppress(BrokenPipeError):  # its message says why
                for frame in itertools.chain([first], frames):
                    box = (0, 0, width, height)
                    process.stdin.write(frame.crop(box).tobytes())
                process.stdin.close()
            message = process.stderr.read().decode(errors="replace")
        if process.returncode:
            lines = message.strip().splitlines() or ["it gave no reason"]
            raise OutputError(
                f"ffmpeg could not write {output}: {lines[-1]}.", "Write a GIF."
            )
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
