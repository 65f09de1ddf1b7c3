"""What the loss of a training consists of, and how it weighs variables and times."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError
from ngcm_cli.spectral.filters import exponential_filter

ON_SIGMA = "model", "model_spectrum"
ON_PRESSURE = ("data", "data_spectrum", "bias", "grid", "crps_grid", "crps_spectral")
ON_PRESSURE += ("mmd",)
TERMS = (*ON_SIGMA, *ON_PRESSURE, "outputs")
"""Settings that are the weights of terms; with all zero there is no loss."""

_MAY_BE_INFINITE = "doubling_hours", "saturation_hours", "last_hour"
DIVISORS = ("doubling_hours", "saturation_hours", "mmd_bandwidth")
"""Settings that the loss divides by."""

_CLOUDS = "specific_cloud_"


@dataclasses.dataclass(frozen=True)
class LossSettings:
    """Weights of the terms, variables and lead times of a loss; plain numbers.

    The defaults are the recipe of the deterministic models of Kochkov et al. (2024),
    whose stochastic ones have the two terms of ``crps`` in place of the others. Not
    published are the constants of lead time. Their defaults: the squared error of a
    forecast is assumed to double in the first day, as errors are divided by the change
    in a day, and hardly to grow after ten, when little skill is left; what is filtered
    out of errors begins with the smallest scale after half a day and reaches, at the
    truncation of 2.8 degrees, wavelengths of 1500 km after three days (`damping`).

    Attributes:
        data: squared error of spherical-harmonic coefficients on pressure levels.
        data_spectrum: squared error of the norm of all coefficients of one total
            wavenumber, on pressure levels.
        model: as ``data``, of the state on sigma levels.
        model_spectrum: as ``data_spectrum``, of the state on sigma levels.
        bias: squared difference of the means over batch, members and times of the
            amplitudes of coefficients, on pressure levels.
        grid: squared error at grid points, on pressure levels.
        crps_grid: continuous ranked probability score of two members at grid points.
        crps_spectral: the same of coefficients of large scales.
        mmd: maximum mean discrepancy of forecasts and truths of a batch.
        outputs: squared error at grid points of each new output, divided by the
            variance of its truth, where that is known.
        geopotential: weight of this variable, as the next four; of others it is 1.
        specific_humidity: on pressure and on sigma levels.
        log_surface_pressure: on sigma levels.
        clouds: cloud ice and cloud liquid water, on pressure and on sigma levels.
        doubling_hours: lead time at which the assumed squared error has doubled.
        saturation_hours: lead time beyond which it hardly grows.
        first_hour: lead times before do not count.
        last_hour: lead times after do not count.
        filter_per_day: attenuation exponent that the smallest scale gains in a day.
        filter_order: order of the filter at the start; higher is sharper.
        filter_order_per_day: what the order loses in a day, down to 1.
        crps_wavenumbers: total wavenumbers below this count in ``crps_spectral``.
        mmd_bandwidth: distance at which the kernel has fallen to one half; the distance
            of two states is the root of the sum over variables of mean squares.
    """

    data: float = 20.0
    data_spectrum: float = 0.1
    model: float = 1.0
    model_spectrum: float = 0.1
    bias: float = 2.0
    grid: float = 0.0
    crps_grid: float = 0.0
    crps_spectral: float = 0.0
    mmd: float = 0.0
    outputs: float = 1.0
    geopotential: float = 2.0
    specific_humidity: float = 0.66
    log_surface_pressure: float = 5.0
    clouds: float = 0.05
    doubling_hours: float = 24.0
    saturation_hours: float = 240.0
    first_hour: float = 0.0
    last_hour: float = float("inf")
    filter_per_day: float = 2.0
    filter_order: float = 4.0
    filter_order_per_day: float = 1.0
    crps_wavenumbers: int = 80
    mmd_bandwidth: float = 5.0

    @property
    def members(self) -> int:
        """How many members a forecast needs: two, or one if no term asks for two."""
        return 2 if self.crps_grid or self.crps_spectral else 1

    @property
    def uses_changes(self) -> bool:
        """Whether a term divides errors by changes in 24 hours."""
        return any(getattr(self, name) for name in (*ON_SIGMA, *ON_PRESSURE))

    def variable_weight(self, name: str) -> float:
        """Return the weight of the squared error of a variable."""
        if name.startswith(_CLOUDS):
            return self.clouds
        named = "geopotential", "specific_humidity", "log_surface_pressure"
        return getattr(self, name) if name in named else 1.0

    def counted(self, hours: np.ndarray) -> slice:
        """Return which of ascending lead times count.

        Raises:
            ValueError: none does.
        """
        found = np.flatnonzero((hours >= self.first_hour) & (hours <= self.last_hour))
        if not len(found):
            raise ValueError(
                f"no lead time is from {self.first_hour:g} to {self.last_hour:g} hours"
            )
        return slice(int(found[0]), int(found[-1]) + 1)

    def lead_weights(self, hours: np.ndarray) -> np.ndarray:
        """Return weights of squared errors at lead times, which sum to one, float32.

        Inversely proportional to the assumed squared error, 1 + t'/doubling with
        t' = t/(1 + t/saturation).
        """
        grown = hours / (1 + hours / self.saturation_hours)
        inverse = 1 / (1 + grown / self.doubling_hours)
        return (inverse / inverse.sum()).astype(np.float32)

    def damping(self, hours: np.ndarray, total_wavenumbers: int) -> np.ndarray:
        """Return factors of errors by lead time and total wavenumber, float32.

        An exponential filter: small scales cannot be predicted for long, and a model
        that is asked to would learn to smooth them.
        """
        days = hours / 24
        orders = np.maximum(1, self.filter_order - self.filter_order_per_day * days)
        return np.stack(
            [
                exponential_filter(total_wavenumbers, self.filter_per_day * t, p)
                for t, p in zip(days, orders, strict=True)
            ]
        )


def loss_settings(
    changes: Mapping[str, str], terms: Collection[str] = TERMS
) -> LossSettings:
    """Return the settings of the loss, changed by text.

    Args:
        changes: by the name of the setting.
        terms: that there are; all others have no weight.

    Raises:
        ConfigError: there is no such setting, it is not a number from zero, or above
            zero where the loss divides by it, or all weights are zero.
    """
    fields = {field.name: field for field in dataclasses.fields(LossSettings)}
    parsed: dict[str, Any] = {}
    for name, text in changes.items():
        if name not in fields:
            raise ConfigError(
                f"loss: there is no setting '{name}'.", closest(name, fields)
            )
        kind: Any = type(fields[name].default)
        try:
            parsed[name] = value = kind(text)
            is_bounded = np.isfinite(value) or name in _MAY_BE_INFINITE
            if not (is_bounded and (value > 0 if name in DIVISORS else value >= 0)):
                raise ValueError
        except ValueError:
            what = "whole number" if kind is int else "number"
            least = "above" if name in DIVISORS else "from"
            raise ConfigError(
                f"loss: {name} '{text}' is not a {what} {least} zero.", "Give one."
            ) from None
    parsed |= dict.fromkeys(set(TERMS) - set(terms), 0.0)
    settings = LossSettings(**parsed)
    if not any(getattr(settings, name) for name in terms):
        raise ConfigError(
            "loss: the weights of all terms are zero.",
            f"Give one of them: {', '.join(terms)}.",
        )
    return settings
