"""The runtime on Ray. The only module that imports it; the Ray classes are shells that decide nothing.

Call `prepare_ray_environment` before this module is imported.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray import cloudpickle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from threadpoolctl import threadpool_limits

from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.host import Host, HostStatus, WindowReply
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.failure import HostLost, RuntimeFailure, one_line
from ceas_ray.runtime.known_answers import first_difference, known_answers
from ceas_ray.runtime.placement import Machine, placed
from ceas_ray.runtime.temporary_folder import temporary_folder

_LOCAL_OBJECT_STORE_BYTES = 100 * 2**20
_WATCH = "watch"
_LOOK_SECONDS = 1.0
_START_SECONDS = 120.0
_WARM_UP_SECONDS = 300.0


class _HostShell:
    """What every Ray actor here is: one host of simulated actors. Set `num_cpus=0`: hosts share what a machine has."""

    def __init__(self, packed_host: bytes) -> None:
        """packed_host: pickled by us, because arrays that Ray itself carries arrive read-only."""
        host: Host = cloudpickle.loads(packed_host)
        self._host = host
        host.measure_work_with(time.perf_counter)
        threadpool_limits(1)

    @ray.method(concurrency_group=_WATCH)
    def progress(self) -> int:
        """How many envelopes were handled and blocks of work done; answered by a thread of its own."""
        return self._host.progress

    def introduce(self) -> tuple[str, dict[str, str]]:
        """The machine's name, and its known answers (which compiles what the host will need)."""
        return socket.gethostname(), known_answers()

    def directory(self) -> dict[str, tuple[int, int]]:
        """See `Cluster`."""
        return self._host.directory()

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> HostStatus:
        """See `Cluster`."""
        return self._host.connect(placement, lookahead_of_host)

    def step(self, request: WindowRequest) -> tuple[WindowReply, float]:
        """One window, and the seconds that it took here."""
        started = time.perf_counter()
        reply = self._host.step(request.window, request.horizon, request.mail)
        return reply, time.perf_counter() - started

    def snapshot(self) -> dict[str, Any]:
        """See `Cluster`."""
        return self._host.snapshot()

    def restore(self, actors: Mapping[str, Any]) -> None:
        """See `Cluster`."""
        self._host.restore(actors)


class ProcessorHost(_HostShell):
    """Hosts quantum processors."""


class LinkHost(_HostShell):
    """Hosts link managers."""


class ReplicaHost(_HostShell):
    """Hosts the consensus replicas: together, so that a whole agreement is one call."""


class EntanglementManagerHost(_HostShell):
    """Hosts the entanglement manager, the hub, and the adversary that moves the Byzantine processors."""


_SHELLS: Mapping[str, type[_HostShell]] = {
    "processors": ProcessorHost,
    "links": LinkHost,
    "replicas": ReplicaHost,
    "entanglement_manager": EntanglementManagerHost,
}
"""The Ray class for each kind of host; a host's name is its kind, with /number where there are several."""


@contextmanager
def ray_cluster(
    address: str | None, processors: int, dashboard: bool, allow_open_cluster: bool = False
) -> Iterator[tuple[Machine, ...]]:
    """Connect to the Ray cluster at `address`, or start one here; yields its machines.

    Leaves no process and no file of a cluster that it started, whatever happens, a kill of this process included.
    Raises RuntimeFailure for a cluster that is not there, of another version, or open to everybody beyond this machine.
    """
    common: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    if address is not None:
        _require_reachable(address)
        _refuse_wrong_token(address)
        with _connected(common | {"address": address}, f"the one at {address}"):
            if not allow_open_cluster:
                _refuse_open_cluster(ray.get_runtime_context().gcs_address)
            yield living_machines()
        return
    with temporary_folder() as folder:
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
    try:
        try:
            ray.init(**arguments)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise RuntimeFailure(
                f"runtime.address must be null or host:port of a cluster; {where} refused or did not answer: "
                f"{one_line(error)}"
            ) from error
        yield
    finally:
        ray.shutdown()


def living_machines() -> tuple[Machine, ...]:
    """The machines that the cluster takes for alive."""
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


class RayCluster:
    """A `Cluster` of Ray actors, one per host; one batched call to each host and window.

    A host that died, hangs or cannot be reached raises HostLost; `rebuild` makes all hosts anew on what is left.
    """

    def __init__(self, hosts: Sequence[Host], allow_mixed_hosts: bool, hang_seconds: float = 10.0) -> None:
        """Start an actor for every host and check that all machines compute the same bits."""
        self.seconds_by_host: dict[str, float] = {}
        self.seconds_in_calls = self.seconds_on_critical_path = 0.0
        self._packed = {host.name: cloudpickle.dumps(host) for host in hosts}
        self._allow_mixed_hosts, self._hang_seconds = allow_mixed_hosts, hang_seconds
        self._avoided: set[str] = set()
        self._generation = 0
        self._shells: dict[str, Any] = {}
        self.plan: dict[str, Machine] = {}
        self.machines: tuple[str, ...] = ()
        self.mixed = False
        self._start()

    def rebuild(self) -> None:
        """All hosts anew, in the state in which they were given, on the machines that are left (not one that stopped
        to answer, if there is another). Raises HostLost if one is lost again, RuntimeFailure if there is no room.
        """
        for shell in self._shells.values():
            ray.kill(shell, no_restart=True)
        self._generation += 1
        self._start()

    def _start(self) -> None:
        alive = living_machines()
        trusted = tuple(machine for machine in alive if machine.node not in self._avoided)
        self.plan = placed(list(self._packed), trusted or alive)
        self._shells, self._warm = {}, False
        self._longest_step: dict[str, float] = {}
        suffix = f"~{self._generation}" if self._generation else ""
        for name, packed in self._packed.items():
            shell = ray.remote(concurrency_groups={_WATCH: 1})(_SHELLS[name.partition("/")[0]])
            where = NodeAffinitySchedulingStrategy(self.plan[name].node, soft=False)
            options = shell.options(name=name + suffix, num_cpus=0, max_restarts=0, scheduling_strategy=where)
            self._shells[name] = options.remote(packed)
        self._introduce()

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return self._ask("directory", dict.fromkeys(self._shells, ()))

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return self._ask("connect", dict.fromkeys(self._shells, (placement, lookahead_of_host)))

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        """See `Cluster`."""
        started = time.perf_counter()
        replies = self._ask("step", {name: (request,) for name, request in requests.items()})
        self.seconds_in_calls += time.perf_counter() - started
        self.seconds_on_critical_path += max(spent for _, spent in replies.values())
        for name, (reply, spent) in replies.items():
            self.seconds_by_host[name] = self.seconds_by_host.get(name, 0.0) + spent
            self._longest_step[name] = max(self._longest_step.get(name, 0.0), spent)
            self._warm = self._warm or reply.mark is not None
        return {name: reply for name, (reply, _) in replies.items()}

    def snapshot(self) -> dict[str, Any]:
        """See `Cluster`."""
        parts = self._ask("snapshot", dict.fromkeys(self._shells, ()))
        return {actor: part for host in parts.values() for actor, part in host.items()}

    def restore(self, actors: Mapping[str, Any]) -> None:
        """See `Cluster`."""
        self._ask("restore", dict.fromkeys(self._shells, (actors,)))

    def _introduce(self) -> None:
        """Note whether some host's known answers differ from this process's; RuntimeFailure where not allowed."""
        expected = known_answers()
        answers = self._ask("introduce", dict.fromkeys(self._shells, ()), starting=True)
        self.machines = tuple(sorted({machine for machine, _ in answers.values()}))
        for host, (machine, found) in answers.items():
            difference = first_difference(expected, found)
            if difference is not None and not self._allow_mixed_hosts:
                raise RuntimeFailure(
                    f"machine {machine} (host {host}) would compute other bits: {difference}; "
                    "runtime.allow_mixed_hosts=true runs it all the same and marks the run"
                )
        self.mixed = self.mixed or any(found != expected for _, found in answers.values())

    def _ask(self, method: str, arguments: Mapping[str, tuple[Any, ...]], starting: bool = False) -> dict[str, Any]:
        """The answers of all named hosts; every method may be asked twice, so an unsure call is made again."""
        calls = {name: getattr(self._shells[name], method).remote(*given) for name, given in arguments.items()}
        watch = _Watch(time.monotonic())
        while True:
            try:
                return dict(zip(calls, ray.get(list(calls.values()), timeout=_LOOK_SECONDS), strict=True))
            except ray.exceptions.GetTimeoutError:
                self._look(calls, watch, starting)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, SimulationError):
                    raise error.cause from None
                raise
            except ray.exceptions.ActorUnavailableError:
                self._look(calls, watch, starting)
                time.sleep(_LOOK_SECONDS / 4)
                for name, given in arguments.items():
                    if _is_unavailable(calls[name]):  # it may have been executed: hosts know a window by its number
                        calls[name] = getattr(self._shells[name], method).remote(*given)
            except ray.exceptions.RayError as error:
                raise HostLost(self._lost(calls, error)) from error

    def _look(self, calls: Mapping[str, Any], watch: _Watch, starting: bool) -> None:
        """Raise HostLost for a host that has not answered and stands still for too long."""
        now = time.monotonic()
        if starting:
            if now - watch.since > _START_SECONDS:
                raise HostLost(f"hosts did not start within {_START_SECONDS:.0f} s")
            return
        for name, call in calls.items():
            if ray.wait([call], timeout=0)[0]:
                continue
            answered = watch.answered(name, self._shells[name], now)
            still = now - watch.changed.get(name, watch.since)
            if not answered and now - watch.heard.get(name, watch.since) > self._hang_seconds:
                self._avoided.add(self.plan[name].node)
                raise HostLost(f"host {name} on machine {self.plan[name].name} gave no sign for {still:.0f} s")
            if still > self._patience(name):
                raise HostLost(f"host {name} on machine {self.plan[name].name} stood still for {still:.0f} s")

    def _patience(self, name: str) -> float:
        """Seconds without progress: while it still compiles more, and more if its longest step took long."""
        if not self._warm:
            return max(_WARM_UP_SECONDS, self._hang_seconds)
        return max(self._hang_seconds, 5.0 * self._longest_step.get(name, 0.0))

    def _lost(self, calls: Mapping[str, Any], error: BaseException) -> str:
        """Which hosts are lost, in one line."""
        lost = []
        for name, call in calls.items():
            if ray.wait([call], timeout=0)[0]:
                try:
                    ray.get(call)
                except ray.exceptions.RayError:
                    lost.append(name)
        alive = {machine.node for machine in living_machines()}
        gone = sorted({self.plan[name].name for name in lost if self.plan[name].node not in alive})
        machine = f" with machine {', '.join(gone)}" if gone else ""
        where = sorted({self.plan[name].name for name in lost})
        return f"host {', '.join(lost) or '?'} on {', '.join(where)} was lost{machine}: {type(error).__name__}"


class _Watch:
    """What the hosts' second threads said while one call was waited for."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.changed: dict[str, float] = {}
        self.heard: dict[str, float] = {}
        self._last: dict[str, int] = {}
        self._asked: dict[str, Any] = {}

    def answered(self, name: str, shell: Any, now: float) -> bool:
        """Whether the host answered what it was asked the last time; asks it again."""
        if name not in self._asked:
            self._asked[name] = shell.progress.remote()
            return False
        if not ray.wait([self._asked[name]], timeout=0)[0]:
            return False
        try:
            progress = ray.get(self._asked[name])
        except ray.exceptions.RayError:
            progress = None  # the call itself will say what happened to the host
        self._asked[name] = shell.progress.remote()
        if progress is None:
            return False
        self.heard[name] = now
        if progress != self._last.get(name):
            self._last[name], self.changed[name] = progress, now
        return True


def _is_unavailable(call: Any) -> bool:
    if not ray.wait([call], timeout=0)[0]:
        return False
    try:
        ray.get(call)
    except ray.exceptions.ActorUnavailableError:
        return True
    except ray.exceptions.RayError:
        return False
    return False


@contextmanager
def empty_actors(count: int) -> Iterator[None]:
    """As many Ray actors that do nothing: the floor to compare memory with. Within `ray_cluster`."""
    shell = ray.remote(_Empty)
    actors = [shell.options(num_cpus=0).remote() for _ in range(count)]
    ray.get([actor.ready.remote() for actor in actors])
    yield


class _Empty:
    """Does nothing."""

    def ready(self) -> bool:
        """It is there."""
        return True


def _require_reachable(address: str) -> None:
    """Refuse an address at which nothing listens at once: Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        raise RuntimeFailure(
            f"runtime.address must be host:port of a reachable Ray cluster, got {address!r}: {one_line(error)}"
        ) from error


def _refuse_wrong_token(address: str) -> None:
    """RuntimeFailure, at once, if a cluster does not take this process's token: Ray would try it twenty times."""
    if address != "auto" and _asked(address, os.environ) == "unauthenticated":
        raise RuntimeFailure(
            f"RAY_AUTH_TOKEN must be the token of the cluster at {address} (with RAY_AUTH_MODE=token), "
            f"which refused the one of this process"
        )


def _refuse_open_cluster(address: str) -> None:
    """RuntimeFailure if a cluster beyond loopback answers a process that has no token."""
    host = address.rpartition(":")[0]
    if host in ("localhost", "") or host.startswith("127."):
        return
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    if _asked(address, bare | {"RAY_AUTH_MODE": "disabled"}) == "open":
        raise RuntimeFailure(
            f"runtime.address must be a cluster that requires a token (RAY_AUTH_MODE=token on every machine), got "
            f"{address}, which anybody may use; runtime.allow_open_cluster=true uses it all the same"
        )


_ASK = """
import sys
from ray._raylet import GcsClient
GcsClient(address=sys.argv[1]).internal_kv_keys(b"", None, 10)
print("open", flush=True)
"""


def _asked(address: str, environment: Mapping[str, str]) -> str:
    """What a cluster says to a process of this environment: open, unauthenticated, or nothing known.

    Ray reads tokens once in a process, so that it takes another one to ask.
    """
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, "-c", _ASK, address], env=dict(environment), **pipes) as asking:
        assert asking.stdout is not None
        said = next((line for line in asking.stdout if line == "open\n" or "Unauthenticated" in line), "")
        asking.kill()
    return "unauthenticated" if "Unauthenticated" in said else said.strip() or "unknown"
