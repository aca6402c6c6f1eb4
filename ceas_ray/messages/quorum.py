"""The arithmetic of quorums, written once for replicas, processors, the entanglement manager and the explorers.

It lives beside the messages because all of them import these, while consensus and entanglement, which are siblings,
import nothing of each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property


@dataclass(frozen=True)
class Quorums:
    """What a committee of n replicas can rely on if at most f = floor((n - 1) / 3) of them are Byzantine.

    Raises ValueError for n <= 3, because then f would be 0 and no fault could be tolerated.
    """

    replicas: int

    def __post_init__(self) -> None:
        if self.replicas < 4:
            raise ValueError(f"consensus.committee_size must be at least 4 (n > 3 f, f >= 1), got {self.replicas}")

    @cached_property
    def faults(self) -> int:
        """f_replicas, the largest f with n > 3 f."""
        return (self.replicas - 1) // 3

    @cached_property
    def quorum(self) -> int:
        """Q = n - f. The honest replicas alone reach it, and any two quorums share an honest replica."""
        return self.replicas - self.faults

    @cached_property
    def blocking(self) -> int:
        """B = f + 1. At least one of these replicas is honest."""
        return self.faults + 1

    @property
    def reports_needed(self) -> int:
        """Number of matching reports of a decision, 2 f + 1, that let the next round begin. B of their senders are
        honest, so whoever missed the decision can learn it from them, whatever Byzantine replicas say.
        """
        return 2 * self.faults + 1

    def leader(self, round_index: int, view: int) -> int:
        """Return the replica that proposes in this view of this round."""
        return (round_index + view) % self.replicas

    def replies_unasked(self, replica: int, place: int, round_index: int) -> bool:
        """Return whether a replica sends a processor the model of a round without being asked: B of them do, in turn.

        place: of the processor among those that are served together. It decides whom the processor meets in which key
        slot, so that all processors need the longer key in the same B slots. B equal replies are what a processor
        needs. If some of these replicas are faulty, it asks the others. Ours.
        """
        return (replica - place - round_index) % self.replicas < self.blocking

    def decided(self, reports: Iterable[bytes]) -> bytes | None:
        """Return the decision with as many reports as the next round needs, given one report per replica; None without
        one.
        """
        counts = Counter(reports)
        return next((value for value, count in counts.items() if count >= self.reports_needed), None)


@cache
def quorums_of(replicas: int) -> Quorums:
    """Return the quorums of this many replicas, always the same object."""
    return Quorums(replicas)
