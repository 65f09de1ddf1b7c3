"""What runs rely on, checked on the tiny model and on a real one alike."""

import jax
import numpy as np
import pytest

import ngcm_cli
from ngcm_cli.diagnostics import GLOBAL_MEANS, available, global_means, monitor
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.state_arrays import from_arrays, to_arrays
from ngcm_cli.simulation.batch import BatchedModel
from ngcm_cli.simulation.data_sources import read_sample
from ngcm_cli.simulation.simulation import member_key
from ngcm_cli.testing import TinyModel

_LOADED: dict = {}


@pytest.fixture(params=["tiny", pytest.param("reduced", marks=pytest.mark.slow)])
def loaded(request):
    """Return a model, its bundled data, their forcing and the state of a member."""
    if request.param not in _LOADED:
        model = TinyModel()
        if request.param == "reduced":
            model = ngcm_cli.load_model(request.getfixturevalue("reduced_model"))
        data = read_sample(model)
        forcing = Forcing.constant(data.forcing)
        state = model.encode(data.fields, forcing, data.time, member_key(7, 1))
        _LOADED[request.param] = model, data, forcing, state
    return _LOADED[request.param]


def leaves(tree):
    return [np.asarray(x) for x in to_arrays(tree).values()]


def assert_same_state(one, other):
    a, b = to_arrays(one), to_arrays(other)
    assert sorted(a) == sorted(b)
    for name in a:
        assert a[name].dtype == b[name].dtype
        assert a[name].tobytes() == b[name].tobytes(), name


def test_what_it_says_of_itself(loaded):
    model, data, _, _ = loaded
    assert isinstance(model.name, str) and isinstance(model.stochastic, bool)
    assert np.timedelta64(1, "D") % model.time_step == np.timedelta64(0, "s")
    assert list(model.levels) == sorted(model.levels)
    assert model.land_fraction.shape == model.grid.nodal_shape
    assert set(data.fields) == set(model.input_variables)
    assert set(data.forcing) == set(model.forcing_variables)
    assert set(model.default_outputs) <= set(model.output_variables)
    assert set(model.default_outputs) <= set(available(model))


def test_decoded_fields(loaded):
    model, _, _, state = loaded
    for names in (None, model.output_variables[-2:], model.output_variables[:1]):
        fields = model.decode(state, names)
        assert tuple(fields) == tuple(names or model.default_outputs)
        for name, x in fields.items():
            assert x.dtype == np.float32, name
            levels, *horizontal = x.shape
            assert tuple(horizontal) == model.grid.nodal_shape
            assert levels in (1, len(model.levels))
            assert np.isfinite(x).all()


def test_the_same_again(loaded):
    model, data, forcing, state = loaded
    again = model.encode(data.fields, forcing, data.time, member_key(7, 1))
    assert_same_state(state, again)
    one, other = (model.advance(state, forcing, 2) for _ in range(2))
    assert_same_state(one, other)
    assert_same_state(state, again)  # nothing is changed in place


def test_keys_decide(loaded):
    model, data, forcing, state = loaded
    other = model.encode(data.fields, forcing, data.time, member_key(7, 2))
    ends = [model.advance(x, forcing, 2) for x in (state, other)]
    a, b = (np.asarray(model.decode(x)["temperature"]) for x in ends)
    assert (a != b).any() == model.stochastic


def test_steps_are_additive(loaded):
    model, _, forcing, state = loaded
    at_once = model.advance(state, forcing, 3)
    in_turn = model.advance(model.advance(state, forcing, 1), forcing, 2)
    assert_same_state(at_once, in_turn)
    assert_same_state(model.advance(state, forcing, 0), state)


def test_one_after_the_other_in_one_program(loaded):
    """As a CPU computes several members; the number of steps is traced there."""
    model, data, forcing, state = loaded
    begin = lambda n: model.encode(data.fields, forcing, data.time, member_key(7, n))
    starts = [begin(0), state, begin(2)]
    batched = BatchedModel(model)
    # Three, and not more, as in test_batch: the same program, compiled once.
    together = batched.advance(batched.stack(starts, 3), data.forcing, 2)
    fields = batched.map(_decoded, together)
    for row in 1, 2:
        alone = model.advance(starts[row], forcing, 2)
        for x, y in zip(leaves(together), leaves(alone), strict=True):
            scale = np.abs(y.astype(np.float64)).max() if y.size else 0
            assert x.dtype == y.dtype and x.shape == (3, *y.shape)
            np.testing.assert_allclose(
                x[row].astype(np.float64),
                y.astype(np.float64),
                rtol=0,
                atol=1e-5 * scale,
            )
        expected = model.decode(alone, ("temperature",))["temperature"]
        np.testing.assert_allclose(fields["temperature"][row], expected, rtol=1e-5)


def _decoded(model, state):
    return model.decode(state, ("temperature",))


def test_numbers_that_are_monitored(loaded):
    model, _, _, state = loaded
    numbers = jax.jit(lambda state: {**global_means(model, state), **_watch(state)})
    _watch = lambda state: monitor(model, state)  # noqa: E731
    found = numbers(state)
    levels = len(model.sigma_levels.centers)
    assert set(GLOBAL_MEANS) <= set(found)
    assert found["finite"].shape == () and found["finite"]
    for name in ("min_temperature", "max_temperature", "max_wind"):
        assert found[name].shape == (levels,)
    for name, mean in GLOBAL_MEANS.items():
        assert found[name].shape == (levels,) * len(mean.dimensions), name
        assert np.isfinite(found[name]).all()


def test_states_are_arrays_and_back(loaded):
    """For restart files."""
    _, _, _, state = loaded
    again = from_arrays(state, to_arrays(state))
    assert jax.tree.structure(again) == jax.tree.structure(state)
    assert_same_state(again, state)
    assert_same_state(state.reset_accumulations(), state.reset_accumulations())


def test_variants(loaded):
    model, data, forcing, _ = loaded
    for variant in (model.with_water_budget(), model.with_fixed_mean_pressure()):
        assert type(variant) is type(model)
        assert variant.time_step == model.time_step and variant.grid == model.grid
    model = model.with_water_budget()
    assert "P_minus_E_rate" in model.output_variables

    def flux():
        state = model.encode(data.fields, forcing, data.time, member_key(0))
        return model.mean_fluxes(model.advance(state, forcing, 1), 1)["P_minus_E_rate"]

    # Its values are those of test_mean_fluxes; a program would be compiled for this.
    assert jax.eval_shape(flux).shape == (1, *model.grid.nodal_shape)
