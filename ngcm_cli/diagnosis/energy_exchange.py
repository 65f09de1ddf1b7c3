"""Exchange of kinetic energy among wavenumbers, and its source, on pressure levels."""

import numpy as np

from ngcm_cli.diagnosis.balance import lead_day
from ngcm_cli.diagnosis.energy_spectra import (
    LEVELS,
    by_wavenumber,
    days_and_levels,
    levels_in,
)
from ngcm_cli.diagnosis.topic import (
    DAILY,
    INSTANTS,
    Averages,
    Entry,
    Fields,
    Topic,
    number,
)
from ngcm_cli.diagnostics.energy_transfer import (
    enstrophy_transfer,
    flux,
    kinetic_energy_transfer,
    pressure_work,
)
from ngcm_cli.errors import InputDataError

_U, _V, _Z = "u_component_of_wind", "v_component_of_wind", "geopotential"
_WHAT = {
    "rotational_energy_transfer": "Gain of the rotational wind by advection",
    "divergent_energy_transfer": "Gain of the divergent wind by advection",
    "two_dimensional_energy_transfer": "Gain of the rotational wind by its own "
    "advection",
    "pressure_work": "Work of the pressure gradient",
}


def _reduce(fields: Fields) -> dict[str, np.ndarray]:
    grid = fields.grid
    there = levels_in(grid)
    if not there:
        return {"refused": np.ones(1)}
    names = [name for name in (_U, _V, _Z) if name in fields]
    u, v, *z = (np.stack([fields.at(x, level) for level in there]) for x in names)
    nodes = grid.latitude, grid.longitude
    try:
        found = kinetic_energy_transfer(u, v, *nodes)
        work = [pressure_work(u, v, x, *nodes) for x in z]
    except InputDataError:
        return {"refused": np.ones(1)}
    return dict(zip(_WHAT, (*found, *work), strict=False))


def _conclude(averages: Averages) -> dict[str, Entry]:
    if "refused" in averages.means:
        levels = ", ".join(f"{level:g}" for level in LEVELS)
        averages.miss(
            "Exchange of kinetic energy",
            "a regular or Gaussian grid of 0.75 degrees or coarser, and wind at one of "
            f"{levels} hPa",
        )
        return {}
    averages.note(
        "of the horizontal wind alone; advection by the vertical wind, the Coriolis "
        "force and dissipation are not there"
    )
    if averages.kind == DAILY:
        averages.note("of daily means, without what changes within a day")
    if "pressure_work" not in averages.means:
        averages.miss("Work of the pressure gradient by wavenumber", _Z)
    found = by_wavenumber(
        averages,
        {
            name: (x, "m2 s-3", f"{_WHAT[name]}, kinetic energy by total wavenumber")
            for name, x in averages.means.items()
        },
    )
    for index, end, at in days_and_levels(averages):
        of = {name: x[index] for name, x in averages.means.items()}
        found |= _numbers(of, end, at)
    return found


def _numbers(transfers: dict[str, np.ndarray], end: str, at: str) -> dict[str, Entry]:
    """Return the rows of the table of one level, of transfers by wavenumber."""
    energy = flux(
        transfers["rotational_energy_transfer"] + transfers["divergent_energy_transfer"]
    )
    enstrophy = flux(enstrophy_transfer(transfers["two_dimensional_energy_transfer"]))
    if not np.isfinite(energy).all():
        return {}
    found = {
        f"upscale_energy_flux_{end}": number(
            -energy.min(),
            "m2 s-3",
            f"Largest flux of kinetic energy to smaller wavenumbers {at}",
        ),
        f"upscale_energy_flux_wavenumber_{end}": number(
            np.argmin(energy), "1", f"Wavenumber below which it goes {at}"
        ),
        f"downscale_enstrophy_flux_{end}": number(
            enstrophy.max(),
            "s-3",
            f"Largest flux of enstrophy to larger wavenumbers {at}",
        ),
    }
    if "pressure_work" in transfers:
        found[f"pressure_work_{end}"] = number(
            transfers["pressure_work"].sum(),
            "m2 s-3",
            f"Work of the pressure gradient, global mean {at}",
        )
    return found


ENERGY_EXCHANGE = Topic(
    title="Exchange of kinetic energy among wavenumbers",
    needs=((_U, _V),),
    optional=(_Z,),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=lead_day,
    kinds=(INSTANTS, DAILY),
)
