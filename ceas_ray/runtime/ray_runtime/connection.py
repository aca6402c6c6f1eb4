"""Connecting to a Ray cluster, or starting one of this machine alone."""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import ray
from ray._private import services
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

from ceas_ray.runtime.failure import RuntimeFailure, one_line
from ceas_ray.runtime.placement import Machine
from ceas_ray.runtime.ray_environment import authentication, outside_of_job
from ceas_ray.runtime.ray_runtime.access import refuse_open_cluster, require_ray, require_reachable
from ceas_ray.runtime.temporary_folder import temporary_folder

_LOCAL_OBJECT_STORE_BYTES = 100 * 2**20
_ANSWER_SECONDS = 0.005
_TASK: ContextVar[str | None] = ContextVar("task", default=None)


def _print(line: str) -> None:
    print(line, file=sys.stderr)


@contextmanager
def ray_cluster(
    address: str | None,
    processors: int,
    dashboard: bool,
    allow_open_cluster: bool = False,
    *,
    warn: Callable[[str], object] = _print,
) -> Iterator[tuple[Machine, ...]]:
    """Connect to the Ray cluster at `address`, or start one here; yield its machines. A task stays on its own cluster.

    warn: takes a line about a cluster that anybody may use, where that is allowed.

    Leaves no process and no file of a cluster that it started, whatever happens, a kill of this process included.
    Raises RuntimeFailure for a cluster that is not there, of another version, or open to everybody beyond this machine.
    """
    if name_of_task() is not None:
        yield living_machines()
        return
    if ray.is_initialized():
        raise RuntimeFailure("runtime=ray must have Ray to itself in a process; call ray.shutdown() before")
    common: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    if address is not None:
        require_reachable(address)
        require_ray(address)
        with _connected(common | {"address": address}, f"the one at {address}"):
            if not allow_open_cluster:
                refuse_open_cluster(ray.get_runtime_context().gcs_address, warn)
            yield living_machines()
        return
    with outside_of_job(), temporary_folder() as folder:
        common |= {
            "address": "local",
            "num_cpus": processors,
            "include_dashboard": dashboard,
            "object_store_memory": _LOCAL_OBJECT_STORE_BYTES,
            "_temp_dir": str(folder),
        }
        with _connected(common, "one on this machine"):
            yield living_machines()


@contextmanager
def _connected(arguments: Mapping[str, Any], where: str) -> Iterator[None]:
    with authentication(arguments["address"] == "local", _read_authentication):
        try:
            try:
                with _own_answer_to_signals(), _groups_of_their_own():
                    ray.init(**arguments)
            except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
                raise RuntimeFailure(
                    f"runtime.address must be null or host:port of a cluster; {where} refused or did not answer: "
                    f"{one_line(error)}"
                ) from error
            yield
        finally:
            _shut_down()


def _read_authentication() -> None:
    """Make Ray read mode and token from the environment as it is now.

    It keeps those that it read when it was imported, perhaps by somebody else, or those of the cluster before this one.
    """
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def _own_answer_to_signals() -> Iterator[None]:
    """Restore our handler of SIGTERM, which Ray replaces as it starts; make the exit by Ray's handler an interrupt."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _groups_of_their_own() -> Iterator[None]:
    """Let each process that Ray starts have a process group of its own.

    A signal to the group of this process, as `timeout` and shells send it, reaches this process alone, and its hosts
    live to give a last snapshot.
    """
    before = services.ConsolePopen
    services.ConsolePopen = partial(before, process_group=0)  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        services.ConsolePopen = before  # type: ignore[misc]


def _shut_down() -> None:
    """Shut Ray down. On the way Ray makes SIGTERM deadly for good, so our handler is set again and again meanwhile.

    An interrupt waits until it is over, because Ray would abort if its shutdown were left halfway.
    """
    if threading.current_thread() is not threading.main_thread():
        ray.shutdown()
        return
    answer, interrupted = signal.getsignal(signal.SIGTERM), False
    ending = threading.Thread(target=ray.shutdown, daemon=True)
    ending.start()
    while ending.is_alive():
        try:
            signal.signal(signal.SIGTERM, answer)
            ending.join(_ANSWER_SECONDS)
        except KeyboardInterrupt:
            interrupted = True
    signal.signal(signal.SIGTERM, answer)
    if interrupted:
        raise KeyboardInterrupt


@contextmanager
def task() -> Iterator[None]:
    """Note that this process is a worker that runs a job of a sweep, under a name that no other job has."""
    before = _TASK.set(secrets.token_hex(8))
    try:
        yield
    finally:
        _TASK.reset(before)


def name_of_task() -> str | None:
    """Return the name of the job that this process runs for a sweep; None where it conducts its cluster itself."""
    return _TASK.get()


def living_machines() -> tuple[Machine, ...]:
    """Return the machines that the cluster considers alive."""
    return tuple(
        Machine(
            node["NodeID"],
            node["NodeManagerHostname"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("memory", 0.0),
        )
        for node in ray.nodes()
        if node["Alive"]
    )
