import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import units
from ngcm_cli.diagnostics.global_means import area_mean
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.cases import CASES
from ngcm_cli.idealized.galewsky import GALEWSKY
from ngcm_cli.idealized.model import IdealizedState
from ngcm_cli.idealized.shallow_water_model import ShallowWaterModel
from ngcm_cli.idealized.williamson import WILLIAMSON_2, WILLIAMSON_5, WILLIAMSON_6

START = np.datetime64("2000-01-01T00")
HERE = WILLIAMSON_2, WILLIAMSON_5, WILLIAMSON_6, GALEWSKY


def build(case, truncation: int = 21, minutes: int = 30) -> ShallowWaterModel:
    return case.build(Resolution(truncation, SigmaLevels(1), 60 * minutes))


@pytest.fixture(scope="module")
def model() -> ShallowWaterModel:
    return build(WILLIAMSON_5)


@pytest.mark.parametrize("case", HERE, ids=lambda case: case.name)
def test_cases_begin_with_their_flow(case):
    """Through the spectral state, at the truncation that they have by default."""
    assert CASES[case.name] is case
    model = build(case, case.truncation, 10)
    assert model.name == case.name
    flow = case.build.args[1](model.grid)
    fields = model.decode(model.encode({}, None, START))
    expected = {
        "geopotential_height": flow.depth + flow.ground,
        "u_component_of_wind": flow.u,
        "v_component_of_wind": flow.v,
    }
    # float32 of 10 km and of 100 m/s; the edges of the jet have the smallest scales.
    lost = dict(zip(expected, (0.01, 0.03, 1e-4), strict=True))
    for name, field in expected.items():
        np.testing.assert_allclose(fields[name][0], field, atol=lost[name])
    # The mountain is a cone, whose peak and foot the truncation rounds.
    rough = 100 if flow.ground.any() else 0.01
    np.testing.assert_allclose(fields["depth"][0], flow.depth, atol=rough)


def test_fields_are_declared(model):
    state = model.encode({}, None, START)
    fields = model.decode(state)
    assert tuple(fields) == model.default_outputs
    budgets = {"total_energy", "potential_enstrophy"}
    assert set(model.diagnostics) - set(fields) == budgets
    fields |= model.decode(state, tuple(budgets))
    for name, field in fields.items():
        assert field.shape == (1, *model.grid.nodal_shape), name
        assert field.dtype == np.float32, name
        declared = model.diagnostics[name]
        assert declared.name == name and declared.units and not declared.on_levels
    assert list(model.decode(state, ("depth",))) == ["depth"]


def test_vorticity_and_divergence_are_those_of_the_wind(model):
    """Vorticity of solid-body rotation, 2u sin φ/(a cos φ), in SI units."""
    model = build(WILLIAMSON_2)
    fields = model.decode(model.encode({}, None, START))
    rate = 2 * np.pi / (12 * 86400)  # s-1
    expected = 2 * rate * model.grid.sin_latitude * np.ones(model.grid.nodal_shape)
    np.testing.assert_allclose(fields["vorticity"][0], expected, atol=1e-4 * rate)
    np.testing.assert_allclose(fields["divergence"], 0, atol=1e-4 * rate)


def test_budgets_are_those_of_the_other_fields(model):
    """Energy as Williamson et al. (1992) have it, with the height of the surface."""
    state = model.advance(model.encode({}, None, START), None, 48)
    fields = model.decode(state, tuple(model.diagnostics))
    x = {name: np.asarray(field[0], np.float64) for name, field in fields.items()}
    ground = x["geopotential_height"] - x["depth"]
    square = x["u_component_of_wind"] ** 2 + x["v_component_of_wind"] ** 2
    potential = units.GRAVITY_SI / 2 * (x["geopotential_height"] ** 2 - ground**2)
    energy = x["depth"] * square / 2 + potential
    np.testing.assert_allclose(x["total_energy"], energy, rtol=1e-6)
    coriolis = 2 * 7.292e-5 * model.grid.sin_latitude
    enstrophy = (x["vorticity"] + coriolis) ** 2 / (2 * x["depth"])
    allowed = 2e-6 * enstrophy.max()
    np.testing.assert_allclose(x["potential_enstrophy"], enstrophy, atol=allowed)
    first = model.decode(model.encode({}, None, START), tuple(model.diagnostics))
    for name, drift in (("depth", 1e-7), ("total_energy", 1e-6)):
        means = [
            float(area_mean(x, model.grid)[0]) for x in (first[name], fields[name])
        ]
        assert means[1] == pytest.approx(means[0], rel=drift), name


def test_the_clock_and_the_steps(model):
    state = model.encode({}, None, START)
    after = model.advance(state, None, 3)
    assert int(after.substep) - int(state.substep) == 3
    by_hand = state.state
    for _ in range(3):
        by_hand = eqx.filter_jit(model.step)(by_hand)
    for a, b in zip(*map(jax.tree.leaves, (after.state, by_hand)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max())


def test_what_is_monitored(model):
    state = model.encode({}, None, START)
    monitor = model.monitor(state)
    assert bool(monitor["finite"])
    assert monitor["max_wind"].shape == (1,)
    assert float(monitor["max_wind"][0]) == pytest.approx(20, rel=0.01)
    depth = float(model.decode(state)["depth"].min())
    assert float(monitor["min_depth"][0]) == pytest.approx(depth)
    broken = IdealizedState(
        jax.tree.map(lambda x: x.at[0, 4, 3].set(jnp.nan), state.state), state.substep
    )
    monitor = model.monitor(broken)
    assert not bool(monitor["finite"])
    assert np.isnan(monitor["max_wind"][0]) and np.isnan(monitor["min_depth"][0])


def test_the_mean_depth_is_named(model):
    depth = model.decode(model.encode({}, None, START))["depth"]
    mean = float(area_mean(depth, model.grid)[0])
    assert model.mean_depth == pytest.approx(mean, rel=1e-5)
    assert model.equations == (
        f"shallow-water equations, mean depth {model.mean_depth:.0f} m"
    )
    assert model.system.mean_geopotential == pytest.approx(
        model.mean_depth * units.GRAVITY_SI * units.SQUARE_METER_PER_SQUARE_SECOND
    )
