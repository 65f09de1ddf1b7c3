"""Spectra of the kinetic energy of rotational and divergent wind."""

from collections.abc import Iterator, Mapping

import numpy as np

from ngcm_cli.diagnosis.balance import LEAD_DAYS, lead_day
from ngcm_cli.diagnosis.topic import (
    DAILY,
    INSTANTS,
    Averages,
    Entry,
    Fields,
    Grid,
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
    there = levels_in(grid)
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
    parts = {name: averages.means[name] for name in ("rotational", "divergent")}
    if averages.is_forecast:
        missing = [day for day in LEAD_DAYS if day not in averages.bins]
        if missing:
            listed = ", ".join(map(str, missing))
            averages.miss(f"Spectra on day {listed}", "a forecast of that length")
    found = by_wavenumber(
        averages,
        {
            f"{name}_kinetic_energy_spectrum": (
                x,
                "m2 s-2",
                f"Kinetic energy of the {name} wind by total wavenumber",
            )
            for name, x in parts.items()
        },
    )
    for index, end, at in days_and_levels(averages):
        rotational, divergent = (x[index] for x in parts.values())
        total = rotational + divergent
        energy = total.sum()
        found[f"kinetic_energy_{end}"] = number(
            energy, "m2 s-2", f"Kinetic energy per mass {at}"
        )
        found[f"divergent_share_{end}"] = number(
            divergent.sum() / energy, "1", f"Share of the divergent wind {at}"
        )
        if len(total) > LARGEST_SCALES + 1:
            found[f"small_scale_share_{end}"] = number(
                total[LARGEST_SCALES + 1 :].sum() / energy,
                "1",
                f"Share beyond total wavenumber {LARGEST_SCALES} {at}",
            )
    return found


def levels_in(grid: Grid) -> list[float]:
    """Return those of `LEVELS` that fields have."""
    return [level for level in LEVELS if np.isclose(grid.levels, level).any()]


def by_wavenumber(
    averages: Averages, spectra: Mapping[str, tuple[np.ndarray, str, str]]
) -> dict[str, Entry]:
    """Return spectra with their coordinates.

    Args:
        averages: of which the bins are forecast days, or one.
        spectra: values (bin, spectrum_level, wavenumber), units and titles.
    """
    count = next(iter(spectra.values()))[0].shape[-1]
    levels = np.array(levels_in(averages.grid))
    found: dict[str, Entry] = {
        "wavenumber": entry(("wavenumber",), np.arange(count), "1", "Total wavenumber"),
        "spectrum_level": entry(("spectrum_level",), levels, "hPa", "Pressure"),
    }
    dims = "lead_day", "spectrum_level", "wavenumber"
    if averages.is_forecast:
        days = np.array(averages.bins)
        found["lead_day"] = entry(("lead_day",), days, "1", "Forecast day")
    for name, (x, units, title) in spectra.items():
        if not averages.is_forecast:
            x = x[0]
        found[name] = entry(dims[-x.ndim :], x, units, title)
    return found


def days_and_levels(averages: Averages) -> Iterator[tuple[tuple[int, int], str, str]]:
    """Yield indices of a bin and a level, and the ends of their names and titles."""
    for i, day in enumerate(averages.bins):
        end, when = "", ""
        if averages.is_forecast:
            end, when = f"_day_{day}", f", day {day}"
        for k, level in enumerate(levels_in(averages.grid)):
            yield (i, k), f"{level:g}hPa{end}", f"at {level:g} hPa{when}"


ENERGY_SPECTRA = Topic(
    title="Spectra of kinetic energy",
    needs=((_U, _V),),
    reduce=_reduce,
    conclude=_conclude,
    bin_of=lead_day,
    kinds=(INSTANTS, DAILY),
)
