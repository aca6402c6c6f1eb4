"""The lies of a Byzantine replica at the level of voting, told to each of the others instead of the truth."""

from __future__ import annotations

from typing import Any

from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.safety_rule import NO_VOTE, Vote, VoteHistory
from ceas_ray.messages.frames import FrameKind

GOOD, ALSO_GOOD, THIRD_GOOD, POISON = b"a", b"b", b"c", b"x"
VALUES = (GOOD, ALSO_GOOD, THIRD_GOOD)
"""The values that are voted on. Two would hide faults of liveness."""
_POISONED = (*VALUES, *VALUES, POISON)
WITHHELD = None
"""In place of a message: it is not sent."""


class VotingLies:
    """Lies with a given probability in Proof, Suggest, proposals and Decide, and a third as often in votes.

    deaf: replicas that never hear from it; some attacks need a minority that does not know.
    """

    def __init__(self, draws: Draws, probability: float, deaf: frozenset[int]) -> None:
        self._draws, self._probability, self._deaf = draws, probability, deaf

    def falsified(self, receiver: int, kind: FrameKind, view: int, content: Any) -> tuple[FrameKind, int, Any] | None:
        """Return kind, view and content as sent to one receiver, or None to send nothing."""
        if receiver in self._deaf:
            return WITHHELD
        if self._draws.uniform() >= self._probability:
            return kind, view, content
        if self._draws.uniform() < 0.1:
            return FrameKind.PROPOSAL, view, self._draws.choice(_POISONED)  # leader or not
        if kind == FrameKind.SUGGEST or kind == FrameKind.PROOF:
            return kind, view, VoteHistory(self._vote(view), self._vote(view), self._vote(view))
        if kind == FrameKind.PROPOSAL or kind == FrameKind.DECIDE:
            return kind, view, self._draws.choice(_POISONED)
        if kind == FrameKind.VIEW_CHANGE:
            return kind, view + self._draws.below(4), content
        return kind, view, self._draws.choice(_POISONED) if self._draws.uniform() < 1 / 3 else content

    def _vote(self, view: int) -> Vote:
        if self._draws.uniform() < 0.3:
            return NO_VOTE
        return Vote(self._draws.below(max(1, view)), self._draws.choice(VALUES))
