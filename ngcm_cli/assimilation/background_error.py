"""Errors of the background: a covariance matrix, as its root applied to a control."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ngcm_cli import units
from ngcm_cli.dynamics import Dycore, State
from ngcm_cli.gcm.initial_perturbation import (
    balanced_vorticity,
    unit_spectrum,
    vertical_correlation_root,
)
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.spectral.transform import SphericalHarmonics

Control = dict[str, Float[Array, "level m total_wavenumber"]]
"""Independent variables of unit variance; all zero is the background."""

TEMPERATURE = 1.0  # K, standard deviation on all levels
SURFACE_PRESSURE = 1e-3  # of ln pₛ: 100 Pa
ROTATIONAL_WIND = 1.5  # m/s, of each component, beside what is balanced
DIVERGENT_WIND = 0.7  # m/s, of each component
HUMIDITY = 0.2  # of the root mean square of the background on each level


def deviation_shapes(model: NeuralGCM) -> dict[str, tuple[int, int, int]]:
    """Return (level, 1, total wavenumber) of each control variable of a model."""
    layers, last = model.sigma_levels.layers, model.grid.total_wavenumbers
    return {
        "temperature": (layers, 1, last),
        "log_surface_pressure": (1, 1, last),
        "vorticity": (layers, 1, last),
        "divergence": (layers, 1, last),
        "specific_humidity": (layers, 1, last),
    }


class BackgroundError(eqx.Module):
    """The root of the covariance of background errors, B = K D V Vᵀ D Kᵀ.

    The control variables are temperature T, ln pₛ, unbalanced vorticity, divergence and
    specific humidity, in spectral coefficients; cloud is not changed. V correlates the
    levels over 3 km, D is diagonal, with a standard deviation for each variable, level
    and total wavenumber, and K adds to vorticity what balances T and ln pₛ
    (`gcm.initial_perturbation.balanced_vorticity`). Derber and Bouttier (1999, Tellus
    51A, 195-221) begin with vorticity instead, and regress.

    Attributes:
        harmonics: transforms of the model's grid.
        dycore: gives levels and reference temperature.
        vertical: root of the correlation of the levels.
        deviation: standard deviation of every coefficient, by control variable,
            (level, 1, total wavenumber), nondimensional.
    """

    harmonics: SphericalHarmonics
    dycore: Dycore
    vertical: Float[Array, "level level"]
    deviation: dict[str, Float[Array, "level 1 total_wavenumber"]]

    @classmethod
    def default(
        cls, model: NeuralGCM, background: ModelState, scale: float = 1.0
    ) -> Self:
        """Return errors of the size of the constants of this file.

        They are round numbers of the order of the errors of short forecasts, not
        statistics of this model. Their horizontal correlation is exp(−r²/2L²), L =
        500 km, of temperature, ln pₛ, humidity and both parts of the wind.

        Args:
            model: of the background.
            background: gives the humidity on each level.
            scale: factor of all standard deviations.
        """
        harmonics, layers = model.harmonics, model.sigma_levels.layers
        grid = harmonics.grid
        wavenumber = np.arange(grid.total_wavenumbers)
        kept = wavenumber < grid.total_wavenumbers - max(model.encoder.clipped, 1)
        unit = scale * unit_spectrum(grid).max(axis=0) * kept
        # Of the coefficients of ζ: a component of the wind has half the energy.
        of_wind = unit * np.sqrt(2.0 * wavenumber * (wavenumber + 1))
        of_wind = of_wind * units.METER_PER_SECOND
        humidity = background.state.tracers["specific_humidity"]
        moisture = jnp.sqrt((humidity**2).sum((-2, -1)) / (4 * np.pi))
        each = np.ones((layers, 1, 1))
        deviation = {
            "temperature": TEMPERATURE * unit * each,
            "log_surface_pressure": SURFACE_PRESSURE * unit * each[:1],
            "vorticity": ROTATIONAL_WIND * of_wind * each,
            "divergence": DIVERGENT_WIND * of_wind * each,
            "specific_humidity": HUMIDITY * unit * np.asarray(moisture)[:, None, None],
        }
        return cls.of(model, deviation)

    @classmethod
    def of(cls, model: NeuralGCM, deviation: Mapping[str, np.ndarray]) -> Self:
        """Return errors with these standard deviations of coefficients."""
        root = vertical_correlation_root(model.sigma_levels.centers)
        return cls(
            harmonics=model.harmonics,
            dycore=model.step.dycore,
            vertical=jnp.asarray(root, jnp.float32),
            deviation={k: jnp.asarray(x, jnp.float32) for k, x in deviation.items()},
        )

    @classmethod
    def from_differences(
        cls, model: NeuralGCM, differences: Iterable[State], scale: float = 1.0
    ) -> Self:
        """Return errors whose standard deviations are those of differences of states.

        Such as of forecasts of two lengths that are valid at one time (Parrish and
        Derber 1992, Monthly Weather Review 120, 1747-1763), or of members of an
        ensemble. Their mean is taken to be zero; means over the globe and the highest
        wavenumbers, which the model clips, get no error.

        Args:
            model: of the states.
            differences: modal, one or more, such as
                ``jax.tree.map(jnp.subtract, a.state, b.state)``.
            scale: factor of all standard deviations.
        """
        grid = model.harmonics.grid
        wavenumber = np.arange(grid.total_wavenumbers)
        modes = np.maximum(grid.mask.sum(axis=0), 1)
        last = grid.total_wavenumbers - max(model.encoder.clipped, 1)
        kept = (wavenumber > 0) & (wavenumber < last)
        squares: list[dict[str, np.ndarray]] = []
        for x in differences:
            temperature, log_pressure = x.temperature_variation, x.log_surface_pressure
            balanced = balanced_vorticity(
                model.harmonics, model.step.dycore, temperature, log_pressure
            )
            control = {
                "temperature": temperature,
                "log_surface_pressure": log_pressure,
                "vorticity": x.vorticity - balanced,
                "divergence": x.divergence,
                "specific_humidity": x.tracers["specific_humidity"],
            }
            squares.append(
                {
                    name: (np.asarray(c, np.float64) ** 2).sum(axis=-2, keepdims=True)
                    for name, c in control.items()
                }
            )
        if not squares:
            raise ValueError("there are no differences")
        deviation = {
            name: scale * kept * np.sqrt(np.mean([x[name] for x in squares], 0) / modes)
            for name in squares[0]
        }
        return cls.of(model, deviation)

    @property
    def control_shapes(self) -> dict[str, tuple[int, int, int]]:
        """Shape of each control variable."""
        modal = self.harmonics.grid.modal_shape
        return {name: (len(x), *modal) for name, x in self.deviation.items()}

    def draw(self, key: PRNGKeyArray) -> Control:
        """Return a control drawn at random, that of an error of the background."""
        keys = jax.random.split(key, len(self.control_shapes))
        return {
            name: jax.random.normal(k, shape)
            for k, (name, shape) in zip(keys, self.control_shapes.items(), strict=True)
        }

    @eqx.filter_jit
    def add(self, background: ModelState, control: Control) -> ModelState:
        """Return the background plus the increment of a control, B^½ v.

        A model that remembers the state before gets the same increment there.
        """
        mask = self.harmonics.grid.mask

        def coefficients(name: str) -> Float[Array, "level m total_wavenumber"]:
            x = jnp.where(mask, control[name], 0)
            if len(x) > 1:
                x = jnp.einsum("ab,bij->aij", self.vertical, x, precision="highest")
            return self.deviation[name] * x

        temperature = coefficients("temperature")
        log_pressure = coefficients("log_surface_pressure")
        balanced = balanced_vorticity(
            self.harmonics, self.dycore, temperature, log_pressure
        )
        kept = (self.deviation["vorticity"] != 0).astype(jnp.float32)
        vorticity = balanced * kept + coefficients("vorticity")
        divergence = coefficients("divergence")
        humidity = coefficients("specific_humidity")

        def moved(state: State) -> State:
            tracers = dict(state.tracers)
            tracers["specific_humidity"] = tracers["specific_humidity"] + humidity
            return State(
                vorticity=state.vorticity + vorticity,
                divergence=state.divergence + divergence,
                temperature_variation=state.temperature_variation + temperature,
                log_surface_pressure=state.log_surface_pressure + log_pressure,
                tracers=tracers,
            )

        memory = None if background.memory is None else moved(background.memory)
        return dataclasses.replace(
            background, state=moved(background.state), memory=memory
        )
