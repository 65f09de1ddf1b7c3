"""Which published variables are compared, and at which levels."""

from collections.abc import Collection

import numpy as np
import xarray as xr

from ngcm_cli.config.published import PublishedConfig
from ngcm_cli.diagnostics.names import resolve_name
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.verification.scored_variables import ScoredVariable

LEVELS = 250.0, 500.0, 700.0, 850.0
VARIABLES = (
    *("geopotential", "temperature", "specific_humidity"),
    *("u_component_of_wind", "v_component_of_wind"),
)
"""What is compared by default, where it is published."""


def select_fields(
    config: PublishedConfig, published: xr.Dataset
) -> tuple[ScoredVariable, ...]:
    """Return the variables on pressure levels that are compared.

    Raises:
        ConfigError: there is no variable of a name.
        InputDataError: a variable or a level is not published.
    """
    offered = [
        str(name) for name, x in published.data_vars.items() if "level" in x.dims
    ]
    own = published["level"].values if "level" in published.coords else np.array([])
    wanted: dict[str, set[float]] = {}
    usual = [level for level in LEVELS if _nearest(own, level) is not None]
    common = [*map(float, config.levels or usual or own[-1:])]
    if config.variables is None:
        names = [name for name in VARIABLES if name in offered] or offered
        wanted = {name: set(common) for name in names}
    for name in config.variables or ():
        base, level = split_level(name)
        found = resolve_name(name if name in offered else base, offered)
        wanted.setdefault(found, set()).update(common if level is None else [level])
    if not wanted:
        raise InputDataError(
            f"{published.attrs['location']} has no variables on pressure levels.",
            "Give forecasts of temperature, wind, geopotential or humidity.",
        )
    return tuple(_on_levels(published, name, own, x) for name, x in wanted.items())


def _on_levels(
    published: xr.Dataset, name: str, own: np.ndarray, levels: Collection[float]
) -> ScoredVariable:
    absent = [level for level in sorted(levels) if _nearest(own, level) is None]
    if absent:
        raise InputDataError(
            f"{name} is not published at {absent[0]:g} hPa.",
            f"There are {', '.join(f'{x:g}' for x in own)} hPa.",
        )
    attributes = published[name].attrs
    return ScoredVariable(
        name=name,
        levels=tuple(float(level) for level in sorted(levels)),
        components=(name,),
        units=str(attributes.get("units", "")),
        long_name=str(attributes.get("long_name", "")),
    )


def _nearest(own: np.ndarray, level: float) -> float | None:
    near = own[np.isclose(own, level, rtol=0, atol=1e-3)]
    return float(near[0]) if len(near) else None
