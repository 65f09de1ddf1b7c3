"""``ngcm tracks``: tropical cyclones in forecasts, climate runs and reanalyses."""

import pathlib
import time
from typing import Annotated, Any

import typer

from ngcm_cli.cli.console import messages, print_line, print_summary, table_lines
from ngcm_cli.cli.options import OUTPUT_NAMES, Offline, Overwrite, text
from ngcm_cli.cli.progress import Display
from ngcm_cli.cli.run_command import RunFile, with_options

_MOST_ROWS = 30
_BY_PRESET = "[default: that of the preset]"

_OPTIONS: dict[str, Any] = {
    "output": text(
        "PATH",
        "File of the tracks: .nc for CF trajectories in NetCDF, .txt for the text of "
        "TempestExtremes.  [default: DATA_tracks.nc]",
        *OUTPUT_NAMES,
    ),
    "format": text("netcdf|tempest", "Format, if the name does not say it."),
    "overwrite": Overwrite,
    "preset": text(
        "NAME",
        "Criteria: tempest-era5, neuralgcm-vorticity, neuralgcm-pressure or gencast.  "
        "[default: tempest-era5; neuralgcm-vorticity for data without sea-level "
        "pressure]",
    ),
    "search": text(
        "pressure|vorticity",
        "Search minima of sea-level pressure or maxima of vorticity at 850 hPa.  "
        f"{_BY_PRESET}",
    ),
    "pressure_rise": text(
        "PASCAL", f"Rise of pressure to a closed contour, such as 200Pa.  {_BY_PRESET}"
    ),
    "vorticity_fall": text(
        "PER_SECOND", f"Fall of vorticity to a closed contour.  {_BY_PRESET}"
    ),
    "contour_radius": text(
        "DEGREES",
        f"Distance from the centre within which that contour closes.  {_BY_PRESET}",
    ),
    "thickness_fall": text(
        "M2S-2|none",
        "Fall of geopotential at 300 minus at 500 hPa to a closed contour, the sign of "
        f"a warm core.  {_BY_PRESET}",
    ),
    "thickness_radius": text(
        "DEGREES",
        f"Distance from its maximum within which that contour closes.  {_BY_PRESET}",
    ),
    "thickness_search": text(
        "DEGREES", f"Distance from the centre within which it is.  {_BY_PRESET}"
    ),
    "merge_distance": text(
        "DEGREES",
        f"Distance within which only the deeper of two centres counts.  {_BY_PRESET}",
    ),
    "max_displacement": text(
        "DEGREES",
        f"Distance between consecutive points of a track.  {_BY_PRESET}",
    ),
    "reference_step": text(
        "DURATION",
        "Time between points for which that distance and the number of points hold; "
        f"they are scaled to that of the data.  {_BY_PRESET}",
    ),
    "max_gap": text(
        "DURATION", f"Longest time between points of a track.  {_BY_PRESET}"
    ),
    "min_duration": text("DURATION", f"Shortest life of a track.  {_BY_PRESET}"),
    "min_points": text(
        "N",
        f"Points that meet each of the three criteria that follow.  {_BY_PRESET}",
    ),
    "min_wind": text("M/S|none", f"Lowest wind speed near the centre.  {_BY_PRESET}"),
    "max_latitude": text(
        "DEGREES|none", f"Highest latitude, north and south.  {_BY_PRESET}"
    ),
    "max_surface_height": text(
        "METRES|none", f"Greatest height of the ground.  {_BY_PRESET}"
    ),
    "wind_radius": text(
        "DEGREES",
        f"Distance from the centre within which the wind is taken.  {_BY_PRESET}",
    ),
    "wind_level": text(
        "10m|lowest|HPA",
        "Which wind to take.  [default: the first that the data have of 10m, lowest, "
        "1000, 925, 850]",
    ),
    "best_track": text(
        "CSV",
        "Observed storms, with the columns of IBTrACS: position and intensity errors "
        "by lead time are added.",
    ),
    "match_distance": text(
        "KM",
        "Largest distance of a track and a storm at their first common time.  "
        "[default: 500km]",
    ),
    "strike_radius": text(
        "KM",
        "Write for an ensemble the probability that a cyclone passes within this "
        "distance, such as 120km, beside the tracks.",
    ),
    "strike_grid": text(
        "DEGREES", "Spacing of the places of that probability.  [default: 1]"
    ),
    "offline": Offline,
}


def tracks(
    data: list[str], config: pathlib.Path | None = None, **given: str | bool | None
) -> None:
    """Find tropical cyclones and their tracks.

    In any forecast, ensemble, climate run or reanalysis that has mean sea-level
    pressure or wind at 850 hPa, and geopotential at 300 and 500 hPa. Prints the path of
    the tracks.

    Example: ngcm tracks forecast.zarr --output tracks.nc
    """
    with messages() as console:
        from ngcm_cli.config import read_run_file
        from ngcm_cli.config.tracks import TracksConfig

        settings = read_run_file(config, TracksConfig.model_fields) if config else {}
        settings |= {name: x for name, x in given.items() if x is not None}
        checked = TracksConfig(**settings)
        started = time.monotonic()
        with Display(console, "Reading the data") as display:
            from ngcm_cli.tracks.save import save_tracks, summarize_tracks
            from ngcm_cli.tracks.track_error import summarize_errors

            saved = save_tracks(data, checked, display.count)
        rows = summarize_tracks(saved.tracks)
        for line in table_lines(rows[: _MOST_ROWS + 1]) if rows[1:] else ():
            print_line(console, line)
        count = len(rows) - 1
        if count > _MOST_ROWS:
            print_line(console, f"and {count - _MOST_ROWS} more")
        if checked.best_track is not None:
            errors = summarize_errors(saved.tracks)
            for line in table_lines(errors) if errors[1:] else ():
                print_line(console, line)
            if not errors[1:]:
                print_line(console, "No track matches a storm of the best track.")
        found = f"Found {count or 'no'} track{'' if count == 1 else 's'}."
        print_line(console, found)
        print_summary(console, saved.path, time.monotonic() - started)
        for path in (saved.path, saved.strike_path):
            if path is not None:
                typer.echo(path)


_DATA = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="Forecasts, ensembles, climate runs or reanalyses: files, Zarr stores, "
        "folders of runs, URLs or named sources.",
    ),
]
with_options(tracks, {**_OPTIONS, "config": RunFile}, {"data": _DATA})
