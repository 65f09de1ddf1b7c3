"""Precipitation and evaporation: the budget of water, and the reference's numbers."""

import functools
import types

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from agreement import EPS, assert_agrees, perturbed, rms
from gcm import bundled, precipitation

from ngcm_cli import units
from ngcm_cli.gcm.fields import ATMOSPHERE, NET_WATER, to_si
from ngcm_cli.gcm.surface_outputs import water_fields
from ngcm_cli.physics import random_fields
from ngcm_cli.physics.water_budget import Water, WaterBudget

KINDS = pytest.mark.parametrize("kind", precipitation.KINDS)
HOUR = 3600


@pytest.fixture(scope="module")
def tracking():
    return bundled.model().with_water_budget()


@pytest.fixture(scope="module")
def tracked(tracking):
    """States of the bundled model that tracks water: encoded, one and two hours on."""
    data = bundled.sample()
    states = [tracking.encode(data.fields, data.forcing, data.time, jax.random.key(0))]
    for _ in range(2):
        states.append(tracking.advance(states[-1], data.forcing))
    return states


def in_si(state) -> dict[str, np.ndarray]:
    return {name: np.asarray(x) for name, x in to_si(water_fields(state.water)).items()}


def test_tracking_changes_nothing_else(tracked):
    assert bundled.encoded().water is None
    for ours, expected in zip(tracked, bundled.steps()[:3], strict=True):
        without = eqx.tree_at(lambda s: s.water, ours, None)
        bundled.assert_identical(without, expected)


def test_a_tracking_model_is_returned_as_it_is(tracking):
    assert tracking.with_water_budget() is tracking
    assert tracking.step.water_budget.names == ("P_minus_E",)


def test_what_can_be_decoded(tracking, tracked):
    untracked = bundled.model()
    assert not set(NET_WATER) & set(untracked.output_variables)
    assert tracking.output_variables == (*untracked.output_variables, *NET_WATER)
    assert tracking.default_outputs == untracked.default_outputs
    fields = tracking.decode(tracked[1], NET_WATER)
    for name, x in in_si(tracked[1]).items():
        np.testing.assert_array_equal(fields[name], x)
    with pytest.raises(ValueError, match="does not track water"):
        tracking.decode(bundled.encoded(), NET_WATER)
    with pytest.raises(ValueError, match="does not predict 'P_minus_E_rate'"):
        untracked.decode(bundled.encoded(), NET_WATER)


def test_p_minus_e_is_what_the_physics_takes_from_the_column(tracking, tracked):
    """The column integral once more, by level and in float64."""
    data, state = bundled.sample(), tracked[0]
    step, harmonics = tracking.step, tracking.encoder.harmonics
    forcing = {k: jnp.asarray(x) for k, x in data.forcing.items()}
    tendency = step.parameterization.tendency(
        step.features(state, forcing), state.state
    )
    pressure = np.exp(
        np.asarray(harmonics.to_nodal(state.state.log_surface_pressure), np.float64)
    )
    gained = sum(
        np.asarray(harmonics.to_nodal(x), np.float64).mean(axis=0, keepdims=True)
        for x in tendency.tracers.values()
    )
    flux = -pressure / units.GRAVITY * gained
    per_second = units.KILOGRAM / units.METER**2 / units.SECOND
    # A transform of 64 wavenumbers in float32, and of terms that cancel.
    tolerance = 64 * EPS * rms(flux / per_second)
    ours = in_si(state)["P_minus_E_rate"]
    assert_agrees("P_minus_E_rate", "kg m-2 s-1", ours, flux / per_second, tolerance)


def test_amounts_are_sums_of_the_fluxes_since_the_start(tracked):
    start, one, two = map(in_si, tracked)
    assert not start["P_minus_E_cumulative"].any()
    # The flux of a step is that at its beginning: the physics is constant within it.
    # Another program computes it there, and its networks round otherwise.
    scale = np.abs(start["P_minus_E_rate"]).max()
    first = start["P_minus_E_rate"], one["P_minus_E_rate"]
    np.testing.assert_allclose(*first, rtol=0, atol=64 * EPS * scale)
    expected = one["P_minus_E_rate"] * HOUR
    np.testing.assert_allclose(one["P_minus_E_cumulative"], expected, rtol=1e-6)
    expected = (one["P_minus_E_rate"] + two["P_minus_E_rate"]) * HOUR
    largest = np.abs(expected).max()
    np.testing.assert_allclose(
        two["P_minus_E_cumulative"], expected, rtol=1e-6, atol=4 * EPS * largest
    )


def test_a_substep_counts_for_its_own_length():
    """Where the reference counts a whole step for each of two substeps."""
    harmonics = bundled.model().encoder.harmonics
    levels = bundled.model().encoder.levels
    budget = WaterBudget(harmonics, levels, interval=0.25)
    flux = {"P_minus_E": jnp.ones((1, 2, 2))}
    water = budget.start(flux)
    for _ in range(2):
        water = budget.add(water, flux)
    np.testing.assert_array_equal(
        water.accumulated["P_minus_E"], np.full((1, 2, 2), 0.5)
    )


def test_units():
    """A flux of 1 kg per square metre and second, for a day."""
    per_second = units.KILOGRAM / units.METER**2 / units.SECOND
    names = "P_minus_E", "precipitation", "evaporation"
    flux = {name: jnp.full((1, 2, 2), per_second) for name in names}
    day = {name: x * units.DAY for name, x in flux.items()}
    si = {
        k: float(x[0, 0, 0]) for k, x in to_si(water_fields(Water(flux, day))).items()
    }
    assert si == {
        "P_minus_E_rate": pytest.approx(1, rel=1e-6),
        "P_minus_E_cumulative": pytest.approx(86400, rel=1e-6),
        "precipitation_rate": pytest.approx(1 / 997, rel=1e-6),
        "precipitation_cumulative_mean": pytest.approx(86400 / 997, rel=1e-6),
        "evaporation": pytest.approx(1, rel=1e-6),
        "evaporation_cumulative": pytest.approx(86400 / 997, rel=1e-6),
    }


@KINDS
def test_the_model_is_read_from_its_configuration(kind):
    spec = precipitation.spec(kind)
    budget = spec.water_budget
    assert budget.predicts == kind
    assert budget.network.position_fields == 3
    assert "log_surface_pressure" in spec.physics.outputs.scales
    assert spec.random_fields.fixed == 4 and not spec.random_fields.in_encoder
    model = precipitation.model(kind)
    assert model.encoder_noise is None
    added = "precipitation_cumulative_mean", "evaporation"
    assert model.default_outputs == (*ATMOSPHERE, *added)
    names = "P_minus_E", "evaporation", "precipitation"
    assert model.step.water_budget.names == names
    random = model.step.random_fields
    # The last four fields keep their first guesses: only the others are learned.
    assert len(random.raw_times) == len(random.times) - 4
    assert len(random.raw_lengths) == len(random.lengths) - 4
    assert random.raw_times.all()
    corrected = random_fields._corrected(random.times, random.raw_times)
    np.testing.assert_allclose(corrected[-4:], random.times[-4:], rtol=1e-6)


NAMES = "evaporation", "precipitation_cumulative_mean"
HOURS = 0, 2
COUNT = 4000  # points of a field that are stored


@functools.cache
def their_outputs(kind):
    """Water of the reference at the start and after two hours."""
    import neuralgcm

    static, grid = precipitation.bundled_checkpoint().static, ("longitude", "latitude")
    given = {"geopotential_at_surface": "m**2 s**-2", "land_sea_mask": "dimensionless"}
    dataset = xr.Dataset(
        {name: (grid, static[name], {"units": unit}) for name, unit in given.items()},
        coords={name: static[name] for name in (*grid, "level")},
    )
    theirs = neuralgcm.PressureLevelModel.from_checkpoint(
        {
            "model_config_str": precipitation.config(kind),
            "params": precipitation.parameters(kind),
            "aux_ds_dict": dataset.to_dict(),
        }
    )
    data = bundled.sample()
    clock = {"sim_time": theirs.datetime64_to_sim_time(np.array(data.time))}
    forcing = data.forcing | clock
    first = last = theirs.encode(data.fields | clock, forcing, jax.random.key(3))
    for _ in range(HOURS[-1]):
        last = theirs.advance(last, forcing)
    outputs = [theirs.decode(state, forcing) for state in (first, last)]
    water = [{name: np.asarray(x[name]) for name in NAMES} for x in outputs]
    # Theirs has counted one step when it begins; ours begins at zero.
    begun = water[0][NAMES[1]]
    return [x | {NAMES[1]: x[NAMES[1]] - begun} for x in water]


@pytest.fixture(scope="module", params=precipitation.KINDS)
def predicted(request):
    """Water of our model at the start and after two hours, and with noisy inputs."""
    data, key = bundled.sample(), jax.random.key(3)
    model = precipitation.model(request.param)

    def run(fields):
        ours = [model.encode(fields, data.forcing, data.time, key)]
        for _ in range(HOURS[-1]):
            ours.append(model.advance(ours[-1], data.forcing))
        return [in_si(ours[i]) for i in HOURS]

    noisy = {
        name: perturbed(x, seed=i) for i, (name, x) in enumerate(data.fields.items())
    }
    return types.SimpleNamespace(
        kind=request.param, ours=run(data.fields), noisy=run(noisy)
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the reference's own
def test_equal_to_the_reference(reference, predicted):
    """Within ten times what noise of 1e-7 in the inputs does to our own answer."""
    kind = predicted.kind
    for i, hours in enumerate(HOURS):
        for name in NAMES:
            label = f"{kind}: {name}, {hours} h"
            expected = reference(
                label, lambda i=i, name=name: their_outputs(kind)[i][name], COUNT
            )
            ours, noisy = (
                reference.sample(x[i][name], COUNT)
                for x in (predicted.ours, predicted.noisy)
            )
            tolerance = 10 * rms(noisy - ours) + 10 * EPS * rms(expected)
            assert_agrees(label, "SI", ours, expected, tolerance)


@pytest.mark.slow
def test_the_budget_closes(predicted):
    for fields in predicted.ours:
        density = 997
        net = fields["P_minus_E_rate"]
        parts = fields["precipitation_rate"] * density + fields["evaporation"]
        scale = np.abs(net).max() + np.abs(fields["evaporation"]).max()
        np.testing.assert_allclose(parts, net, rtol=0, atol=4 * EPS * scale)
        amounts = fields["precipitation_cumulative_mean"]
        amounts = (amounts + fields["evaporation_cumulative"]) * density
        net = fields["P_minus_E_cumulative"]
        scale = np.abs(net).max() + np.abs(amounts).max()
        np.testing.assert_allclose(amounts, net, rtol=0, atol=4 * EPS * scale)
    if predicted.kind == "precipitation":  # by its last activation
        assert all((x["precipitation_rate"] >= 0).all() for x in predicted.ours)
    assert predicted.ours[1]["precipitation_cumulative_mean"].std() > 0
