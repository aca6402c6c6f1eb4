"""A tiny deterministic network for voting alone: every message takes one Delta (or a random time)."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.safety_rule import Vote, VoteHistory
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import ArmTimer, Decision, Output
from ceas_ray.messages.frames import FrameKind

Corrupt = Callable[[int, FrameKind, int, Any, np.random.Generator], Any]


def decide(
    replicas: int,
    silent: frozenset[int] = frozenset(),
    liars: frozenset[int] = frozenset(),
    seed: int | None = None,
    until: float = 400.0,
    delay: Callable[[int, int], float] = lambda sender, receiver: 1.0,
) -> tuple[dict[int, Decision], dict[int, float], list[TetraBFT]]:
    """Run one round; leaders 0, 1, 2, ...; returns decisions and their times (in Delta), and the honest replicas.

    delay: of every message, in Delta, between two replicas; with a seed it is drawn instead, until the network calms.
    """
    draw = np.random.default_rng(seed)
    nodes = [
        TetraBFT(k, replicas, leader=lambda view: view % replicas, is_valid=lambda value: value in (b"a", b"b"))
        for k in range(replicas)
    ]
    calm = 0.0 if seed is None else float(draw.choice([0, 11, 33]))
    heap: list[Any] = []
    serial = 0
    decisions: dict[int, Decision] = {}
    times: dict[int, float] = {}

    def act(node: int, now: float, actions: list[Any]) -> None:
        nonlocal serial
        for action in actions:
            serial += 1
            if isinstance(action, ArmTimer):
                heapq.heappush(heap, (now + VIEW_TIMER_DELTAS, serial, node, None, action.view, None, None))
            elif isinstance(action, Decision) and node not in decisions:
                decisions[node], times[node] = action, now
            elif isinstance(action, Output):
                for target in range(replicas) if action.to is None else [action.to]:
                    if target != node:
                        content = lie(action, draw) if node in liars else action.content
                        serial += 1
                        at = arrival(now, node, target)
                        heapq.heappush(heap, (at, serial, target, node, action.view, action.kind, content))

    def arrival(now: float, sender: int, receiver: int) -> float:
        if seed is None:
            return now + delay(sender, receiver)
        if now < calm:
            return float(min(now + draw.uniform(0, 6), calm + draw.uniform(0, 1)))
        return now + float(draw.uniform(0.01, 1))

    for k, node in enumerate(nodes):
        if k not in silent:
            act(k, 0.0, node.start(b"a" if seed is None or draw.random() < 0.5 else b"b"))
    while heap:
        now, _, target, sender, view, kind, content = heapq.heappop(heap)
        if now > until:
            break
        if target in silent:
            continue
        node = nodes[target]
        act(target, now, node.timeout(view) if kind is None else node.receive(sender, kind, view, content))
    honest = [node for k, node in enumerate(nodes) if k not in silent | liars]
    return {k: d for k, d in decisions.items() if k not in liars}, times, honest


def lie(action: Output, draw: np.random.Generator) -> Any:
    """What a Byzantine replica says instead, differently to everyone."""
    if draw.random() < 0.5:
        return action.content
    vote = lambda: Vote(int(draw.integers(-1, 3)), bytes(draw.choice([b"a", b"b"])))  # noqa: E731
    if action.kind in (FrameKind.PROOF, FrameKind.SUGGEST):
        return VoteHistory(vote(), vote(), vote())
    return None if action.kind == FrameKind.VIEW_CHANGE else vote().value
