"""The section of a report about a climate run, finished or still being computed."""

import pathlib
from collections.abc import Sequence

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.inputs.gridded import highest_model_level, open_gridded
from ngcm_cli.output.zarr import open_store
from ngcm_cli.plots.report import attributes as attribute_texts
from ngcm_cli.plots.report.content import Figure, Part, Section, Table
from ngcm_cli.plots.report.describe import quantity
from ngcm_cli.plots.report.field_figures import mean_figures
from ngcm_cli.plots.report.gridded_section import gridded_facts, size_of, unfinished
from ngcm_cli.plots.report.pictures import Panel, series_figures
from ngcm_cli.simulation.stability import MAX_WIND, MEAN_PRESSURE
from ngcm_cli.simulation.status import Status, read_global_means, read_status

# Label and units of a graph, series, its levels, divisor.
_SERIES = (
    ("Largest wind speed", "m s⁻¹", "max_wind", "max", 1.0),
    ("Mean surface pressure", "hPa", "surface_pressure", "", 100.0),
    ("Mean temperature, lowest level", "K", "temperature", "last", 1.0),
    ("Mean temperature, highest level", "K", "temperature", "first", 1.0),
    ("Mean water vapour", "kg m⁻²", "water_vapour", "", 1.0),
    ("Mean kinetic energy", "MJ m⁻²", "kinetic_energy", "", 1e6),
)
_LIMITS = {
    "max_wind": f"0 to {MAX_WIND:g} m s⁻¹",
    "surface_pressure": f"{MEAN_PRESSURE[0] / 100:g} to {MEAN_PRESSURE[1] / 100:g} hPa",
}
_MOST_POINTS = 2000  # of a graph: more than there are columns of dots


def climate_section(folder: pathlib.Path, links: Sequence[tuple[str, str]]) -> Section:
    """Return what there is to say about the directory of a climate run.

    Raises:
        OutputError: no run is there, or it is damaged.
    """
    status = read_status(folder)
    stores = sorted(
        path
        for pattern in ("*.zarr", "starts/*/*.zarr")
        for path in folder.glob(pattern)
        if (path / "zarr.json").exists() or (path / ".zgroup").exists()
    )
    if not stores:
        raise OutputError(
            f"The run in {folder} has written nothing yet.", "Wait until it has."
        )
    starts = sorted({path.parent for path in stores})
    first = starts[0]
    attributes = dict(open_store(stores[0], "r").attrs)
    notes: list[str] = []
    if len(starts) > 1:
        notes.append(f"Of {len(starts)} starts, the first is shown: {first.name}.")
    is_complete = status.state == "complete"
    hidden = ("Run", "Progress", "Restart") if is_complete else ("Run",)
    facts = [(name, line) for name, line in status.lines() if name not in hidden]
    facts += attribute_texts.model_facts(attributes)
    parts: list[Part] = []
    monthly = _fields(first)
    levels: np.ndarray | tuple[()] = ()
    top = 0.0
    if monthly is not None:
        figures, described, levels, top = _field_part(monthly)
        facts += described
        if figures:
            parts.append(Part("Figures", [*notes, *figures]))
        else:
            notes.append("No month is complete yet, so there are no maps.")
    if (first / "global.zarr").exists():
        series = _series_part(first / "global.zarr", notes if not parts else [])
        parts += [series] if series else []
    if not parts:
        raise OutputError(
            f"The run in {folder} has written nothing yet.",
            "Wait until its first day is complete.",
        )
    facts += attribute_texts.data_facts(attributes)
    facts += attribute_texts.computing_facts(attributes)
    facts.append(("Size", size_of(folder)))
    return Section(
        title=attribute_texts.text(attributes, "title") or f"Run in {folder.name}",
        warnings=_warnings(status),
        facts=facts,
        command=attribute_texts.command(attributes)
        or str(status.run.record["command"]),
        parts=parts,
        links=[*links, *_store_links(folder, stores, links[0][1])],
        limits=attribute_texts.model_limits(attributes, levels, top),
        notes=attribute_texts.data_notes(attributes),
        provenance=attribute_texts.provenance(attributes),
    )


def _warnings(status: Status) -> list[str]:
    warnings = list(status.unstable)
    if status.state != "complete":
        warnings.append(unfinished(status.state))
    return warnings


def _store_links(
    folder: pathlib.Path, stores: Sequence[pathlib.Path], base: str
) -> list[tuple[str, str]]:
    names = [path.relative_to(folder).as_posix() for path in stores]
    return [(f"{folder.name}/{name}", f"{base}/{name}") for name in names[:20]]


def _fields(start: pathlib.Path) -> pathlib.Path | None:
    """Return the store of fields that is shown."""
    for name in ("monthly.zarr", "daily.zarr", "instantaneous.zarr"):
        if (start / name).exists():
            return start / name
    others = [path for path in start.glob("*.zarr") if path.name != "global.zarr"]
    others = [path for path in others if not path.stem.endswith("_zonal")]
    return min(others, default=None)


def _field_part(
    store: pathlib.Path,
) -> tuple[list[str | Figure], list[tuple[str, str]], np.ndarray, float]:
    """Return figures, facts, levels and the highest level of the model."""
    with open_gridded(str(store)) as dataset:
        top = highest_model_level(dataset)
        completed = dataset.attrs.get("completed_records")
        facts = gridded_facts(dataset)
        levels = dataset["level"].values if "level" in dataset.coords else np.array([])
        last = completed - 1 if isinstance(completed, int) and completed else None
        figures: list[str | Figure] = []
        if last is not None:
            figures += mean_figures(dataset, last, top)
    return figures, facts, levels, top


def _series_part(store: pathlib.Path, notes: Sequence[str]) -> Part | None:
    """Return the part about the daily global series of a run."""
    times, fields = read_global_means(store)
    if not len(times):
        return None
    step = -(-len(times) // _MOST_POINTS)
    days = times.astype("datetime64[D]")
    labels = [str(day) for day in days]
    panels, rows = [], []
    for label, units, name, levels, divisor in _SERIES:
        if name not in fields:
            continue
        values = np.asarray(fields[name], np.float64) / divisor
        if values.ndim > 1:
            chosen = {"last": -1, "first": 0}
            values = values.max(1) if levels == "max" else values[:, chosen[levels]]
        panels.append(Panel(label, units, {"": values[::step]}))
        rows.append(_row(label, units, values, labels, _LIMITS.get(name, "none")))
    if not panels:
        return None
    shown = f"; one day in {step} is drawn" if step > 1 else ""
    caption = (
        "Daily means over the area of the Earth and the members; the largest wind is "
        f"that of all levels and samples of the day{shown}."
    )
    figures = series_figures(
        "Date", times[::step].astype("datetime64[D]"), labels[::step], panels
    )
    table = Table(
        "Global series: values of the first and last complete day, extremes, and "
        "limits beyond which ngcm calls a run unstable",
        ("Quantity", "First", "Last", "Lowest", "Highest", "Limits"),
        rows,
    )
    return Part("Stability", [*notes, *figures, caption, table])


def _row(
    label: str, units: str, values: np.ndarray, days: list[str], limits: str
) -> tuple[str, ...]:
    finite = np.isfinite(values)
    if not finite.any():
        return (label, *("no value",) * 4, limits)
    low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
    return (
        label,
        quantity(float(values[0]), units, 5),
        quantity(float(values[-1]), units, 5),
        f"{quantity(float(values[low]), units, 5)} on {days[low]}",
        f"{quantity(float(values[high]), units, 5)} on {days[high]}",
        limits,
    )
