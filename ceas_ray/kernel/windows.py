"""Windows: many hosts handle envelopes at the same time, and the result is what one heap would give.

Host h may handle what is strictly before H(h), the least bound B of the *other* hosts (bounds count the envelopes that
are still to be routed); it lowers H(h) itself when it sends to another host. Nothing of the result depends on how many
hosts there are or which was faster; only the number of windows does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ceas_ray.kernel.digest import EMPTY_DIGEST, round_digest
from ceas_ray.kernel.envelope import Mark
from ceas_ray.kernel.mail import Mail
from ceas_ray.kernel.state import restored, saved
from ceas_ray.kernel.time import FOREVER
from ceas_ray.kernel.window_reply import HandledEvent, HostStatus, SimulatedObservation, WindowReply

SNAPSHOT_VERSION = 3


@dataclass(frozen=True)
class WindowRequest:
    """The request to a host for one window."""

    window: int
    horizon: int
    mail: tuple[bytes, ...]


class Cluster(Protocol):
    """The hosts of a simulation, wherever they run. Each method reaches all named hosts at the same time."""

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Return, for each host, its actors in their order with their lookahead and own lookahead."""

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """Tell every host who lives where."""

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, WindowReply]:
        """Run one window on each of the named hosts."""

    def accounts(self) -> dict[str, dict[str, int]]:
        """Return the totals of all actors that have any."""

    def snapshot(self) -> dict[str, Any]:
        """Return the parts of all actors."""

    def restore(self, actors: Mapping[str, Any]) -> None:
        """Give every host the parts of its actors."""


@dataclass(frozen=True, kw_only=True)
class RoundEnd:
    """A round is over on all hosts: `digest` sums up everything that was handled until then.

    accounts: the totals of the actors, as `Actor.accounts` gives them, by the actor's name.
    """

    mark: Mark
    digest: bytes
    observations: tuple[SimulatedObservation, ...]
    accounts: Mapping[str, Mapping[str, int]]
    windows: int
    host_calls: int
    handled: int
    work_seconds: float
    events: tuple[HandledEvent, ...] = ()


class Simulation:
    """Runs a cluster's actors, window by window."""

    def __init__(self, cluster: Cluster, after_window: Callable[[Simulation], None] = lambda _: None) -> None:
        """after_window: is called with this simulation after each window, where `snapshot` may be; what it raises ends
        `rounds`, which goes on from there when it is called again.
        """
        self._cluster, self._after_window = cluster, after_window
        self._window = 0
        self.digest = EMPTY_DIGEST
        self._cap = FOREVER
        self._mark: Mark | None = None
        self._observations: list[SimulatedObservation] = []
        self._events: list[HandledEvent] = []
        self.windows = self.host_calls = self.handled = 0
        self.work_seconds = 0.0
        self._connect()

    def rounds(self) -> Iterator[RoundEnd]:
        """Run; yield at the end of each round, all hosts standing at its mark. Ends when nothing is left to do."""
        while True:
            self._advance(FOREVER)
            if self._mark is None:
                return
            yield self._end_round(self._mark)

    def run_until(self, time: int) -> Iterator[RoundEnd]:
        """Handle all that is strictly before `time`; yield at the end of each round on the way."""
        while True:
            self._advance(time)
            if self._mark is None or self._mark.at > time:
                return
            yield self._end_round(self._mark)

    def observations(self) -> tuple[SimulatedObservation, ...]:
        """Return what was observed since the last round ended, in the total order of time and actor; empties the
        store."""
        found = self.seen()
        self._observations = []
        return found

    def seen(self) -> tuple[SimulatedObservation, ...]:
        """Return what was observed since the last round ended, in the total order of time and actor."""
        return tuple(sorted(self._observations, key=lambda o: (o.time, o.actor)))

    @property
    def now(self) -> int:
        """The simulated time up to which everything was handled, ps; `FOREVER` once nothing is left to do."""
        return min(map(self._next_at, self._names), default=FOREVER)

    def accounts(self) -> dict[str, dict[str, int]]:
        """Return the totals of all actors, where the simulation stopped."""
        return dict(sorted(self._cluster.accounts().items()))

    def snapshot(self) -> dict[str, Any]:
        """Return a consistent cut where `rounds` or `run_until` stopped, or after any window.

        Hosts may stand at different times then: each has handled what was safe, and all else is still unhandled.
        """
        requests = {h: WindowRequest(self._next_window(), 0, tuple(mail)) for h, mail in self._mail.items() if mail}
        self._take(self._cluster.step(requests) if requests else {}, requests)
        return {
            "version": SNAPSHOT_VERSION,
            "digest": self.digest,
            "mark": saved(self._mark),
            "observations": [saved(observation) for observation in self._observations],
            "events": [saved(event) for event in self._events],
            "actors": dict(sorted(self._cluster.snapshot().items())),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a cut, on whatever hosts this simulation has."""
        if snapshot["version"] != SNAPSHOT_VERSION:
            raise ValueError(f"a snapshot must have version {SNAPSHOT_VERSION}, got {snapshot['version']!r}")
        missing = [name for name in sorted(self._lookahead) if name not in snapshot["actors"]]
        if missing or len(self._lookahead) != len(snapshot["actors"]):
            raise ValueError(f"a snapshot must hold this simulation's actors, got others (missing: {missing[:1]})")
        self._cluster.restore(snapshot["actors"])
        self.digest = snapshot["digest"]
        self._mark = None if snapshot["mark"] is None else restored(Mark, snapshot["mark"])
        self._observations = [restored(SimulatedObservation, observed) for observed in snapshot["observations"]]
        self._events = [restored(HandledEvent, event) for event in snapshot["events"]]
        self._connect()

    # --- inside ----------------------------------------------------------

    def _connect(self) -> None:
        directory = self._cluster.directory()
        self._names = {host: tuple(actors) for host, actors in directory.items()}
        self._lookahead = {name: look[0] for actors in directory.values() for name, look in actors.items()}
        placement = {name: host for host, names in self._names.items() for name in names}
        if len(placement) != sum(map(len, self._names.values())):
            raise ValueError("every actor must live on exactly one host")
        lookaheads = {
            host: min((look[0] for look in actors.values()), default=FOREVER) for host, actors in directory.items()
        }
        self._status = self._cluster.connect(placement, lookaheads)
        self._mail: dict[str, list[bytes]] = {host: [] for host in self._names}
        self._arriving: dict[str, dict[str, int]] = {host: {} for host in self._names}

    def _advance(self, limit: int) -> None:
        """Run windows until every host has handled all that is before `limit` and before the mark, if one comes."""
        while True:
            cap = limit if self._mark is None else min(limit, self._mark.at)
            bounds = {host: self._bound(host) for host in self._names}
            requests: dict[str, WindowRequest] = {}
            for host in self._names:
                horizon = min((bounds[other] for other in self._names if other != host), default=FOREVER)
                horizon = min(horizon, cap)
                if self._next_at(host) < horizon:
                    requests[host] = WindowRequest(self._window, horizon, tuple(self._mail[host]))
            if not requests:
                assert all(self._next_at(host) >= cap for host in self._names), "no host may go on, yet work is left"
                return
            self._next_window()
            self.windows += 1
            self.host_calls += len(requests)
            self._take(self._cluster.step(requests), requests)
            self._after_window(self)

    def _next_window(self) -> int:
        self._window += 1
        return self._window - 1

    def _take(self, replies: Mapping[str, WindowReply], requests: Mapping[str, WindowRequest]) -> None:
        for host in requests:
            self._mail[host], self._arriving[host] = [], {}
        for host in sorted(replies):
            reply = replies[host]
            self._status[host] = reply.status
            self._observations += reply.observations
            self._events += reply.events
            self.handled += reply.handled
            self.work_seconds += reply.work_seconds
            if reply.mark is not None:
                assert self._mark is None, "a second mark before the first was reached"
                self._mark = reply.mark
        for host in sorted(replies):
            for target, mail in sorted(replies[host].mail.items()):
                self._route(target, mail)

    def _route(self, target: str, mail: Mail) -> None:
        self._mail[target].append(mail.envelopes)
        arriving = self._arriving[target]
        for receiver, at in mail.earliest.items():
            arriving[receiver] = min(arriving.get(receiver, FOREVER), at)

    def _next_at(self, host: str) -> int:
        return min(self._status[host].next_at, min(self._arriving[host].values(), default=FOREVER))

    def _bound(self, host: str) -> int:
        """Return B(host), the envelopes that are still to be routed included."""
        status, arriving = self._status[host], self._arriving[host]
        if not arriving:
            return status.bound
        promises = dict(zip(self._names[host], status.promises, strict=True))
        new = min(max(promises[name], at + self._lookahead[name]) for name, at in arriving.items())
        return min(status.bound, new)

    def _end_round(self, mark: Mark) -> RoundEnd:
        digests: Sequence[tuple[str, bytes]] = [
            pair for host, names in self._names.items() for pair in zip(names, self._status[host].digests, strict=True)
        ]
        self.digest = round_digest(self.digest, mark.round_index, digests, mark.model)
        end = RoundEnd(
            mark=mark,
            digest=self.digest,
            observations=self.observations(),
            accounts=self.accounts(),
            windows=self.windows,
            host_calls=self.host_calls,
            handled=self.handled,
            work_seconds=self.work_seconds,
            events=tuple(sorted(self._events, key=lambda e: (e.deliver_at, e.sender, e.receiver))),
        )
        self._mark, self._events = None, []
        self.windows = self.host_calls = self.handled = 0
        self.work_seconds = 0.0
        return end
