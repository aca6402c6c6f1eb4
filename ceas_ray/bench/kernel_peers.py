"""PHOLD in SimPy, run by path in an environment that has it.

That environment does not have this package, so what both sides measure with is here.

usage: PYTHON kernel_peers.py stores|callbacks TIME; prints one JSON line.

stores: an actor is a process that waits at its `simpy.Store`, and a token on its way is a process that waits for a
timeout, as SimPy's example "Event Latency" has it. callbacks: one bare `Timeout` a hop, its callback does the rest; no
actor waits for anything, so it is as fast as SimPy can be.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import sys
import time
from collections.abc import Generator, Iterator
from random import Random
from typing import Any

ACTORS, TOKENS = 64, 4
LOOKAHEAD, MEAN_DELAY = 1_000, 1_000_000
"""A token arrives after the lookahead and an exponential delay (ps)."""


def draws_of(actor: int) -> Random:
    """Return the random generator of an actor."""
    return Random(actor)


def next_hop(draws: Random) -> tuple[int, int]:
    """Draw where a token goes next, and how long it takes (ps)."""
    return int(ACTORS * draws.random()), LOOKAHEAD - int(MEAN_DELAY * math.log(1.0 - draws.random()))


def stores(env: Any, simpy: Any, hops: list[int]) -> None:
    """Start a process for each actor, which waits at its store."""
    inboxes = [simpy.Store(env) for _ in range(ACTORS)]

    def travel(token: int, receiver: int, delay: int) -> Iterator[Any]:
        yield env.timeout(delay)
        inboxes[receiver].put(token)

    def actor(index: int) -> Generator[Any, int, None]:
        draws = draws_of(index)
        for token in range(TOKENS):
            env.process(travel(index * TOKENS + token, *next_hop(draws)))
        while True:
            received = yield inboxes[index].get()
            hops[index] += 1
            env.process(travel(received, *next_hop(draws)))

    for index in range(ACTORS):
        env.process(actor(index))


def callbacks(env: Any, simpy: Any, hops: list[int]) -> None:
    """Start the tokens: a timeout for each hop, whose callback draws the next one."""
    draws = [draws_of(index) for index in range(ACTORS)]

    def send(token: int, receiver: int, delay: int) -> None:
        def arrived(_: Any) -> None:
            hops[receiver] += 1
            send(token, *next_hop(draws[receiver]))

        env.timeout(delay).callbacks.append(arrived)

    for index in range(ACTORS):
        for token in range(TOKENS):
            send(index * TOKENS + token, *next_hop(draws[index]))


def main() -> None:
    """Measure one run until the time (ps) of the command line."""
    simpy, hops = importlib.import_module("simpy"), [0] * ACTORS
    env = simpy.Environment()
    {"stores": stores, "callbacks": callbacks}[sys.argv[1]](env, simpy, hops)
    started = time.process_time()
    env.run(until=int(sys.argv[2]))
    spent = time.process_time() - started
    print(json.dumps({"version": importlib.metadata.version("simpy"), "hops": hops, "cpu_seconds": spent}))


if __name__ == "__main__":
    main()
