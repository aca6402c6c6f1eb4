"""The room that a run has on a cluster: one placement group, all or nothing, which `ray status` shows to others."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray import PlacementGroupID
from ray._private.state import state
from ray.util import placement_group, placement_group_table, remove_placement_group
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from ceas_ray.runtime.failure import HostLost, RuntimeFailure
from ceas_ray.runtime.placement import Machine, Request, requests_of
from ceas_ray.runtime.ray_runtime.connection import living_machines
from ceas_ray.runtime.ray_runtime.own_node import OwnNode

_LOOK_SECONDS = 1
_SAY_AFTER_SECONDS, _SAY_AGAIN_FACTOR = 2.0, 3.0
_NODE_ID = "ray.io/node-id"
"""Ray's label of a machine's id."""
_NAME = "ceas_ray_"
"""What the names of all our groups begin with."""
_JOB_DIGITS = 8
"""Number of hexadecimal digits at the end of a group's id that are the id of the job that made it."""


@dataclass(frozen=True)
class Patience:
    """How long a run waits for room (None: no limit), and what takes lines about that."""

    seconds: float | None
    say: Callable[[str], None]


@dataclass(frozen=True)
class Room:
    """A placement group with a bundle for every host. machines: where these are. Ray removes it with its driver."""

    group: Any
    requests: Mapping[str, Request]
    machines: Mapping[str, Machine]

    def options(self, host: str) -> dict[str, Any]:
        """Return the options of a host's Ray actor, so that it uses the room that is reserved for it."""
        bundle = list(self.requests).index(host)
        request = self.requests[host]
        where = PlacementGroupSchedulingStrategy(self.group, placement_group_bundle_index=bundle)
        return {"num_cpus": request.cpus, "memory": request.memory_bytes, "scheduling_strategy": where}

    def give_back(self) -> None:
        """Release the room. What runs in it is killed."""
        remove_placement_group(self.group)


def claimed_room(shares: Mapping[str, float], avoided: frozenset[str], patience: Patience) -> Room:
    """Claim room for all hosts and wait for it.

    shares: CPUs that each host keeps busy. avoided: ids of machines to leave out, if there are others.

    Raises RuntimeFailure if the cluster cannot hold the hosts, or has no room for them in time.
    """
    began, node = time.monotonic(), OwnNode()
    while True:
        machines = living_machines()
        trusted = tuple(machine for machine in machines if machine.node not in avoided)
        requests = requests_of(shares, trusted or machines)
        group = _group(requests, avoided if trusted else frozenset())
        try:
            for _ in _until_changed(machines, requests, began=began, patience=patience, node=node):
                if group.wait(_LOOK_SECONDS):
                    return Room(group, requests, _places(group, requests))
                _give_back_for_the_dead()
        except BaseException:
            remove_placement_group(group)
            raise
        remove_placement_group(group)


def _group(requests: Mapping[str, Request], avoided: frozenset[str]) -> Any:
    bundles = [{"CPU": request.cpus, "memory": request.memory_bytes} for request in requests.values()]
    bundles = [{name: amount for name, amount in bundle.items() if amount > 0} for bundle in bundles]
    selector = {_NODE_ID: f"!in({','.join(sorted(avoided))})"} if avoided else {}
    name = _NAME + secrets.token_hex(8)  # Ray does not make two groups of one name
    return placement_group(bundles, strategy="SPREAD", name=name, bundle_label_selector=[selector] * len(bundles))


def _give_back_for_the_dead() -> None:
    """Release the room of runs whose driver Ray considers dead.

    Ray does so itself when it notices the death, but a driver whose machine was cut off may claim room just afterwards,
    which would be kept for ever.
    """
    dead = {job["JobID"] for job in state.job_table() if job["IsDead"]}
    for group, about in placement_group_table().items():
        if about["name"].startswith(_NAME) and about["state"] != "REMOVED" and group[-_JOB_DIGITS:] in dead:
            remove_placement_group(PlacementGroup(PlacementGroupID(bytes.fromhex(group))))


def _until_changed(
    machines: Sequence[Machine], requests: Mapping[str, Request], *, began: float, patience: Patience, node: OwnNode
) -> Iterator[None]:
    """Yield as long as the cluster has these machines, and say now and then what is waited for."""
    say_after = max(_SAY_AFTER_SECONDS, time.monotonic() - began)
    while {machine.node for machine in living_machines()} == {machine.node for machine in machines}:
        yield
        node.require_alive()
        waited = time.monotonic() - began
        if patience.seconds is not None and waited > patience.seconds:
            limit = f"runtime.wait_seconds={patience.seconds:g} has passed"
            raise RuntimeFailure(f"the cluster has no room for this run and {limit}: {_wanted(requests)}")
        if waited > say_after:
            most = "" if patience.seconds is None else f" of at most {patience.seconds:g}"
            patience.say(f"waiting for room on the cluster for {waited:.0f} s{most}: {_wanted(requests)}")
            say_after = _SAY_AGAIN_FACTOR * waited


def _wanted(requests: Mapping[str, Request]) -> str:
    """Return in words what a run needs and what is free."""
    cpus, memory = sum(r.cpus for r in requests.values()), sum(r.memory_bytes for r in requests.values())
    largest, free = max(r.cpus for r in requests.values()), ray.available_resources()
    return (
        f"needed are {cpus:g} CPUs and {memory / 1e9:.2g} GB for {len(requests)} hosts of up to {largest:g} CPUs, "
        f"free are {free.get('CPU', 0.0):g} CPUs and {free.get('memory', 0.0) / 1e9:.2g} GB"
    )


def _places(group: Any, requests: Mapping[str, Request]) -> dict[str, Machine]:
    nodes = placement_group_table(group)["bundles_to_node_id"]
    alive = {machine.node: machine for machine in living_machines()}
    if not all(nodes.get(bundle) in alive for bundle in range(len(requests))):
        raise HostLost("a machine was lost as hosts were about to start there")
    return {host: alive[nodes[bundle]] for bundle, host in enumerate(requests)}
