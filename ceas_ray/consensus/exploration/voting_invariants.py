"""Invariants of the votes and decisions that honest replicas send, judged from their messages alone."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence

from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.voting_state import Action, Decision, Output
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.quorum import quorums_of

_FIRST_VOTE, _LAST_VOTE = FrameKind.VOTE1, FrameKind.VOTE4
_PROOF, _SUGGEST, _PROPOSAL, _VIEW_CHANGE = (
    FrameKind.PROOF, FrameKind.SUGGEST, FrameKind.PROPOSAL, FrameKind.VIEW_CHANGE
)  # fmt: skip
_DECIDE = FrameKind.DECIDE
ACCEPTED_WITHIN = 2.0
"""Time in Delta after the last honest replica entered a view: one for the suggests and proofs, one for the proposal."""
DECIDED_WITHIN = ACCEPTED_WITHIN + 4.0
"""Time in Delta by which such a view decides: one more for each phase of votes."""


class VotingInvariants:
    """An observer of one scenario; times in Delta. Every method raises `Violation`.

    honest: the replicas to judge. valid: the values that an honest replica may vote for. calm_at: from then on every
    message between honest replicas takes at most one Delta. hears_all: it is told of every message and timer; else only
    of proofs, votes and decisions, and what needs more is not judged.
    """

    def __init__(
        self,
        replicas: int,
        honest: Collection[int],
        *,
        leaders: Sequence[int],
        valid: Container[bytes],
        calm_at: float,
        hears_all: bool = True,
    ) -> None:
        quorums = quorums_of(replicas)
        self._quorum, self._blocking = quorums.quorum, quorums.blocking
        self._calm_at, self._hears_all = calm_at, hears_all
        self._honest, self._valid, self._leaders = sorted(honest), valid, leaders
        self._heard: dict[int, dict[tuple[int, int], dict[int, bytes]]] = {node: {} for node in self._honest}
        self._halted: set[int] = set()
        self._proposed: dict[tuple[int, int], bytes] = {}
        self._asked: dict[int, dict[int, int]] = {node: {} for node in self._honest}
        self._may_ask = dict.fromkeys(self._honest, 0)
        self._votes: dict[tuple[int, int, int], bytes] = {}
        self._view = dict.fromkeys(self._honest, 0)
        self._entered_at = dict.fromkeys(self._honest, 0.0)
        self.decisions: dict[int, bytes] = {}
        self.all_decided = False
        self.steps: list[tuple[int, int, int, bytes]] = []

    def heard(self, node: int, sender: int, *, kind: int, view: int, value: bytes) -> None:
        """Note that a vote, proposal, ViewChange or Decide reached an honest replica; the first of a sender and view
        counts.
        """
        if kind == _VIEW_CHANGE:
            asked = self._asked[node]
            asked[sender] = max(view, asked.get(sender, 0))
            return
        if kind == _PROPOSAL:
            if self._leaders[view] == sender:
                self._proposed.setdefault((node, view), value)
            return
        key, heard = (0 if kind == _DECIDE else view, kind), self._heard[node]
        votes = heard.get(key)
        if votes is None:
            heard[key] = {sender: value}
        else:
            votes.setdefault(sender, value)

    def acted(self, node: int, actions: Sequence[Action], now: float) -> None:
        """Judge what an honest replica did."""
        for action in actions:
            if type(action) is Output:
                kind = action.kind
                if _FIRST_VOTE <= kind <= _LAST_VOTE:
                    self._vote(node, action.view, kind - _FIRST_VOTE + 1, action.content)
                elif kind in (_PROOF, _SUGGEST):
                    if any(vote.view >= action.view for vote in action.content):
                        raise Violation("evidence is of earlier views", f"replica {node} in view {action.view}")
                    if kind == _PROOF:
                        self._enter(node, action.view, now)
                elif kind == _VIEW_CHANGE:
                    self._ask(node, action.view)
                elif kind == _PROPOSAL:
                    if action.content not in self._valid:
                        raise Violation("external validity", f"replica {node} proposes an invalid value")
                    self._proposed.setdefault((node, action.view), action.content)
                elif kind == _DECIDE:
                    self._heard[node].setdefault((0, kind), {})[node] = action.content
            elif type(action) is Decision:
                self._decide(node, action.value)

    def _enter(self, node: int, view: int, now: float) -> None:
        if view <= self._view[node]:
            raise Violation("views only grow", f"replica {node} enters {view} after {self._view[node]}")
        voted = [self._heard[node].get((view, _FIRST_VOTE + phase), {}) for phase in range(3)]
        pulled_in = any(list(votes.values()).count(v) >= self._quorum for votes in voted for v in {*votes.values()})
        if self._hears_all and not pulled_in and self._asking(node, view) < self._quorum:
            raise Violation("a view is entered on Q ViewChanges or votes", f"replica {node}, view {view}")
        self._view[node], self._entered_at[node] = view, now
        self.steps.append((node, view, 0, b""))

    def _asking(self, node: int, view: int) -> int:
        """Return how many replicas have asked for this view or a later one, as far as this one heard."""
        return sum(1 for asked in self._asked[node].values() if asked >= view)

    def _ask(self, node: int, view: int) -> None:
        if view > self._may_ask[node] and self._asking(node, view) < self._blocking:
            raise Violation("a ViewChange has its timer or B others", f"replica {node} asks for view {view}")
        self._asked[node][node] = max(view, self._asked[node].get(node, 0))

    def halted(self, node: int) -> None:
        """Judge an honest replica that has stopped."""
        if node in self._halted:
            return
        self._halted.add(node)
        if list(self._heard[node].get((0, FrameKind.DECIDE), {}).values()).count(self.decisions[node]) < self._quorum:
            raise Violation("halt only on Q Decides", f"replica {node}")

    def _vote(self, node: int, view: int, phase: int, value: bytes) -> None:
        if view > self._view[node]:
            raise Violation("no vote in a future view", _who(node, view, phase, f"it is in {self._view[node]}"))
        if view < self._view[node]:
            raise Violation("no vote in a past view", _who(node, view, phase, f"it is in {self._view[node]}"))
        if value not in self._valid:
            raise Violation("external validity", _who(node, view, phase, "the value is invalid"))
        if self._votes.setdefault((node, view, phase), value) != value:
            raise Violation("one value per phase and view", _who(node, view, phase, "it is the second value"))
        if self._hears_all and phase == 1 and self._leaders[view] != node and self._proposed.get((node, view)) != value:
            raise Violation("vote 1 is for the leader's proposal", _who(node, view, phase, "nobody proposed it"))
        self._heard[node].setdefault((view, _FIRST_VOTE + phase - 1), {})[node] = value
        if phase > 1:
            before = self._heard[node].get((view, _FIRST_VOTE + phase - 2), {})
            count = list(before.values()).count(value)
            if count < self._quorum:
                heard = f"it heard {count} of {self._quorum}"
                raise Violation("a vote has a quorum in the phase before", _who(node, view, phase, heard))
        self.steps.append((node, view, phase, value))

    def _decide(self, node: int, value: bytes) -> None:
        if node in self.decisions:
            raise Violation("decide once", f"replica {node} decides again")
        if value not in self._valid:
            raise Violation("external validity", f"replica {node} decides an invalid value")
        self.decisions[node] = value
        self.all_decided = len(self.decisions) == len(self._honest)
        if {*self.decisions.values()} != {value}:
            raise Violation("agreement", f"replica {node} decides {value!r}, another one something else")
        self.steps.append((node, self._view[node], 5, value))

    def timed_out(self, node: int, view: int, now: float, judged: bool = True) -> None:
        """Judge an honest replica whose view timer ran out: if it could have accepted its leader's proposal, it should
        have.
        """
        self._may_ask[node] = max(self._may_ask[node], view + 1)
        if not judged or self._leaders[view] not in self._view or any(other != view for other in self._view.values()):
            return
        ready = max(self._calm_at, *self._entered_at.values()) + ACCEPTED_WITHIN
        if now > ready and not self.decisions and (node, view, 1) not in self._votes:
            raise Violation(
                "an honest leader's proposal is accepted", f"replica {node} has not voted in view {view} at {now:.2f}"
            )
        if now > ready - ACCEPTED_WITHIN + DECIDED_WITHIN and node not in self.decisions:
            raise Violation("no view of an honest leader is lost", f"replica {node}, view {view}, at {now:.2f}")

    def ended(self, now: float) -> None:
        """Judge the end: nothing is left to happen, or the time is over."""
        missing = [node for node in self._honest if node not in self.decisions]
        if missing:
            raise Violation("termination", f"replicas {missing} have not decided {now - self._calm_at:.0f} after calm")


def _who(node: int, view: int, phase: int, why: str) -> str:
    return f"replica {node}, vote {phase} in view {view}: {why}"
