"""Tropical-cyclone tracks in forecasts, ensembles, climate runs and reanalyses."""

import contextlib
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

import ngcm_cli
from ngcm_cli.config.cyclone_criteria import CycloneCriteria
from ngcm_cli.config.tracks import TracksConfig, describe_criteria
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.io.progress import CountProgress, begin_phase, no_progress
from ngcm_cli.time_format import format_duration, format_time, utc_now
from ngcm_cli.tracks.cyclone_fields import CycloneFields, find_fields
from ngcm_cli.tracks.detection import detect
from ngcm_cli.tracks.grid_noise import describe_noise
from ngcm_cli.tracks.model_height import model_surface_height
from ngcm_cli.tracks.stitching import points_at_step, stitch, typical_step
from ngcm_cli.tracks.track_dataset import Search, build_dataset

log = logging.getLogger(__name__)


def find_tracks(
    *data: "xr.Dataset | str | os.PathLike[str]",
    config: TracksConfig | None = None,
    progress: CountProgress = no_progress,
    **settings: Any,
) -> xr.Dataset:
    """Return the tracks of tropical cyclones.

    Tracks are found in each forecast (initial time and member) on its own, in lead
    time, and in each record in time. Only a few times are in memory at once.

    Args:
        data: paths, URLs or names of data, or datasets in the form that `open_gridded`
            returns.
        config: the settings; None makes them of ``settings``.
        progress: called after each time that was searched.
        **settings: as the options of ``ngcm tracks``, such as ``preset="gencast"``.

    Returns:
        Tracks in the layout that `ngcm_cli.tracks.track_file` describes.

    Raises:
        ConfigError: a setting is wrong.
        InputDataError: the data lack a field, or are too short or too coarse in time.

    Example:
        >>> tracks = find_tracks("ensemble.zarr", min_wind=15)
        >>> tracks.mean_sea_level_pressure.min()
    """
    if config is not None and settings:
        raise ConfigError("Both config and settings are given.", "Give one of them.")
    config = TracksConfig(**settings) if config is None else config
    if not data:
        raise ConfigError("No data are given.", "Name a file.")
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(_opened(each, config)) for each in data]
        _check_kind(opened, config)
        fields = [find_fields(each, config, model_surface_height) for each in opened]
        for each in fields:
            _check_times(each)
        return _search(fields, progress)


def _opened(
    data: "xr.Dataset | str | os.PathLike[str]", config: TracksConfig
) -> "contextlib.AbstractContextManager[xr.Dataset]":
    """Return a context that holds a dataset, and closes it if it opened it."""
    if isinstance(data, xr.Dataset):
        return contextlib.nullcontext(data)
    from ngcm_cli.inputs.gridded import open_gridded

    return open_gridded(os.fspath(data), offline=config.offline)


def _check_kind(opened: Sequence[xr.Dataset], config: TracksConfig) -> None:
    """Check that data go together, and that the output can hold what is found.

    Raises:
        InputDataError: they do not.
    """
    for data in opened:
        if not {"lead_time", "time"} & set(data.dims):
            raise InputDataError(
                f"{data.attrs.get('location', 'The dataset')} has no times.",
                "Give fields along time or lead time.",
            )
    if len({"lead_time" in data.dims for data in opened}) > 1:
        raise InputDataError(
            "Some of the data are forecasts, others are records.",
            "Search them separately.",
        )
    if config.strike_radius is not None and (
        len(opened) > 1 or opened[0].sizes.get("realization", 1) < 2
    ):
        raise InputDataError(
            "Strike probability needs one ensemble of several members.",
            "Give the output of ngcm ensemble, or leave out --strike-radius.",
        )
    sizes = (
        data.sizes.get("init_time", 1) * data.sizes.get("realization", 1)
        for data in opened
    )
    if config.output_format == "tempest" and sum(sizes) > 1:
        raise InputDataError(
            "The text of TempestExtremes does not tell forecasts and members apart.",
            "Write NetCDF, to a name that ends with .nc, or search one of them.",
        )


def _search(fields: Sequence[CycloneFields], progress: CountProgress) -> xr.Dataset:
    """Return the tracks of all data."""
    begin_phase("Searching for cyclones")
    total = sum(_count(each) for each in fields)
    counter = itertools.count(1)
    searches, notes = [], []
    for each in fields:
        missing = 0
        if noise := _noise(each):
            notes.append(noise)
            log.warning(noise)
        for search, gaps in _searches(each, lambda: progress(next(counter), total)):
            searches.append(search)
            missing += gaps
        notes += each.notes
        if missing:
            notes.append(
                f"Values are missing at {missing} times, at some or all points."
            )
            log.warning(notes[-1])
    tracks = build_dataset(searches, _attributes(fields, searches, notes))
    if "wind_speed" in tracks:
        tracks["wind_speed"].attrs["comment"] = tracks.attrs["wind"]
    return tracks


def _noise(fields: CycloneFields) -> str:
    """Return what is to say of noise at the last time, at which models are settled."""
    if "pressure" not in fields.fields:
        return ""
    array = fields.fields["pressure"].select(fields.data)
    last = {d: -1 for d in array.dims if d not in ("latitude", "longitude")}
    pressure = array.isel(last).transpose("latitude", "longitude").values
    return describe_noise(fields.grid, pressure.astype(np.float64), fields.criteria)


def _axis(data: xr.Dataset) -> str:
    return "lead_time" if "lead_time" in data.dims else "time"


def _count(fields: CycloneFields) -> int:
    sizes = fields.data.sizes
    names = _axis(fields.data), "init_time", "realization"
    return int(np.prod([sizes.get(name, 1) for name in names]))


def _searches(
    fields: CycloneFields, tick: Callable[[], None]
) -> Iterator[tuple[Search, int]]:
    """Yield each search, and the number of times with missing values."""
    data, axis = fields.data, _axis(fields.data)
    outer = [name for name in ("init_time", "realization") if name in data.dims]
    for index in np.ndindex(*(data.sizes[name] for name in outer)):
        of = dict(zip(outer, index, strict=True))
        times: np.ndarray = data[axis].values
        init_time: Any = None
        if axis == "lead_time":
            init_time = data["init_time"].values[of["init_time"]]
            times = init_time + times
        found, gaps = [], 0
        for at in fields.blocks(of, axis):
            gaps += any(np.isnan(field).any() for field in at.values())
            found.append(detect(fields.grid, at, fields.criteria))
            tick()
        member = of.get("realization")
        number = None if member is None else int(data["realization"].values[member])
        tracks = stitch(times, found, fields.criteria)
        source = str(data.attrs.get("location", ""))
        yield Search(times, found, tracks, init_time, number, source), gaps


def _check_times(fields: CycloneFields) -> None:
    """Check that tracks are possible.

    Raises:
        InputDataError: the data are too short, too coarse or out of order in time.
    """
    data, criteria = fields.data, fields.criteria
    times = data[_axis(data)].values
    name = data.attrs.get("location", "The dataset")
    steps = np.diff(times)
    if (steps <= np.timedelta64(0, "s")).any():
        raise InputDataError(f"The times of {name} do not increase.", "Sort them.")
    span = times[-1] - times[0]
    if len(times) < 2 or span < criteria.min_duration:
        raise InputDataError(
            f"{name} spans {format_duration(span)}, and a track "
            f"{format_duration(criteria.min_duration)} at least.",
            "Give a longer forecast, or shorter tracks with --min-duration.",
        )
    if (step := typical_step(times)) > criteria.max_gap:
        raise InputDataError(
            f"The fields of {name} are {format_duration(step)} apart, more than "
            f"{format_duration(criteria.max_gap)}, the longest gap of a track.",
            "Give data with shorter steps, such as forecasts with --every 6h.",
        )


def _scaling(criteria: CycloneCriteria, step: np.timedelta64) -> str:
    """Return how criteria are scaled to the time between the data; empty if not."""
    if step == criteria.reference_step:
        return ""
    reach = criteria.max_displacement * float(step / criteria.reference_step)
    return (
        f"The data are {format_duration(step)} apart, not "
        f"{format_duration(criteria.reference_step)}: points may be {reach:g} degrees "
        f"apart, and {points_at_step(criteria, step)} of them have to meet the "
        "criteria of wind, latitude and height."
    )


def _attributes(
    fields: Sequence[CycloneFields], searches: Sequence[Search], notes: list[str]
) -> dict[str, Any]:
    """Return the global attributes of tracks."""
    data, criteria = fields[0].data, fields[0].criteria
    steps = [typical_step(each.data[_axis(each.data)].values) for each in fields]
    for each, step in zip(fields, steps, strict=True):
        if scaling := _scaling(each.criteria, step):
            notes.append(scaling)
            log.info(scaling)
    now = utc_now()
    attributes: dict[str, Any] = {
        "Conventions": "CF-1.11",
        "featureType": "trajectory",
        "title": "Tracks of tropical cyclones",
        "history": f"{now}: ngcm tracks",
        "source": "; ".join(dict.fromkeys(s.source for s in searches if s.source))
        or "datasets in memory",
        "criteria": describe_criteria(criteria),
        "method": "Criteria of DetectNodes and StitchNodes of TempestExtremes, "
        "https://doi.org/10.5194/gmd-14-5023-2021",
        "wind": "; ".join(dict.fromkeys(each.wind or "none" for each in fields)),
        "notes": " ".join(dict.fromkeys(notes)) or "none",
        "time_step": format_duration(steps[0]),
        "grid_spacing": round(fields[0].grid.spacing, 4),
        "ngcm_version": ngcm_cli.__version__,
    }
    inits = dict.fromkeys(s.init_time for s in searches if s.init_time is not None)
    if inits:
        attributes["init_times"] = " ".join(format_time(time) for time in inits)
    members = dict.fromkeys(
        s.realization for s in searches if s.realization is not None
    )
    if members:
        attributes["realizations"] = np.array(list(members), np.int32)
    if "model" in data.attrs:
        attributes["model"] = str(data.attrs["model"])
    return attributes
