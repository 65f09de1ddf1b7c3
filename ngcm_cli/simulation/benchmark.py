"""How fast a model runs on the devices of this process: times, speed and memory."""

import contextlib
import dataclasses
import platform
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ngcm_cli.config.bench import BenchConfig
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.interface import Model
from ngcm_cli.io.host import core_count, peak_host_memory, processor_name
from ngcm_cli.io.progress import begin_phase
from ngcm_cli.simulation.batch import BatchedModel, devices_for_batch, free_memory
from ngcm_cli.simulation.data_sources import read_sample
from ngcm_cli.simulation.interrupts import explain_out_of_memory
from ngcm_cli.simulation.provenance import device, software_attributes
from ngcm_cli.simulation.simulation import member_key
from ngcm_cli.time_format import utc_now
from ngcm_cli.zoo.loading import open_model

_TIMINGS = 3  # the fastest counts
_SECONDS = 2.0  # of one timing, about
_DAY = 86400.0
_YEAR = 365.25 * _DAY


@dataclasses.dataclass(frozen=True)
class Throughput:
    """Speed of a number of members that are computed at once.

    Attributes:
        members: how many.
        devices: how many devices share them.
        steps: model steps of one timing.
        compile_seconds: first call of one step, less a later one.
        step_seconds: of one model step of all members, the fastest of three timings.
        member_step_seconds: the same, divided by the number of members.
        simulated_days_per_day: days that all members together simulate in a day.
        simulated_years_per_day: years of 365.25 days, the same way.
        peak_memory_bytes: largest use of memory until then: of the first device, or of
            the process where the device is a CPU.
    """

    members: int
    devices: int
    steps: int
    compile_seconds: float
    step_seconds: float
    member_step_seconds: float
    simulated_days_per_day: float
    simulated_years_per_day: float
    peak_memory_bytes: int


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """What `benchmark` has measured, and on what.

    Attributes:
        date: of the measurement, UTC.
        model: name of the model.
        weights_sha256: of its weights.
        precision: of its matrix products, the setting.
        grid: numbers of longitudes and latitudes of the data.
        pressure_levels: how many.
        sigma_levels: how many.
        time_step_seconds: of one model step.
        device: kind of device.
        device_count: devices of this process.
        cores: processor cores that the process may use.
        system: operating system and architecture.
        software: versions and settings, as output files state them.
        load_seconds: loading the model.
        encode_compile_seconds: first call, less a later one.
        encode_seconds: data to state, the fastest of three.
        decode_compile_seconds: first call, less a later one.
        decode_seconds: state to the default output, the fastest of three.
        throughput: one for each number of members.
        too_many_members: numbers of members that do not fit into memory.
    """

    date: str
    model: str
    weights_sha256: str
    precision: str
    grid: tuple[int, int]
    pressure_levels: int
    sigma_levels: int
    time_step_seconds: int
    device: str
    device_count: int
    cores: int
    system: str
    software: dict[str, str]
    load_seconds: float
    encode_compile_seconds: float
    encode_seconds: float
    decode_compile_seconds: float
    decode_seconds: float
    throughput: tuple[Throughput, ...]
    too_many_members: tuple[int, ...]


def benchmark(config: BenchConfig | None = None, **settings: Any) -> Benchmark:
    """Measure how fast a model runs, from the bundled state on its grid.

    Everything is compiled anew: the cache of compiled programs is neither read nor
    written. Nothing is written to disk.

    Args:
        config: the settings, or else its fields as keywords.
        **settings: fields of `BenchConfig`.

    Raises:
        NgcmError: the model cannot be loaded in this precision, or so many members do
            not fit into memory.
    """
    if config is not None and settings:
        raise TypeError("give a BenchConfig or keywords")
    config = config or BenchConfig(**settings)
    begin_phase("Loading the model")
    start = time.perf_counter()
    card, model = open_model(
        config.model, precision=config.precision, offline=config.offline
    )
    load = time.perf_counter() - start
    inputs = read_sample(model)
    forcing = Forcing.constant(
        {name: jnp.asarray(inputs.forcing[name]) for name in model.forcing_variables}
    )
    with _without_cache():
        begin_phase("Compiling and timing the encoder")
        encode, state = _timed(
            lambda: model.encode(inputs.fields, forcing, inputs.time, member_key(0, 0))
        )
        begin_phase("Compiling and timing the decoder")
        one = BatchedModel(model)
        decode, _ = _timed(lambda: one.map(_decode, one.stack([state], 1)))
        throughput: list[Throughput] = []
        for members in config.members:
            what = f"{members} members of {model.name}"
            try:
                with explain_out_of_memory(what, "Give fewer --members."):
                    found = _throughput(model, state, forcing, members, config.steps)
            except ConfigError:
                if not throughput:
                    raise
                break  # as more would not fit either
            throughput.append(found)
    return Benchmark(
        date=utc_now(),
        model=model.name,
        weights_sha256=card.weights.sha256,
        precision=config.precision,
        grid=model.grid.nodal_shape,
        pressure_levels=len(model.levels),
        sigma_levels=len(model.sigma_levels.centers),
        time_step_seconds=int(model.time_step / np.timedelta64(1, "s")),
        device=_device(),
        device_count=jax.local_device_count(),
        cores=core_count(),
        system=f"{platform.system()} {platform.machine()}",
        software=software_attributes(),
        load_seconds=load,
        encode_compile_seconds=encode.compile,
        encode_seconds=encode.best,
        decode_compile_seconds=decode.compile,
        decode_seconds=decode.best,
        throughput=tuple(throughput),
        too_many_members=config.members[len(throughput) :],
    )


def _decode(model: Model, state: Any) -> dict[str, jax.Array]:
    return model.decode(state)


def _throughput(
    model: Model, state: Any, forcing: Forcing, members: int, steps: int | None
) -> Throughput:
    each = "one member" if members == 1 else f"{members} members"
    begin_phase(f"Compiling and timing the step of {each}")
    devices = devices_for_batch(members)
    batched = BatchedModel(model, devices)
    _check_memory(state, members // len(devices), devices[0])
    states = batched.stack([state] * members, members)
    timing, _ = _timed(lambda: batched.advance(states, forcing, 1))
    if steps is None:
        steps = max(1, round(_SECONDS / timing.best))
    whole, _ = _timed(lambda: batched.advance(states, forcing, steps))
    step = whole.best / steps
    simulated = members * (model.time_step / np.timedelta64(1, "s")) / step
    return Throughput(
        members=members,
        devices=len(devices),
        steps=steps,
        compile_seconds=timing.compile,
        step_seconds=step,
        member_step_seconds=step / members,
        simulated_days_per_day=simulated,
        simulated_years_per_day=simulated * _DAY / _YEAR,
        peak_memory_bytes=_peak_memory(devices[0]),
    )


def _check_memory(state: Any, members: int, device: Any) -> None:
    """Raise `MemoryError` where states before and after a step do not fit on a device.

    A GPU would say so itself; on a CPU the process would be killed.
    """
    arrays = (x for x in jax.tree.leaves(state) if hasattr(x, "nbytes"))
    if 2 * members * sum(x.nbytes for x in arrays) > free_memory(device):
        raise MemoryError


@dataclasses.dataclass(frozen=True)
class _Timing:
    compile: float
    best: float


def _timed(call: Callable[[], Any]) -> tuple[_Timing, Any]:
    """Return the time of a first call beyond a later one, the best, and the result."""
    seconds, result = [], None
    for _ in range(1 + _TIMINGS):
        start = time.perf_counter()
        result = jax.block_until_ready(call())
        seconds.append(time.perf_counter() - start)
    best = min(seconds[1:])
    return _Timing(max(0.0, seconds[0] - best), best), result


@contextlib.contextmanager
def _without_cache() -> Iterator[None]:
    """Compile everything anew, and keep nothing of it."""
    from jax.experimental.compilation_cache import compilation_cache

    name = "jax_enable_compilation_cache"
    before = jax.config.values[name]
    jax.config.update(name, False)
    compilation_cache.reset_cache()  # JAX decides once whether it has one
    try:
        yield
    finally:
        jax.config.update(name, before)
        compilation_cache.reset_cache()


def _peak_memory(first: Any) -> int:
    stats = first.memory_stats()
    if stats and "peak_bytes_in_use" in stats:
        return stats["peak_bytes_in_use"]
    return peak_host_memory()


def _device() -> str:
    """Return the kind of device; of a CPU the processor, where the system says it."""
    name = processor_name() if jax.default_backend() == "cpu" else None
    return f"CPU ({name})" if name else device()
