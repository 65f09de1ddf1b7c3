"""Energy spectra against zonal wavenumber, on logarithmic axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.plots.figure import drawing, line_colour, new_axes, set_footer
from ngcm_cli.plots.map import style_of_field
from ngcm_cli.plots.panels import set_header, source_name
from ngcm_cli.plots.provenance import footer_of, model_of
from ngcm_cli.plots.score_selection import SPECTRA, score_names, select_scores
from ngcm_cli.plots.selection import (
    When,
    check_values,
    default_variable,
    find_field,
    lead_text,
    select_init,
    select_instant,
    select_member,
    time_text,
)
from ngcm_cli.plots.styles import capital, power_of_ten, superscripts
from ngcm_cli.units import LENGTH
from ngcm_cli.verification.zonal_spectra import zonal_energy_spectrum

_CIRCUMFERENCE = 2 * np.pi * LENGTH / 1e3  # km
_KINETIC = ("kinetic_energy", "ke")
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw_spectra(
    spectra: Mapping[str, np.ndarray],
    *,
    axes: Axes | None = None,
    units: str = "",
    label: str = "Zonal wavenumber",
) -> Axes:
    """Draw energy spectra on logarithmic axes, with the slopes -3 and -5/3 to compare.

    Args:
        spectra: by name, shape (wavenumber,), from wavenumber 0, which is not drawn.
        axes: where to draw; None makes a figure.
        units: of the energy.
        label: of the axis of wavenumbers.
    """
    with drawing():
        _, axes = new_axes(axes, (7.0, 4.8))
        largest = 2
        for at, (name, power) in enumerate(spectra.items()):
            wavenumber = np.arange(len(power))
            keep = (wavenumber > 0) & np.isfinite(power) & (power > 0)
            axes.loglog(
                wavenumber[keep], power[keep], label=name,
                color="black" if name == "truth" else line_colour(at),
                linestyle="-" if at < 6 else "--",
            )  # fmt: skip
            largest = max(largest, int(wavenumber[keep].max(initial=2)))
        low, high = axes.get_ylim()
        start = min(8, largest / 4)
        top = max(
            float(np.interp(start, np.arange(len(p)), p)) for p in spectra.values()
        )
        for slope, text in ((-3, "−3"), (-5 / 3, "−5/3")):
            at = np.array([start, largest * 0.8])
            line = 3 * top * (at / start) ** slope
            axes.plot(at, line, color="0.55", linewidth=0.8, linestyle=":")
            axes.annotate(
                text, (at[1], line[1]), fontsize=8, color="0.4", va="center",
                xytext=(3, 0), textcoords="offset points",
            )  # fmt: skip
        axes.set(xlim=(1, largest * 1.15), ylim=(low, max(high, 5 * top)))
        ticks = [t for t in _TICKS if t <= largest]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.set_xticklabels([f"{t}" for t in ticks])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel=label, ylabel=f"Energy ({units})" if units else "Energy")
        axes.grid(which="major", color="0.88", linewidth=0.6)
        axes.legend(loc="lower left")
        upper = axes.secondary_xaxis("top", functions=(_wavelength_of, _wavelength_of))
        lengths = (20000, 10000, 5000, 2000, 1000, 500, 200, 100)
        lengths = [x for x in lengths if x >= _CIRCUMFERENCE / largest]
        upper.xaxis.set_major_locator(FixedLocator(lengths))
        upper.set_xticks(lengths, [f"{x:,}".replace(",", " ") for x in lengths])
        upper.xaxis.set_minor_formatter(NullFormatter())
        upper.tick_params(which="minor", length=0)
        upper.set_xlabel("Wavelength at the equator (km)", fontsize=8)
    return axes


def _power_of_ten(value: float, _: object) -> str:
    return power_of_ten(round(np.log10(value))) if value > 0 else ""


def _wavelength_of(wavenumber: Any) -> Any:
    return _CIRCUMFERENCE / np.maximum(wavenumber, 1e-9)


def spectra_figure(datasets: Sequence[xr.Dataset], config: PlotConfig) -> Figure:
    """Return spectra of fields, or those of a file of scores.

    Of one file, those of its first, middle and last lead time; of several, one each.

    Raises:
        ConfigError: what is to be drawn is not in the data.
    """
    first = datasets[0]
    if first.attrs["content"] == "scores":
        spectra, title, units, subtitle = _of_scores(datasets, config)
    else:
        spectra, title, units, subtitle = _of_fields(datasets, config)
    with drawing():
        figure = Figure(figsize=config.size or (7.0, 5.2), layout="constrained")
        axes = figure.add_subplot()
        is_zonal = title.startswith("Zonal")
        label = "Zonal wavenumber" if is_zonal else "Total wavenumber"
        draw_spectra(spectra, axes=axes, units=units, label=label)
        set_header(figure, config.title or title, subtitle)
        set_footer(figure, footer_of(*datasets))
    return figure


def _of_fields(
    datasets: Sequence[xr.Dataset], config: PlotConfig
) -> tuple[dict[str, np.ndarray], str, str, str]:
    spectra: dict[str, np.ndarray] = {}
    name = config.variable[0] if config.variable else ""
    title, units, when = "", "", When()
    for dataset in datasets:
        leads: list[np.timedelta64 | None] = [config.lead]
        one_file = len(datasets) == 1
        if one_file and config.lead is None and config.time is None:
            known = dataset["lead_time"].values if "lead_time" in dataset.dims else []
            if len(known) > 2:
                leads = [known[0], known[len(known) // 2], known[-1]]
        for lead in leads:
            own = config.model_copy(update={"lead": lead})
            now, when = select_instant(dataset, own)
            power, title, units = _power(now, name, config)
            label = source_name(dataset, datasets)
            if one_file and when.lead is not None:
                label = lead_text(when.lead)
            spectra[label] = power
    parts = [model_of(d) for d in datasets] if len(datasets) == 1 else []
    if "init_time" in datasets[0].dims:
        parts.insert(0, f"From {time_text(select_init(datasets[0], config)[1])}")
    if when.lead is None or len(datasets) > 1:
        parts.insert(0, when.describe())
    return spectra, title, units, " · ".join(filter(None, parts))


def _power(
    now: xr.Dataset, name: str, config: PlotConfig
) -> tuple[np.ndarray, str, str]:
    """Return a spectrum, what it is of, and its units; of members their mean."""
    base, _, level = name.partition("@")
    wind = ("u_component_of_wind", "v_component_of_wind")
    is_kinetic = base.rstrip("0123456789").lower().rstrip("_") in _KINETIC
    if not name and set(wind) <= set(map(str, now.data_vars)):
        is_kinetic = True
    if is_kinetic:
        digits = base[len(base.rstrip("0123456789")) :]
        at = float(digits) if digits else config.level or 500.0
        fields = [find_field(now, w, at) for w in wind]
        title, units = f"Kinetic energy at {at:g} hPa", "m² s⁻² m"
    else:
        preferred = ("temperature", "geopotential")
        fields = [
            find_field(now, name or default_variable(now, preferred), config.level)
        ]
        title = capital(style_of_field(fields[0].isel(latitude=slice(0, 2))).title)
        units = superscripts(str(fields[0].attrs.get("units", "")))
        units = f"({units})² m" if " " in units else f"{units}² m" if units else ""
    total = 0.0
    for field in fields:
        if "longitude" not in field.dims:
            raise ConfigError("The data are zonal means.", "Name fields.")
        if config.member is not None:
            field, _ = select_member(field, config)
        field = field.load()
        check_values(field)
        members = [field]
        if "realization" in field.dims:
            members = [
                field.isel(realization=m) for m in range(field.sizes["realization"])
            ]
        latitude = field["latitude"].values
        mean = np.mean(
            [
                zonal_energy_spectrum(
                    member.transpose("latitude", "longitude").values, latitude
                )
                for member in members
            ],
            axis=0,
        )
        total = total + (mean / 2 if is_kinetic else mean)
    return np.asarray(total), f"Zonal spectrum: {title[0].lower()}{title[1:]}", units


def _of_scores(
    datasets: Sequence[xr.Dataset], config: PlotConfig
) -> tuple[dict[str, np.ndarray], str, str, str]:
    """Return the spectra of score files at one lead time, and that of the truth.

    Raises:
        ConfigError: the files have none.
    """
    first = datasets[0]
    known = [m for m in SPECTRA if any(m == name for name, _ in score_names(first))]
    if not known:
        raise ConfigError(
            f"{first.attrs['location']} has no spectra.",
            "Write them with --spectra of ngcm evaluate.",
        )
    metric = config.metric[0] if config.metric else known[0]
    own = config.model_copy(update={"metric": (metric,), "region": None})
    score = select_scores(datasets, own)[0]
    spectra: dict[str, np.ndarray] = {}
    lead = np.timedelta64(0, "h")
    for name, line in score.lines.items():
        at = len(line.lead_time) - 1
        if config.lead is not None:
            at = int(np.argmin(np.abs(line.lead_time - config.lead)))
        lead = line.lead_time[at]
        spectra[name] = line.value[at]
        truth = f"{metric}.{score.variable}_truth"
        if truth in first and "truth" not in spectra:
            part = first[truth].isel(lead_time=at)
            if "level" in part.dims:
                part = part.sel(level=score.level)
            if "forecast" in part.dims:
                part = part.isel(forecast=0)
            spectra["truth"] = part.values
    wavenumber = first.get(SPECTRA[metric])
    if wavenumber is not None and int(wavenumber[0]) > 0:  # from wavenumber 0
        pad = np.full(int(wavenumber[0]), np.nan)
        spectra = {n: np.concatenate([pad, x]) for n, x in spectra.items()}
    kind = "Zonal spectrum" if metric == "zonal_spectrum" else "Spectrum"
    return spectra, f"{kind}: {score.title}", score.units, f"At {lead_text(lead)}"
