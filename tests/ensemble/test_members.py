"""A member is the same whatever it is computed with."""

import jax
import numpy as np
import pytest
import xarray as xr
from climate.reduced import write_reduced_model
from small import NAMES, SMALL, assert_same, distance, go, read

import ngcm_cli
from ngcm_cli import bundled_state
from ngcm_cli.errors import ConfigError
from ngcm_cli.simulation import run
from ngcm_cli.simulation.simulation import member_key

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(reduced_model, tmp_path_factory) -> list[xr.Dataset]:
    """Forecasts that are members 0 to 4."""
    folder = tmp_path_factory.mktemp("alone")
    settings = SMALL | {"model": reduced_model}
    return [
        read(run.forecast(**settings, member=m, output=str(folder / f"{m}.zarr")))
        for m in range(5)
    ]


@pytest.fixture(scope="module")
def sensitivity(reduced_model, alone) -> dict[str, float]:
    """How far a change of the last digit of the input moves a forecast."""
    model = ngcm_cli.load_model(reduced_model)
    data = bundled_state(model)
    moved = {name: x * np.float32(1 + 1e-7) for name, x in data.fields.items()}
    ends = []
    for fields in (data.fields, moved):
        state = model.encode(fields, data.forcing, data.time, member_key(7, 1))
        state = model.advance(state, data.forcing, steps=12)
        ends.append(jax.device_get(model.decode(state)))
    return {name: distance(ends[0][name], ends[1][name]) for name in NAMES}


def test_the_key_of_a_member():
    for seed, member in ((0, 0), (7, 49)):
        ours = jax.random.key_data(member_key(seed, member))
        key = jax.random.fold_in(jax.random.key(seed), member)
        assert (ours == jax.random.key_data(key)).all()
    ours = jax.random.key_data(member_key(7))
    assert (ours == jax.random.key_data(jax.random.key(7))).all()


def test_alone_it_is_a_forecast_bit_by_bit(reduced_model, alone, tmp_path):
    ones = read(go(tmp_path / "a.zarr", model=reduced_model, members=2, batch=1))
    for member in range(2):
        for name in NAMES:
            ours = ones[name].sel(realization=member).values
            assert ours.tobytes() == alone[member][name].values.tobytes()


def test_side_by_side_it_is_the_forecast_to_rounding(five, alone, sensitivity):
    together = read(five)
    for member, forecast in enumerate(alone):
        for name in NAMES:
            ours = together[name].sel(realization=member)
            assert distance(forecast[name], ours) < 10 * sensitivity[name]
            assert (ours.valid_time == forecast.valid_time).all()


@pytest.mark.parametrize("at_once", [True, False])
def test_random_fields_do_not_depend_on_the_batch(reduced_model, at_once):
    """Computed as on a GPU, and as on a CPU."""
    model = ngcm_cli.load_model(reduced_model)
    data = bundled_state(model)

    def begin(member):
        return model.encode(data.fields, data.forcing, data.time, member_key(7, member))

    together = SideBySide(model)
    together.at_once = at_once
    states = together.gather((begin(member) for member in range(3)), 3)
    states = together.advance(states, data.forcing, steps=2)
    one = model.advance(begin(1), data.forcing, steps=2)
    keys = jax.random.key_data(states.random.key)[1]
    assert (keys == jax.random.key_data(one.random.key)).all()
    assert states.random.step[1] == one.random.step
    # Their recursion is a product and a sum, which XLA may fuse.
    np.testing.assert_allclose(
        states.random.fields[1], one.random.fields, rtol=1e-6, atol=1e-7
    )
    # A change of the last digit of the input moves it by 5.5e-7 of its largest value.
    ours, theirs = states.state.vorticity[1], one.state.vorticity
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=5.5e-7 * abs(theirs).max())


def test_members_differ_and_seeds_too(five, reduced_model, tmp_path):
    members = read(five)
    spread = members["temperature"].std("realization").mean(("latitude", "longitude"))
    assert (spread.isel(lead_time=-1) > 0.01).all()
    other = read(
        go(tmp_path / "a.zarr", model=reduced_model, members=2, batch=2, seed=8)
    )
    end = {"lead_time": -1}
    a, b = (x["temperature"].isel(end).values for x in (members, other))
    assert min(distance(a[i], b[j]) for i in range(5) for j in range(2)) > 1e-3


def test_neighbours_and_places_leave_the_bits(five, reduced_model, tmp_path):
    """Members 3 and 4 of a block of their own are those of five members."""
    some = read(go(tmp_path / "a.zarr", model=reduced_model, members="3:5", batch=2))
    whole = read(five).sel(realization=[3, 4])
    for name in NAMES:
        assert some[name].values.tobytes() == whole[name].values.tobytes()


def test_perturbed_members(reduced_model, tmp_path):
    settings = {"model": reduced_model, "perturb": "spherical", "amplitude": "1K"}
    noisy = read(go(tmp_path / "a.zarr", **settings, members=2, batch=2))
    begin = noisy["temperature"].isel(lead_time=0, init_time=0)
    rms = float(np.sqrt(((begin[0] - begin[1]) ** 2).mean()))
    assert 0.7 < rms / np.sqrt(2) < 1.3
    one = read(
        run.forecast(**SMALL | settings, member=1, output=str(tmp_path / "one.zarr"))
    )
    difference = distance(one["temperature"].isel(lead_time=0), begin[1].values)
    assert difference < 1e-5


def test_members_of_a_deterministic_model(tmp_path):
    """They differ by the noise alone; without it all would be the same."""
    settings = {"model": str(write_reduced_model(tmp_path, stochastic=False))}
    with pytest.raises(ConfigError, match="All members of tl15_reduced are the same"):
        go(tmp_path / "a.zarr", **settings, members=2)
    settings |= {"perturb": "gaussian", "amplitude": "1K", "batch": 2}
    noisy = read(go(tmp_path / "a.zarr", **settings, members=2))
    for name in NAMES:
        ends = noisy[name].isel(lead_time=-1).values
        assert 1e-3 < distance(ends[0], ends[1]) < 1
    again = read(go(tmp_path / "b.zarr", **settings, members="1:2"))
    for name in NAMES:
        ours, theirs = again[name].values[0], noisy[name].values[1]
        assert ours.tobytes() == theirs.tobytes()


def test_the_same_twice(five, reduced_model, tmp_path):
    again = go(
        tmp_path / "again.zarr",
        model=reduced_model,
        members=5,
        batch=2,
        statistics="mean,std,min,max,p10,p50,p90",
    )
    assert_same(read(five), read(again))
