"""Spectra of forecasts and truth as additive statistics."""

import numpy as np

from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.pair_statistics import Fields
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.zonal_spectra import zonal_energy_spectrum

SPECTRA = "spectrum", "zonal_spectrum"
"""By total wavenumber (of the wind its kinetic energy), and by zonal wavenumber."""


def spectral_statistics(fields: Fields, grid: ComparisonGrid) -> Statistics:
    """Return spectra of members and truth; what has undefined cells has weight zero.

    Of an ensemble it is the mean of the spectra of its members.

    Returns:
        ``spectrum``, ``spectrum_truth`` and, of scalars, ``zonal_spectrum`` and
        ``zonal_spectrum_truth``; shape (lead_time, level, wavenumber).
    """
    parts = [_spectra(member, grid) for member in fields.members]
    own = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
    # Cells of the truth that are not scored are undefined.
    undefined = np.isnan(fields.truth).any(axis=(0, -1, -2))
    truth = _spectra(fields.truth, grid)
    weight = np.where(undefined, 0.0, 1.0)[..., None]
    sums = {}
    for name, values in own.items():
        sums[name] = np.where(weight > 0, values, 0), weight
        sums[f"{name}_truth"] = np.where(weight > 0, truth[name], 0), weight
    return Statistics(sums)


def _spectra(values: np.ndarray, grid: ComparisonGrid) -> dict[str, np.ndarray]:
    """Return spectra of (component, lead_time, level, latitude, longitude)."""
    # They load JAX, which takes seconds that most evaluations need not spend.
    from ngcm_cli.diagnostics.spectra import kinetic_energy_spectrum, power_spectrum

    place = grid.latitude, grid.longitude
    if len(values) == 2:
        energy = kinetic_energy_spectrum(values[0], values[1], *place)
        return {"spectrum": energy.rotational + energy.divergent}
    field = values[0].astype(np.float64)
    return {
        "spectrum": power_spectrum(field, *place),
        "zonal_spectrum": zonal_energy_spectrum(field, grid.latitude),
    }
