"""The safety rule of TetraBFT: what Proofs and Suggests must show of a value before it may be proposed or voted for.

Yu, Losa, Wang, PODC 2024 (arXiv 2405.02615); the second alternative for Proofs (two claimed values) is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ceas_ray.messages.quorum import Quorums


class Vote(NamedTuple):
    """A vote for the value with this digest in this view; NO_VOTE has view -1."""

    view: int
    value: bytes


NO_VOTE = Vote(-1, b"")


class VoteHistory(NamedTuple):
    """What a Proof or a Suggest says: a low vote (1 or 2), the highest one for another value, and a high vote
    (4 or 3).
    """

    low: Vote
    previous: Vote
    high: Vote


def vote_history_of(content: Any) -> VoteHistory:
    """Return the content of a Proof or Suggest. Raises ValueError for malformed ones."""
    try:
        low, previous, high = (Vote(*vote) for vote in content)
    except TypeError as error:
        raise ValueError("a vote history must hold three votes") from error
    votes = (low, previous, high)
    if not all(type(vote.view) is int and type(vote.value) is bytes for vote in votes):
        raise ValueError("a vote must hold a view and a digest")
    return VoteHistory(low, previous, high)


class SafetyRule:
    """Decides whether enough replicas show that no other value can have been decided in an earlier view."""

    def __init__(self, quorums: Quorums) -> None:
        self.faults, self.quorum, self.blocking = quorums.faults, quorums.quorum, quorums.blocking

    def _is_safe(
        self, evidence: dict[int, VoteHistory], value: bytes, view: int,
        since: Callable[[Sequence[VoteHistory], bytes, int], int],
    ) -> bool:  # fmt: skip
        """Return whether these histories call the value safe in this view; since: returns the latest view in which they
        do so by claims.

        There must be an earlier view that is open to the value and in which enough claims call it safe. Openness only
        grows with that view and claims only shrink, so the latest view with enough claims answers for all.
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

    def _open_to(self, shown: Sequence[VoteHistory], value: bytes, earlier: int) -> int:
        """Return how many could not have helped to decide another value in view `earlier` or later."""
        return sum(1 for e in shown if e.high.view < earlier or (e.high.view == earlier and e.high.value == value))

    def _claimed_since(self, shown: Sequence[VoteHistory], value: bytes, view: int) -> int:
        """Return the latest view in which B claims call the value safe; -1 if there is none."""
        return sorted((_claim(e, value, view) for e in shown), reverse=True)[self.blocking - 1]

    def _two_values_since(self, shown: Sequence[VoteHistory], view: int) -> int:
        """Return the latest view r such that two different values are each called safe by B claims, in two views r <=
        rx < ry.
        """
        values = {vote.value for e in shown for vote in (e.low, e.previous) if vote.view >= 0}
        claimed = sorted((self._claimed_since(shown, value, view) for value in values), reverse=True)
        return min(claimed[0] - 1, claimed[1]) if len(claimed) > 1 else -1

    def _shown_since(self, shown: Sequence[VoteHistory], value: bytes, view: int) -> int:
        """Return the latest view in which Proofs call the value safe, by claims for it or by claims for two other
        values.
        """
        return max(self._claimed_since(shown, value, view), self._two_values_since(shown, view))


def _claim(evidence: VoteHistory, value: bytes, view: int) -> int:
    """Return the latest view in which a history shows that `value` was safe: by a vote for it, or by votes for two
    values.
    """
    low, previous = evidence.low, evidence.previous
    if not low.view < view:
        return -1
    if low.value == value:
        return low.view
    return previous.view if previous.view < low.view else -1
