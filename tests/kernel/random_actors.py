"""Actors that behave at random (from named streams), to try the kernel's laws on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ceas_ray.kernel.actor import Actor, SharingActor
from ceas_ray.kernel.codec import decode, encode, message
from ceas_ray.kernel.envelope import (
    Answer,
    Effect,
    Envelope,
    Mark,
    Observation,
    Send,
    SharedCall,
    Work,
    WorkDone,
)
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.streams import Streams
from ceas_ray.runtime.local_runtime import LocalCluster


@message
class Token:
    """Goes round until it is spent. `not_before`: for an own token, when consequences of its cause may leave."""

    left: int
    data: Any
    not_before: int = 0


class RandomActor(Actor):
    """Answers a token with up to two others, timers and work; a collector stays silent until its closing time."""

    def __init__(self, index: int, count: int, seed: int, marks: bool) -> None:
        draw = Streams(seed).generator("actor", str(index), "setup", 0)
        self.name = f"kind{index % 3}/{index}"
        self.lookahead = int(draw.integers(1, 20))
        self.own_lookahead = int(draw.integers(1, 20))
        self._peers = [f"kind{k % 3}/{k}" for k in range(count)]
        self.closes = int(draw.integers(20, 200)) if draw.random() < 0.3 else 0
        self._marks, self._seed = marks, seed
        self._handled = self._marked = 0

    def promise(self, now: int) -> int:
        return self.closes

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        now, payload = envelope.deliver_at, envelope.payload
        draw = Streams(self._seed).generator(self.kind, self.name, "handle", self._handled)
        self._handled += 1
        token = payload.output if isinstance(payload, WorkDone) else payload
        if token.left == 0:
            return []
        data = np.asarray(token.data) + draw.random(len(token.data))
        effects: list[Effect] = [Observation(Token(token.left, []))]
        floor = max(now + self.own_lookahead, token.not_before) if envelope.own else now + self.lookahead
        inherited = token.not_before if envelope.own else floor
        for _ in range(int(draw.choice([0, 1, 1, 2]))):
            later = int(draw.integers(0, 30))
            match int(draw.integers(0, 4)):
                case 0:
                    effects.append(Send(now + 1 + later, self.name, Token(token.left - 1, data, inherited)))
                case 1:
                    effects.append(Work("add", Token(token.left - 1, data, inherited), now + 1 + later))
                case _:
                    peer = self._peers[int(draw.integers(len(self._peers)))]
                    own = peer == self.name
                    at = now + 1 + later if own else max(floor, self.closes) + later
                    effects.append(Send(at, peer, Token(token.left - 1, data, inherited if own else 0)))
        if self._marks and self._handled % 5 == 0 and now >= self._marked:
            self._marked = max(floor, self.closes)
            effects.append(Mark(self._handled // 5, self._marked, data))
        return effects

    def snapshot(self) -> Any:
        return {"handled": self._handled, "marked": self._marked}

    def restore(self, state: Any) -> None:
        self._handled, self._marked = state["handled"], state["marked"]


class SharingRandomActor(SharingActor, RandomActor):
    """Needs for most tokens a call that it can share with others."""

    def begin(self, envelope: Envelope) -> Answer:
        token = envelope.payload.output if isinstance(envelope.payload, WorkDone) else envelope.payload
        if token.left % 4 == 0:
            return RandomActor.handle(self, envelope)

        def then(data: Any) -> Sequence[Effect]:
            told = Token(token.left, data, token.not_before)
            return RandomActor.handle(self, Envelope(
                deliver_at=envelope.deliver_at, sender=envelope.sender, serial=envelope.serial,
                receiver=envelope.receiver, payload=told,
            ))  # fmt: skip

        return SharedCall(halved, token.data, then)


def halved(inputs: Sequence[Any]) -> list[Any]:
    """A shared call: each output depends on its own input alone."""
    return [np.asarray(data) / 2.0 for data in inputs]


def add(inputs: Sequence[Any]) -> list[Token]:
    """Work: each result depends on its own input alone."""
    return [Token(item.left, np.asarray(item.data) * 2.0, item.not_before) for item in inputs]


def world(seed: int, marks: bool = False) -> tuple[list[RandomActor], list[Envelope]]:
    """Actors, two thirds of which share calls, and the envelopes that set them going; one at most ends rounds."""
    draw = np.random.default_rng(seed)
    count = int(draw.integers(2, 12))
    actors = [(SharingRandomActor if k % 3 else RandomActor)(k, count, seed, marks and k == 0) for k in range(count)]
    names = [actor.name for actor in actors]
    first = [
        Envelope(
            deliver_at=int(draw.integers(1, 60)),
            sender="driver",
            serial=k,
            receiver=names[int(draw.integers(count))],
            payload=Token(int(draw.integers(1, 12)), [0.5]),
        )
        for k in range(int(draw.integers(1, 8)))
    ]
    return actors, first


def cluster(seed: int, hosts: int, marks: bool = False, posted: bool = True) -> LocalCluster:
    """The same world, its actors placed at random on some hosts."""
    actors, first = world(seed, marks)
    place = np.random.default_rng([seed, hosts]).integers(0, hosts, len(actors))
    made = []
    for h in range(hosts):
        host = Host(f"host{h}", [a for a, where in zip(actors, place, strict=True) if where == h], {"add": add})
        if posted:
            host.post(e for e in first if e.receiver in host.actor_names)
        made.append(host)
    return LocalCluster(made)


def encoded(value: Any) -> Any:
    """`value` after a journey through bytes, as a snapshot has it."""
    return decode(encode(value))
