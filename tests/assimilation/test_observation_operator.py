"""Interpolation to observations, against SciPy, functions that are linear, and dots."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from twin_observations import WIND, equivalent, place

from ngcm_cli.assimilation.observation_operator import (
    ObservationOperator,
    horizontal_weights,
)
from ngcm_cli.assimilation.observations import Observations
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.testing import TinyModel

START = np.datetime64("2020-01-01T00", "s")
# Poles, beyond the last latitude, the date line, a node, and places between.
PLACES = [
    *[(90, 0), (-90, 77), (89.9, 10), (-88, 200), (89, 359.9)],
    *[(0, 359.99), (10, -180), (20, 180), (-30, 360), (45.3, 12.3), (-61, -75)],
]


@pytest.fixture(scope="module")
def fields():
    rng, grid = np.random.default_rng(0), TinyModel().grid
    shape = grid.nodal_shape
    atmosphere = "temperature", *WIND
    return {
        name: rng.standard_normal((3 if name in atmosphere else 1, *shape))
        for name in (*atmosphere, "surface_pressure")
    }


def table(rows):
    """Observations of rows (hours, latitude, longitude, pressure, variable)."""
    hours, latitude, longitude, pressure, variable = map(
        np.array, zip(*rows, strict=True)
    )
    return Observations(
        time=START + (hours * 3600).astype("timedelta64[s]"),
        latitude=latitude,
        longitude=longitude,
        pressure=pressure.astype(float),
        variable=variable,
        value=np.zeros(len(rows)),
        error=np.ones(len(rows)),
        row=np.arange(len(rows)),
    )


def test_it_interpolates_as_scipy_does(fields):
    model = TinyModel()
    rows = [
        (0.0, *place, pressure, name)
        for place in PLACES
        for name, pressure in (
            *[("temperature", p) for p in (200, 300.0, 500, 850)],
            *[(name, 700.0) for name in WIND],
            ("surface_pressure", np.nan),
        )
    ]
    operator = ObservationOperator.of(table(rows), model, START, 1)
    found = np.asarray(operator.interpolate(fields))[: len(rows)]
    expected = [
        equivalent(fields, model, name, pressure, longitude, latitude)
        for _, latitude, longitude, pressure, name in rows
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("grid", [Grid.linear(63), Grid.quadratic(12)])
def test_uniform_flow_over_the_pole_is_interpolated_to_second_order(grid):
    """Wind along an axis in the equator's plane is smooth at the poles."""
    longitude = np.array([0.0, 10.0, 123.0, 300.0])
    latitude = np.array([90.0, 89.7, -89.5, -90.0])
    east, north = -np.sin(grid.longitude), -np.cos(grid.longitude)
    u = np.broadcast_to(east[:, None], grid.nodal_shape)
    v = north[:, None] * grid.sin_latitude
    index, weight = horizontal_weights(grid, longitude, latitude, np.ones(4, bool))
    angle, spacing = np.deg2rad(longitude), np.pi / grid.latitude_nodes
    for field, true in (
        (u, -np.sin(angle)),
        (v, -np.cos(angle) * np.sin(np.deg2rad(latitude))),
    ):
        found = (field.ravel()[index] * weight).sum(axis=1)
        np.testing.assert_allclose(found, true, atol=spacing**2)


def test_scalars_at_the_poles_are_the_mean_of_opposite_nodes():
    grid = Grid.linear(7)
    field = np.arange(grid.longitude_nodes * grid.latitude_nodes, dtype=float)
    field = field.reshape(grid.nodal_shape)
    index, weight = horizontal_weights(
        grid, np.zeros(1), np.array([90.0]), np.zeros(1, bool)
    )
    found = (field.ravel()[index] * weight).sum()
    assert found == pytest.approx((field[0, -1] + field[8, -1]) / 2)
    assert found == pytest.approx(place(field, grid, [0.0], [90.0], False)[0])


def test_it_is_linear_in_time_between_steps():
    model = TinyModel(stochastic=False)
    shape = model.grid.nodal_shape
    fields = {name: np.full((3, *shape), 5.0) for name in model.input_variables}
    state = model.encode(fields, {}, START, jax.random.key(0))
    rows = [(h, 12, 34, 500, "temperature") for h in (0, 0.25, 1, 1.5, 2.9, 3)]
    operator = ObservationOperator.of(table(rows), model, START, 3)
    found = operator.equivalents(model, state, None)  # the model adds one a step
    np.testing.assert_allclose(found[:6], [5, 5.25, 6, 6.5, 7.9, 8], rtol=1e-6)
    assert not operator.equivalents(model, state, None)[6:].any()
    at_end = ObservationOperator.of(table(rows[-1:]), model, START, 3)
    assert at_end.observed.tolist() == [False, False, False, True]


def test_its_transpose_is_its_own(fields):
    rows = [(0.0, *place, 600, name) for place in PLACES for name in WIND]
    with jax.enable_x64(True):
        operator = ObservationOperator.of(table(rows), TinyModel(), START, 1)
        rng = np.random.default_rng(1)
        x = {
            name: jnp.asarray(rng.standard_normal(f.shape))
            for name, f in fields.items()
        }
        y, back = jax.vjp(operator.interpolate, x)
        w = jnp.asarray(rng.standard_normal(y.shape))
        left = np.vdot(y, w)
        right = sum(np.vdot(x[name], g) for name, g in back(w)[0].items())
    assert abs(left - right) <= 1e-13 * np.linalg.norm(y) * np.linalg.norm(w)
