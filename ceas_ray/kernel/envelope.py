"""Envelopes, and what handling one may cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ceas_ray.kernel.codec import encode, kept_bytes, message


class Envelope:
    """A payload on its way: delivered to `receiver` at `deliver_at` (picoseconds).

    `serial` counts what its sender has sent, so that (deliver_at, sender, serial) is a total order of all envelopes
    of a simulation, whatever process they were sent from.
    """

    __slots__ = ("_payload_bytes", "deliver_at", "payload", "receiver", "sender", "serial")

    def __init__(
        self,
        *,
        deliver_at: int,
        sender: str,
        serial: int,
        receiver: str,
        payload: Any,
        payload_bytes: bytes | None = None,
    ) -> None:
        self.deliver_at = deliver_at
        self.sender = sender
        self.serial = serial
        self.receiver = receiver
        self.payload = payload
        self._payload_bytes = payload_bytes

    @property
    def order(self) -> tuple[int, str, int]:
        """The place of this envelope in the total order."""
        return (self.deliver_at, self.sender, self.serial)

    @property
    def own(self) -> bool:
        """Return whether an actor sent this to itself: a timer, or a result of its work."""
        return self.sender == self.receiver

    @property
    def payload_bytes(self) -> bytes:
        """The payload in canonical form, encoded once."""
        if self._payload_bytes is None:
            kept = kept_bytes(self.payload)
            self._payload_bytes = encode(self.payload) if kept is None else kept
        return self._payload_bytes

    def __repr__(self) -> str:
        return f"{type(self.payload).__name__} {self.sender} -> {self.receiver} at {self.deliver_at} ps"


class Send(NamedTuple):
    """Deliver `payload` (a message) to `receiver` at `deliver_at`; to oneself it is a timer."""

    deliver_at: int
    receiver: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Work:
    """Heavy computing of known simulated length: `WorkDone(kind, output)` reaches its sender at `ready_at`.

    The host groups the work of a kind over its actors and runs it as one call; `inputs` is a message.
    """

    kind: str
    inputs: Any
    ready_at: int


@dataclass(frozen=True, slots=True)
class Observation:
    """A measurement for the journal: it leaves the simulation and influences nothing in it. payload: a message."""

    payload: Any


@dataclass(frozen=True, slots=True)
class Mark:
    """Ends a round at time `at`: all hosts stop there, a consistent cut, and the round's digest is taken."""

    round_index: int
    at: int
    model: Any


Effect = Send | Work | Observation | Mark


@dataclass(frozen=True, slots=True)
class SharedCall:
    """An answer that lacks the output of a call, which the host makes once for several actors that are at that point.

    function: computes the outputs of any number of inputs; none may depend on who else is in the call, nor change what
    an actor holds. inputs: of this actor. then: returns the effects, given this actor's output. size: of the output,
    numbers, about; the host lets calls grow only so large. Unlike `Work` it takes no simulated time, and nothing of it
    is in the digest.
    """

    function: Callable[[Sequence[Any]], Sequence[Any]]
    inputs: Any
    then: Callable[[Any], Sequence[Effect]]
    size: int = 1


Answer = Sequence[Effect] | SharedCall
"""What an envelope causes, or what is needed to tell."""


def effects_of(answer: Answer) -> Sequence[Effect]:
    """Return the effects of an answer; its call is made for it alone."""
    if not isinstance(answer, SharedCall):
        return answer
    (output,) = answer.function([answer.inputs])
    return answer.then(output)


def changed(answer: Answer, change: Callable[[Sequence[Effect]], Sequence[Effect]]) -> Answer:
    """Return an answer whose effects are those of another one, changed."""
    if not isinstance(answer, SharedCall):
        return change(answer)
    return replace(answer, then=lambda output: change(answer.then(output)))


@message
class WorkDone:
    """The result of an actor's own `Work`."""

    kind: str
    output: Any
