"""What one decision costs when all are honest and every message takes one Delta."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

from ceas_ray.consensus.tetrabft import Output, TetraBFT
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import FrameKind

REFERENCE_FIDELITY = 0.95


def voting_cost(replicas: int) -> tuple[float, int]:
    """Delta from a simultaneous start of view 0 to the last decision, and messages until nothing is left to send."""
    nodes = [TetraBFT(k, replicas, lambda view: view % replicas, lambda value: True) for k in range(replicas)]
    heap: list[tuple[float, int, int, int, FrameKind, int, Any]] = []
    messages, last = 0, 0.0

    def send(sender: int, now: float, actions: list[Any]) -> None:
        nonlocal messages
        for action in actions:
            if isinstance(action, Output):
                for target in range(replicas) if action.to is None else [action.to]:
                    if target != sender:
                        messages += 1
                        message = (target, sender, action.kind, action.view, action.content)
                        heappush(heap, (now + 1.0, messages, *message))

    for k, node in enumerate(nodes):
        send(k, 0.0, node.start(b"value"))
    while heap:
        now, _, target, sender, kind, view, content = heappop(heap)
        undecided = nodes[target].decided is None
        send(target, now, nodes[target].receive(sender, kind, view, content))
        if undecided and nodes[target].decided is not None:
            last = now
    return last, messages


def decision_cost(replicas: int) -> dict[str, float]:
    """Latency (Delta), messages of the voting, tags of a round and Bell pairs, committee = all processors.

    Tags: an update or echo and a reply on every ordered link besides the voting: 7n(n - 1) + (n - 1) where a processor
    and its replica are one party, so that update and echo, reply and Decide share frames; here each is counted as
    CONSENSUS.md's "Cost" does. Fresh hash keys: one for each ordered link.
    """
    latency, messages = voting_cost(replicas)
    links = replicas * (replicas - 1)
    tags = messages + 2 * links
    bits = TAG_BITS * (tags + links)
    return {"latency_deltas": latency, "voting_messages": messages, "tags": tags, "key_bits": bits}
