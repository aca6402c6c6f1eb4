"""A simulation's hosts as Ray actors: started, called, watched, and made anew when they are lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import ray

from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.window_reply import HostStatus
from ceas_ray.kernel.windows import WindowRequest
from ceas_ray.runtime.failure import HostLost, RuntimeFailure
from ceas_ray.runtime.packed_cluster import HostsToStart, PackedReply, Placement
from ceas_ray.runtime.platform_fingerprint import first_difference
from ceas_ray.runtime.ray_runtime.connection import living_machines, name_of_task
from ceas_ray.runtime.ray_runtime.own_node import OwnNode
from ceas_ray.runtime.ray_runtime.room import Patience, Room, claimed_room
from ceas_ray.runtime.ray_runtime.shells import SHELLS, WATCH
from ceas_ray.runtime.ray_runtime.watch import Watch, failure_of

_LOOK_SECONDS = 1.0
_START_SECONDS = 120.0
_WARM_UP_SECONDS = 300.0
_UNSURE = (ray.exceptions.GetTimeoutError, ray.exceptions.ActorUnavailableError)
"""Errors after which a host may still answer."""


class RayHosts:
    """Hosts as Ray actors, within `ray_cluster`, with one batched call for each host and window.

    A host that died, hangs or cannot be reached raises HostLost; `rebuild` makes all hosts anew on what is left.
    """

    def __init__(self, hosts: HostsToStart, say: Callable[[str], None]) -> None:
        """Start an actor for every host and check that all machines compute the same bits.

        say: takes a line, now and then, while there is no room yet.
        """
        self._hosts, self._patience_for_room = hosts, Patience(hosts.wait_seconds, say)
        self._avoided: set[str] = set()
        self._room: Room | None = None
        self._node = OwnNode()
        self._generation = 0
        self._shells: dict[str, Any] = {}
        self.placement = Placement({}, (), mixed=False)
        self._start()

    def rebuild(self) -> None:
        """Make all hosts anew, in the state in which they were given, on the machines that are left (not one that
        stopped answering, if there is another). Raises HostLost if one is lost again, RuntimeFailure if there is no
        room.
        """
        self.close()
        self._generation += 1
        self._start()

    def close(self) -> None:
        """End all hosts, and release the room that they had."""
        for shell in self._shells.values():
            ray.kill(shell, no_restart=True)
        if self._room is not None:
            self._room.give_back()
            self._room = None

    def _start(self) -> None:
        self._shells, self._warm = {}, False
        self._room = claimed_room(self._hosts.shares, frozenset(self._avoided), self._patience_for_room)
        self._plan = self._room.machines
        self._longest_step: dict[str, float] = {}
        suffix = f"~{self._generation}" if self._generation else ""
        if name_of_task() is not None:  # others of the same sweep have hosts too
            suffix += f"@{name_of_task()}"
        for name, packed in self._hosts.packed.items():
            shell = ray.remote(concurrency_groups={WATCH: 1})(SHELLS[name.partition("/")[0]])
            options = shell.options(
                **self._room.options(name),
                name=name + suffix,
                max_restarts=0,
                enable_task_events=False,  # the head would keep an entry for each of 100,000 calls: 200 MB
            )
            self._shells[name] = options.remote(packed)
        self._watch = Watch(self._shells)
        self._introduce()

    def directory(self) -> dict[str, dict[str, tuple[int, int]]]:
        """See `Cluster`."""
        return self._ask("directory", dict.fromkeys(self._shells, ()))

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> dict[str, HostStatus]:
        """See `Cluster`."""
        return self._ask("connect", dict.fromkeys(self._shells, (placement, lookahead_of_host)))

    def step(self, requests: Mapping[str, WindowRequest]) -> dict[str, PackedReply]:
        """See `Cluster`."""
        replies: dict[str, PackedReply] = self._ask("step", {name: (request,) for name, request in requests.items()})
        for name, reply in replies.items():
            self._longest_step[name] = max(self._longest_step.get(name, 0.0), reply.seconds)
            self._warm = self._warm or reply.ends_round
        return replies

    def accounts(self) -> dict[str, dict[str, int]]:
        """See `Cluster`."""
        parts = self._ask("accounts", dict.fromkeys(self._shells, ()))
        return {actor: totals for host in parts.values() for actor, totals in host.items()}

    def snapshot(self) -> list[bytes]:
        """See `PackedHosts`."""
        return list(self._ask("snapshot", dict.fromkeys(self._shells, ())).values())

    def restore(self, packed_actors: bytes) -> None:
        """See `Cluster`."""
        self._ask("restore", dict.fromkeys(self._shells, (packed_actors,)))

    def _introduce(self) -> None:
        """Note whether some host's fingerprint differs from this process's; raises RuntimeFailure where not allowed."""
        expected = self._hosts.fingerprint
        answers = self._ask("introduce", dict.fromkeys(self._shells, ()), starting=True)
        machines = tuple(sorted({machine for machine, _ in answers.values()}))
        for host, (machine, found) in answers.items():
            difference = first_difference(expected, found)
            if difference is not None and not self._hosts.allow_mixed_hosts:
                raise RuntimeFailure(
                    f"machine {machine} (host {host}) would compute other bits: {difference}; "
                    "runtime.allow_mixed_hosts=true runs it all the same and marks the run"
                )
        mixed = self.placement.mixed or any(found != expected for _, found in answers.values())
        self.placement = Placement(self._plan, machines, mixed)

    def _ask(self, method: str, arguments: Mapping[str, tuple[Any, ...]], starting: bool = False) -> dict[str, Any]:
        """Return the answers of all named hosts. A call with an unknown outcome is repeated, as every method allows."""
        self._node.require_alive()
        calls = {name: getattr(self._shells[name], method).remote(*given) for name, given in arguments.items()}
        self._watch.begin()
        while True:
            try:
                answers = ray.get(list(calls.values()), timeout=_LOOK_SECONDS)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, SimulationError | PolicyError):
                    raise error.cause from None
                raise
            except ray.exceptions.RayError as error:
                self._node.require_alive()
                if not isinstance(error, _UNSURE):
                    raise self._lost(calls, error) from error
                self._look(calls, starting)
                if isinstance(error, ray.exceptions.ActorUnavailableError):
                    self._call_again(method, arguments, calls)
            else:
                self._watch.replied(calls)
                return dict(zip(calls, answers, strict=True))

    def _call_again(self, method: str, arguments: Mapping[str, tuple[Any, ...]], calls: dict[str, Any]) -> None:
        """Repeat the calls to hosts that were not available. A host knows a window that it has executed already."""
        time.sleep(_LOOK_SECONDS / 4)
        for name, given in arguments.items():
            if isinstance(failure_of(calls[name]), ray.exceptions.ActorUnavailableError):
                calls[name] = getattr(self._shells[name], method).remote(*given)

    def _look(self, calls: Mapping[str, Any], starting: bool) -> None:
        """Raise HostLost for a host that has not answered and has made no progress for too long."""
        now = time.monotonic()
        if starting:
            self._look_at_start(now)
            return
        for name, call in calls.items():
            if ray.wait([call], timeout=0)[0]:
                continue
            silent, still = self._watch.look(name, now)
            where, within = f"host {name} on machine {self._plan[name].name}", self._watch.silent_seconds(name, now)
            if silent > self._hosts.hang_seconds:
                self._avoided.add(self._plan[name].node)
                raise HostLost(f"{where} gave no sign for {silent:.0f} s", within)
            if still > self._patience(name):
                raise HostLost(f"{where} stood still for {still:.0f} s", still)

    def _look_at_start(self, now: float) -> None:
        """Raise HostLost if hosts take too long to start, or were to start on a machine that is lost: Ray would wait
        for another one to take its place.
        """
        alive = {machine.node for machine in living_machines()}
        gone = sorted({machine.name for machine in self._plan.values() if machine.node not in alive})
        if gone:
            raise HostLost(f"machine {', '.join(gone)} was lost as hosts started there")
        if now - self._watch.began > _START_SECONDS:
            raise HostLost(f"hosts did not start within {_START_SECONDS:.0f} s")

    def _patience(self, name: str) -> float:
        """Return for how many seconds a host may make no progress: for longer while it still compiles, and if its
        longest step took long.
        """
        if not self._warm:
            return max(_WARM_UP_SECONDS, self._hosts.hang_seconds)
        return max(self._hosts.hang_seconds, 5.0 * self._longest_step.get(name, 0.0))

    def _lost(self, calls: Mapping[str, Any], error: BaseException) -> HostLost:
        """Return the error that names the lost hosts in one line."""
        now, lost = time.monotonic(), [name for name, call in calls.items() if failure_of(call) is not None]
        alive = {machine.node for machine in living_machines()}
        gone = sorted({self._plan[name].name for name in lost if self._plan[name].node not in alive})
        machine = f" with machine {', '.join(gone)}" if gone else ""
        where = sorted({self._plan[name].name for name in lost})
        return HostLost(
            f"host {', '.join(lost) or '?'} on {', '.join(where)} was lost{machine}: {type(error).__name__}",
            max((self._watch.silent_seconds(name, now) for name in lost), default=None),
        )
