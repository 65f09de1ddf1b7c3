"""How many members run at once, on which devices, and what of that shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from runs import AMIP, ENSEMBLE, SIDE_BY_SIDE, Stop, read, seeing, stopping

import ngcm_cli
from ngcm_cli.config import AmipConfig
from ngcm_cli.dynamics import SigmaLevels
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.state_arrays import to_arrays
from ngcm_cli.idealized.case import Resolution
from ngcm_cli.idealized.cases import CASES
from ngcm_cli.output.restart_file import list_restarts, read_restart
from ngcm_cli.simulation import batch, run
from ngcm_cli.simulation.batch import BatchedModel, auto_batch_size, devices_for_batch
from ngcm_cli.simulation.data_sources import DataSources, read_sample
from ngcm_cli.simulation.existing_run import ExistingRun, find_paths
from ngcm_cli.simulation.simulation import member_key
from ngcm_cli.testing import TinyModel, synthetic_fields


def test_as_many_devices_as_share_evenly(monkeypatch):
    devices = jax.devices() * 4  # only their number counts
    monkeypatch.setattr(jax, "local_devices", lambda: devices)
    assert [len(devices_for_batch(size)) for size in range(1, 9)] == [
        *(1, 2, 3, 4, 1, 3, 1, 4)
    ]


@pytest.mark.parametrize(
    "free, members, processes, size",
    [
        (20, 6, 1, 6),
        (20, 10, 1, 5),  # two even blocks rather than 8 and 2
        (20, 50, 1, 8),
        (20, 10, 2, 5),
        (4, 6, 1, 3),
        (4, 50, 1, 4),
        (1, 6, 1, 1),
        (20, 1, 1, 1),
    ],
)
def test_what_fits(monkeypatch, free, members, processes, size):
    monkeypatch.setattr(BatchedModel, "memory", lambda self, state, n, _: n - 0.1)
    monkeypatch.setattr(batch, "free_memory", lambda device: free / 0.6)
    monkeypatch.setattr(batch, "_add_little", lambda *args: False)
    model = TinyModel()
    assert auto_batch_size(model, lambda: None, None, members, processes) == size


def test_a_compiler_that_refuses(monkeypatch):
    """Four at once are one too many for it."""

    def needed(self, state, size, forcing):
        if size > 3:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: while compiling")
        return size

    monkeypatch.setattr(BatchedModel, "memory", needed)
    monkeypatch.setattr(batch, "_add_little", lambda *args: False)
    assert auto_batch_size(TinyModel(), lambda: None, None, 4, 1) == 2


@pytest.mark.parametrize("free, size", [(1e9, 8), (1e4, 4)])
def test_small_states_need_no_compiler(monkeypatch, free, size):
    """Where members are computed one after the other: 3 arrays of 24 KiB and less."""
    monkeypatch.setattr(BatchedModel, "memory", lambda self, state, n, _: n * 1e3)
    monkeypatch.setattr(batch, "free_memory", lambda device: free)
    model = TinyModel()
    fields = synthetic_fields(model.grid, 3)

    def state():
        calls.append(1)
        return model.encode(fields, {}, np.datetime64("2000-01-01", "s"), member_key(0))

    calls = []
    assert auto_batch_size(model, state, None, 16, 1) == size
    assert len(calls) == (1 if size == 8 else 2)  # traced; then computed


def test_the_batch_is_kept_when_a_run_is_resumed(tiny, tmp_path):
    with pytest.raises(Stop):
        ENSEMBLE.start(tmp_path, stopping(0, 1), members=3, batch=None)
    existing = ExistingRun.read(find_paths(tmp_path / ENSEMBLE.output))
    assert existing.batch == 3
    seen = []
    ENSEMBLE.resume(tmp_path, seeing(seen))
    assert {one.task.block.size for one in seen} == {3}


def test_long_runs_share_a_batch(tiny, tmp_path):
    seen = []
    SIDE_BY_SIDE.start(tmp_path, seeing(seen), batch=None)
    assert {one.stable for one in seen} == {(0, 1, 2)}


def distance(a, b) -> float:
    """Return the RMS of a difference, of the deviations from the mean."""
    a, b = (np.asarray(x, np.float64) for x in (a, b))
    return float(np.sqrt(((a - b) ** 2).mean()) / a.std())


@pytest.fixture(scope="session")
def reduced():
    """Loaded once."""
    return {}


@pytest.fixture
def loaded(reduced, reduced_model):
    if not reduced:
        model = ngcm_cli.load_model(reduced_model)
        reduced.update(model=model, data=read_sample(model))
    return reduced["model"], reduced["data"]


def test_memory_of_the_program():
    """Of members at once it grows with them; of one after the other it does not."""
    case = CASES["baroclinic-wave"]
    model = case.build(Resolution(21, SigmaLevels(8), 1800))
    state = model.encode({}, None, np.datetime64("2000-01-01", "s"))
    batched = BatchedModel(model)
    assert not batched.vectorized
    in_turn = batched.memory(state, 3, None)
    batched.vectorized = True
    one, three = (batched.memory(state, n, None) for n in (1, 3))
    assert 1.5 * one < three < 4 * one
    assert in_turn < 1.5 * one


@pytest.fixture(scope="session")
def forecasts(reduced_model, tmp_path_factory) -> list[xr.Dataset]:
    """Forecasts that are members 0 and 1."""
    folder = tmp_path_factory.mktemp("forecasts")
    settings = {
        name: value
        for name, value in ENSEMBLE.settings.items()
        if name not in ("members", "batch", "statistics")
    }
    return [
        read(
            run.forecast(
                **settings, model=reduced_model, member=n, output=folder / f"{n}.zarr"
            )
        )
        for n in range(2)
    ]


@pytest.mark.slow
def test_a_member_alone_is_a_forecast_bit_by_bit(reduced_model, forecasts, tmp_path):
    settings = {"model": reduced_model, "members": 2, "batch": 1}
    members = read(ENSEMBLE.start(tmp_path, **settings))
    for number, forecast in enumerate(forecasts):
        for name in forecast.data_vars:
            ours = members[name].sel(realization=number).values
            assert ours.tobytes() == forecast[name].values.tobytes(), name
    x = members["temperature"].values
    assert distance(x[0, 0, -1], x[1, 0, -1]) > 1e-3  # members differ


@pytest.mark.slow
def test_side_by_side_it_is_the_forecast_to_rounding(
    loaded, reduced_model, forecasts, tmp_path
):
    model, data = loaded
    moved = {name: x * np.float32(1 + 1e-7) for name, x in data.fields.items()}
    ends = []
    for fields in (data.fields, moved):
        state = model.encode(fields, data.forcing, data.time, member_key(7, 1))
        state = model.advance(state, data.forcing, steps=12)
        ends.append(jax.device_get(model.decode(state)))
    settings = {"model": reduced_model, "members": 2, "batch": 2}
    members = read(ENSEMBLE.start(tmp_path, **settings))
    name = "temperature"
    # How far a change of the last digit of the input moves a forecast.
    sensitivity = distance(ends[0][name], ends[1][name])
    for number, forecast in enumerate(forecasts):
        ours = members[name].sel(realization=number)
        assert distance(forecast[name], ours) < 10 * sensitivity
        assert (ours.valid_time == forecast.valid_time).all()


@pytest.mark.slow
@pytest.mark.parametrize("vectorized", [True, False])
def test_random_fields_do_not_depend_on_the_batch(loaded, vectorized):
    """Computed as on a GPU, and as on a CPU."""
    model, data = loaded

    def begin(member):
        key = member_key(7, member)
        return model.encode(data.fields, data.forcing, data.time, key)

    batched = BatchedModel(model)
    batched.vectorized = vectorized
    states = batched.stack((begin(member) for member in range(3)), 3)
    states = batched.advance(states, data.forcing, steps=2)
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


def _long_product(matrix, x):
    return jax.lax.fori_loop(0, 500, lambda _, x: jnp.tanh(x @ matrix), x)


def test_a_program_is_not_waited_for():
    """So that the device has the next one when it is done."""
    matrix = jnp.eye(400)
    batched = BatchedModel(matrix)  # pyright: ignore[reportArgumentType]
    result = batched.map(_long_product, jnp.ones((1, 400, 400)))
    assert not result.is_ready()
    x = np.ones(())
    for _ in range(500):
        x = np.tanh(x)
    np.testing.assert_allclose(result, x, rtol=1e-4)


@pytest.mark.slow
def test_a_long_run_is_the_model_and_nothing_else(loaded, reduced_model, tmp_path):
    """Bit by bit, under the forcing of the whole run at once."""
    folder = AMIP.start(tmp_path, model=reduced_model, days=1)
    model = loaded[0].with_water_budget().with_fixed_mean_pressure()
    config = AmipConfig(**{**AMIP.settings, "model": reduced_model, "days": 1})
    sources, start = DataSources(config, model), np.datetime64("2019-12-30", "s")
    record = sources.forcing(start)
    forcing = Forcing.at_times(record.times, record.fields, record.sst_offset)
    fields = sources.analysis(start).fields
    state = model.encode(fields, forcing, start, member_key(AMIP.settings["seed"]))
    for _ in range(4):
        steps = int(np.timedelta64(6, "h") // model.time_step)
        state = model.advance(state, forcing, steps).reset_accumulations()
    (path,) = list_restarts(folder / "restarts/0-0")
    arrays, _ = read_restart(path)
    for name, x in to_arrays(state).items():
        assert x.tobytes() == arrays[name].tobytes(), name
