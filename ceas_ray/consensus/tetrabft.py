"""Single-shot TetraBFT (Yu, Losa, Wang, PODC 2024, arXiv 2405.02615): the voting of one round at one replica.

Free of transport and keys: messages in, messages out. n replicas, f = floor((n - 1) / 3) may be Byzantine; any two
quorums of Q = n - f share an honest replica, and a blocking set of B = f + 1 contains one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ceas_ray.consensus.rule_three import NO_VOTE, Evidence, RuleThree, Vote, evidence_of
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.quorum import Quorums

FUTURE_VIEWS = 8
"""Messages of views further ahead than this are dropped: memory stays bounded."""


_PHASES = {FrameKind.VOTE1: 1, FrameKind.VOTE2: 2, FrameKind.VOTE3: 3, FrameKind.VOTE4: 4}


@dataclass(frozen=True)
class Output:
    """A message to one replica, or to all others (`to` None)."""

    kind: FrameKind
    view: int
    content: Any
    to: int | None = None


@dataclass(frozen=True)
class ArmTimer:
    """Ask for `timeout(view)` after the view timer's length."""

    view: int


@dataclass(frozen=True)
class Decision:
    """A value is decided."""

    value: bytes
    view: int


@dataclass(frozen=True)
class BodyWanted:
    """A leader may have to propose this value, and lacks its body or what it names."""

    value: bytes


Action = Output | ArmTimer | Decision | BodyWanted


class TetraBFT(RuleThree):
    """One replica's voting state. `is_valid(digest)` must be monotone; call `poke` when it may have turned true.

    No view is entered before the inputs are closed (`close_inputs`, or `start` with view 0 at once).
    """

    def __init__(
        self, index: int, replicas: int, leader: Callable[[int], int], is_valid: Callable[[bytes], bool],
        is_proposable: Callable[[bytes], bool] | None = None, candidate: Callable[[int], bytes | None] | None = None,
    ) -> None:  # fmt: skip
        """is_proposable: what every honest replica will find valid; by default what is valid here.

        candidate: what this replica would propose in a view, computed when it proposes; by default what it starts with.
        """
        self.index, self.replicas = index, replicas
        super().__init__(Quorums(replicas))
        self._leader, self._is_valid = leader, is_valid
        self._is_proposable = is_valid if is_proposable is None else is_proposable
        self._candidate_of = candidate
        self.view = -1
        self.inputs_closed = False
        self.candidate: bytes | None = None
        self.votes = [NO_VOTE] * 5
        self.previous = [NO_VOTE] * 5
        self.decided: Decision | None = None
        self.halted = False
        self._received: dict[tuple[int, int], dict[int, bytes]] = {}
        self._proposals: dict[int, bytes] = {}
        self._suggests: dict[int, dict[int, Evidence]] = {}
        self._own_suggest: dict[int, dict[int, Evidence]] = {}
        self._proofs: dict[int, dict[int, Evidence]] = {}
        self._view_changes: dict[int, int] = {}
        self._asked_view = 0
        self._decides: dict[int, bytes] = {}
        self._voted: set[tuple[int, int]] = set()
        self._proposed: set[int] = set()
        self.wanted: set[bytes] = set()
        self._actions: list[Action] = []

    # --- what happens to it; each returns what to do ----------------------------------------------------------

    def start(self, candidate: bytes | None = None) -> list[Action]:
        """Enter view 0, unless a later view was entered before; with the value that this replica would propose."""
        self.candidate, self.inputs_closed = candidate, True
        if not self.halted:
            self._enter(0)
        return self._take_actions()

    def close_inputs(self) -> list[Action]:
        """From now on views may be entered: look again at the requests and votes that came before."""
        self.inputs_closed = True
        if not self.halted:
            self._follow_view_changes()
            for view, phase in sorted(self._received):
                self._count_votes(view, phase)
        return self._take_actions()

    def poke(self) -> list[Action]:
        """Validity or the candidate may have changed: look again."""
        self._act_on_proposals()
        return self._take_actions()

    def receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> list[Action]:
        """An authentic message."""
        if not self.halted:
            self._receive(sender, kind, view, content)
        return self._take_actions()

    def timeout(self, view: int) -> list[Action]:
        """The view timer ran out: ask for the next view, and arm it again."""
        if not self.halted and view == self.view:
            self._asked_view = max(self._asked_view, view + 1)
            self._send(FrameKind.VIEW_CHANGE, self._asked_view, None)
            self._actions.append(ArmTimer(view))
        return self._take_actions()

    def expects_proposal(self, sender: int, view: int) -> bool:
        """Whether this would be the first proposal of the view's leader that counts."""
        return not self.halted and sender == self._leader(view) and view not in self._proposals

    # --- rules ----------------------------------------------------------

    def _receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> None:
        if kind == FrameKind.DECIDE:
            self._decides.setdefault(sender, content)
            return self._count_decides(content)
        if kind == FrameKind.VIEW_CHANGE:
            return self._count_view_changes(sender, view)
        if not 0 <= view <= max(self.view, 0) + FUTURE_VIEWS:
            return None
        if kind in _PHASES:
            return self._take_vote(sender, kind, view, content)
        match kind:
            case FrameKind.PROPOSAL:
                if sender != self._leader(view):
                    return None
                self._proposals.setdefault(view, content)
            case FrameKind.SUGGEST:
                self._suggests.setdefault(view, {}).setdefault(sender, content)
            case FrameKind.PROOF:
                self._proofs.setdefault(view, {}).setdefault(sender, content)
            case _:
                raise ValueError(f"voting knows no message of kind {kind}")
        self._act_on_proposals()
        return None

    def _take_vote(self, sender: int, kind: FrameKind, view: int, content: bytes) -> None:
        phase = _PHASES[kind]
        self._received.setdefault((view, phase), {}).setdefault(sender, content)
        if not self.halted:
            self._count_votes(view, phase)

    def _enter(self, view: int) -> None:
        if view <= self.view or not self.inputs_closed:
            return
        self.view, self.wanted = view, set()
        if view > 0:
            proof = Evidence(self.votes[1], self.previous[1], self.votes[4])
            suggest = Evidence(self.votes[2], self.previous[2], self.votes[3])  # before its own proof lets it vote
            self._send(FrameKind.PROOF, view, proof)
            self._own_suggest = {view: {self.index: suggest}}
            self._send(FrameKind.SUGGEST, view, suggest, to=self._leader(view))
        self._actions.append(ArmTimer(view))
        self._advance()

    def _advance(self) -> None:
        """Do whatever the messages at hand allow."""
        self._act_on_proposals()
        if self.view >= 0 and not self.halted:
            for view, phase in sorted(self._received):
                self._count_votes(view, phase)

    def _act_on_proposals(self) -> None:
        if self.view >= 0 and not self.halted:
            self._propose()
            self._vote_for_proposal()

    def _propose(self) -> None:
        """A leader's own candidate first, then the values that it heard of; once a view."""
        view = self.view
        if self._leader(view) != self.index or view in self._proposed:
            return
        suggests = self._suggests.get(view, {})
        if view > 0 and len(suggests) < self.quorum:
            return
        own = self.candidate if self._candidate_of is None else self._candidate_of(view)
        heard = [vote.value for s in suggests.values() for vote in (s.high, s.low, s.previous) if vote.view >= 0]
        locked = {s.high.value for s in suggests.values() if s.high.view >= 0}
        for value in dict.fromkeys([*([] if own is None else [own]), *heard]):
            if self._is_proposable(value):
                if self._is_safe_to_propose(value):
                    self._proposed.add(view)
                    self._send(FrameKind.PROPOSAL, view, value)
                    return
            elif value in locked and value not in self.wanted and self._is_safe_to_propose(value):
                self.wanted.add(value)
                self._actions.append(BodyWanted(value))

    def _vote_for_proposal(self) -> None:
        value = self._proposals.get(self.view)
        if value is None or (self.view, 1) in self._voted or not self._is_valid(value):
            return
        if self._is_safe_to_vote_for(value):
            self._vote(1, value)

    def _count_votes(self, view: int, phase: int) -> None:
        value = self._value_with_a_quorum(self._received[view, phase], phase)
        if value is None:
            return
        if phase == 4:
            self._decide(value, view)
        elif view > self.view:
            self._enter(view)  # Proof and Suggest first; nothing happens while the inputs are open
        if phase < 4 and view == self.view:
            self._vote(phase + 1, value)

    def _value_with_a_quorum(self, votes: dict[int, bytes], phase: int) -> bytes | None:
        """If Q of at most n voters hold a value, then at most f hold another: it is among the first f + 1."""
        if len(votes) < self.quorum:
            return None
        values = list(votes.values())
        for value in values[: self.blocking]:
            if values.count(value) >= self.quorum:
                return value
        return None

    def _vote(self, phase: int, value: bytes) -> None:
        if (self.view, phase) in self._voted:
            return
        self._voted.add((self.view, phase))
        if self.votes[phase].view >= 0 and self.votes[phase].value != value:
            self.previous[phase] = self.votes[phase]
        self.votes[phase] = Vote(self.view, value)
        self._send(FrameKind(FrameKind.VOTE1 + phase - 1), self.view, value)

    def _decide(self, value: bytes, view: int) -> None:
        if self.decided is None:
            self.decided = Decision(value, view)
            self._actions.append(self.decided)
            self._send(FrameKind.DECIDE, view, value)

    def _count_decides(self, value: bytes) -> None:
        count = sum(1 for other in self._decides.values() if other == value)
        if count >= self.blocking:
            self._decide(value, max(self.view, 0))
        if count >= self.quorum and self.decided is not None and self.decided.value == value:
            self.halted = True

    def _count_view_changes(self, sender: int, view: int) -> None:
        if view <= self._view_changes.get(sender, 0):
            return
        self._view_changes[sender] = view
        asked = sorted(self._view_changes.values(), reverse=True)
        if len(asked) >= self.blocking and asked[self.blocking - 1] > self._asked_view:
            self._asked_view = asked[self.blocking - 1]
            self._send(FrameKind.VIEW_CHANGE, self._asked_view, None)
        self._follow_view_changes()

    def _follow_view_changes(self) -> None:
        asked = sorted(self._view_changes.values(), reverse=True)
        if len(asked) >= self.quorum and asked[self.quorum - 1] > self.view:
            self._enter(asked[self.quorum - 1])

    # --- rule 3 ----------------------------------------------------------

    def _is_safe_to_propose(self, value: bytes) -> bool:
        """Whether the Suggests of this view call the value safe."""
        return self._is_safe(self._suggests.get(self.view, {}), value, self.view, self._claimed_since)

    def _is_safe_to_vote_for(self, value: bytes) -> bool:
        """Whether the Proofs of this view call the value safe; two other values may show it too (b2)."""
        return self._is_safe(self._proofs.get(self.view, {}), value, self.view, self._shown_since)

    # --- helpers ----------------------------------------------------------

    def _send(self, kind: FrameKind, view: int, content: Any, to: int | None = None) -> None:
        """To others as an action, to itself at once."""
        if to != self.index:
            self._actions.append(Output(kind, view, content, to))
        if to is None or to == self.index:
            self._receive(self.index, kind, view, content)

    def _take_actions(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    # --- crash and recovery ----------------------------------------------------------

    def resend(self, to: int) -> list[Output]:
        """What this replica has said that still counts, for one who missed it: the decision, and until it halts what
        else it said, in the order of the protocol."""
        said: list[Output] = []
        if self.decided is not None:
            said.append(Output(FrameKind.DECIDE, self.decided.view, self.decided.value, to))
        if self.halted:
            return said
        if self._asked_view > max(self.view, 0):
            said.append(Output(FrameKind.VIEW_CHANGE, self._asked_view, None, to))
        view = self.view
        for kind, evidence in ((FrameKind.PROOF, self._proofs), (FrameKind.SUGGEST, self._own_suggest)):
            mine = evidence.get(view, {}).get(self.index)
            if mine is not None and (kind == FrameKind.PROOF or self._leader(view) == to):
                said.append(Output(kind, view, mine, to))
        if view in self._proposed:
            said.append(Output(FrameKind.PROPOSAL, view, self._proposals[view], to))
        for phase, vote in enumerate(self.votes):
            if phase > 0 and vote.view == view >= 0:
                said.append(Output(FrameKind(FrameKind.VOTE1 + phase - 1), view, vote.value, to))
        return said

    def persistent(self) -> Any:
        """What must be on disk before a message leaves, in plain values: all state. What this replica said it must
        never contradict; what others said comes in no second frame, once its key slot is used here."""
        return self.snapshot()

    def recover(self, persisted: Any) -> list[Action]:
        """After a crash: go on from what was persisted, in the same view."""
        self.restore(persisted)
        return [] if self.view < 0 or self.halted else [ArmTimer(self.view)]

    def snapshot(self) -> Any:
        """All state, in plain values."""
        return {
            "view": self.view, "inputs_closed": self.inputs_closed, "candidate": self.candidate, "votes": self.votes,
            "previous": self.previous,
            "decided": None if self.decided is None else (self.decided.value, self.decided.view),
            "halted": self.halted, "received": sorted(self._received.items()), "wanted": sorted(self.wanted),
            "proposals": self._proposals, "suggests": self._suggests, "proofs": self._proofs,
            "own_suggest": self._own_suggest, "view_changes": self._view_changes, "asked": self._asked_view,
            "decides": self._decides, "voted": sorted(self._voted), "proposed": sorted(self._proposed),
        }  # fmt: skip

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self.view, self.candidate = state["view"], state["candidate"]
        self.votes = [Vote(*vote) for vote in state["votes"]]
        self.previous = [Vote(*vote) for vote in state["previous"]]
        self.decided = None if state["decided"] is None else Decision(*state["decided"])
        self.halted, self.inputs_closed, self.wanted = state["halted"], state["inputs_closed"], set(state["wanted"])
        self._received = {key: dict(votes) for key, votes in state["received"]}
        self._proposals = dict(state["proposals"])
        self._suggests = {view: _evidence(of) for view, of in state["suggests"].items()}
        self._proofs = {view: _evidence(of) for view, of in state["proofs"].items()}
        self._own_suggest = {view: _evidence(of) for view, of in state["own_suggest"].items()}
        self._view_changes, self._asked_view = dict(state["view_changes"]), state["asked"]
        self._decides = dict(state["decides"])
        self._voted, self._proposed = set(state["voted"]), set(state["proposed"])


def _evidence(by_sender: Any) -> dict[int, Evidence]:
    return {sender: evidence_of(content) for sender, content in by_sender.items()}
