"""The cost of one decision when all replicas are honest and every message takes one Delta."""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Any

from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import Output
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.quorum import Quorums
from ceas_ray.quantum.key_rates import key_rate

REFERENCE_FIDELITY = 0.95


def voting_cost(replicas: int) -> tuple[float, int]:
    """Return the time in Delta from a simultaneous start of view 0 to the last decision, and the number of messages
    until nothing is left to send.
    """
    quorums = Quorums(replicas)
    nodes = [
        TetraBFT(k, replicas, leader=lambda view: quorums.leader(0, view), is_valid=lambda value: True)
        for k in range(replicas)
    ]
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


def decision_cost(replicas: int, processors: int | None = None) -> dict[str, float]:
    """Return latency (Delta), messages of the voting, tags, key bits and Bell pairs of a round.

    processors: number of processors that a dedicated committee serves; None: the committee is all processors, and
    nobody writes to itself. Tags: one for each message of the voting, echo, update and reply; B replicas reply to a
    processor unasked. Key: 61 bits a tag, and 61 for the round's fresh hash key of each ordered link that is used.
    Pairs: of end-to-end fidelity 0.95, at the asymptotic key rate.
    """
    latency, messages = voting_cost(replicas)
    among = replicas * (replicas - 1)
    outside = 0 if processors is None else processors * (replicas + Quorums(replicas).blocking)
    tags = messages + (2 * among if processors is None else among + outside)
    bits = TAG_BITS * (tags + among + outside)
    return {
        "latency_deltas": latency, "voting_messages": messages, "tags": tags, "key_bits": bits,
        "bell_pairs": math.ceil(bits / float(key_rate(REFERENCE_FIDELITY))),
    }  # fmt: skip
