"""The managers of a blueprint's links, with those who jam their fibres or lie about their tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ceas_ray.kernel.actor import Actor
from ceas_ray.links.jammed_link import JammedLink
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.messages.payloads import processor_link_name, replica_link_name, replica_name
from ceas_ray.network.group import ProcessorGroup
from ceas_ray.network.parallel_routes import ParallelRoutes
from ceas_ray.network.route import Route
from ceas_ray.processors.false_announcements import FalseAnnouncements
from ceas_ray.world.blueprint import Blueprint
from ceas_ray.world.times import control_delay

_Several = ProcessorGroup | ParallelRoutes


def link_managers_of(blueprint: Blueprint) -> tuple[Actor, ...]:
    """Return the managers of the routes to every party, then to every replica."""
    settings, network = blueprint.settings, blueprint.network
    jammed = _jammed_parties(blueprint)
    several: tuple[_Several, ...] = (*network.groups, *network.parallel)
    made: list[Actor] = []
    for k, route in enumerate(network.processor_routes):
        served = several[k] if several else None
        if k in jammed:
            share = 1 - settings.attacks.jammed_share
            route, served = _weakened(route, share), _all_weakened(served, share)
        manager = _manager(blueprint, processor_link_name(k), route=route, party=k, served=served)
        if k in blueprint.byzantine:
            revealed = settings.entanglement.test_announcements == "after_reveal"
            manager = FalseAnnouncements(manager, blueprint.policies.announcer, revealed, blueprint.streams)
        made.append(manager)
    for j, route in enumerate(network.replica_routes):
        made.append(_manager(blueprint, replica_link_name(j), route=route, party=None, served=None))
    return tuple(_on_jammed_fibre(blueprint, manager) for manager in made)


def _manager(blueprint: Blueprint, name: str, *, route: Route, party: int | None, served: _Several | None) -> Actor:
    network, owner = blueprint.network, name.removeprefix("link/")
    first = 0 if party is not None else int(owner.removeprefix("replica/")) + 1  # two replicas share one path
    peers = [replica_name(j) for j in range(first, len(network.replica_routes))]
    key_routes = {peer: network.key_route(owner, peer) for peer in peers}
    return LinkManager(
        name,
        route,
        key_routes=key_routes,
        processor=party,
        report_delay=control_delay(blueprint.settings),
        streams=blueprint.streams,
        served=served,
    )


def _jammed_parties(blueprint: Blueprint) -> tuple[int, ...]:
    """Return the honest parties whose links the attack jams: the best ones, as many as there are colluders."""
    if blueprint.settings.attacks.jammed_share == 0:
        return ()
    best_first = np.argsort(-blueprint.link_quality, kind="stable")
    honest = [int(k) for k in best_first if k not in blueprint.byzantine]
    return tuple(honest[: len(blueprint.byzantine)])


def _weakened(route: Route, share: float) -> Route:
    """Return the same route, on which only this share of the attempts that would succeed do."""
    legs = (replace(leg, success_probability=leg.success_probability * share) for leg in route.legs)
    return replace(route, legs=tuple(legs))


def _all_weakened(served: _Several | None, share: float) -> _Several | None:
    """Return the same with `_weakened` routes."""
    match served:
        case ProcessorGroup(routes=parts):
            return replace(served, routes=tuple(replace(part, route=_weakened(part.route, share)) for part in parts))
        case ParallelRoutes(routes=routes):
            return replace(served, routes=tuple(_weakened(route, share) for route in routes))
    return None


def _on_jammed_fibre(blueprint: Blueprint, manager: Actor) -> Actor:
    """Return the link manager, wrapped by a jammer of the pairs that its keys are distilled from, if there is one."""
    jamming = blueprint.settings.consensus.jamming
    if jamming is None:
        return manager
    members = frozenset(map(replica_name, jamming.replicas))
    return JammedLink(manager, members, first=jamming.first_round, last=jamming.last_round, refills=jamming.refills)
