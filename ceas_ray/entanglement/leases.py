"""Who is served together: phases and key slots such that no link, no node and not the hub lends more than it has. Ours.

A route that serves shots takes one channel of each of its links, `slots` memory slots at both ends of each, and one
channel of the hub. So do routes between processors that share a circuit, but the hub drives each link of their group
once, whatever it multiplexes. A key path is a processor's (or replica's) route and a replica's; a driven leg of a
replica takes one channel of the hub, whatever it multiplexes. Every link has `multiplexing` channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ceas_ray.entanglement.plan import Demand, phases
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route


@dataclass
class Load:
    """Leases at one time: channels of every link, memory slots of every node."""

    demand: Demand
    channels: Counter[int] = field(default_factory=Counter)
    slots: Counter[str] = field(default_factory=Counter)

    def lend(self, routes: Sequence[Route], times: int = 1) -> None:
        """Add these routes (or take them away with times = -1)."""
        for route in routes:
            self.channels.update(dict.fromkeys(route.links, 0))
            for link, first, second in zip(route.links, route.nodes, route.nodes[1:], strict=False):
                self.channels[link] += times
                self.slots[first] += times * self.demand.slots
                self.slots[second] += times * self.demand.slots

    @property
    def within_limits(self) -> bool:
        """Whether nothing lends more than it has."""
        most = self.demand.node_slots
        return max(self.channels.values(), default=0) <= self.demand.multiplexing and (
            most is None or max(self.slots.values(), default=0) <= most
        )

    def lends(self, routes: Sequence[Route]) -> bool:
        """Lend them if that stays within the limits; whether it did."""
        self.lend(routes)
        if self.within_limits:
            return True
        self.lend(routes, -1)
        return False

    def or_refuse(self, routes: Sequence[Route]) -> None:
        """Lend what must fit where nothing else is lent; ValueError if it does not."""
        if self.lends(routes):
            return
        alone = Load(self.demand)
        alone.lend(routes)
        raise ValueError(
            f"entanglement.multiplexing must be at least {max(alone.channels.values())} and entanglement.node_slots at "
            f"least {max(alone.slots.values())} for the path {' '.join(' '.join(route.nodes) for route in routes)}, "
            f"got {self.demand.multiplexing} and {self.demand.node_slots}"
        )


@dataclass(frozen=True)
class Phase:
    """Processors that are served together, and the key slot of every path.

    processor_slots: by (processor, replica). replica_slots: by (replica, replica), in the first phase only.
    """

    members: tuple[int, ...]
    processor_slots: dict[tuple[int, int], int]
    replica_slots: dict[tuple[int, int], int]

    @property
    def key_slots(self) -> int:
        """How many key slots there are."""
        return 1 + max([*self.processor_slots.values(), *self.replica_slots.values()])


def plan_phases(network: NetworkPlan, demand: Demand) -> tuple[Phase, ...]:
    """All phases of a round. Raises ValueError if some path cannot be served even alone."""
    groups = phases(network, demand)
    if network.routed or demand.node_slots is not None:
        groups = _packed([k for group in groups for k in group], len(groups[0]), network, demand)
    return tuple(_phase(members, number == 0, network, demand) for number, members in enumerate(groups))


def _packed(order: Sequence[int], size: int, network: NetworkPlan, demand: Demand) -> tuple[tuple[int, ...], ...]:
    """First fit: each processor into the first phase that has room for its route."""
    groups: list[tuple[list[int], Load]] = []
    for k in order:
        routes = list(network.shot_routes(k))
        for members, load in groups:
            if len(members) < size and load.lends(routes):
                members.append(k)
                break
        else:
            load = Load(demand)
            load.or_refuse(routes)
            groups.append(([k], load))
    return tuple(tuple(members) for members, _ in groups)


def _phase(members: tuple[int, ...], with_replicas: bool, network: NetworkPlan, demand: Demand) -> Phase:
    """Key slots: the processor with place m meets replica j in slot j - m, replicas i and j in slot i + j (modulo their
    number), which is all that a star needs; where that slot has no room, in the next one that has.
    """
    legs, replicas = network.replica_routes, len(network.replica_routes)
    loads: list[Load] = []
    busy: set[tuple[int, int]] = set()

    def place(wanted: int, routes: Sequence[Route], processor: int | None) -> int:
        slot = wanted
        while True:
            while slot >= len(loads):
                loads.append(Load(demand))
            if (slot, processor) not in busy:
                empty = not loads[slot].channels
                if empty:
                    loads[slot].or_refuse(routes)
                if empty or loads[slot].lends(routes):
                    if processor is not None:
                        busy.add((slot, processor))
                    return slot
            slot += 1

    between = {}
    if with_replicas:
        for i in range(replicas):
            for j in range(i + 1, replicas):
                between[i, j] = place((i + j) % replicas, [legs[i], legs[j]], None)
    mine = {}
    for number, k in enumerate(members):
        for turn in range(replicas):
            j = (number + turn) % replicas
            mine[k, j] = place(turn, [network.processor_routes[k], legs[j]], k)
    phase = Phase(members, mine, between)
    assert_within_limits(phase, network, demand)
    return phase


def assert_within_limits(phase: Phase, network: NetworkPlan, demand: Demand) -> None:
    """Count all leases of a phase again, from the finished plan."""
    legs = network.replica_routes
    driven = sum(network.hub_channels(k) for k in phase.members) if network.groups else len(phase.members)
    assert driven + len(legs) <= demand.hub_channels, "leases exceed the hub's channels"
    during_shots = Load(demand)
    during_shots.lend([route for k in phase.members for route in network.shot_routes(k)])
    slots = [Load(demand) for _ in range(phase.key_slots)]
    for (k, j), slot in phase.processor_slots.items():
        slots[slot].lend([network.processor_routes[k], legs[j]])
    for (i, j), slot in phase.replica_slots.items():
        slots[slot].lend([legs[i], legs[j]])
    assert all(load.within_limits for load in (during_shots, *slots)), (
        "leases exceed a link's channels or a node's slots"
    )
