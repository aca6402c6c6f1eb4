"""Planted bugs: each overrides one small rule; none exists outside of tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ceas_ray.consensus.agreement import Agreement
from ceas_ray.consensus.echoes import Echoes, Item
from ceas_ray.consensus.exploration.voting_scenario import VotingScenario
from ceas_ray.consensus.replica import Replica
from ceas_ray.consensus.rule_three import NO_VOTE, Evidence
from ceas_ray.consensus.tetrabft import Action, ArmTimer, TetraBFT
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.authentication import KeyPool
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.messages.payloads import Frame, RoundStarted
from ceas_ray.messages.quorum import Quorums


def with_(node: TetraBFT, rule: Callable[[], Any], **weaker: Any) -> Any:
    """The outcome of a rule under other numbers."""
    kept = {name: getattr(node, name) for name in weaker}
    for name, value in weaker.items():
        setattr(node, name, value)
    try:
        return rule()
    finally:
        for name, value in kept.items():
            setattr(node, name, value)


class NoSafeCheck(TetraBFT):
    def _is_safe(self, *_: Any) -> bool:
        return True


class ClaimByOne(TetraBFT):
    def _claimed_since(self, shown: Sequence[Evidence], value: bytes, view: int) -> int:
        rule = super()._claimed_since
        return int(with_(self, lambda: rule(shown, value, view), blocking=1))


class NoPrevious(TetraBFT):
    def _claimed_since(self, shown: Sequence[Evidence], value: bytes, view: int) -> int:
        return super()._claimed_since([e._replace(previous=NO_VOTE) for e in shown], value, view)


class PreviousOfAnyValue(TetraBFT):
    def _vote(self, phase: int, value: bytes) -> None:
        if (self.view, phase) not in self._voted and self.votes[phase].view >= 0:
            self.previous[phase] = self.votes[phase]
        super()._vote(phase, value)


def quorum_of_2f(in_phase: int) -> type[TetraBFT]:
    class QuorumOf2f(TetraBFT):
        def _value_with_a_quorum(self, votes: dict[int, bytes], phase: int) -> bytes | None:
            rule, quorum = super()._value_with_a_quorum, 2 * self.faults if phase == in_phase else self.quorum
            return with_(self, lambda: rule(votes, phase), quorum=quorum)  # type: ignore[no-any-return]

    return QuorumOf2f


def decide_on_vote(in_phase: int) -> type[TetraBFT]:
    class DecideEarly(TetraBFT):
        def _count_votes(self, view: int, phase: int) -> None:
            value = self._value_with_a_quorum(self._received[view, phase], phase)
            if phase == in_phase and value is not None:
                self._decide(value, view)
            super()._count_votes(view, phase)

    return DecideEarly


class VoteInAPastView(TetraBFT):
    def _count_votes(self, view: int, phase: int) -> None:
        value = self._value_with_a_quorum(self._received[view, phase], phase)
        if phase < 4 and value is not None and view < self.view:
            with_(self, lambda: self._vote(phase + 1, value), view=view)
        super()._count_votes(view, phase)


class TwoVotesAPhase(TetraBFT):
    def _receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> None:
        if (
            kind == FrameKind.PROPOSAL
            and sender == self._leader(view)
            and self._proposals.get(view, content) != content
        ):
            self._proposals[view] = content
            self._voted.discard((view, 1))
        super()._receive(sender, kind, view, content)


class DecideOnOne(TetraBFT):
    def _count_decides(self, value: bytes) -> None:
        rule = super()._count_decides
        with_(self, lambda: rule(value), blocking=1)


class ViewChangeOnOne(TetraBFT):
    def _count_view_changes(self, sender: int, view: int) -> None:
        rule = super()._count_view_changes
        with_(self, lambda: rule(sender, view), blocking=1)


class HaltOnB(TetraBFT):
    def _count_decides(self, value: bytes) -> None:
        rule = super()._count_decides
        with_(self, lambda: rule(value), quorum=self.blocking)


class WrongLeader(TetraBFT):
    def _receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> None:
        rule = super()._receive
        if kind == FrameKind.PROPOSAL:
            with_(self, lambda: rule(sender, kind, view, content), _leader=lambda view: sender)
        else:
            rule(sender, kind, view, content)


class TimerNotArmedAgain(TetraBFT):
    def timeout(self, view: int) -> list[Action]:
        return [action for action in super().timeout(view) if not isinstance(action, ArmTimer)]


class PersistsTooLate(VotingScenario):
    """What is on disk is what was there before the last message."""

    def persist(self, entity: int, node: TetraBFT) -> None:
        latest, self._latest = getattr(self, "_latest", None), encode(node.persistent())
        if latest is not None:
            self.persisted[entity] = latest


class ForgetfulAgreement(Agreement):
    """Judges SKIP by the updates that are missing now, not by what was echoed once."""

    def _is_valid(self, digest: bytes) -> bool:
        known = self.values._outcomes.get(digest)
        if known is not None and known.skipped and not self.finished and self.phase.has_enough():
            return False
        return super()._is_valid(digest)


class SkipNotMonotone(Replica):
    def agreement(self, schedule: RoundStarted | None) -> Agreement:
        return ForgetfulAgreement(self.index, self._terms, self._links, self._standing, self._archive, schedule)


class EntryOnOneEcho(Echoes):
    def is_acceptable(self, item: Item) -> bool:
        return self._count(item) >= 1


class BelievesOneEcho(Replica):
    def agreement(self, schedule: RoundStarted | None) -> Agreement:
        made = super().agreement(schedule)
        made.phase.echoes.__class__ = EntryOnOneEcho
        return made


class SlotReused(Channel):
    def seal(self, kind: FrameKind, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        self.outgoing._next_slot = 0
        return super().seal(kind, round_index, view, now, body)


class TagWithoutReceiver(Channel):
    """Neither the tag nor the key depends on whom a frame is for."""

    def __init__(self, name: str, peer: str, chain: bytes, streams: Streams, fresh_hash_keys: bool) -> None:
        super().__init__(name, peer, chain, streams, fresh_hash_keys)
        self.outgoing = KeyPool(name.ljust(16).encode(), fresh_hash_keys)
        self.incoming = KeyPool(peer.ljust(16).encode(), fresh_hash_keys)

    def seal(self, kind: FrameKind, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        peer, self.peer = self.peer, ""
        frame = super().seal(kind, round_index, view, now, body)
        self.peer = peer
        return None if frame is None else replace(frame, receiver=peer)

    def verify(self, frame: Frame) -> bytes | None:
        name, self._name = self._name, ""
        body = super().verify(replace(frame, receiver=""))
        self._name = name
        return body


class HastyManager(Quorums):
    """Begins the next round when B replicas have decided."""

    @property
    def reports_needed(self) -> int:
        return self.blocking


VOTING_BUGS: dict[str, type[TetraBFT]] = {
    "no safe check": NoSafeCheck,
    "claim by 1": ClaimByOne,
    "no prev": NoPrevious,
    "prev without 'different value'": PreviousOfAnyValue,
    **{f"quorum 2f in phase {phase}": quorum_of_2f(phase) for phase in (1, 2, 3, 4)},
    **{f"decide on vote {phase}": decide_on_vote(phase) for phase in (1, 2, 3)},
    "a vote in a past view": VoteInAPastView,
    "two votes a phase": TwoVotesAPhase,
    "Decide on 1": DecideOnOne,
    "ViewChange on 1": ViewChangeOnOne,
    "halt on B": HaltOnB,
    "wrong leader accepted": WrongLeader,
    "timer not re-armed": TimerNotArmedAgain,
}
