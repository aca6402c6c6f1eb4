"""What must hold of the votes and decisions that honest replicas send, judged from their messages alone."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence

from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.tetrabft import Action, Decision, Output, faults_of
from ceas_ray.messages.frames import FrameKind

_FIRST_VOTE = FrameKind.VOTE1
_PROOF, _PROPOSAL = FrameKind.PROOF, FrameKind.PROPOSAL
ACCEPTED_WITHIN = 2.0
"""Delta after the last honest replica entered: one for the suggests and proofs, one for the proposal."""


class VotingInvariants:
    """An observer of one scenario; times in Delta. Every method raises `Violation`.

    honest: the replicas to judge. valid: the values that an honest replica may vote for. calm_at: from then on every
    message between honest replicas takes at most one Delta.
    """

    def __init__(
        self, replicas: int, honest: Collection[int], leaders: Sequence[int], valid: Container[bytes], calm_at: float
    ) -> None:
        self._quorum, self._calm_at = replicas - faults_of(replicas), calm_at
        self._honest, self._valid, self._leaders = sorted(honest), valid, leaders
        self._heard: dict[int, dict[tuple[int, int], dict[int, bytes]]] = {node: {} for node in self._honest}
        self._votes: dict[tuple[int, int, int], bytes] = {}
        self._view = dict.fromkeys(self._honest, 0)
        self._entered_at = dict.fromkeys(self._honest, 0.0)
        self.decisions: dict[int, bytes] = {}
        self.all_decided = False
        self.steps: list[tuple[int, int, int, bytes]] = []

    def heard(self, node: int, sender: int, kind: int, view: int, value: bytes) -> None:
        """A vote reached an honest replica; the first of a sender, view and phase counts."""
        key = (view, kind)
        votes = self._heard[node]
        if key in votes:
            votes[key].setdefault(sender, value)
        else:
            votes[key] = {sender: value}

    def forgot(self, node: int) -> None:
        """A crash: of what was heard only its own votes are left."""
        for votes in self._heard[node].values():
            for sender in [sender for sender in votes if sender != node]:
                del votes[sender]

    def acted(self, node: int, actions: Sequence[Action], now: float) -> None:
        """An honest replica did something."""
        for action in actions:
            if type(action) is Output:
                kind = action.kind
                if kind == _PROOF or kind == FrameKind.SUGGEST:
                    if any(vote.view >= action.view for vote in action.content):
                        raise Violation("evidence is of earlier views", f"replica {node} in view {action.view}")
                    if kind == _PROOF:
                        self._enter(node, action.view, now)
                elif _FIRST_VOTE <= kind <= FrameKind.VOTE4:
                    self._vote(node, action.view, kind - _FIRST_VOTE + 1, action.content)
                elif kind == _PROPOSAL and action.content not in self._valid:
                    raise Violation("external validity", f"replica {node} proposes an invalid value")
            elif type(action) is Decision:
                self._decide(node, action.value)

    def _enter(self, node: int, view: int, now: float) -> None:
        if view <= self._view[node]:
            raise Violation("views only grow", f"replica {node} enters {view} after {self._view[node]}")
        self._view[node], self._entered_at[node] = view, now
        self.steps.append((node, view, 0, b""))

    def _vote(self, node: int, view: int, phase: int, value: bytes) -> None:
        who = f"replica {node}, vote {phase} in view {view}"
        if view > self._view[node]:
            raise Violation("no vote in a future view", f"{who}, while it is in view {self._view[node]}")
        if view < self._view[node]:
            raise Violation("no vote in a past view", f"{who}, after its proof for view {self._view[node]}")
        if value not in self._valid:
            raise Violation("external validity", f"{who}: for an invalid value")
        if self._votes.setdefault((node, view, phase), value) != value:
            raise Violation("one value per phase and view", f"{who}: for two values")
        heard = self._heard[node].setdefault((view, _FIRST_VOTE + phase - 1), {})
        heard[node] = value
        if phase > 1:
            before = self._heard[node].get((view, _FIRST_VOTE + phase - 2), {})
            count = list(before.values()).count(value)
            if count < self._quorum:
                raise Violation("a vote has a quorum in the phase before", f"{who}: heard {count} of {self._quorum}")
        self.steps.append((node, view, phase, value))

    def _decide(self, node: int, value: bytes) -> None:
        if node in self.decisions:
            raise Violation("decide once", f"replica {node} decides again")
        if value not in self._valid:
            raise Violation("external validity", f"replica {node} decides an invalid value")
        self.decisions[node] = value
        self.all_decided = len(self.decisions) == len(self._honest)
        if any(other != value for other in self.decisions.values()):
            raise Violation("agreement", f"replica {node} decides {value!r}, another one something else")
        self.steps.append((node, self._view[node], 5, value))

    def timed_out(self, node: int, view: int, now: float) -> None:
        """The timer of a view ran out at an honest replica; if it could have accepted its leader, it should have."""
        if self._leaders[view] not in self._view or any(other != view for other in self._view.values()):
            return
        ready = max(self._calm_at, *self._entered_at.values()) + ACCEPTED_WITHIN
        if now > ready and not self.decisions and (node, view, 1) not in self._votes:
            raise Violation(
                "an honest leader's proposal is accepted", f"replica {node} has not voted in view {view} at {now:.2f}"
            )

    def ended(self, now: float) -> None:
        """Nothing is left to happen, or the time is over."""
        missing = [node for node in self._honest if node not in self.decisions]
        if missing:
            raise Violation("termination", f"replicas {missing} have not decided {now - self._calm_at:.0f} after calm")
