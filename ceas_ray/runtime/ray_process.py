"""A command's side of the process that speaks with Ray for it.

Ray ends the process in which it was initialised, and prints pages, when the head or this machine's raylet has been gone
for a minute. It is therefore initialised in a process of its own, which a run or a sweep outlives.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import cloudpickle

from ceas_ray.kernel.window_reply import HostStatus
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.child_process import start_child
from ceas_ray.runtime.failure import ClusterLost
from ceas_ray.runtime.packed_cluster import HostsToStart, PackedReply, Placement
from ceas_ray.runtime.placement import Machine
from ceas_ray.runtime.process_end import interrupted_while_ending
from ceas_ray.runtime.ray_greeting import HeadWatch

_PROGRAM = (
    "sys.path[:], sys.argv[:] = connection.recv(); "
    "from ceas_ray.runtime.ray_runtime.served import serve; serve(connection)"
)
_KILL_SECONDS = 5.0


@dataclass(frozen=True)
class ClusterAccess:
    """How to reach a cluster. address: host:port of one that runs, or auto; None: one is started on this machine,
    with this many CPUs (processors) and, if wanted, a dashboard.
    """

    address: str | None
    processors: int
    dashboard: bool
    allow_open_cluster: bool


class Opened(NamedTuple):
    """An open cluster: its machines, host:port of its head, and warnings about it."""

    machines: tuple[Machine, ...]
    address: str
    warnings: tuple[str, ...]


class RayProcess:
    """A process that is connected to a cluster. Once hosts run there, it is their `PackedHosts`. `RayTasks` uses one.

    It opens the cluster while its owner does other things. What needs the cluster waits for that, and raises
    RuntimeFailure if it cannot be reached or started.

    Every method raises ClusterLost as soon as the cluster or the process is lost; then only `end` may be called.
    """

    def __init__(
        self,
        access: ClusterAccess,
        silence_seconds: float,
        say: Callable[[str], None],
        *,
        warm_up: Callable[[], object] | None = None,
        workers: int = 0,
    ) -> None:
        """Start the process, and let it open the cluster.

        silence_seconds: longest time without a sign of life of the head. say: takes lines for the console; warnings
        about the cluster go there whatever it does with them. warm_up: called in this many workers as soon as the
        cluster is open; what it raises is not heard.
        """
        self._access, self._silence_seconds, self._say, self._lost = access, silence_seconds, say, ""
        self._opened: Opened | None = None
        self._silent_seconds: float | None = None
        self._connection, self._process = start_child(_PROGRAM)
        self._watch: HeadWatch | None = None
        self.placement = Placement({}, (), mixed=False)
        self._send(sys.path, sys.argv)
        self._send("open", (access, None if warm_up is None else cloudpickle.dumps(warm_up), workers))

    @property
    def opened(self) -> Opened:
        """The cluster, once it is open."""
        if self._opened is None:
            self._opened = opened = self._answer()
            for line in opened.warnings:
                print(line, file=sys.stderr)
            given = self._access.address
            self._address = opened.address if given in (None, "auto") else str(given)
            self._watch = HeadWatch(self._address, self._silence_seconds, self._head_is_lost)
        return self._opened

    def start(self, hosts: HostsToStart) -> None:
        """Start the hosts. Raises RuntimeFailure if there is no room for them, or if machines compute other bits."""
        self.placement = self.call("start", hosts)

    def rebuild(self) -> None:
        """See `PackedHosts`."""
        self.placement = self.call("rebuild")

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return self.call("directory")

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return self.call("connect", placement, lookahead_of_host)

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, PackedReply]:
        """See `Cluster`."""
        return self.call("step", requests)

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""
        return self.call("accounts")

    def snapshot(self) -> list[bytes]:
        """See `PackedHosts`."""
        return self.call("snapshot")

    def restore(self, packed_actors: bytes) -> None:
        """See `Cluster`."""
        self.call("restore", packed_actors)

    def close(self) -> None:
        """End all hosts, and the process with them."""
        self.end()

    def end(self) -> None:
        """Let the process release everything and end; kill it if its cluster is lost. An interrupt waits until it has
        ended.
        """
        if self._watch is not None:
            self._watch.stop()
        self._connection.close()
        if self._lost:
            self._process.kill()
        if interrupted_while_ending(self._process):
            raise KeyboardInterrupt

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of `Service` in the process; return what it returns, and raise what it raises."""
        _ = self.opened
        self._send(method, arguments)
        return self._answer()

    def _send(self, *request: Any) -> None:
        with suppress(ConnectionError):  # whoever waits for the answer learns why
            self._connection.send(request)

    def _answer(self) -> Any:
        try:
            while True:
                kind, content = self._connection.recv()
                if kind != "said":
                    break
                self._say(content)
        except (EOFError, ConnectionError):
            raise ClusterLost(self._cause(), self._silent_seconds) from None
        if kind == "returned":
            return content
        if isinstance(content, ClusterLost):
            self._lost = str(content)
        raise content

    def _head_is_lost(self, silent_seconds: float) -> None:
        self._silent_seconds = silent_seconds
        self._lost = f"the Ray cluster at {self._address} is lost: its head gave no sign for {silent_seconds:.0f} s"
        self._process.kill()

    def _cause(self) -> str:
        """Return why the process has ended, and make sure that it has."""
        if not self._lost:
            try:
                code = self._process.wait(_KILL_SECONDS)
            except subprocess.TimeoutExpired:
                code = 0
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            self._lost = f"the Ray cluster is lost: the process here that spoke with it {how}"
        return self._lost
