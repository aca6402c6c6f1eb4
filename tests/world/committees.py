"""Runs of small worlds with a committee, and what its members hold in the end."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np

from ceas_ray.consensus.faults.silent_replica import SilentReplica
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.windows import RoundEnd, Simulation
from ceas_ray.messages.frames import Channel
from ceas_ray.messages.observations import ForgeriesObserved, RoundObserved, StallObserved, WarmUpObserved
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.world import World
from tests.small_worlds import small_world

FAULTS = (
    "silent", "slow", "equivocating", "lying", "poisoned_proposal", "withheld_votes", "forged_tags", "replayed_tags",
)  # fmt: skip
NAMES = {WarmUpObserved: "warm_up", RoundObserved: "round", StallObserved: "stalled", ForgeriesObserved: "forgeries"}
SMALL_COMMITTEE = ("consensus.committee_size=4", "processors.count=5", "training.circuits_per_round=32")


def observations_of(end: RoundEnd) -> list[dict[str, Any]]:
    """What was observed in a round, and its model; without those of gradients, aggregates and progress."""
    return [
        {"name": NAMES[type(o.payload)], **flat(o.payload), "model": end.mark.model}
        for o in end.observations
        if type(o.payload) in NAMES
    ]


def flat(observed: Any) -> dict[str, Any]:
    """Its fields by name, those of its books among them."""
    values = {field.name: getattr(observed, field.name) for field in fields(observed)}
    books = values.pop("books", None)
    return values if books is None else values | flat(books)


def run(*overrides: str) -> tuple[list[dict[str, Any]], Simulation, World]:
    """All that the manager observed until nothing is left to do: a run that does not end by itself fails here."""
    world = small_world(*overrides)
    simulation = Simulation(LocalCluster(world.one_host()))
    found: list[dict[str, Any]] = []
    for end in simulation.rounds():
        found += observations_of(end)
    return found, simulation, world


@cache
def undisturbed(*overrides: str) -> list[dict[str, Any]]:
    """What the manager observes in a run that several tests compare theirs with, not to be changed."""
    return run(*overrides)[0]


def inner(actor: Any) -> Any:
    """What all wrappers hold in the end."""
    for name in ("actor", "replica"):
        while isinstance(wrapped := getattr(actor, name, None), Actor):
            actor = wrapped
    return actor


def models(world: World, count: int) -> set[bytes]:
    """The model states of the first `count` replicas, as bytes."""
    assert not any(isinstance(inner(actor), SilentReplica) for actor in world.replicas[:count])
    return {encode(inner(actor).model.state) for actor in world.replicas[:count]}


def names(found: list[dict[str, Any]]) -> list[str]:
    return [observed["name"] for observed in found]


def channels(world: World) -> dict[tuple[str, str], Channel]:
    """Both ends of every authenticated link: by owner and peer."""
    replicas, processors = ([inner(actor) for actor in actors] for actors in (world.replicas, world.processors))
    names = [actor.name for actor in (*replicas, *processors)]
    ends = {(r.name, name): r.channel(name) for r in replicas for name in names if name != r.name}
    for processor in processors:
        ends |= {(processor.name, peer): channel for peer, channel in processor._channels.items()}
    return ends


def times_of(*overrides: str) -> list[float]:
    """When the warm-up and every round ended, in seconds."""
    simulation = Simulation(LocalCluster(small_world(*overrides).one_host()))
    ends = (WarmUpObserved, RoundObserved)
    return [o.time * 1e-12 for end in simulation.rounds() for o in end.observations if isinstance(o.payload, ends)]


def same_on_any_hosts(*overrides: str) -> None:
    def ends(simulation: Simulation) -> list[tuple[bytes, bytes]]:
        return [(end.digest, np.asarray(end.mark.model).tobytes()) for end in simulation.rounds()]

    one = ends(Simulation(LocalCluster(small_world(*overrides).one_host())))
    assert ends(Simulation(LocalCluster(small_world(*overrides).hosts(2, 2)))) == one
    first = Simulation(LocalCluster(small_world(*overrides).hosts(3, 1)))
    start = small_world(*overrides)
    before = [next(first.rounds())]
    second = Simulation(LocalCluster(start.one_host()))
    second.restore(decode(encode(first.snapshot())))
    assert [(end.digest, np.asarray(end.mark.model).tobytes()) for end in before] + ends(second) == one


def key_bits_spent(simulation: Simulation) -> int:
    """By all senders."""
    return sum(sum(totals.values()) for totals in simulation.accounts().values())
