"""A replica that crashes and recovers, losing everything but what it had on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.actor import WrappedActor
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.payloads import (
    KeysDistilled,
    RoundGivenUp,
    RoundStarted,
    StopWaiting,
    TestReport,
    Timer,
    TimerPurpose,
)

Control = RoundStarted | KeysDistilled | RoundGivenUp | StopWaiting | TestReport


@dataclass(frozen=True)
class Crash:
    """A crash in round `round_index`, `after` ps after inputs may close, which lasts for `down` ps."""

    round_index: int
    after: int
    down: int


class CrashTimer(TimerPurpose):
    """What a crashing replica is woken up for, besides its own timers."""

    CRASH = "crash"
    RECOVER = "recover"


@dataclass
class CrashState:
    """disk: what was persisted, encoded, while it is down. missed: control messages that came meanwhile."""

    disk: bytes | None = None
    missed: list[Control] = field(default_factory=list)


class CrashingReplica(WrappedActor):
    """Wraps an honest replica that crashes once. While it is down its key store goes on storing what is distilled, and
    messages of the entanglement manager and the hub wait for it; frames are lost, and so is all that was not persisted.

    Its accounts while it is down are those of an empty store.
    """

    actor: Replica

    def __init__(self, make: Callable[[], Replica], crash: Crash) -> None:
        """Wrap the replica that `make` returns, as it is when it is switched on."""
        super().__init__(make())
        self._make, self._crash = make, crash
        self.state = CrashState()

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now, payload = envelope.deliver_at, envelope.payload
        if isinstance(payload, Timer) and payload.purpose == CrashTimer.CRASH:
            self.state.disk = encode(self.actor.persistent())
            self.actor = self._make()
            return []
        if isinstance(payload, Timer) and payload.purpose == CrashTimer.RECOVER:
            return self._recover(now)
        if self.state.disk is not None:
            if isinstance(payload, Control):
                self.state.missed.append(payload)
            return []
        effects = list(self.actor.handle(envelope))
        if isinstance(payload, RoundStarted) and payload.round_index == self._crash.round_index:
            at = payload.inputs_open_until + self._crash.after
            for purpose, when in ((CrashTimer.CRASH, at), (CrashTimer.RECOVER, at + self._crash.down)):
                effects.append(Send(when, self.name, Timer(purpose, payload.round_index)))
        return effects

    def _recover(self, now: int) -> list[Effect]:
        effects = self.actor.recover(decode(self.state.disk), now)  # type: ignore[arg-type]
        missed, self.state = self.state.missed, CrashState()
        for payload in missed:
            if isinstance(payload, KeysDistilled):
                self.actor.store_key_bits(payload.key_bits)
            else:
                effects += self.actor.handle(
                    Envelope(
                        deliver_at=now, sender="entanglement_manager", serial=0, receiver=self.name, payload=payload
                    )
                )
        return effects
