"""Planted bugs of the voting: each overrides one small rule of `TetraBFT`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ceas_ray.consensus.exploration.voting_scenario import Event, VotingScenario
from ceas_ray.consensus.safety_rule import NO_VOTE, VoteHistory
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import Action, ArmTimer
from ceas_ray.kernel.codec import encode
from ceas_ray.messages.frames import FrameKind


def under_weaker_numbers(node: Any, rule: Callable[[], Any], **weaker: Any) -> Any:
    """Return what a rule returns under other numbers."""
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
    def _claimed_since(self, shown: Sequence[VoteHistory], value: bytes, view: int) -> int:
        rule = super()._claimed_since
        return int(under_weaker_numbers(self, lambda: rule(shown, value, view), blocking=1))


class NoPrevious(TetraBFT):
    def _claimed_since(self, shown: Sequence[VoteHistory], value: bytes, view: int) -> int:
        return super()._claimed_since([e._replace(previous=NO_VOTE) for e in shown], value, view)


class ClaimsOfAnyValue(TetraBFT):
    def _claimed_since(self, shown: Sequence[VoteHistory], value: bytes, view: int) -> int:
        return view - 1


class LocksOfTheSameView(TetraBFT):
    def _open_to(self, shown: Sequence[VoteHistory], value: bytes, earlier: int) -> int:
        return sum(1 for e in shown if e.high.view <= earlier)


class PreviousOfAnyValue(TetraBFT):
    def _vote(self, phase: int, value: bytes) -> None:
        if (self.view, phase) not in self.state.voted and self.state.votes[phase].view >= 0:
            self.state.previous[phase] = self.state.votes[phase]
        super()._vote(phase, value)


def quorum_of_2f(in_phase: int) -> type[TetraBFT]:
    class QuorumOf2f(TetraBFT):
        def _value_with_a_quorum(self, votes: dict[int, bytes], phase: int) -> bytes | None:
            rule, quorum = super()._value_with_a_quorum, 2 * self.faults if phase == in_phase else self.quorum
            return under_weaker_numbers(self, lambda: rule(votes, phase), quorum=quorum)  # type: ignore[no-any-return]

    return QuorumOf2f


def decide_on_vote(in_phase: int) -> type[TetraBFT]:
    class DecideEarly(TetraBFT):
        def _count_votes(self, view: int, phase: int, votes: dict[int, bytes]) -> None:
            value = self._value_with_a_quorum(votes, phase)
            if phase == in_phase and value is not None:
                self._decide(value, view)
            super()._count_votes(view, phase, votes)

    return DecideEarly


class VoteInAPastView(TetraBFT):
    def _count_votes(self, view: int, phase: int, votes: dict[int, bytes]) -> None:
        value = self._value_with_a_quorum(votes, phase)
        if phase < 4 and value is not None and view < self.view:
            under_weaker_numbers(self.state, lambda: self._vote(phase + 1, value), view=view)
        super()._count_votes(view, phase, votes)


class TwoVotesAPhase(TetraBFT):
    def _receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> None:
        if (
            kind == FrameKind.PROPOSAL
            and sender == self._leader(view)
            and self.state.proposals.get(view, content) != content
        ):
            self.state.proposals[view] = content
            self.state.voted.discard((view, 1))
        super()._receive(sender, kind, view, content)


class DecideOnOne(TetraBFT):
    def _count_decides(self, value: bytes) -> None:
        rule = super()._count_decides
        under_weaker_numbers(self, lambda: rule(value), blocking=1)


class ViewChangeOnOne(TetraBFT):
    def _count_view_changes(self, sender: int, view: int) -> None:
        rule = super()._count_view_changes
        under_weaker_numbers(self, lambda: rule(sender, view), blocking=1)


class HaltOnB(TetraBFT):
    def _count_decides(self, value: bytes) -> None:
        rule = super()._count_decides
        under_weaker_numbers(self, lambda: rule(value), quorum=self.blocking)


class WrongLeader(TetraBFT):
    def _receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> None:
        rule = super()._receive
        if kind == FrameKind.PROPOSAL:
            under_weaker_numbers(self, lambda: rule(sender, kind, view, content), _leader=lambda view: sender)
        else:
            rule(sender, kind, view, content)


class TimerNotArmedAgain(TetraBFT):
    def timeout(self, view: int) -> list[Action]:
        return [action for action in super().timeout(view) if not isinstance(action, ArmTimer)]


class OneAlternativeForProofs(TetraBFT):
    """Lacks the second alternative for proofs, (b2)."""

    def _shown_since(self, shown: Sequence[VoteHistory], value: bytes, view: int) -> int:
        return self._claimed_since(shown, value, view)


class PersistsTooLate(VotingScenario):
    """Persists only the state before the last message."""

    _before = b""

    def _happens(self, event: Event) -> None:
        if event[2] in self.setting.crashes:
            self._before = encode(self._nodes[event[2]].persistent())
        super()._happens(event)

    def disk(self, node: TetraBFT) -> bytes:
        return self._before


VOTING_BUGS: dict[str, type[TetraBFT]] = {
    "no safe check": NoSafeCheck,
    "claim by 1": ClaimByOne,
    "claims not needed": ClaimsOfAnyValue,
    "locks of the same view ignored": LocksOfTheSameView,
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
