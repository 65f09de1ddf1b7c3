"""A month of the dry core keeps the mass of its air, whatever the precision.

With products as GPUs and TPUs compute them, emulated; and on an accelerator itself,
where there is one.
"""

import equinox as eqx
import jax
import numpy as np
import pytest
from emulated_products import built_on, products_of

from ngcm_cli import units
from ngcm_cli.dynamics import SigmaLevels, State
from ngcm_cli.gcm.precision import SETTINGS, Precisions
from ngcm_cli.idealized import case
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.held_suarez import HELD_SUAREZ
from ngcm_cli.idealized.primitive import PrimitiveEquations

DAY = 48  # steps
BOUND = 0.02
"""Of changes of the mean surface pressure, hPa; three passes of bfloat16 give 0.011."""


def model_of(precision: str) -> PrimitiveEquations:
    model = HELD_SUAREZ.build(Resolution(21, SigmaLevels(5), 1800, precision))
    assert isinstance(model, PrimitiveEquations)
    return model


def mean_pressure(model: PrimitiveEquations, state: State) -> float:
    """Of the surface, hPa, computed in float64."""
    tables = model.harmonics.fourier, *model.harmonics.legendre
    fourier, legendre = (np.asarray(x, np.float64) for x in tables)
    modal = np.asarray(state.log_surface_pressure[0], np.float64)
    pairs = modal.reshape(len(legendre), 2, -1)
    by_row = np.einsum("mcl,mjl->mcj", pairs, legendre).reshape(len(modal), -1)
    mean = np.exp(fourier @ by_row).mean(0) @ model.grid.area_weights
    return mean / model.grid.area_weights.sum() / units.HECTOPASCAL


def largest_change(model: PrimitiveEquations, days: int) -> float:
    """Of the mean surface pressure from the 1000 hPa of the case, hPa."""
    advance = eqx.filter_jit(
        lambda model, state: jax.lax.fori_loop(
            0, DAY, lambda _, x: model.step(x), state
        )
    )
    state, found = model.initial, []
    for _ in range(days):
        state = advance(model, state)
        found.append(mean_pressure(model, state))
    changes = np.abs(np.array(found) - 1000)
    print(f"mean surface pressure changes by {changes.max():.5f} hPa")
    return changes.max()


QUICK = [("gpu", "fast"), ("tpu", "fast")]
OTHERS = [("gpu", "published"), ("tpu", "float32")]
month = pytest.mark.long


@pytest.mark.parametrize(
    "platform, setting, days",
    [
        *((*x, 5) for x in QUICK),
        *(pytest.param(*x, 30, marks=month) for x in (*QUICK, *OTHERS)),
    ],
)
def test_every_setting_keeps_mass(platform, setting, days):
    with products_of(platform):
        model = built_on(platform, lambda: model_of(setting))
        assert largest_change(model, days) <= BOUND


def test_one_pass_of_tf32_does_not(monkeypatch):
    """What JAX's ``HIGH`` is on a GPU: the mean of the pressure moves at once."""
    one_pass = Precisions(jax.lax.Precision.HIGH, None)
    monkeypatch.setattr(case, "find_precisions", lambda setting: one_pass)
    with products_of("gpu"):
        assert largest_change(model_of("published"), 1) > 5 * BOUND


@pytest.mark.gpu
@pytest.mark.skipif(jax.default_backend() == "cpu", reason="needs an accelerator")
@pytest.mark.parametrize("setting", SETTINGS)
def test_an_accelerator_keeps_mass(setting):
    assert largest_change(model_of(setting), 30) <= BOUND
