"""A cluster that may be lost as a whole: a run waits for it, goes on in its own process, or stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeVar

from ceas_ray.kernel.window_reply import HostStatus, WindowReply
from ceas_ray.kernel.windows import Cluster, WindowRequest
from ceas_ray.runtime.failure import ClusterLost, HostLost, RuntimeFailure

OnLostCluster = Literal["wait", "local", "stop"]
"""What to do about a lost cluster: connect again when it is back, go on in this process, or end."""

_AGAIN_SECONDS = 1.0
T = TypeVar("T")


class ClusterElsewhere(Cluster, Protocol):
    """A cluster of other processes: its hosts may be lost (HostLost), and it may be lost itself (ClusterLost)."""

    @property
    def machines(self) -> tuple[str, ...]:
        """Names of the machines that hosts run on."""

    def rebuild(self) -> None:
        """Make all hosts anew, as they first were."""

    def close(self) -> None:
        """End all hosts."""


class ClusterHere(Cluster, Protocol):
    """A cluster that is part of this process."""

    @property
    def machines(self) -> tuple[str, ...]:
        """Name of this machine."""


class ReconnectingCluster:
    """A `Cluster` whose loss counts as a loss of its hosts, HostLost, if the run can go on without it."""

    def __init__(
        self,
        connected: Callable[[], ClusterElsewhere],
        here: Callable[[], ClusterHere],
        *,
        on_lost: OnLostCluster,
        wait_seconds: float | None,
        say: Callable[[str], None],
    ) -> None:
        """connected: returns the cluster, with hosts as they first were; raises RuntimeFailure if that fails. here:
        returns one of this process. wait_seconds: longest wait for the cluster; None: no limit; 0: a single attempt.
        say: takes lines about what is waited for.
        """
        self._connected, self._here = connected, here
        self._on_lost, self._wait_seconds, self._say = on_lost, wait_seconds, say
        self._lost: ClusterLost | None = None
        self._elsewhere: ClusterElsewhere | None = connected()
        self._cluster: ClusterElsewhere | ClusterHere = self._elsewhere

    @property
    def machines(self) -> tuple[str, ...]:
        """Names of the machines that hosts run on."""
        return self._cluster.machines

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return self._called(lambda: self._cluster.directory())

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return self._called(lambda: self._cluster.connect(placement, lookahead_of_host))

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        """See `Cluster`."""
        return self._called(lambda: self._cluster.step(requests))

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""
        return self._called(lambda: self._cluster.accounts())

    def snapshot(self) -> dict[str, Any]:
        """See `Cluster`."""
        return self._called(lambda: self._cluster.snapshot())

    def restore(self, actors: Mapping[str, Any]) -> None:
        """See `Cluster`."""
        self._called(lambda: self._cluster.restore(actors))

    def rebuild(self) -> None:
        """Make all hosts anew: on the cluster as it is, or, if that was lost, where the choice says.

        Raises HostLost if they are lost again, ClusterLost if nothing is left to be done.
        """
        elsewhere = self._elsewhere
        assert elsewhere is not None, "hosts of this process cannot be lost"
        if self._lost is None:
            self._called(elsewhere.rebuild)
            return
        elsewhere.close()
        if self._on_lost == "local":
            self._say("going on in this process (runtime.on_lost_cluster=local)")
            self._elsewhere, self._cluster, self._lost = None, self._here(), None
            return
        self._cluster = self._elsewhere = self._once_it_is_back(self._lost)
        self._lost = None

    def close(self) -> None:
        """End all hosts."""
        if self._elsewhere is not None:
            self._elsewhere.close()

    def _called(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except ClusterLost as lost:
            self._lost = lost
            if self._on_lost == "stop":
                raise
            raise HostLost(str(lost), lost.noticed_within_seconds) from lost

    def _once_it_is_back(self, lost: ClusterLost) -> ClusterElsewhere:
        """Try to connect until it succeeds. Raises ClusterLost when that has taken too long."""
        limit = float("inf") if self._wait_seconds is None else self._wait_seconds
        longest = "" if limit == float("inf") else f" for {limit:g} s at most"
        until, said = time.monotonic() + limit, ""
        while True:
            try:
                return self._connected()
            except RuntimeFailure as failure:
                why = str(failure)
                if time.monotonic() > until:
                    waited = f"; it was not back after {limit:g} s (runtime.wait_seconds)" if limit else ""
                    raise ClusterLost(f"{lost}{waited}: {why}", lost.noticed_within_seconds) from failure
            if why != said:
                self._say(f"waiting{longest} until the cluster is back (runtime.on_lost_cluster=wait): {why}")
                said = why
            time.sleep(_AGAIN_SECONDS)
