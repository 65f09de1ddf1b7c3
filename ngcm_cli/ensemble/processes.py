"""The processes that share an ensemble, on one machine or many."""

import dataclasses
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

_SHARE = re.compile(r"(\d{1,5})/(\d{1,5})")
_PATIENCE = 300  # seconds until everyone must be there
_RUN = "ngcm/run"


@dataclasses.dataclass(frozen=True)
class Processes:
    """Those that run the same command.

    Attributes:
        index: of this one.
        count: of all.
        run: a name for what they do together, which no other run has.
    """

    index: int = 0
    count: int = 1
    run: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)


def join(coordinator: str | None = None, share: str | None = None) -> Processes:
    """Find the other processes; before anything else asks JAX for its devices.

    `jax.distributed` finds them, and they agree on a name for the run. Then each is by
    itself again: nothing is computed together, so none has to wait for another, or to
    die with it; and XLA, which lets processes that stay together tune their programs
    together, does not wait in one for a program that another does not have.

    Args:
        coordinator: HOST:PORT at which the first process listens; None lets JAX look
            for SLURM, Cloud TPU and the like, and is alone if there is none.
        share: which process this is, of how many, as 0/2; with a coordinator only.

    Raises:
        ConfigError: the two do not fit together, or nobody is there.
    """
    if jax.distributed.is_initialized():  # by a program that uses this library
        return _introduced()
    meeting = _by_hand(coordinator, share)
    # Its answer to SIGTERM would take the place of ours.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(**meeting)
        return _introduced()
    except Exception as error:
        # There is no cluster; or, in a notebook, JAX is at work already.
        alone = "coordinator_address", "must be called before"
        if not meeting and any(words in str(error) for words in alone):
            return Processes()
        if not meeting and "KUBERNETES_SERVICE_HOST" in os.environ:
            return Processes()  # in a pod that may not ask for the others
        if not isinstance(error, ValueError | RuntimeError):
            raise
        raise ConfigError(
            f"The processes do not find each other: {error}",
            "Start them anew, all with the same --coordinator.",
        ) from error
    finally:
        if jax.distributed.is_initialized():
            jax.distributed.shutdown()
        state = _state()  # or the devices of this process would be one's among others
        state.process_id, state.num_processes = 0, 1


def _by_hand(coordinator: str | None, share: str | None) -> dict[str, Any]:
    """What to tell JAX about the processes; nothing lets it look for them."""
    if (coordinator is None) != (share is None):
        raise ConfigError(
            "Processes that find each other by hand need both --coordinator and "
            "--process.",
            "Write --coordinator HOST:PORT --process 0/2, and 1/2 for the other one.",
        )
    if coordinator is None or share is None:
        return {}
    match = _SHARE.fullmatch(share.strip())
    index, count = map(int, match.groups()) if match else (0, 0)
    if not index < count:
        raise ConfigError(
            f"'{share}' is not one of several processes.",
            "Write 0/2 for the first of two, and 1/2 for the second.",
        )
    host, _, port = coordinator.rpartition(":")
    if not (host and re.fullmatch(r"\d{1,5}", port) and 0 < int(port) < 2**16):
        raise ConfigError(
            f"'{coordinator}' is not the address of a coordinator.",
            "Write HOST:PORT, the same for all processes.",
        )
    # JAX would end the process where these fail.
    if index == 0:
        _check_free(int(port))
        log.info(f"Waiting for the other processes at {coordinator}")
    else:
        _await(host, int(port))
    return {
        "coordinator_address": coordinator,
        "num_processes": count,
        "process_id": index,
        "initialization_timeout": _PATIENCE,
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


def _await(host: str, port: int) -> None:
    """Until the first process listens."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=5).close()
            return
        except socket.gaierror as error:
            raise ConfigError(
                f"There is no host '{host}': {error.strerror}.",
                "Name in --coordinator the one on which the first process runs.",
            ) from None
        except OSError:
            time.sleep(1)
    raise ConfigError(
        f"Nobody listens at {host}:{port}.",
        "Start the first process, with --process 0/N, there.",
    )


def _introduced() -> Processes:
    """This process among the others, with a name for what they do."""
    state = _state()
    processes = Processes(state.process_id, state.num_processes)
    if state.process_id == 0:
        state.client.key_value_set(_RUN, processes.run, allow_overwrite=True)
    run = state.client.blocking_key_value_get(_RUN, 1000 * _PATIENCE)
    return dataclasses.replace(processes, run=run)


def _state() -> Any:
    """What JAX knows of the processes, without asking for its devices."""
    from jax._src import distributed

    return distributed.global_state
