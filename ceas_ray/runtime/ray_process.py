"""A command's side of the process that speaks with Ray for it.

Ray ends the process in which it was initialised, and prints pages, when the head or this machine's raylet has been gone
for a minute. It is therefore initialised in a process of its own, which a run or a sweep outlives.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from ceas_ray.kernel.window_reply import HostStatus
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.failure import ClusterLost
from ceas_ray.runtime.packed_cluster import HostsToStart, PackedReply, Placement
from ceas_ray.runtime.placement import Machine
from ceas_ray.runtime.ray_greeting import HeadWatch

_PROGRAM = (
    "import sys; from multiprocessing.connection import Connection; connection = Connection(int(sys.argv[1])); "
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

    Every method raises ClusterLost as soon as the cluster or the process is lost; then only `end` may be called.
    """

    def __init__(self, access: ClusterAccess, silence_seconds: float, say: Callable[[str], None]) -> None:
        """Start the process and open the cluster.

        silence_seconds: longest time without a sign of life of the head. say: takes lines for the console.

        Raises RuntimeFailure if the cluster cannot be reached or started.
        """
        self._say, self._lost = say, ""
        self._silent_seconds: float | None = None
        ours, theirs = socket.socketpair()
        with theirs:
            nowhere: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            words = [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno())]
            self._connection = Connection(ours.detach())
            self._process = subprocess.Popen(words, pass_fds=[theirs.fileno()], process_group=0, **nowhere)
        self._watch: HeadWatch | None = None
        self.placement = Placement({}, (), mixed=False)
        try:
            self._connection.send((sys.path, sys.argv))
            self.opened: Opened = self.call("open", access)
        except BaseException:
            self.end()
            raise
        self._address = self.opened.address if access.address in (None, "auto") else str(access.address)
        self._watch = HeadWatch(self._address, silence_seconds, self._head_is_lost)

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
        interrupted = False
        while self._process.poll() is None:
            try:
                self._process.wait()
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            raise KeyboardInterrupt

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of `Service` in the process; return what it returns, and raise what it raises."""
        try:
            self._connection.send((method, arguments))
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
