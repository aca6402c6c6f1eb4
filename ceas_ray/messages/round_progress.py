"""The progress of the committee's round: the rules for ending it, waiting longer and giving up, written once.

They live beside the messages because the entanglement manager, which runs the rounds, and the committee's explorer,
which must explore what runs, are siblings and import nothing of each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal

import numpy as np

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.payloads import replica_name
from ceas_ray.messages.quorum import Quorums


@dataclass(frozen=True)
class OnStall:
    """What to do when the committee does not decide, or lacks the keys for a round.

    way: `stop` ends the run. `wait` distils a reserve of keys and waits longer, at most `max_waits` times in a row.
    `skip` does the same and gives the round up: it asks the replicas to agree on SKIP, which leaves the model as it is.
    They decide that by the rules of consensus alone, so nothing that some replica has decided is ever undone.
    """

    way: Literal["wait", "skip", "stop"] = "stop"
    max_waits: int = 0


class Stage(Enum):
    """How far a round is: planned but not yet begun, running, or over."""

    PLANNED = "planned"
    RUNNING = "running"
    OVER = "over"


class ReportVerdict(Enum):
    """How a replica's report is judged: it is invalid, it counts as one of several, or it ends the round."""

    INVALID = auto()
    COUNTED = auto()
    DECISIVE = auto()


@dataclass
class ProgressState:
    """Progress of the latest round.

    waits: how often in a row the round waited for keys. reports: by replica, the first outcome that it reported, as
    bytes to compare, and the view. decided, view: the report that ended the round, and the view to believe.
    """

    round_index: int
    stage: Stage = Stage.OVER
    waits: int = 0
    reports: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    decided: RoundDecided | None = None
    view: int = 0


class RoundProgress(Stateful):
    """Counts what replicas report of a round, and how long the round waits for them.

    The report of a Byzantine replica counts only for itself. What is taken from the reports is the same in 2 f + 1 of
    them, and the view to believe lies between views that honest replicas reported.
    """

    def __init__(self, quorums: Quorums, processors: int, on_stall: OnStall, first_round: int = -1) -> None:
        """Start before any round is planned; first_round: the index of what comes before the first one."""
        self._quorums, self._on_stall = quorums, on_stall
        self._replicas = frozenset(replica_name(j) for j in range(quorums.replicas))
        self._table = (2, processors + quorums.replicas)
        self.state = ProgressState(first_round)

    def plan(self, round_index: int) -> None:
        """Start a new round of which nothing is known yet."""
        self.state.round_index, self.state.stage, self.state.waits = round_index, Stage.PLANNED, 0

    def begin(self) -> None:
        """Let the round run: from now on reports of it are counted."""
        self.state.reports, self.state.stage = {}, Stage.RUNNING

    def hear(self, replica: str, decided: RoundDecided) -> ReportVerdict:
        """Take a replica's report and judge it. The first one of each replica counts; the last one needed decides."""
        outcome, state = self._outcome(replica, decided), self.state
        if outcome is None:
            return ReportVerdict.INVALID
        if state.stage is not Stage.RUNNING:
            return ReportVerdict.COUNTED
        state.reports.setdefault(replica, (outcome, decided.view))
        if self._quorums.decided(other for other, _ in state.reports.values()) != outcome:
            return ReportVerdict.COUNTED
        views = sorted(view for other, view in state.reports.values() if other == outcome)
        state.stage, state.decided, state.view = Stage.OVER, decided, views[-self._quorums.blocking]
        return ReportVerdict.DECISIVE

    def has_quorum(self, replicas: int) -> bool:
        """Return whether this many replicas with keys among each other can decide a round."""
        return replicas >= self._quorums.quorum

    def is_stalled(self, round_index: int, waits: int) -> bool:
        """Return whether this round still runs and has waited this often. A timer set before it last waited is void."""
        return self.state.stage is Stage.RUNNING and (round_index, waits) == (self.state.round_index, self.state.waits)

    def waits_on(self) -> bool:
        """Decide whether a stalled round waits once more, and count it if so."""
        if self._on_stall.way == "stop" or self.state.waits >= self._on_stall.max_waits:
            return False
        self.state.waits += 1
        return True

    @property
    def gives_up(self) -> bool:
        """Whether replicas are asked to agree on SKIP when the round has waited."""
        return self._on_stall.way == "skip"

    def end(self) -> None:
        """End the round without a decision; the run ends with it."""
        self.state.stage = Stage.OVER

    def _outcome(self, replica: str, decided: RoundDecided) -> bytes | None:
        """Return what a replica reports of this round, as bytes to compare; None for an invalid report."""
        if replica not in self._replicas or type(decided.round_index) is not int or type(decided.view) is not int:
            return None
        wrong_round = decided.round_index != self.state.round_index
        if wrong_round or decided.view < 0 or not self._are_key_bits(decided.key_bits):
            return None
        what = (decided.digest, decided.skipped, decided.processors, decided.weights, decided.model)
        try:
            return encode((*what, decided.quarantined))
        except (TypeError, ValueError, OverflowError):
            return None

    def _are_key_bits(self, said: Any) -> bool:
        is_table = isinstance(said, np.ndarray) and said.dtype.kind == "i" and said.shape == self._table
        return is_table and bool((said >= 0).all())
