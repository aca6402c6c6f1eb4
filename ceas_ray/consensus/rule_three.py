"""Rule 3 of TetraBFT: what Proofs and Suggests must show of a value before it may be proposed, or voted for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ceas_ray.messages.quorum import Quorums


class Vote(NamedTuple):
    """A vote for the value with this digest in this view; NO_VOTE has view -1."""

    view: int
    value: bytes


NO_VOTE = Vote(-1, b"")


class Evidence(NamedTuple):
    """What a Proof or a Suggest says: a low vote (1 or 2), the highest one for another value, a high vote (4 or 3)."""

    low: Vote
    previous: Vote
    high: Vote


def evidence_of(content: Any) -> Evidence:
    """A Proof's or Suggest's content; ValueError for malformed ones."""
    try:
        low, previous, high = (Vote(*vote) for vote in content)
    except TypeError as error:
        raise ValueError("evidence must hold three votes") from error
    votes = (low, previous, high)
    if not all(isinstance(vote.view, int) and isinstance(vote.value, bytes) for vote in votes):
        raise ValueError("a vote must hold a view and a digest")
    return Evidence(low, previous, high)


class RuleThree:
    """Whether enough replicas show that no other value can have been decided in an earlier view."""

    def __init__(self, quorums: Quorums) -> None:
        self.faults, self.quorum, self.blocking = quorums.faults, quorums.quorum, quorums.blocking

    def _is_safe(
        self, evidence: dict[int, Evidence], value: bytes, view: int,
        since: Callable[[Sequence[Evidence], bytes, int], int],
    ) -> bool:  # fmt: skip
        """Whether the evidence calls the value safe in this view; since: the latest view in which it does so by claims.

        There must be an earlier view r2 that is open to the value, and in which enough claims call it safe. Openness
        only grows with r2 and claims only shrink, so that the latest view with enough claims answers for all.
        """
        if view == 0:
            return True
        if len(evidence) < self.quorum:
            return False
        shown = list(evidence.values())
        if sum(1 for e in shown if e.high.view < 0) >= self.quorum:
            return True
        earlier = min(max(since(shown, value, view), 0), view - 1)  # whatever was decided, any value was safe in view 0
        return self._open_to(shown, value, earlier) >= self.quorum

    def _open_to(self, shown: Sequence[Evidence], value: bytes, earlier: int) -> int:
        """How many could not have helped to decide another value in view `earlier` or later."""
        return sum(1 for e in shown if e.high.view < earlier or (e.high.view == earlier and e.high.value == value))

    def _claimed_since(self, shown: Sequence[Evidence], value: bytes, view: int) -> int:
        """The latest view in which B claims call the value safe (b1); -1 if there is none."""
        return sorted((_claim(e, value, view) for e in shown), reverse=True)[self.blocking - 1]

    def _two_values_since(self, shown: Sequence[Evidence], view: int) -> int:
        """The latest r2 with two different values that B claims each call safe in two views r2 <= rx < ry (b2)."""
        values = {vote.value for e in shown for vote in (e.low, e.previous) if vote.view >= 0}
        claimed = sorted((self._claimed_since(shown, value, view) for value in values), reverse=True)
        return min(claimed[0] - 1, claimed[1]) if len(claimed) > 1 else -1

    def _shown_since(self, shown: Sequence[Evidence], value: bytes, view: int) -> int:
        return max(self._claimed_since(shown, value, view), self._two_values_since(shown, view))


def _claim(evidence: Evidence, value: bytes, view: int) -> int:
    """The latest view in which it shows that `value` was safe: by a vote for it since, or by votes for two values."""
    low, previous = evidence.low, evidence.previous
    if not low.view < view:
        return -1
    if low.value == value:
        return low.view
    return previous.view if previous.view < low.view else -1
