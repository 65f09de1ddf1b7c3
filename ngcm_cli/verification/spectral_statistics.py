"""Spectra of forecasts and truth as additive statistics."""

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np

from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.field_cache import FieldCache
from ngcm_cli.verification.pair_statistics import Fields
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.statistics import Statistics
from ngcm_cli.verification.truth import Truth
from ngcm_cli.verification.zonal_spectra import zonal_energy_spectrum

SPECTRA = "spectrum", "zonal_spectrum"
"""By total wavenumber (of the wind its kinetic energy), and by zonal wavenumber."""

_MOST_BYTES = 64 << 20  # of the spectra that are kept


class TruthSpectra:
    """Spectra of the truth, each computed once for all forecasts and initial times.

    Args:
        truth: the truth.
    """

    def __init__(self, truth: Truth):
        self._truth = truth
        self._cache = FieldCache(self._compute, _MOST_BYTES)

    def read(
        self, variable: ScoredVariable, positions: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return spectra at positions in the record, (time, level, wavenumber) each."""
        wanted = [int(p) for p in positions]
        names = SPECTRA[:1] if variable.is_vector else SPECTRA
        return {n: self._cache.get((variable, n), wanted, ())[0] for n in names}

    def _compute(self, key: Hashable, positions: Sequence[int]) -> np.ndarray:
        """Return one kind of spectrum, shape (1, time, level, wavenumber)."""
        assert isinstance(key, tuple)
        variable, name = key
        fields = self._truth.read(variable, positions)
        return _SPECTRUM[name](fields, self._truth.grid)[None]


def spectral_statistics(
    fields: Fields, truth: Mapping[str, np.ndarray], grid: ComparisonGrid
) -> Statistics:
    """Return spectra of members and truth; what has undefined cells has weight zero.

    Of an ensemble it is the mean of the spectra of its members.

    Args:
        fields: what is compared.
        truth: spectra of the truth at the same times.
        grid: of the fields.

    Returns:
        ``spectrum``, ``spectrum_truth`` and, of scalars, ``zonal_spectrum`` and
        ``zonal_spectrum_truth``; shape (lead_time, level, wavenumber).
    """
    members = fields.members
    own = {n: sum(_SPECTRUM[n](x, grid) for x in members) / len(members) for n in truth}
    # Cells of the truth that are not scored are undefined.
    undefined = np.isnan(fields.truth).any(axis=(0, -1, -2))
    weight = np.where(undefined, 0.0, 1.0)[..., None]
    sums = {}
    for name, values in own.items():
        sums[name] = np.where(weight > 0, values, 0), weight
        sums[f"{name}_truth"] = np.where(weight > 0, truth[name], 0), weight
    return Statistics(sums)


def _spectrum(values: np.ndarray, grid: ComparisonGrid) -> np.ndarray:
    """Return spectra of (component, time, level, latitude, longitude)."""
    # They load JAX, which takes seconds that most evaluations need not spend.
    from ngcm_cli.diagnostics.spectra import kinetic_energy_spectrum, power_spectrum

    place = grid.latitude, grid.longitude
    if len(values) == 2:
        energy = kinetic_energy_spectrum(values[0], values[1], *place)
        return energy.rotational + energy.divergent
    return power_spectrum(values[0].astype(np.float64), *place)


def _zonal_spectrum(values: np.ndarray, grid: ComparisonGrid) -> np.ndarray:
    """Return zonal spectra of (1, time, level, latitude, longitude)."""
    return zonal_energy_spectrum(values[0].astype(np.float64), grid.latitude)


_SPECTRUM: Mapping[str, Callable[[np.ndarray, ComparisonGrid], np.ndarray]]
_SPECTRUM = dict(zip(SPECTRA, (_spectrum, _zonal_spectrum), strict=True))
