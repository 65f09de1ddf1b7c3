"""Pictures of fields, scores and runs, and the report.

Functions named ``draw_...`` draw on matplotlib axes, most of them on new ones if none
are given. Those named ``..._figure`` choose what is drawn of
opened data by the settings of ``ngcm plot``. No state of pyplot is used or changed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ngcm_cli.plots.hovmoller import draw_hovmoller
    from ngcm_cli.plots.map import draw_contours, draw_frame, draw_map, draw_wind
    from ngcm_cli.plots.meteogram import draw_meteogram
    from ngcm_cli.plots.scorecard import draw_scorecard
    from ngcm_cli.plots.scores import draw_scores
    from ngcm_cli.plots.section import draw_section
    from ngcm_cli.plots.series import draw_series
    from ngcm_cli.plots.spaghetti import draw_spaghetti
    from ngcm_cli.plots.spectra import draw_spectra
    from ngcm_cli.plots.spread import draw_spread
    from ngcm_cli.plots.tracks import draw_tracks

__all__ = [
    "draw_contours",
    "draw_frame",
    "draw_hovmoller",
    "draw_map",
    "draw_meteogram",
    "draw_scorecard",
    "draw_scores",
    "draw_section",
    "draw_series",
    "draw_spaghetti",
    "draw_spectra",
    "draw_spread",
    "draw_tracks",
    "draw_wind",
]


def __getattr__(name: str) -> Any:
    """Import a function where it lives, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    on_maps = name in ("draw_contours", "draw_frame", "draw_wind")
    home = "map" if on_maps else name.removeprefix("draw_")
    return getattr(import_module(f"ngcm_cli.plots.{home}"), name)
