"""Leases: phases and key slots that say who is served together, so that no link, no node and no hub lends more than it
has. Ours.

A route that serves shots takes one channel of each of its links, `slots` memory slots at both ends of each, and one
channel of the hub. So do routes between processors that share a circuit, and routes in parallel to one processor, but
the hub drives each link of theirs once, whatever it multiplexes. A key path is a processor's (or replica's) route and a
replica's; a driven leg of a replica takes one channel of the hub, whatever it multiplexes. Every link has
`multiplexing` channels.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, chain

from ceas_ray.entanglement.demand import Demand, phases
from ceas_ray.entanglement.key_paths import KeyPath
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route


@dataclass(frozen=True)
class Lease:
    """The resources that some routes take at a time: channels of links, memory slots of nodes."""

    channels: tuple[tuple[int, int], ...]
    slots: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, routes: Iterable[Route], demand: Demand) -> Lease:
        """Return the lease of all these routes at once: a channel of every link of each, and memory slots at both ends
        of the link.
        """
        channels: Counter[int] = Counter()
        slots: Counter[str] = Counter()
        for route in routes:
            channels.update(route.links)
            for ends in zip(route.nodes, route.nodes[1:], strict=False):
                slots.update(dict.fromkeys(ends, demand.slots))
        return cls(tuple(channels.items()), tuple(slots.items()))

    def times(self, demand: Demand) -> int:
        """Return the least number of times that all links and nodes must lend everything they have, to lend this in
        parts.
        """
        channels = max(number for _, number in self.channels) / demand.multiplexing
        slots = max(number for _, number in self.slots)
        return math.ceil(max(channels, 0 if demand.node_slots is None else slots / demand.node_slots))

    def fits(self, demand: Demand) -> bool:
        """Return whether every link and node has what this lease takes from it, if it lends nothing else."""
        return Load(demand).lends(self)


@dataclass
class Load:
    """Leases at one time: channels of every link, memory slots of every node."""

    demand: Demand
    channels: Counter[int] = field(default_factory=Counter)
    slots: Counter[str] = field(default_factory=Counter)

    def lends(self, lease: Lease) -> bool:
        """Lend this too, unless some link or node would then lend more than it has. Return whether it was lent."""
        node_slots, multiplexing = self.demand.node_slots, self.demand.multiplexing
        if any(self.channels[link] + more > multiplexing for link, more in lease.channels):
            return False
        if node_slots is not None and any(self.slots[node] + more > node_slots for node, more in lease.slots):
            return False
        for link, more in lease.channels:
            self.channels[link] += more
        for node, more in lease.slots:
            self.slots[node] += more
        return True

    def refuse_overload(self, routes: Sequence[Route]) -> None:
        """Lend this where nothing else is lent; raise ValueError if it does not fit even so."""
        lease = Lease.of(routes, self.demand)
        if self.lends(lease):
            return
        raise ValueError(
            f"entanglement.multiplexing must be at least {max(n for _, n in lease.channels)} and "
            f"entanglement.node_slots at least {max(n for _, n in lease.slots)} for the path "
            f"{' '.join(' '.join(route.nodes) for route in routes)}, "
            f"got {self.demand.multiplexing} and {self.demand.node_slots}"
        )


@dataclass(frozen=True)
class ServicePhase:
    """Processors that are served together, and the key slot of every path.

    processor_slots: by (processor, replica). replica_slots: by (replica, replica), in the first phase only.
    replica_turns: by (replica, replica) too, the turn in which both distil beside the shots, when their legs have
    nothing else to do, if shots last for long enough; none where shots leave no room for them.
    """

    members: tuple[int, ...]
    processor_slots: dict[tuple[int, int], int]
    replica_slots: dict[tuple[int, int], int]
    replica_turns: dict[tuple[int, int], int]

    @property
    def key_slots(self) -> int:
        """Return how many key slots there are."""
        return 1 + max([*self.processor_slots.values(), *self.replica_slots.values()])

    @cached_property
    def paths_of_slots(self) -> tuple[tuple[KeyPath, ...], ...]:
        """Return the paths of every key slot."""
        of_processors = ((KeyPath(processor_name(k), j), slot) for (k, j), slot in self.processor_slots.items())
        of_replicas = ((KeyPath(replica_name(i), j), slot) for (i, j), slot in self.replica_slots.items())
        return _by_time(chain(of_processors, of_replicas))

    @cached_property
    def paths_of_turns(self) -> tuple[tuple[KeyPath, ...], ...]:
        """Return the paths of every turn beside the shots."""
        return _by_time((KeyPath(replica_name(i), j), turn) for (i, j), turn in self.replica_turns.items())


def _by_time(paths: Iterable[tuple[KeyPath, int]]) -> tuple[tuple[KeyPath, ...], ...]:
    """Return the paths of every slot or turn, given that of each path."""
    found: dict[int, list[KeyPath]] = {}
    for path, number in paths:
        found.setdefault(number, []).append(path)
    return tuple(tuple(found.get(number, ())) for number in range(1 + max(found, default=-1)))


def turns_within(lengths: Iterable[float], time: float) -> int:
    """Return how many turns, one after the other, are over within a time."""
    return bisect_right(list(accumulate(lengths)), time)


def places_of(network: NetworkPlan, demand: Demand) -> tuple[int, ...]:
    """Return the place of every processor among those that are served together. Raises ValueError as `phases` does."""
    places = {k: place for members in _served_together(network, demand) for place, k in enumerate(members)}
    return tuple(places[k] for k in range(len(places)))


def plan_phases(network: NetworkPlan, demand: Demand) -> tuple[ServicePhase, ...]:
    """Return all phases of a round. Raises ValueError if some path cannot be served even alone."""
    groups = _served_together(network, demand)
    return tuple(_phase(members, number == 0, network, demand) for number, members in enumerate(groups))


def estimated_phases(network: NetworkPlan, demand: Demand) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Return who is served in each phase and the least number of key slots: from sums of leases, as if they packed
    well.

    For many paths, whose plan takes long. Raises ValueError as `phases` does.
    """
    groups = phases(network, demand)
    legs = network.replica_routes
    order = [k for group in groups for k in group]
    shots = Lease.of((route for k in order for route in network.shot_routes(k)), demand)
    size = math.ceil(len(order) / max(len(groups), shots.times(demand)))
    found = []
    for start in range(0, len(order), size):
        members = order[start : start + size]
        paths = [network.processor_routes[k] for k in members for _ in legs] + [leg for leg in legs for _ in members]
        if start == 0:
            paths += [leg for leg in legs for _ in legs[1:]]
        found.append((tuple(members), max(len(legs), Lease.of(paths, demand).times(demand))))
    return tuple(found)


def refuse_unlendable(network: NetworkPlan, demand: Demand) -> None:
    """Raise ValueError, as `plan_phases` does, if some path cannot be served even alone."""
    phases(network, demand)
    legs, parties = network.replica_routes, range(len(network.processor_routes))
    for k in parties:
        Load(demand).refuse_overload(network.shot_routes(k))
    for i, leg in enumerate(legs):
        for other in (*legs[i + 1 :], *(network.processor_routes[k] for k in parties)):
            Load(demand).refuse_overload([leg, other])


def _served_together(network: NetworkPlan, demand: Demand) -> tuple[tuple[int, ...], ...]:
    groups = phases(network, demand)
    return _packed([k for group in groups for k in group], len(groups[0]), network, demand)


def _packed(order: Sequence[int], size: int, network: NetworkPlan, demand: Demand) -> tuple[tuple[int, ...], ...]:
    """Pack by first fit: each processor into the first phase that has room for its route."""
    groups: list[tuple[list[int], Load]] = []
    full: Counter[Lease] = Counter()  # phases from the first on that had no room for such a lease, and never will
    for k in order:
        routes = network.shot_routes(k)
        lease = Lease.of(routes, demand)
        while full[lease] < len(groups):
            members, load = groups[full[lease]]
            if len(members) < size and load.lends(lease):
                members.append(k)
                break
            full[lease] += 1
        else:
            load = Load(demand)
            load.refuse_overload(routes)
            groups.append(([k], load))
    return tuple(tuple(members) for members, _ in groups)


class _Slots:
    """Slots one after the other, made as they are needed, in which paths are lent what they take."""

    def __init__(self, demand: Demand, beside: Sequence[Route] = ()) -> None:
        """beside: routes that lend what they take in every slot. Raises ValueError if they lend too much."""
        self._demand, self._beside = demand, beside
        self._loads: list[Load] = []
        self._busy: set[tuple[int, int]] = set()
        self._full: dict[Lease, set[int]] = {}  # slots that had no room for such a lease, and never will

    def place(self, wanted: int, routes: Sequence[Route], processor: int | None = None) -> int:
        """Return the first slot from `wanted` on that has room; a processor is in a slot once. Raises ValueError if
        even an empty one has none.
        """
        slot, lease = wanted, Lease.of(routes, self._demand)
        without_room = self._full.setdefault(lease, set())
        while True:
            while slot >= len(self._loads):
                self._loads.append(Load(self._demand))
                if self._beside:
                    self._loads[-1].refuse_overload(self._beside)
            if slot not in without_room and (processor is None or (slot, processor) not in self._busy):
                if not self._loads[slot].channels:
                    self._loads[slot].refuse_overload(routes)
                elif not self._loads[slot].lends(lease):
                    without_room.add(slot)
                if slot not in without_room:
                    if processor is not None:
                        self._busy.add((slot, processor))
                    return slot
            slot += 1


def _phase(members: tuple[int, ...], with_replicas: bool, network: NetworkPlan, demand: Demand) -> ServicePhase:
    """Return a phase with its key slots: the processor with place m meets replica j in slot j - m, replicas i and j in
    slot i + j (modulo their number), which is all that a star needs; where that slot has no room, in the next one that
    has. Beside shots, replicas i and j have turn i + j likewise.
    """
    legs, replicas = network.replica_routes, len(network.replica_routes)
    slots, between, turns = _Slots(demand), {}, {}
    if with_replicas:
        served = [route for k in members for route in network.shot_routes(k)]
        beside = _Slots(demand, served)
        for i in range(replicas):
            for j in range(i + 1, replicas):
                between[i, j] = slots.place((i + j) % replicas, [legs[i], legs[j]])
                if Lease.of([*served, legs[i], legs[j]], demand).fits(demand):
                    turns[i, j] = beside.place((i + j) % replicas, [legs[i], legs[j]])
    mine = {}
    for number, k in enumerate(members):
        for turn in range(replicas):
            j = (number + turn) % replicas
            mine[k, j] = slots.place(turn, [network.processor_routes[k], legs[j]], k)
    phase = ServicePhase(members, mine, between, turns)
    assert_within_limits(phase, network, demand)
    return phase


def assert_within_limits(phase: ServicePhase, network: NetworkPlan, demand: Demand) -> None:
    """Count all leases of a phase again, from the finished plan."""
    legs = network.replica_routes
    driven = sum(network.hub_channels(k) for k in phase.members)
    assert driven + len(legs) <= demand.hub_channels, "leases exceed the hub's channels"
    shots = [route for k in phase.members for route in network.shot_routes(k)]
    beside = [list(shots) for _ in range(1 + max(phase.replica_turns.values(), default=0))]
    for (i, j), turn in phase.replica_turns.items():
        beside[turn] += [legs[i], legs[j]]
    at_once: list[list[Route]] = [[] for _ in range(phase.key_slots)]
    for (k, j), slot in phase.processor_slots.items():
        at_once[slot] += [network.processor_routes[k], legs[j]]
    for (i, j), slot in phase.replica_slots.items():
        at_once[slot] += [legs[i], legs[j]]
    assert all(Lease.of(routes, demand).fits(demand) for routes in (*beside, *at_once)), (
        "leases exceed a link's channels or a node's slots"
    )
