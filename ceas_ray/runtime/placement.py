"""The CPUs and the memory that hosts ask the machines of a cluster for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ceas_ray.runtime.failure import RuntimeFailure

HOST_BYTES = 200 * 2**20
"""Memory reserved for a host process: a bare Ray actor takes 66 MB; with the engines and a share of a world, 120 MB."""
MAX_AUTOMATIC_HOSTS = 32
HOST_SECONDS = 0.015
"""What one more host costs in a round, in seconds as forecasts count them, which is up to five times what is measured:
calls, and messages that no longer stay within a process.
"""
LIGHT_CPUS = 0.05
"""Minimum that a host asks for where there is room, because it answers calls even if it computes nothing."""
_STEPS_OF_A_CPU = 10_000
"""Number of steps in which Ray counts the parts of a CPU."""


@dataclass(frozen=True)
class Machine:
    """A living machine of the cluster that may run hosts."""

    node: str
    name: str
    processors: float
    memory_bytes: float

    @property
    def room(self) -> int:
        """Return how many hosts its memory holds."""
        return int(self.memory_bytes // HOST_BYTES)


@dataclass(frozen=True)
class Request:
    """What one host asks the cluster for."""

    cpus: float
    memory_bytes: int


def usable(machines: Sequence[Machine]) -> tuple[Machine, ...]:
    """Return the machines that offer CPUs (a head node often offers none), in a fixed order; all if none does."""
    ordered = tuple(sorted(machines, key=lambda machine: (machine.name, machine.node)))
    return tuple(machine for machine in ordered if machine.processors >= 1) or ordered


def automatic_hosts(machines: Sequence[Machine], processors: int) -> int:
    """Return how many hosts of simulated processors to make where settings leave it open: one per CPU."""
    offered = int(sum(machine.processors for machine in usable(machines)))
    return max(1, min(offered, processors, MAX_AUTOMATIC_HOSTS))


def automatic_link_hosts(machines: Sequence[Machine], seconds_of_round: float, other_hosts: int) -> int:
    """Return how many hosts of link managers make a round shortest, where settings leave it open.

    They compute at the same time, and each costs `HOST_SECONDS`. There are at most as many as the machines have CPUs,
    and as their memory holds beside the other hosts. seconds_of_round: what all links compute in a round.
    """
    candidates = usable(machines)
    offered = int(sum(machine.processors for machine in candidates))
    room = sum(machine.room for machine in candidates) - other_hosts
    most = max(1, min(offered, room, MAX_AUTOMATIC_HOSTS))
    return min(range(1, most + 1), key=lambda hosts: seconds_of_round / hosts + HOST_SECONDS * hosts)


def busy_shares(seconds_of_round: Mapping[str, float], hosts: Sequence[str]) -> dict[str, float]:
    """Return the share of a CPU that each host keeps busy, by the work of its kind.

    The phases of a round follow each other: a host computes while hosts of other kinds wait for it. Hosts of processors
    compute all at the same time, and ask for a whole CPU each. seconds_of_round: what all hosts of a kind compute in a
    round, by kind.
    """
    kinds = [_kind(host) for host in hosts]
    own = {host: seconds_of_round[kind] / kinds.count(kind) for host, kind in zip(hosts, kinds, strict=True)}
    whole = sum(seconds_of_round[kind] / kinds.count(kind) for kind in set(kinds)) or 1.0
    return {host: 1.0 if _kind(host) == "processors" else max(LIGHT_CPUS, own[host] / whole) for host in hosts}


def requests_of(shares: Mapping[str, float], machines: Sequence[Machine]) -> dict[str, Request]:
    """Return what each host asks the cluster for: its share of a CPU, or the largest part of it with which all fit.

    All are reduced by the same factor. However many they are, all hosts fit on these machines if nobody else
    uses them, in whatever order they come and wherever each of them goes.

    shares: CPUs that each host keeps busy, at most 1 (see `busy_shares`). Raises RuntimeFailure, with what fits, if
    the machines' memory cannot hold the hosts.
    """
    candidates = usable(machines)
    if not candidates:
        raise RuntimeFailure("runtime.address must be a cluster with a living machine, got one with none")
    if sum(machine.room for machine in candidates) < len(shares):
        room = ", ".join(f"{machine.name}: {machine.room}" for machine in candidates)
        raise RuntimeFailure(
            f"runtime.processor_hosts and runtime.link_hosts must be such that the cluster's memory holds all "
            f"hosts ({room} of {HOST_BYTES >> 20} MB each), got {len(shares)} hosts"
        )
    larger = range(1, _STEPS_OF_A_CPU + 1)
    factor = bisect_left(larger, True, key=lambda factor: not _fit(_reduced(shares, factor), candidates))
    steps = _reduced(shares, factor)
    return {host: Request(steps[host] / _STEPS_OF_A_CPU, HOST_BYTES) for host in shares}


def _kind(host: str) -> str:
    return host.partition("/")[0]


def _reduced(shares: Mapping[str, float], factor: int) -> dict[str, int]:
    """Return the shares times factor / _STEPS_OF_A_CPU, in steps of a CPU."""
    return {host: int(share * factor) for host, share in shares.items()}


def _fit(steps: Mapping[str, int], machines: Sequence[Machine]) -> bool:
    """Return whether hosts that ask for these steps of a CPU fit in any order, each on any machine that has room for
    it.

    They do if machines have as many places of the largest request as there are hosts. Where no machine's memory can be
    full, they also do if the other hosts together ask for less than what keeps a host from every machine.
    """
    offered = [int(machine.processors * _STEPS_OF_A_CPU) for machine in machines]
    largest, total = max(steps.values()), sum(steps.values())
    if largest == 0:
        return True
    places = sum(min(cpus // largest, machine.room) for cpus, machine in zip(offered, machines, strict=True))
    if places >= len(steps):
        return True
    if largest > max(offered) or any(machine.room < len(steps) for machine in machines):
        return False
    return all(total - asked <= sum(max(0, cpus - asked) for cpus in offered) for asked in set(steps.values()))
