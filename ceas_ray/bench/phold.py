"""PHOLD on the kernel: actors that hand tokens on to others drawn at random, after delays drawn at random.

It is the usual workload for kernels of parallel simulation (Fujimoto, Performance of Time Warp under synthetic
workloads, 1990): actors do nothing else, so what is measured is the kernel.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ceas_ray.bench.kernel_peers import ACTORS, LOOKAHEAD, TOKENS, draws_of, next_hop
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import message
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster

NAMES = tuple(f"phold/{index}" for index in range(ACTORS))


@message
class PholdToken:
    """A token that goes from actor to actor and never changes."""

    number: int


class TokenActor(Actor):
    """An actor that hands on every token that it receives."""

    lookahead = own_lookahead = LOOKAHEAD

    def __init__(self, index: int) -> None:
        self.name = NAMES[index]
        self.hops = 0
        self.draws = draws_of(index)

    def first(self, number: int) -> Envelope:
        """Return the first hop of a token that begins here; envelopes of the beginning count from 0."""
        receiver, delay = next_hop(self.draws)
        return Envelope(
            deliver_at=delay, sender="driver", serial=number, receiver=NAMES[receiver], payload=PholdToken(number)
        )

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        self.hops += 1
        receiver, delay = next_hop(self.draws)
        return (Send(envelope.deliver_at + delay, NAMES[receiver], envelope.payload),)


def measured(until: int) -> dict[str, Any]:
    """Run PHOLD until a time (ps) on one host of this process. Return hops by actor, CPU seconds and the digest."""
    actors = [TokenActor(index) for index in range(ACTORS)]
    host = Host("phold", actors)
    host.post(actor.first(TOKENS * index + token) for index, actor in enumerate(actors) for token in range(TOKENS))
    simulation = Simulation(LocalCluster([host]))
    started = time.process_time()
    for _ in simulation.run_until(until):
        raise AssertionError("PHOLD has no rounds")
    spent = time.process_time() - started
    digests = b"".join(host.status().digests).hex()
    return {"hops": [actor.hops for actor in actors], "cpu_seconds": spent, "digests": digests}
