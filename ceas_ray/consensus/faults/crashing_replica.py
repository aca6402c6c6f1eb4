"""A replica that crashes and recovers: it loses everything but what it had on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.payloads import KeysDistilled, RoundGivenUp, RoundStarted, StopWaiting, TestReport, Timer

Control = RoundStarted | KeysDistilled | RoundGivenUp | StopWaiting | TestReport


@dataclass(frozen=True)
class Crash:
    """In round `round_index`, `after` ps after inputs may close, for `down` ps."""

    round_index: int
    after: int
    down: int


class CrashingReplica(Actor):
    """Honest. While it is down its key store goes on storing what is distilled, and what the entanglement manager and
    the hub have to say waits for it; frames are lost, and so is all that was not persisted."""

    def __init__(self, make: Callable[[], Replica], crash: Crash) -> None:
        """make: a replica as it is when it is switched on."""
        self._make, self._crash = make, crash
        self.replica = make()
        self.name, self.lookahead = self.replica.name, self.replica.lookahead
        self.own_lookahead = self.replica.own_lookahead
        self._disk: bytes | None = None
        self._missed: list[Control] = []

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now, payload = envelope.deliver_at, envelope.payload
        if isinstance(payload, Timer) and payload.purpose == "crash":
            self._disk = encode(self.replica.persistent())
            self.replica = self._make()
            return []
        if isinstance(payload, Timer) and payload.purpose == "recover":
            return self._recover(now)
        if self._disk is not None:
            if isinstance(payload, Control):
                self._missed.append(payload)
            return []
        effects = list(self.replica.handle(envelope))
        if isinstance(payload, RoundStarted) and payload.round_index == self._crash.round_index:
            at = payload.inputs_open_until + self._crash.after
            for purpose, when in (("crash", at), ("recover", at + self._crash.down)):
                effects.append(Send(when, self.name, Timer(purpose, payload.round_index)))
        return effects

    def _recover(self, now: int) -> list[Effect]:
        effects = self.replica.recover(decode(self._disk), now)  # type: ignore[arg-type]
        missed, self._missed, self._disk = self._missed, [], None
        for payload in missed:
            if isinstance(payload, KeysDistilled):
                self.replica.store_key_bits(payload.key_bits)
            else:
                effects += self.replica.handle(Envelope(now, "entanglement_manager", 0, self.name, payload))
        return effects

    def promise(self, now: int) -> int:
        """See `Actor`."""
        return self.replica.promise(now)

    def accounts(self) -> dict[str, int]:
        """See `Actor`; while it is down, of a store that is still empty."""
        return self.replica.accounts()

    def snapshot(self) -> Any:
        """See `Actor`."""
        return {"replica": self.replica.snapshot(), "disk": self._disk, "missed": self._missed}

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self.replica.restore(state["replica"])
        self._disk, self._missed = state["disk"], list(state["missed"])
