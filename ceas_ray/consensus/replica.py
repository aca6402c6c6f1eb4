"""A consensus replica: one `Agreement` after the other, and what lasts between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ceas_ray.consensus.agreement import Agreement
from ceas_ray.consensus.archive import Archive
from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.chain_head import AgreedModel, ChainHead
from ceas_ray.consensus.committee import Committee, NextState, ProtocolParameters
from ceas_ray.consensus.timers import ReplicaTimer
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, is_well_formed
from ceas_ray.messages.payloads import (
    Int64s,
    KeysDistilled,
    RoundGivenUp,
    RoundStarted,
    StopWaiting,
    TestReport,
    Timer,
    replica_name,
)
from ceas_ray.messages.senders import may_send

EARLY_FRAMES = 64
"""Number of each sender's frames, those of the next round included, that are kept unopened until inputs may close."""


@dataclass(slots=True)
class ReplicaState:
    """schedule: of the round. early: senders and frames that wait, unopened, until inputs may close."""

    schedule: RoundStarted | None = None
    early: list[tuple[str, Frame]] = field(default_factory=list)


class Replica(Actor):
    """One member of the committee. The leader of view r in round t is replica (t + r) mod n.

    A replica that missed a round is behind: it asks the others, adopts what B of them decided, and fetches the model by
    its digest. `persistent` is what must outlive a crash, and `recover` goes on from there. A subclass may set
    `agreement_type` to replace the class of its rounds.
    """

    agreement_type: ClassVar[type[Agreement]] = Agreement

    def __init__(
        self,
        index: int,
        committee: Committee,
        *,
        channels: Sequence[Channel],
        latencies: Mapping[str, int],
        next_state: NextState,
        initial_state: Any,
        chain: bytes,
        rule: bytes,
    ) -> None:
        """Make a replica before its first round.

        channels: to every processor, then to every other replica. latencies: to all that it writes to, ps.
        initial_state: a tuple whose first element is the model's parameters (d,). chain, rule: see
        `ProtocolParameters`.
        """
        self.name = replica_name(index)
        self.index, self.committee = index, committee
        self._protocol = ProtocolParameters(
            committee=committee, chain=chain, rule=rule, next_state=next_state, model_size=len(initial_state[0])
        )
        self._links = AuthenticatedLinks(index, committee, channels, latencies)
        self._head = ChainHead(AgreedModel(initial_state, ()))
        self._archive = Archive()
        self.lookahead = self.own_lookahead = min(latencies.values())
        self.state = ReplicaState()
        self._agreement = self._new_agreement(None)

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {
            "links": self._links, "head": self._head, "archive": self._archive, "agreement": self._agreement,
        }  # fmt: skip

    def rebuild(self) -> None:
        """Make the agreement of the restored round; see `Stateful`."""
        self._agreement = self._new_agreement(self.state.schedule)

    def _new_agreement(self, schedule: RoundStarted | None) -> Agreement:
        agreement = self.agreement(schedule)
        self._links.enter_round(agreement.round_index)
        return agreement

    def agreement(self, schedule: RoundStarted | None) -> Agreement:
        """Return a round at its start."""
        return self.agreement_type(
            self.index, self._protocol, links=self._links, head=self._head, archive=self._archive, schedule=schedule
        )

    # --- envelopes ----------------------------------------------------------

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now, agreement = envelope.deliver_at, self._agreement
        if isinstance(envelope.payload, Frame):
            return self._receive(envelope.sender, envelope.payload, now)
        if not may_send(envelope):
            return []
        match envelope.payload:
            case RoundStarted() as schedule:
                return self._start_round(schedule, now) if schedule.round_index > agreement.round_index else []
            case KeysDistilled(key_bits=key_bits):
                self.store_key_bits(key_bits)
            case TestReport() | Timer() | RoundGivenUp() | StopWaiting():
                pass
            case _:
                return []
        if envelope.payload.round_index != agreement.round_index:
            return []
        match envelope.payload:
            case TestReport() as report:
                return agreement.take_report(report, now)
            case Timer(purpose=purpose, number=view):
                timer = ReplicaTimer(purpose)
                effects = agreement.timer(timer, view, now)
                return [*effects, *self._open_early(now)] if timer is ReplicaTimer.INPUTS_MAY_CLOSE else effects
            case KeysDistilled():
                return agreement.take_new_keys(now)
            case RoundGivenUp():
                return agreement.give_up(now)
        agreement.stop()
        return []

    def _receive(self, sender: str, frame: Frame, now: int) -> list[Effect]:
        """Take a frame of this round or of the one before. What replicas send too early waits, since nothing is
        answered then.
        """
        if not is_well_formed(frame):
            return []
        agreement = self._agreement
        ahead = frame.round_index - agreement.round_index
        if ahead not in (-1, 0, 1):
            return []
        if ahead == 1 or (agreement.is_early(now) and frame.sender.startswith("replica/")):
            if sum(1 for other, _ in self.state.early if other == sender) < EARLY_FRAMES:
                self.state.early.append((sender, frame))
            return []
        return agreement.receive(frame, now)

    def _open_early(self, now: int) -> list[Effect]:
        early, self.state.early = self.state.early, []
        return [effect for sender, frame in early for effect in self._receive(sender, frame, now)]

    def promise(self, now: int) -> int:
        """See `Actor`: after the plan nothing is sent before inputs may close, for the previous round is over, or given
        up. During the plan processors may ask for its model.
        """
        schedule = self._agreement.schedule
        if schedule is None or self._agreement.replies.may_answer(now):
            return 0
        return schedule.inputs_open_until + self.own_lookahead

    def _start_round(self, schedule: RoundStarted, now: int) -> list[Effect]:
        last = self._agreement
        missed = schedule.round_index > last.round_index + 1 or (last.round_index >= 0 and not last.finished)
        self._head.begin_round(missed, last.phase.accused())
        self.state.schedule, self._agreement = schedule, self._new_agreement(schedule)
        if missed and schedule.round_index == last.round_index + 1:
            self._agreement.catching_up.take_past_decides(last.voting.state.decides)
        self._links.forget_lost_slots()
        self.store_key_bits(schedule.key_bits)
        return [*self._agreement.begin(now), *self._open_early(now)]

    # --- what others may know ----------------------------------------------------------

    def store_key_bits(self, key_bits: Int64s) -> None:
        """Store newly distilled bits with every peer, in the order of `RoundStarted`."""
        self._links.store_key_bits(key_bits)

    def body_of(self, digest: bytes) -> bytes | None:
        """Return the value of this round with this digest, if its body is here."""
        return self._agreement.values.body_of(digest)

    def channel(self, peer: str) -> Channel:
        """Return this replica's end of the link with `peer`."""
        return self._links[peer]

    @property
    def model(self) -> AgreedModel:
        """The model after the last decision that this replica has adopted, and the quarantine."""
        return self._head.model

    def accounts(self) -> dict[str, int]:
        """Return the key bits spent on frames to each peer."""
        return self._links.key_bits_spent()

    # --- crash and recovery ----------------------------------------------------------

    def persistent(self) -> Any:
        """Return what is on disk before a message leaves, in plain values.

        It includes the keys and their counters (a slot must never tag twice), the model, and all of the round: a slot
        is used up in the same write that persists what its frame said. `recover` leaves out what only memory held:
        unopened frames, which have used no slot, and requests that could have been repeated.
        """
        return self.snapshot()

    def recover(self, persisted: Any, now: int) -> list[Effect]:
        """Go on after a crash from what was persisted, and ask the others for the rest."""
        self.restore(persisted)
        self.state.early = []
        self._links.recover()
        return self._agreement.recover(now)
