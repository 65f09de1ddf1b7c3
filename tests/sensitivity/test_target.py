"""Targets: what they are means of, and their units."""

import jax
import numpy as np
import pytest

import ngcm_cli
from ngcm_cli.diagnosis.columns import GROUND
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm import Forcing
from ngcm_cli.sensitivity.derived_units import product
from ngcm_cli.sensitivity.file import TargetGradients, gradient_dataset
from ngcm_cli.sensitivity.perturbation import make_perturbations
from ngcm_cli.sensitivity.target import (
    cell_areas,
    make_targets,
    parse_target,
    region_weights,
    target_values,
)
from ngcm_cli.testing import TinyModel
from ngcm_cli.units import LENGTH

ONES = np.ones((1, 2, 8, 4))


@pytest.fixture(scope="module")
def model():
    return TinyModel(stochastic=False)


@pytest.fixture(scope="module")
def data(model):
    return ngcm_cli.bundled_state(model)


def values(model, data, *texts, truth=None):
    targets = make_targets([parse_target(x) for x in texts], model, truth or {})
    forcing = Forcing.constant(data.forcing)
    state = model.encode(data.fields, forcing, data.time, jax.random.key(0))
    functionals = [target.functional for target in targets]
    return targets, np.asarray(target_values(model, state, forcing, functionals))


def test_values_against_their_definitions(model, data):
    t = data.fields["temperature"].astype(np.float64)
    u = data.fields["u_component_of_wind"].astype(np.float64)
    v = data.fields["v_component_of_wind"].astype(np.float64)
    area = cell_areas(model)
    assert area.sum() == pytest.approx(4 * np.pi * LENGTH**2)
    mean = lambda x, where: (x * area * where).sum() / (area * where).sum()
    everywhere = np.ones(area.shape, bool)
    longitude = np.rad2deg(model.grid.longitude)
    latitude = np.rad2deg(model.grid.latitude)
    # The eight longitudes are 0, 45, ...: three of them around the zero meridian.
    around = np.isin(longitude, (315, 0, 45))[:, None] & (latitude > 0)
    layer = np.array([350.0, 325.0, 325.0])  # 0 to 350, 350 to 675, 675 to 1000 hPa
    assert layer.sum() * 100 == GROUND
    energy = (u**2 + v**2) / 2
    both = (layer[1:, None, None] * energy[1:]).sum(0) / layer[1:].sum()
    truth = {"temperature": data.fields["temperature"] - 2}
    targets, found = values(
        model,
        data,
        *("mean(t850)", "mean(T500, lat=0:90, lon=-50:50)", "MEAN(sp)"),
        *("kinetic_energy(500:850hPa, lon=315:45, lat=0:90)", "mean(u200)"),
        *("mse(t200, region=tropics)", "again=mean(t850)", "mean(t850, lat=0:90)"),
        truth=truth,
    )
    expected = [
        mean(t[2], everywhere),
        mean(t[1], around),
        1e5,
        mean(both, around),
        mean(u[0], everywhere),
        4.0,
        mean(t[2], everywhere),
        mean(t[2], latitude > 0),
    ]
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    assert [target.units for target in targets] == [
        *("K", "K", "Pa", "m2 s-2", "m s-1", "K2", "K", "K"),
    ]
    assert [target.label for target in targets] == [
        *("mean_t850", "mean_T500", "mean_sp", "kinetic_energy_500_850", "mean_u200"),
        *("mse_t200", "again", "mean_t850_2"),
    ]


def test_a_box_across_the_zero_meridian_is_that_of_positive_longitudes(model):
    one = parse_target("mean(t850, lon=-90:45)")
    other = parse_target("mean(t850, lon=270:45)")
    weights = region_weights(one.region, model, "")
    np.testing.assert_array_equal(weights, region_weights(other.region, model, ""))
    assert (weights.sum(1) > 0).tolist() == [1, 1, 0, 0, 0, 0, 1, 1]


def test_attributes_of_a_mean_temperature_and_its_gradient():
    target = TargetGradients(
        "warmth", "mean(t850)", "K", np.array([267.0]), {"temperature": ONES}
    )
    found = gradient_dataset([target], {"temperature": 4 * ONES}, None)
    assert found.warmth.attrs["units_metadata"] == "temperature: on_scale"
    per_mass = found["sensitivity_of_warmth_to_temperature"]
    assert (per_mass.units, float(per_mass.mean())) == ("kg-1", 0.25)
    assert per_mass.dims == ("level", "latitude", "longitude")
    per_moisture = TargetGradients(
        "warmth", "mean(t850)", "K", np.array([267.0]), {"specific_humidity": ONES}
    )
    found = gradient_dataset([per_moisture], {"specific_humidity": ONES}, None)
    change = found["gradient_of_warmth_to_specific_humidity"]
    assert change.attrs["units_metadata"] == "temperature: difference"


@pytest.mark.parametrize(
    "factors, units",
    [
        ([("K", 1), ("m s-1", -1)], "K m-1 s"),
        ([("m2 s-2", 2)], "m4 s-4"),
        ([("K", 1), ("K", -1), ("kg", -1)], "kg-1"),
        ([("kg kg-1", 1), ("1", -1)], "1"),
        ([("mm/day", 2), ("K", -1)], "(mm/day)2 K-1"),
        ([("1e-3", 1), ("K", -1)], "(1e-3) K-1"),
    ],
)
def test_units(factors, units):
    assert product(*factors) == units


@pytest.mark.parametrize(
    "text, said",
    [
        ("kinetic_energy(8.5.0)", "'8.5.0' in .* is neither a level nor a layer"),
        ("time=mean(t850)", "cannot be called time"),
        ("singular_value=mean(t850)", "cannot be called singular_value"),
    ],
)
def test_targets_that_are_refused(model, text, said):
    with pytest.raises(ConfigError, match=said):
        make_targets([parse_target(text)], model, {})


def test_a_perturbation_is_a_number(model):
    with pytest.raises(ConfigError, match="is not a perturbation"):
        make_perturbations(["t850 += 1.2.3"], model)
    (found,) = make_perturbations(["t850 -= 2.5e-1"], model)
    assert found.change["temperature"][2].max() == -0.25


def test_names_stay_apart(model):
    texts = ("mean_t850_3=mean(t850)", "mean(t850)", "mean(t850)", "mean(t850)")
    found = make_targets([parse_target(x) for x in texts], model, {})
    assert [x.label for x in found] == [
        *("mean_t850_3", "mean_t850", "mean_t850_2", "mean_t850_4")
    ]
