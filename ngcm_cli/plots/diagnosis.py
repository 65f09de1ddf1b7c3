"""What is drawn of the file of a diagnosis: a section, a map or series.

The file has findings of many kinds; one of them is chosen, by its name or the first of
some, and given the form that the picture of its kind expects.
"""

from collections.abc import Mapping, Sequence

import xarray as xr

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.selection import select_level

_TIMES = ("month", "day", "time", "lead_time")
STREAMFUNCTION = "mass_streamfunction"
"""Finding that is drawn as contours over the zonal wind."""
_FIRST = ("zonal_wind", STREAMFUNCTION, "zonal_temperature")
_REFERENCE = "_reference"
_CONTENT = {"section": "zonal", "map": "fields", "series": "series"}


def drawn_of(
    dataset: xr.Dataset, config: PlotConfig
) -> tuple[list[xr.Dataset], PlotConfig]:
    """Return what a picture shows, and settings that name it and the kind of picture.

    Means over the year are drawn of findings by season. A series of the reference is a
    second dataset.

    Args:
        dataset: of the file of a diagnosis.
        config: its variables and kind of picture, perhaps.

    Raises:
        ConfigError: there is no such variable, or it cannot be drawn so.
        InputDataError: nothing can be drawn.
    """
    kinds = {str(name): kind_of(x) for name, x in dataset.data_vars.items()}
    shown = [n for n, kind in kinds.items() if kind and config.what in (None, kind)]
    shown = [name for name in shown if not name.endswith(_REFERENCE)]
    shown.sort(key=lambda n: ([*_CONTENT].index(kinds[n]), n not in _FIRST))
    names = config.variable or tuple(shown[:1])
    if not names:
        raise InputDataError(
            f"{dataset.attrs['location']} has nothing that this picture shows.",
            "Name another picture, or see the numbers: ngcm report FILE.",
        )
    for name in names:
        _check(name, kinds, names[0], config)
    what = kinds[names[0]]
    settings = config.model_copy(update={"variable": names, "what": what})
    found = dataset.isel(season=0, drop=True) if "season" in dataset.dims else dataset
    if what != "series":
        kept = [n for n in (*names, STREAMFUNCTION) if kinds.get(n) == what]
        return [_with(found[kept], what, dataset.attrs)], settings
    return _series(found, names, config), settings


def _check(name: str, kinds: Mapping[str, str], first: str, config: PlotConfig) -> None:
    """Check that a variable can be drawn, together with the first.

    Raises:
        ConfigError: it cannot.
    """
    if name not in kinds:
        known = [name for name, kind in kinds.items() if kind]
        raise ConfigError(f"The diagnosis has no '{name}'.", closest(name, known))
    if not kinds[name]:
        others = [other for other, kind in kinds.items() if kind]
        raise ConfigError(
            f"{name} is neither a section, a map nor a series.",
            f"Others are, such as {', '.join(others[:4])}.",
        )
    if config.what is not None and kinds[name] != config.what:
        raise ConfigError(
            f"{name} is not for the picture `{config.what}`.",
            f"The picture `{kinds[name]}` shows it.",
        )
    if kinds[name] != kinds[first] or (first != name and kinds[name] != "series"):
        raise ConfigError(
            f"{first} and {name} are not drawn in one picture.", "Name one of them."
        )


def kind_of(finding: xr.DataArray) -> str:
    """Return the kind of picture that shows a finding; empty if none does."""
    dims = {str(dim) for dim in finding.dims} - {"season", "realization"}
    along = dims & {*_TIMES}
    if len(along) == 1 and dims <= {*along, "level"}:
        return "series" if finding.sizes[min(along)] > 1 else ""
    if dims == {"level", "latitude"}:
        return "section"
    is_map = {"latitude", "longitude"} <= dims <= {"latitude", "longitude", "level"}
    return "map" if is_map else ""


def _series(
    found: xr.Dataset, names: Sequence[str], config: PlotConfig
) -> list[xr.Dataset]:
    """Return the series of the run, and those of the reference if it has some."""
    own, others = {}, {}
    for name in names:
        own[name] = _along_time(found[name], config)
        if f"{name}{_REFERENCE}" in found:
            other = _along_time(found[f"{name}{_REFERENCE}"], config)
            others[name] = other.assign_attrs(own[name].attrs).rename(name)
    parts = [_with(xr.Dataset(own), "series", found.attrs)]
    if others:
        attributes = {**found.attrs, "model": found.attrs.get("reference")}
        parts.append(_with(xr.Dataset(others), "series", attributes))
    return parts


def _along_time(finding: xr.DataArray, config: PlotConfig) -> xr.DataArray:
    if "level" in finding.dims:
        finding = select_level(finding, config.level, "temperature")
        title = f"{finding.attrs.get('long_name', finding.name)} at "
        title += f"{float(finding['level']):g} hPa"
        finding = finding.assign_attrs(long_name=title).drop_vars("level")
    along = next(name for name in _TIMES if name in finding.dims)
    return finding.rename({along: "time"}) if along != "time" else finding


def _with(dataset: xr.Dataset, what: str, attributes: Mapping) -> xr.Dataset:
    run = str(attributes.get("run", ""))
    model = str(attributes.get("model") or run)
    return dataset.assign_attrs(attributes, content=_CONTENT[what], model=model)
