"""The placement of hosts on machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ceas_ray.runtime.failure import RuntimeFailure

HOST_BYTES = 200 * 2**20
"""What one host process is counted with: a bare Ray actor has 66 MB, with the engines and a share of a world 120."""
MAX_AUTOMATIC_HOSTS = 32


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


def usable(machines: Sequence[Machine]) -> tuple[Machine, ...]:
    """Return the machines that offer CPUs (a head node often offers none), in a fixed order; all if none does."""
    ordered = tuple(sorted(machines, key=lambda machine: (machine.name, machine.node)))
    return tuple(machine for machine in ordered if machine.processors >= 1) or ordered


def automatic_hosts(machines: Sequence[Machine], processors: int) -> int:
    """Return how many hosts of simulated processors to make where settings leave it open: one per CPU."""
    offered = int(sum(machine.processors for machine in usable(machines)))
    return max(1, min(offered, processors, MAX_AUTOMATIC_HOSTS))


def assign_hosts(hosts: Sequence[str], machines: Sequence[Machine]) -> dict[str, Machine]:
    """A machine for each host: the one with the fewest hosts per CPU so far that has memory for one more.

    Raises RuntimeFailure, with what fits, if the cluster cannot hold the hosts.
    """
    candidates = usable(machines)
    if not candidates:
        raise RuntimeFailure("runtime.address must be a cluster with a living machine, got one with none")
    counts = dict.fromkeys(candidates, 0)
    plan: dict[str, Machine] = {}
    for host in hosts:
        free = [machine for machine in candidates if counts[machine] < machine.room]
        if not free:
            room = ", ".join(f"{machine.name}: {machine.room}" for machine in candidates)
            raise RuntimeFailure(
                f"runtime.processor_hosts and runtime.link_hosts must be such that the cluster's memory holds all "
                f"hosts ({room} of {HOST_BYTES >> 20} MB each), got {len(hosts)} hosts"
            )
        chosen = min(free, key=lambda machine: (counts[machine] + 1) / max(machine.processors, 1.0))
        plan[host] = chosen
        counts[chosen] += 1
    return plan
