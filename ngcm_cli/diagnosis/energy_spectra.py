"""Spectra of the kinetic energy of rotational and divergent wind."""

import numpy as np

from ngcm_cli.diagnosis.balance import LEAD_DAYS, lead_day
from ngcm_cli.diagnosis.topic import (
    DAILY,
    INSTANTS,
    Averages,
    Entry,
    Fields,
    Topic,
    entry,
    number,
)
from ngcm_cli.diagnostics.spectra import kinetic_energy_spectrum
from ngcm_cli.errors import InputDataError

LEVELS = 250.0, 500.0, 850.0
"""Pressures of the spectra, hPa."""
LARGEST_SCALES = 20
"""Total wavenumber up to which scales count as large."""
_U, _V = "u_component_of_wind", "v_component_of_wind"


def _reduce(fields: Fields) -> dict[str, np.ndarray]:
    grid = fields.grid
    there = [level for level in LEVELS if np.isclose(grid.levels, level).any()]
    if not there:
        return {"refused": np.ones(1)}
    u, v = (np.stack([fields.at(x, level) for level in there]) for x in (_U, _V))
    try:
        found = kinetic_energy_spectrum(u, v, grid.latitude, grid.longitude)
    except InputDataError:
        return {"refused": np.ones(1)}
    return {"rotational": found.rotational, "divergent": found.divergent}


def _conclude(averages: Averages) -> dict[str, Entry]:
    if "refused" in averages.means:
        levels = ", ".join(f"{level:g}" for level in LEVELS)
        averages.miss(
            "Spectra of kinetic energy",
            f"a regular or Gaussian grid, and wind at one of {levels} hPa",
        )
        return {}
    grid, days = averages.grid, averages.bins
    there = [level for level in LEVELS if np.isclose(grid.levels, level).any()]
    parts = {name: averages.means[name] for name in ("rotational", "divergent")}
    count = parts["rotational"].shape[-1]
    dims = ("lead_day", "spectrum_level", "wavenumber")
    if averages.is_forecast:
        missing = [day for day in LEAD_DAYS if day not in days]
        if missing:
            listed = ", ".join(map(str, missing))
            averages.miss(f"Spectra on day {listed}", "a forecast of that length")
    found: dict[str, Entry] = {
        "wavenumber": entry(("wavenumber",), np.arange(count), "1", "Total wavenumber"),
        "spectrum_level": entry(
            ("spectrum_level",), np.array(there), "hPa", "Pressure"
        ),
    }
    for name, x in parts.items():
        found[f"{name}_kinetic_energy_spectrum"] = entry(
            dims if averages.is_forecast else dims[1:],
            x if averages.is_forecast else x[0],
            "m2 s-2",
            f"Kinetic energy of the {name} wind by total wavenumber",
        )
    if averages.is_forecast:
        found["lead_day"] = entry(("lead_day",), np.array(days), "1", "Forecast day")
    for i, day in enumerate(days):
        end, when = (
            (f"_day_{day}", f", day {day}") if averages.is_forecast else ("", "")
        )
        for k, level in enumerate(there):
            rotational, divergent = (x[i, k] for x in parts.values())
            total = rotational + divergent
            energy, at = total.sum(), f"at {level:g} hPa{when}"
            found[f"kinetic_energy_{level:g}hPa{end}"] = number(
                energy, "m2 s-2", f"Kinetic energy per mass {at}"
            )
            found[f"divergent_share_{level:g}hPa{end}"] = number(
                divergent.sum() / energy, "1", f"Share of the divergent wind {at}"
            )
            if count > LARGEST_SCALES + 1:
                found[f"small_scale_share_{level:g}hPa{end}"] = number(
                    total[LARGEST_SCALES + 1 :].sum() / energy,
                    "1",
                    f"Share beyond total wavenumber {LARGEST_SCALES} {at}",
                )
    return found


ENERGY_SPECTRA = Topic(
    title="Spectra of kinetic energy",
    needs=((_U, _V),),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=lead_day,
    kinds=(INSTANTS, DAILY),
)
