"""Figures: their size, fonts, titles, and files. Nothing is shared among figures."""

import contextlib
import io
import pathlib
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ngcm_cli.errors import ConfigError
from ngcm_cli.io.atomic import atomic_file, translate_os_errors
from ngcm_cli.io.output_file import sole_writer

FORMATS = ("png", "svg", "pdf", "gif", "mp4")
GREY = "0.35"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of lines, of Okabe and Ito: told apart with any colour vision."""
_STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.3",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "0.88",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.color": "0.25",
    "ytick.color": "0.25",
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "ngcm",
    "text.parse_math": False,  # a $ in a name or title of a file is one
    "axes.prop_cycle": cycler(color=PALETTE),
}
_COLOURS = 255  # of an indexed picture
_MOST_CHANGED = 1e-3  # share of pixels


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Apply the style of the pictures; settings of the caller return afterwards."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Characters without a glyph are shown as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def new_axes(
    axes: Axes | None, size: tuple[float, float] = (8.0, 4.8)
) -> tuple[Figure, Axes]:
    """Return axes and their figure; a new figure if there are none.

    Args:
        axes: where to draw, or None.
        size: width and height of a new figure, inches.
    """
    if axes is not None:
        figure = axes.figure
        assert isinstance(figure, Figure)
        return figure, axes
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def line_colour(number: int) -> str:
    """Return the colour of a line by its number, also where no style is applied."""
    return PALETTE[number % len(PALETTE)]


def set_title(axes: Axes, title: str, subtitle: str = "", grow: bool = False) -> None:
    """Write what a picture shows above it, and below that when and by which model.

    Args:
        axes: of the picture.
        title: what it shows.
        subtitle: when, and by which model.
        grow: whether the figure gets higher by what needs more than a line each.
    """
    figure: Any = axes.figure
    width = figure.get_size_inches()[0] * axes.get_position().width
    if axes.get_subplotspec() is None or len(figure.axes) <= 2:
        width = figure.get_size_inches()[0]
    title = textwrap.fill(title, max(int(width * 10.8), 20))
    subtitle = textwrap.fill(subtitle, max(int(width * 15.5), 20))
    lines = subtitle.count("\n") + 1 if subtitle else 0
    if grow:
        more = 0.19 * title.count("\n") + 0.16 * max(lines - 1, 0)
        figure.set_figheight(figure.get_figheight() + more)
    axes.set_title(
        title, loc="left", fontweight="bold", linespacing=1.3, pad=7 + 11.5 * lines
    )
    if subtitle:
        axes.annotate(
            subtitle,
            (0, 1),
            xycoords=axes.transAxes,
            xytext=(0, 6),
            textcoords="offset points",
            fontsize=8.5,
            color=GREY,
            linespacing=1.2,
            annotation_clip=False,
        )


def set_footer(figure: Figure, text: str) -> None:
    """Write where a picture comes from into its lower right corner, small."""
    if text:
        figure.supxlabel(text, x=0.995, ha="right", fontsize=6.5, color="0.45")


def save(figure: Figure, path: pathlib.Path, dpi: float = 150) -> None:
    """Write a figure to a file, in the format of its name.

    PNG is indexed: a third of the size of true colour.

    Raises:
        ConfigError: the format is unknown.
        OutputError: the file cannot be written.
    """
    kind = picture_format(path)
    drawn = io.BytesIO()
    if kind in ("png", "gif"):
        write_image(image_of(figure, dpi), drawn, kind)
    else:
        metadata: Any = {"Date": None} if kind == "svg" else {"CreationDate": None}
        with drawing():
            figure.savefig(drawn, format=kind, dpi=dpi, metadata=metadata)
    write_file(path, drawn.getvalue())


def image_of(figure: Figure, dpi: float) -> Any:
    """Return a figure as a Pillow image in RGB."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.dpi = dpi
    with drawing():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def write_image(image: Any, file: io.BytesIO, kind: str) -> None:
    """Write an image as PNG or GIF, with a palette unless colours would change."""
    indexed = with_palette(image)
    if kind == "png" and _changed(image, indexed) > _MOST_CHANGED:
        indexed = image
    indexed.save(file, format=kind, optimize=True)


def with_palette(image: Any, colours: int = _COLOURS) -> Any:
    """Return an image with a palette of its colours, in which white is white."""
    indexed = image.quantize(colours, dither=0)
    palette = np.array(indexed.getpalette()).reshape(-1, 3)
    lightest = int(palette.sum(axis=1).argmax())
    if palette[lightest].min() > 245:
        palette[lightest] = 255
    indexed.putpalette(palette.ravel().tolist())
    return indexed


def _changed(image: Any, indexed: Any) -> float:
    """Return the share of pixels whose colour a palette changes visibly."""
    before, after = (np.asarray(x.convert("RGB"), np.int16) for x in (image, indexed))
    return float((np.abs(before - after).max(axis=2) > 32).mean())


def write_file(path: pathlib.Path, content: bytes) -> None:
    """Write a file that appears when it is complete.

    Raises:
        OutputError: it cannot be written.
    """
    with (
        translate_os_errors(f"Writing {path}", lambda advice: f"{advice}."),
        sole_writer(path) as target,
        atomic_file(target) as file,
    ):
        file.write(content)


def picture_format(path: pathlib.Path) -> str:
    """Return the format of a picture by its name, such as ``png``.

    Raises:
        ConfigError: there is no such format.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        named = f"'.{kind}'" if kind else "no format"
        raise ConfigError(
            f"The output {path} has {named}, and pictures are {', '.join(FORMATS)}.",
            "Give a name that ends in one of these, such as map.png.",
        )
    return kind
