"""What hosts ask the machines of a cluster for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ceas_ray.runtime.failure import RuntimeFailure

HOST_BYTES = 200 * 2**20
"""What one host process is counted with: a bare Ray actor has 66 MB, with the engines and a share of a world 120."""
MAX_AUTOMATIC_HOSTS = 32
LIGHT, LIGHT_CPUS = ("replicas", "entanglement_manager"), 0.25
"""Kinds of hosts that compute little beside the others, and what they ask for at most."""
_STEPS_OF_A_CPU = 10_000
"""Ray counts parts of a CPU in such steps."""


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


def requests_of(hosts: Sequence[str], machines: Sequence[Machine]) -> dict[str, Request]:
    """What each host asks the cluster for: a CPU, or the largest part of one (1/2, 1/3, ...) that lets all hosts fit.

    Hosts of kinds that are light ask for less. Whatever the number of hosts, they fit on these machines together if
    nobody else is there, whichever of them comes first and wherever it goes. Raises RuntimeFailure, with what fits, if
    the machines' memory cannot hold the hosts.
    """
    candidates = usable(machines)
    if not candidates:
        raise RuntimeFailure("runtime.address must be a cluster with a living machine, got one with none")
    if sum(machine.room for machine in candidates) < len(hosts):
        room = ", ".join(f"{machine.name}: {machine.room}" for machine in candidates)
        raise RuntimeFailure(
            f"runtime.processor_hosts and runtime.link_hosts must be such that the cluster's memory holds all "
            f"hosts ({room} of {HOST_BYTES >> 20} MB each), got {len(hosts)} hosts"
        )
    parts = next((n for n in range(1, len(hosts) + 1) if _fitting(candidates, n) >= len(hosts)), None)
    share = 0.0 if parts is None else int(_STEPS_OF_A_CPU / parts) / _STEPS_OF_A_CPU
    asked = {True: min(share, LIGHT_CPUS), False: share}
    return {host: Request(asked[host.partition("/")[0] in LIGHT], HOST_BYTES) for host in hosts}


def _fitting(machines: Sequence[Machine], parts: int) -> int:
    """How many hosts fit that ask for 1 / parts of a CPU each."""
    return sum(min(int(machine.processors * parts), machine.room) for machine in machines)
