import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, rms
from gcm import bundled, published

from ngcm_cli import units
from ngcm_cli.dynamics import State
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.physics.features import (
    LocationTimeFeatures,
    ground_features,
    nodal_values,
    prefixed,
    state_features,
)
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.spectral.transform import SphericalHarmonics

HARMONICS = SphericalHarmonics(Grid.linear(15))
GRID = HARMONICS.grid
LONGITUDE, LATITUDE = np.meshgrid(GRID.longitude, GRID.latitude, indexing="ij")

# Where some features begin, from appendix B of the reference's specification.
PHYSICS = {
    "demo": {
        "CNN1D": 0, "cos_latitude": 256, "divergence": 257, "divergence_dlon": 353,
        "geopotential_at_surface": 385, "land_sea_mask": 389,
        "learned_positional_features": 390, "log_surface_pressure": 391,
        "log_surface_pressure_dlon": 394, "pressure": 395, "radiation": 427,
        "randomness": 428, "sin_latitude": 438,
        "specific_cloud_ice_water_content": 439,
        "specific_cloud_liquid_water_content_dlat": 631, "specific_humidity": 695,
        "surface_embedding": 823, "temperature_variation": 831, "u": 959,
        "u_del2": 991, "v": 1087, "vorticity": 1215, "vorticity_dlon": 1311,
        None: 1343,
    },
    "stochastic_1_4_deg": {
        "CNN1D": 0, "GRF_001_hours_00084_km": 1024, "GRF_014_hours_01268_km": 1028,
        "GRF_100_hours_08612_km": 1033, "cos_latitude": 1034, "divergence": 1035,
        "land_sea_mask": 1167, "learned_positional_features": 1168,
        "log_surface_pressure": 1176, "pressure": 1180, "radiation": 1212,
        "sin_latitude": 1213, "specific_humidity": 1470, "surface_embedding": 1598,
        "temperature_variation": 1606, "u": 1734, "vorticity_dlon": 2086, None: 2118,
    },
    "deterministic_2_8_deg": {
        "CNN1D": 0, "cos_latitude": 1024, "geopotential_at_surface": 1153,
        "learned_positional_features": 1158, "log_surface_pressure_dlon": 1169,
        "memory_divergence": 1170, "memory_log_surface_pressure": 1202,
        "memory_specific_cloud_ice_water_content": 1203, "memory_u": 1331,
        "memory_vorticity": 1395, "pressure": 1427, "radiation": 1459,
        "sin_latitude": 1460, "specific_humidity": 1717, "surface_embedding": 1845,
        "temperature_variation": 1853, "v_dlon": 2205, "vorticity_dlon": 2333,
        None: 2365,
    },
    "deterministic_1_4_deg": {
        "CNN1D": 0, "cos_latitude": 1024, "learned_positional_features": 1158,
        "log_surface_pressure": 1190, "memory_divergence": 1194, "memory_u": 1355,
        "memory_vorticity": 1419, "pressure": 1451, "radiation": 1483,
        "sin_latitude": 1484, "surface_embedding": 1869, "vorticity_dlon": 2357,
        None: 2389,
    },
}  # fmt: skip
DECODER = {
    "demo": {
        "cos_latitude": 0, "divergence": 1, "geopotential_at_surface": 129,
        "learned_positional_features": 134, "radiation": 135, "sin_latitude": 136,
        "specific_cloud_ice_water_content": 137, "specific_humidity_dlon": 489,
        "temperature_variation": 521, "u_dlat": 713, "vorticity_dlon": 1001,
        None: 1033,
    },
    "stochastic_1_4_deg": {
        "learned_positional_features": 134, "radiation": 142,
        "specific_humidity": 144, "temperature_variation": 272, "u": 400,
        "vorticity_dlon": 752, None: 784,
    },
    "deterministic_2_8_deg": {None: 784},
    "deterministic_1_4_deg": {
        "divergence": 1, "geopotential_at_surface": 33, "land_sea_mask": 37,
        "learned_positional_features": 38, "log_surface_pressure": 70,
        "radiation": 71, "specific_cloud_ice_water_content": 73,
        "specific_humidity": 137, "temperature_variation": 169, "u": 201, "v": 233,
        "vorticity": 265, None: 297,
    },
}  # fmt: skip
ENCODER = {
    "demo": 1055,
    "stochastic_1_4_deg": 1062,
    "deterministic_2_8_deg": 1052,
    "deterministic_1_4_deg": 1076,
}


def modal(field):
    return HARMONICS.to_modal(jnp.asarray(field, jnp.float32)[None])


@pytest.fixture(scope="module", params=list(PHYSICS))
def model(request):
    if request.param == "demo":
        return bundled.model()
    return published.zero_model(request.getfixturevalue("shared"), request.param)


def config(model):
    return model.name if model.name in PHYSICS else "demo"


def abstract_state(model):
    """Shapes of a state, its memory and the forcing."""
    grid, layers = model.grid, model.step.parameterization.levels.layers
    level = jax.ShapeDtypeStruct((layers, *grid.modal_shape), jnp.float32)
    surface = jax.ShapeDtypeStruct((1, *grid.modal_shape), jnp.float32)
    state = State(level, level, level, surface, dict.fromkeys(TRACERS, level))
    nodal = jax.ShapeDtypeStruct((1, *grid.nodal_shape), jnp.float32)
    forcing = dict.fromkeys(model.forcing_variables, nodal)
    return state, state if model.memory_encoder else None, forcing


def noise_shapes(fields):
    if fields is None:
        return {}
    return eqx.filter_eval_shape(lambda f: f.nodal(f.sample(jax.random.key(0))), fields)


def offsets(features):
    names = sorted(features)
    sizes = [features[name].shape[0] for name in names]
    return dict(
        zip([*names, None], itertools.accumulate(sizes, initial=0), strict=True)
    )


def test_physics_features_lie_where_the_weights_expect_them(model):
    state, memory, forcing = abstract_state(model)
    noise = noise_shapes(model.step.random_fields)
    features = eqx.filter_eval_shape(
        lambda p, *args: p.features(*args),
        model.step.parameterization,
        *(state, memory, noise, forcing, jax.ShapeDtypeStruct((), jnp.float32)),
    )
    found, expected = offsets(features), PHYSICS[config(model)]
    assert {name: found.get(name) for name in expected} == expected


def test_decoder_features_lie_where_the_weights_expect_them(model):
    state, _, _ = abstract_state(model)

    def features(decoder, state, time):
        seen = state_features(
            state, decoder.harmonics, decoder.fields, decoder.gradients
        )
        return seen | decoder.location_time(time)

    time = jax.ShapeDtypeStruct((), jnp.float32)
    found = offsets(eqx.filter_eval_shape(features, model.decoder, state, time))
    expected = DECODER[config(model)]
    assert {name: found.get(name) for name in expected} == expected


def test_encoder_features_are_complete(model):
    shape = (len(model.levels), *model.grid.nodal_shape)
    level = jax.ShapeDtypeStruct(shape, jnp.float32)
    data = dict.fromkeys(("t", "u", "v", "z", *TRACERS), level)
    packed = eqx.filter_eval_shape(
        lambda e, *args: e.features(*args),
        model.encoder,
        *(data, noise_shapes(model.encoder_noise)),
        jax.ShapeDtypeStruct((), jnp.float32),
    )
    assert packed.shape[0] == ENCODER[config(model)]


def test_gradients_of_a_scalar():
    x = np.sin(LATITUDE) * np.cos(LATITUDE) * np.cos(LONGITUDE)  # l = 2, m = 1
    out = nodal_values({"x": modal(x)}, HARMONICS, gradients=True)
    expected = {
        "x": x,
        "x_dlon": -np.sin(LATITUDE) * np.sin(LONGITUDE),
        "x_dlat": np.cos(2 * LATITUDE) * np.cos(LONGITUDE),
        "x_del2": -6 * x,
    }
    assert list(out) == list(expected)
    for name, field in expected.items():
        # A transform back and forth rounds each of about 15 coefficients and sums.
        tolerance = 50 * EPS * rms(field)
        assert_agrees(name, "1", out[name][0], field, tolerance)


def test_gradients_of_a_weighted_field_are_those_of_the_field_with_its_weight():
    u = np.cos(LATITUDE) * np.cos(LONGITUDE)
    weighted = {"u": modal(np.cos(LATITUDE) * u)}
    out = nodal_values(weighted, HARMONICS, True, cos_lat_weighted=("u",))
    # cos²φ cos λ is no finite sum of harmonics: its own derivatives are the expected.
    plain = nodal_values(weighted, HARMONICS, True)
    cos = np.cos(LATITUDE)
    for suffix in "", "_dlon", "_dlat", "_del2":
        expected = np.asarray(plain["u" + suffix][0]) / cos
        tolerance = 4 * EPS * rms(expected)
        assert_agrees("u" + suffix, "1", out["u" + suffix][0], expected, tolerance)


def test_wind_is_always_a_feature_and_the_rest_as_asked():
    zero = jnp.zeros((2, *GRID.modal_shape))
    state = State(zero, zero, zero, zero[:1], dict.fromkeys(TRACERS, zero))
    names = state_features(state, HARMONICS, ("specific_humidity",), gradients=False)
    assert set(names) == {"u", "v", "specific_humidity"}
    names = state_features(state, HARMONICS, (), gradients=True)
    assert set(names) == {x + d for x in "uv" for d in ("", "_dlon", "_dlat", "_del2")}
    assert set(prefixed("memory_", {"u": zero})) == {"memory_u"}


def test_solid_body_rotation_is_a_westerly_wind():
    zero = jnp.zeros((1, *GRID.modal_shape))
    vorticity = modal(2 * np.sin(LATITUDE))
    state = State(vorticity, zero, zero, zero, dict.fromkeys(TRACERS, zero))
    wind = state_features(state, HARMONICS, (), gradients=False)
    assert_agrees("u", "1", wind["u"][0], np.cos(LATITUDE), 20 * EPS)
    assert_agrees("v", "1", wind["v"][0], 0 * LATITUDE, 20 * EPS)


def test_the_ground_is_seen_as_given_with_gradients_of_its_projection():
    geopotential = 1e4 * np.sin(LATITUDE)
    mask = np.where(LATITUDE > 0, 1.0, 0.0)
    ground = ground_features(geopotential, mask, HARMONICS)
    factor = units.SQUARE_METER_PER_SQUARE_SECOND
    height = (geopotential * factor)[None]
    name = "geopotential_at_surface"
    assert_agrees(name, "1", ground[name], height, EPS * rms(height))
    np.testing.assert_array_equal(ground["land_sea_mask"], mask[None].astype("f4"))
    slope = 1e4 * factor * np.cos(LATITUDE)[None]
    assert_agrees(
        f"{name}_dlat", "1", ground[f"{name}_dlat"], slope, 50 * EPS * rms(slope)
    )


def test_surroundings_name_the_place():
    here = LocationTimeFeatures(GRID, {}, jnp.ones((3, *GRID.nodal_shape)))(
        jnp.float32(0)
    )
    assert set(here) == {
        "radiation",
        "sin_latitude",
        "cos_latitude",
        "learned_positional_features",
    }
    one = here["sin_latitude"] ** 2 + here["cos_latitude"] ** 2
    assert_agrees("sin² + cos²", "1", one, np.ones_like(one), 4 * EPS)
    np.testing.assert_allclose(here["sin_latitude"][0, 3], GRID.sin_latitude, rtol=1e-6)
