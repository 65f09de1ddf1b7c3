"""The covariance of background errors: its variances, its balance, its root."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcm_cli
from ngcm_cli import units
from ngcm_cli.assimilation.background_error import (
    DIVERGENT_WIND,
    SURFACE_PRESSURE,
    TEMPERATURE,
    BackgroundError,
    deviation_shapes,
)
from ngcm_cli.assimilation.background_error_file import (
    read_background_errors,
    write_background_errors,
)
from ngcm_cli.errors import InputDataError
from ngcm_cli.spectral.operators import cos_lat_grad, velocity


@pytest.fixture(scope="module")
def case(reduced_model):
    model = ngcm_cli.load_model(reduced_model)
    data = ngcm_cli.bundled_state(model)
    state = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    return model, state, BackgroundError.default(model, state)


def only(errors, name, control):
    """The control with one variable, the others zero."""
    return {k: x if k == name else 0 * x for k, x in control.items()}


def increment(errors, state, control):
    after = errors.add(state, control)
    return jax.tree.map(lambda a, b: np.float64(a) - b, after.state, state.state)


def test_variances_are_those_stated(case):
    model, state, errors = case
    grid, squares = model.grid, []
    mean = lambda x: (np.float64(x) ** 2 * grid.area_weights).sum((-2, -1)) / 4 / np.pi
    for seed in range(20):
        control = errors.draw(jax.random.key(seed))
        change = increment(errors, state, control)
        nodal = jax.tree.map(lambda x: errors.harmonics.to_nodal(np.float32(x)), change)
        _, v = velocity(0 * change.divergence, change.divergence, errors.harmonics)
        squares.append(
            (
                mean(nodal.temperature_variation).mean(),
                mean(nodal.log_surface_pressure).mean(),
                mean(v).mean(),
            )
        )
    deviations = np.sqrt(np.mean(squares, axis=0))
    expected = TEMPERATURE, SURFACE_PRESSURE, DIVERGENT_WIND * units.METER_PER_SECOND
    # 20 fields of about 100 to 200 modes; the highest wavenumber has none of it.
    np.testing.assert_allclose(deviations, expected, rtol=0.08)


def test_vorticity_balances_temperature_and_pressure(case):
    """Geostrophic in middle latitudes: f u = -dPhi/dy of what pressure moves."""
    model, state, errors = case
    control = only(errors, "log_surface_pressure", errors.draw(jax.random.key(3)))
    # Large scales: with the factor of the Coriolis parameter the others leave the grid.
    smooth = np.arange(model.grid.total_wavenumbers) <= 5
    change = increment(errors, state, {k: x * smooth for k, x in control.items()})
    assert not np.any(change.temperature_variation)
    assert not np.any(change.divergence)
    u, v = velocity(change.vorticity, 0 * change.divergence, errors.harmonics)
    warm = np.array(errors.dycore.reference_temperature)[-1]
    potential = units.GAS_CONSTANT * warm * change.log_surface_pressure[0]
    gradient = cos_lat_grad(np.float32(potential), clip=False)
    dx, dy = (np.asarray(errors.harmonics.to_nodal(x)) for x in gradient)
    grid = model.grid
    f = 2 * units.ANGULAR_VELOCITY * grid.sin_latitude
    middle = (np.abs(np.rad2deg(grid.latitude)) > 45) & (grid.cos_latitude > 0.2)
    geostrophic = np.stack([-dy, dx]) / (f * grid.cos_latitude)
    ours = np.stack([u[-1], v[-1]])[..., middle]
    correlation = np.corrcoef(ours.ravel(), geostrophic[..., middle].ravel())[0, 1]
    assert correlation > 0.95


def test_the_root_is_linear_and_scales(case):
    model, state, errors = case
    one, two = (errors.draw(jax.random.key(k)) for k in (1, 2))
    both = {k: 2 * one[k] - two[k] for k in one}
    a, b, c = (increment(errors, state, x) for x in (one, two, both))
    for x, y, z in zip(*map(jax.tree.leaves, (a, b, c)), strict=True):
        np.testing.assert_allclose(z, 2 * x - y, atol=2e-4 * max(np.abs(z).max(), 1e-9))
    larger = BackgroundError.default(model, state, 3.0)
    for x, y in zip(
        *map(jax.tree.leaves, (a, increment(larger, state, one))), strict=True
    ):
        np.testing.assert_allclose(y, 3 * x, atol=2e-4 * max(np.abs(y).max(), 1e-9))


def test_clouds_and_means_stay(case):
    _, state, errors = case
    change = increment(errors, state, errors.draw(jax.random.key(4)))
    for name in (
        "specific_cloud_ice_water_content",
        "specific_cloud_liquid_water_content",
    ):
        assert not np.any(change.tracers[name])
    for x in jax.tree.leaves(change):
        assert not np.any(x[..., 0])
        assert not np.any(x[..., -1])  # the model clips this wavenumber


def test_the_deviations_of_draws_are_found_and_stored(case, tmp_path):
    """Of 20 errors drawn from B; balanced vorticity is taken out again."""
    model, state, errors = case
    drawn = (errors.draw(jax.random.key(seed)) for seed in range(20))
    found = BackgroundError.from_differences(
        model,
        [
            jax.tree.map(jnp.subtract, errors.add(state, x).state, state.state)
            for x in drawn
        ],
        scale=2.0,
    )
    path = tmp_path / "errors.nc"
    write_background_errors(path, found.deviation, model.name)
    shapes = {name: x.shape for name, x in errors.deviation.items()}
    assert list(deviation_shapes(model).items()) == list(shapes.items())
    stored = read_background_errors(path, shapes)
    for name, x in errors.deviation.items():
        np.testing.assert_array_equal(stored[name], found.deviation[name])
        large = np.arange(model.grid.total_wavenumbers) >= 4  # 160 numbers and more
        ratio = (stored[name] / np.where(x > 0, 2 * x, 1))[..., large]
        ratio = ratio[np.broadcast_to(x > 0, x.shape)[..., large]]
        np.testing.assert_allclose(ratio, 1, atol=0.25)
        assert abs(ratio.mean() - 1) < 0.02
    small = {**shapes, "vorticity": (2, 1, 17)}
    with pytest.raises(InputDataError, match=r"vorticity in .* is \[32, 17\], and"):
        read_background_errors(path, small)
    with pytest.raises(InputDataError, match="lack ozone"):
        read_background_errors(path, {**shapes, "ozone": (2, 1, 17)})
    with pytest.raises(InputDataError, match="absent.nc cannot be read"):
        read_background_errors(tmp_path / "absent.nc", shapes)
