"""The processes that share the tasks of a run, on one machine or many."""

import dataclasses
import itertools
import logging
import os
import re
import socket
import time
import uuid
from typing import Any

import jax

from ngcm_cli.errors import ConfigError

log = logging.getLogger(__name__)

_PROCESS = re.compile("([0-9]{1,5})/([0-9]{1,5})")
_ADDRESS = re.compile(r"(\S+):([0-9]{1,5})")
_TIMEOUT = 300  # seconds until all processes must be there
_LONGEST_WAIT = 7200  # seconds until all have compiled, read or written
_RUN = "ngcm/run"
_meetings = itertools.count()


@dataclasses.dataclass(frozen=True)
class Processes:
    """The processes that run the same command.

    Attributes:
        index: number of this process.
        count: number of processes.
        run: unique name of the run that they share.
    """

    index: int = 0
    count: int = 1
    run: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)


def join(coordinator: str | None = None, process: str | None = None) -> Processes:
    """Find the other processes, before anything else asks JAX for its devices.

    `jax.distributed` finds them, and they agree on a name for the run. Then they part
    again: nothing is computed jointly, so that none waits for another or dies with it,
    and XLA, which tunes the programs of connected processes jointly, does not wait for
    a program that another process does not have.

    Args:
        coordinator: HOST:PORT at which the first process listens; with None JAX looks
            for SLURM, Cloud TPU and the like; the process is alone if there is none.
        process: which process this is, of how many, as 0/2; with a coordinator only.

    Raises:
        ConfigError: the two do not fit together, or the others are not there.
    """
    if jax.distributed.is_initialized():  # by a program that uses this library
        return _agreed()
    try:
        return connect(coordinator, process)
    finally:
        if jax.distributed.is_initialized():
            jax.distributed.shutdown()
        state = _state()  # or the devices of this process would be one's among others
        state.process_id, state.num_processes = 0, 1


def connect(coordinator: str | None = None, process: str | None = None) -> Processes:
    """Find the other processes as `join` does, and stay connected.

    What is computed on the devices of all is computed jointly.
    """
    if jax.distributed.is_initialized():
        return _agreed()
    meeting = _explicit(coordinator, process)
    # Its answer to SIGTERM would take the place of ours.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(**meeting)
        return _agreed()
    except Exception as error:
        # There is no cluster; or, in a notebook, JAX is at work already.
        alone = "coordinator_address", "must be called before"
        if not meeting and any(text in str(error) for text in alone):
            return Processes()
        if not meeting and "KUBERNETES_SERVICE_HOST" in os.environ:
            return Processes()  # in a pod that may not ask for the others
        if not isinstance(error, ValueError | RuntimeError):
            raise
        raise ConfigError(
            f"The processes do not find each other: {error}",
            "Start them again, all with the same --coordinator.",
        ) from error


def wait_for_others() -> None:
    """Wait until all connected processes are here; one that is alone is at once.

    All call it equally often. To be called before they compute jointly: on CPUs that
    fails where one is half a minute late, because it still compiled, read or wrote.

    Raises:
        ConfigError: another process has ended.
    """
    if jax.process_count() == 1:
        return
    try:
        name = f"ngcm/meeting/{next(_meetings)}"
        _state().client.wait_at_barrier(name, 1000 * _LONGEST_WAIT)
    except RuntimeError as error:
        raise ConfigError(
            f"Another process has ended, or is late: {str(error).splitlines()[0]}",
            "See what that process says, and start all of them again.",
        ) from error


def planned(coordinator: str | None, process: str | None) -> Processes:
    """Return this process among the others, without waiting for them.

    Raises:
        ConfigError: the two do not fit together, the port is taken, or there is no such
            host.
    """
    found = _parse(coordinator, process)
    if found is None:
        return Processes()
    host, port, index, count = found
    _check_host(host, port)
    if index == 0:
        _check_free(port)
    return Processes(index, count)


def _parse(
    coordinator: str | None, process: str | None
) -> tuple[str, int, int, int] | None:
    """Return host, port, index and count; None if no other processes are named."""
    if (coordinator is None) != (process is None):
        raise ConfigError(
            "Processes without a cluster manager need both --coordinator and "
            "--process.",
            "Write --coordinator HOST:PORT --process 0/2, and 1/2 for the other one.",
        )
    if coordinator is None or process is None:
        return None
    match = _PROCESS.fullmatch(process.strip())
    index, count = map(int, match.groups()) if match else (0, 0)
    if not index < count:
        raise ConfigError(
            f"'{process}' is not one of several processes.",
            "Write 0/2 for the first of two, and 1/2 for the second.",
        )
    address = _ADDRESS.fullmatch(coordinator)
    host, port = (address[1], int(address[2])) if address else ("", 0)
    if not 0 < port < 2**16:
        raise ConfigError(
            f"'{coordinator}' is not the address of a coordinator.",
            "Write HOST:PORT, the same for all processes.",
        )
    return host, port, index, count


def _explicit(coordinator: str | None, process: str | None) -> dict[str, Any]:
    """Return what JAX is told about the processes; empty lets it look for them."""
    found = _parse(coordinator, process)
    if found is None:
        return {}
    host, port, index, count = found
    # JAX would end the process where these fail.
    if index == 0:
        _check_free(port)
        log.info(f"Waiting for the other processes at {coordinator}")
    else:
        _await(host, port)
    return {
        "coordinator_address": coordinator,
        "num_processes": count,
        "process_id": index,
        "initialization_timeout": _TIMEOUT,
    }


def _check_free(port: int) -> None:
    try:
        with socket.socket() as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.bind(("", port))
    except OSError as error:
        raise ConfigError(
            f"No process can listen at port {port}: {error.strerror}.",
            "Choose another port for --coordinator.",
        ) from None


def _check_host(host: str, port: int) -> None:
    try:
        socket.getaddrinfo(host, port)
    except (OSError, UnicodeError) as error:  # the latter of malformed names
        reason = getattr(error, "strerror", None) or "it is not a name"
        raise ConfigError(
            f"There is no host '{host}': {reason}.",
            "Name in --coordinator the one on which the first process runs.",
        ) from None


def _await(host: str, port: int) -> None:
    """Wait until the first process listens."""
    _check_host(host, port)
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=5).close()
            return
        except OSError:
            time.sleep(1)
    raise ConfigError(
        f"Nobody listens at {host}:{port}.",
        "Start the first process, with --process 0/N, there.",
    )


def _agreed() -> Processes:
    """Return this process among the others, with the name of their run."""
    state = _state()
    processes = Processes(state.process_id, state.num_processes)
    if state.process_id == 0:
        state.client.key_value_set(_RUN, processes.run, allow_overwrite=True)
    run = state.client.blocking_key_value_get(_RUN, 1000 * _TIMEOUT)
    return dataclasses.replace(processes, run=run)


def _state() -> Any:
    """Return what JAX knows of the processes, without asking for its devices."""
    from jax._src import distributed

    return distributed.global_state
