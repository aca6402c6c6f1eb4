"""Model replies: what tells processors the decided model, from as many replicas as they need."""

from __future__ import annotations

from dataclasses import dataclass, field

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.chain_head import ChainHead
from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.input_phase import InputPhase
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import RoundStarted, processor_name


@dataclass(slots=True)
class ModelRepliesState:
    """answered: by processor, the round of the last model that it was given because it asked."""

    answered: dict[int, int] = field(default_factory=dict)


class ModelReplies(Stateful):
    """One round's replies of a replica to processors: B replicas send each one the model unasked, the others on
    request. Ours; every reply costs a tag, and so key.

    Safety does not depend on who replies: a processor adopts what B = f + 1 replicas send alike, of which one is
    honest. Nor does progress: whoever still lacks the model of a round when the next one runs asks the others. That one
    begins when 2 f + 1 replicas report what was decided; B of these are honest, hold the model, and answer in the first
    half of the plan while they have keys. Where shots need no pairs, or so few that a plan may be too short for that,
    every replica replies unasked. Each answers a processor once for each model, of this round or of the one before. So
    a Byzantine processor costs each replica at most two tags more in a round, of keys that nobody else could use. The
    key ledger makes up for them slowly, so that they hardly lengthen the key slots that others share.
    """

    def __init__(
        self, index: int, committee: Committee, *, links: AuthenticatedLinks, head: ChainHead, phase: InputPhase,
        schedule: RoundStarted | None,
    ) -> None:  # fmt: skip
        """Serve one round at replica `index`; schedule: None before the first round."""
        self._index, self._committee = index, committee
        self._links, self._head, self._phase, self._schedule = links, head, phase, schedule
        self.state = ModelRepliesState()

    def unasked(self, now: int) -> list[Effect]:
        """Return the model of this round, just adopted, for the processors that this replica replies to unasked."""
        assert self._schedule is not None, "a decided round has begun"
        round_index = self._schedule.round_index
        return [
            effect
            for k in range(self._committee.processors)
            if self._committee.all_reply
            or self._committee.replies_unasked(self._index, self._committee.place(k), round_index)
            for effect in self._reply(k, round_index, now)
        ]

    def may_answer(self, now: int) -> bool:
        """Return whether requests are answered now: not before the inputs close, when a replica sends nothing, as it
        promises, unless the plan has only begun.
        """
        plan_runs = self._schedule is not None and now < self._schedule.plan_ends_at
        return self._phase.closed or (plan_runs and not self._phase.is_silent)

    def answer(self, processor: int, round_index: int, now: int) -> list[Effect]:
        """Return the model of a round for a processor that asks for it, if that is the last one decided here."""
        last = self._head.last
        lacks = last is None or last.round_index != round_index
        if lacks or self.state.answered.get(processor, -1) >= round_index or not self.may_answer(now):
            return []
        self.state.answered[processor] = round_index
        return self._reply(processor, round_index, now)

    def _reply(self, processor: int, round_index: int, now: int) -> list[Effect]:
        body = encode(self._head.model.state[0])
        receiver = processor_name(processor)
        return self._links.send(FrameKind.MODEL, view=0, receiver=receiver, body=body, now=now, round_index=round_index)
