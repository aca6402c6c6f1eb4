"""Single-shot TetraBFT (Yu, Losa, Wang, PODC 2024, arXiv 2405.02615): the voting of one round at one replica.

It is free of transport and keys: messages in, messages out. Of n replicas f = floor((n - 1) / 3) may be Byzantine. Any
two quorums of Q = n - f share an honest replica, and a blocking set of B = f + 1 contains one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ceas_ray.consensus.safety_rule import SafetyRule, Vote, VoteHistory
from ceas_ray.consensus.voting_state import Action, ArmTimer, BodyWanted, Decision, Output, VotingState
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.quorum import quorums_of

FUTURE_VIEWS = 8
"""Number of views ahead of which messages are kept; those further ahead are dropped, so memory stays bounded."""


_PHASES = {FrameKind.VOTE1: 1, FrameKind.VOTE2: 2, FrameKind.VOTE3: 3, FrameKind.VOTE4: 4}
_VOTES = {phase: kind for kind, phase in _PHASES.items()}
_DECIDE, _VIEW_CHANGE = FrameKind.DECIDE, FrameKind.VIEW_CHANGE


class TetraBFT(SafetyRule, Stateful):
    """One replica's voting. `is_valid(digest)` must be monotone; call `reconsider` when it may have turned true.

    No view is entered before the inputs are closed (`close_inputs`, or `start`, which enters view 0 at once). Every
    method returns what to do.
    """

    def __init__(
        self, index: int, replicas: int, leader: Callable[[int], int], is_valid: Callable[[bytes], bool], *,
        is_proposable: Callable[[bytes], bool] | None = None, candidate: Callable[[int], bytes | None] | None = None,
    ) -> None:  # fmt: skip
        """Make the voting of replica `index`.

        is_proposable: whether every honest replica will find a value valid; by default, whether it is valid here.
        candidate: returns what this replica would propose in a view, computed when it proposes; by default it is what
        `start` is given.
        """
        self.index, self.replicas = index, replicas
        super().__init__(quorums_of(replicas))
        self._leader, self._is_valid = leader, is_valid
        self._is_proposable = is_valid if is_proposable is None else is_proposable
        self._candidate_of = candidate
        self.state = VotingState()
        self._actions: list[Action] = []

    @property
    def view(self) -> int:
        """The view that this replica is in; -1 before view 0."""
        return self.state.view

    @property
    def inputs_closed(self) -> bool:
        """Whether views may be entered."""
        return self.state.inputs_closed

    @property
    def wanted(self) -> Collection[bytes]:
        """The values whose bodies this replica, a leader, has asked for in this view."""
        return self.state.wanted

    @property
    def decided(self) -> Decision | None:
        """What is decided here."""
        return self.state.decided

    @property
    def halted(self) -> bool:
        """Whether Q replicas have said that they decided: nothing more is voted on."""
        return self.state.halted

    # --- what happens to it; each returns what to do ----------------------------------------------------------

    def start(self, candidate: bytes | None = None) -> list[Action]:
        """Enter view 0, unless a later view was entered before, with the value that this replica would propose."""
        state = self.state
        state.candidate, state.inputs_closed = candidate, True
        if not state.halted:
            self._enter(0)
        return self._take_actions()

    def close_inputs(self) -> list[Action]:
        """Allow views to be entered, and look again at the requests and votes that came before."""
        state = self.state
        state.inputs_closed = True
        if not state.halted:
            self._follow_view_changes(sorted(state.view_changes.values(), reverse=True))
            self._count_all_votes()
        return self._take_actions()

    def propose_from_now_on(self, candidate: bytes) -> None:
        """Replace the value that this replica would propose, where it is not computed."""
        self.state.candidate = candidate

    def reconsider(self) -> list[Action]:
        """Look again, because validity or the candidate may have changed."""
        self._act_on_proposals()
        return self._take_actions()

    def receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> list[Action]:
        """Take an authentic message."""
        if self.state.halted:
            return []
        self._receive(sender, kind, view, content)
        return self._take_actions() if self._actions else []

    def timeout(self, view: int) -> list[Action]:
        """Ask for the next view, because the view timer ran out, and arm the timer again."""
        state = self.state
        if not state.halted and view == state.view:
            state.asked_view = max(state.asked_view, view + 1)
            self._send(FrameKind.VIEW_CHANGE, state.asked_view, None)
            self._actions.append(ArmTimer(view))
        return self._take_actions()

    def expects_proposal(self, sender: int, view: int) -> bool:
        """Return whether this would be the first proposal of the view's leader that counts."""
        return not self.state.halted and sender == self._leader(view) and view not in self.state.proposals

    def lacked_something_in(self, view: int) -> bool:
        """Return whether this replica could not vote for what was proposed in a view, or not propose as its leader, or
        could not propose a value that the votes in B of its Proofs name.
        """
        state = self.state
        if view >= 0 and self._leader(view) == self.index and view not in state.proposed:
            return True
        if view in state.proposals and (view, 1) not in state.voted:
            return True
        proofs = state.proofs.get(view, {}).values()
        named = [value for proof in proofs for value in {vote.value for vote in (proof.low, proof.high)} - {b""}]
        return any(not self._is_proposable(value) for value in {*named} if named.count(value) >= self.blocking)

    def is_too_far_ahead(self, view: int) -> bool:
        """Return whether a view is so far ahead that its messages cannot be kept yet."""
        return view > max(self.state.view, 0) + FUTURE_VIEWS

    # --- rules ----------------------------------------------------------

    def _receive(self, sender: int, kind: FrameKind, view: int, content: Any) -> None:
        state, phase = self.state, _PHASES.get(kind)
        if phase is not None:
            return self._take_vote(sender, phase, view, content) if self._keeps(view) else None
        if kind == _DECIDE:
            state.decides.setdefault(sender, content)
            return self._count_decides(content)
        if kind == _VIEW_CHANGE:
            return self._count_view_changes(sender, view)
        if not self._keeps(view):
            return None
        match kind:
            case FrameKind.PROPOSAL:
                if sender != self._leader(view):
                    return None
                state.proposals.setdefault(view, content)
            case FrameKind.SUGGEST:
                state.suggests.setdefault(view, {}).setdefault(sender, content)
            case FrameKind.PROOF:
                state.proofs.setdefault(view, {}).setdefault(sender, content)
            case _:
                raise ValueError(f"voting knows no message of kind {kind}")
        self._act_on_proposals()
        return None

    def _keeps(self, view: int) -> bool:
        """Return whether a view is near enough for its messages to be kept."""
        return view >= 0 and (view <= FUTURE_VIEWS or view <= self.state.view + FUTURE_VIEWS)

    def _take_vote(self, sender: int, phase: int, view: int, content: bytes) -> None:
        state = self.state
        key = (view, phase)
        votes = state.received.get(key)
        if votes is None:
            votes = state.received[key] = {}
        votes.setdefault(sender, content)
        if not state.halted:
            self._count_votes(view, phase, votes)

    def _enter(self, view: int) -> None:
        state = self.state
        if view <= state.view or not state.inputs_closed:
            return
        state.view, state.wanted = view, set()
        if view > 0:
            proof = VoteHistory(state.votes[1], state.previous[1], state.votes[4])
            suggest = VoteHistory(
                state.votes[2], state.previous[2], state.votes[3]
            )  # before its own proof lets it vote
            self._send(FrameKind.PROOF, view, proof)
            state.own_suggest = {view: {self.index: suggest}}
            self._send(FrameKind.SUGGEST, view, suggest, to=self._leader(view))
        self._actions.append(ArmTimer(view))
        self._advance()

    def _advance(self) -> None:
        """Do whatever the messages at hand allow."""
        state = self.state
        self._act_on_proposals()
        if state.view >= 0 and not state.halted:
            self._count_all_votes()

    def _count_all_votes(self) -> None:
        for (view, phase), votes in sorted(self.state.received.items()):
            self._count_votes(view, phase, votes)

    def _act_on_proposals(self) -> None:
        if self.state.view >= 0 and not self.state.halted:
            self._propose()
            self._vote_for_proposal()

    def _propose(self) -> None:
        """Propose once a view, as its leader: its own candidate first, then the values that it heard of."""
        state = self.state
        view = state.view
        if self._leader(view) != self.index or view in state.proposed:
            return
        suggests = state.suggests.get(view, {})
        if view > 0 and len(suggests) < self.quorum:
            return
        own = state.candidate if self._candidate_of is None else self._candidate_of(view)
        heard = [vote.value for s in suggests.values() for vote in (s.high, s.low, s.previous) if vote.view >= 0]
        locked = {s.high.value for s in suggests.values() if s.high.view >= 0}
        for value in dict.fromkeys([*([] if own is None else [own]), *heard]):
            if self._is_proposable(value):
                if self._is_safe_to_propose(value):
                    state.proposed.add(view)
                    self._send(FrameKind.PROPOSAL, view, value)
                    return
            elif value in locked and value not in state.wanted and self._is_safe_to_propose(value):
                state.wanted.add(value)
                self._actions.append(BodyWanted(value))

    def _vote_for_proposal(self) -> None:
        state = self.state
        value = state.proposals.get(state.view)
        if value is None or (state.view, 1) in state.voted or not self._is_valid(value):
            return
        if self._is_safe_to_vote_for(value):
            self._vote(1, value)

    def _count_votes(self, view: int, phase: int, votes: dict[int, bytes]) -> None:
        """Act on Q votes for one value, unless nothing can come of it any more."""
        state = self.state
        if phase == 4:
            if state.decided is not None:
                return
        elif view < state.view or (view, phase + 1) in state.voted:
            return
        value = self._value_with_a_quorum(votes, phase)
        if value is None:
            return
        if phase == 4:
            self._decide(value, view)
        elif view > state.view:
            self._enter(view)  # Proof and Suggest first; nothing happens while the inputs are open
        if phase < 4 and view == state.view:
            self._vote(phase + 1, value)

    def _value_with_a_quorum(self, votes: dict[int, bytes], phase: int) -> bytes | None:
        """Return the value with Q votes. Of at most n voters at most f hold another, so it is among the first f + 1."""
        if len(votes) < self.quorum:
            return None
        values = list(votes.values())
        for value in values[: self.blocking]:
            if values.count(value) >= self.quorum:
                return value
        return None

    def _vote(self, phase: int, value: bytes) -> None:
        state = self.state
        if (state.view, phase) in state.voted:
            return
        state.voted.add((state.view, phase))
        if state.votes[phase].view >= 0 and state.votes[phase].value != value:
            state.previous[phase] = state.votes[phase]
        state.votes[phase] = Vote(state.view, value)
        self._send(_VOTES[phase], state.view, value)

    def _decide(self, value: bytes, view: int) -> None:
        state = self.state
        if state.decided is None:
            state.decided = Decision(value, view)
            self._actions.append(state.decided)
            self._send(FrameKind.DECIDE, view, value)

    def _count_decides(self, value: bytes) -> None:
        state = self.state
        count = list(state.decides.values()).count(value)
        if count >= self.blocking:
            self._decide(value, max(state.view, 0))
        if count >= self.quorum and state.decided is not None and state.decided.value == value:
            state.halted = True

    def _count_view_changes(self, sender: int, view: int) -> None:
        state = self.state
        if view <= state.view_changes.get(sender, 0):
            return
        state.view_changes[sender] = view
        if len(state.view_changes) < self.blocking:
            return
        asked = sorted(state.view_changes.values(), reverse=True)
        if asked[self.blocking - 1] > state.asked_view:
            state.asked_view = asked[self.blocking - 1]
            self._send(_VIEW_CHANGE, state.asked_view, None)
            asked = sorted(state.view_changes.values(), reverse=True)
        self._follow_view_changes(asked)

    def _follow_view_changes(self, asked: list[int]) -> None:
        """Enter the latest view that Q replicas ask for; asked: the latest views, in decreasing order."""
        if len(asked) >= self.quorum and asked[self.quorum - 1] > self.state.view:
            self._enter(asked[self.quorum - 1])

    # --- rule 3 ----------------------------------------------------------

    def _is_safe_to_propose(self, value: bytes) -> bool:
        """Return whether the Suggests of this view call the value safe."""
        state = self.state
        return self._is_safe(state.suggests.get(state.view, {}), value, state.view, self._claimed_since)

    def _is_safe_to_vote_for(self, value: bytes) -> bool:
        """Return whether the Proofs of this view call the value safe; claims for two other values may show it too."""
        state = self.state
        return self._is_safe(state.proofs.get(state.view, {}), value, state.view, self._shown_since)

    # --- helpers ----------------------------------------------------------

    def _send(self, kind: FrameKind, view: int, content: Any, to: int | None = None) -> None:
        """Send a message to others as an action, and to itself at once."""
        if to != self.index:
            self._actions.append(Output(kind, view, content, to))
        if to is None or to == self.index:
            self._receive(self.index, kind, view, content)

    def _take_actions(self) -> list[Action]:
        if not self._actions:
            return []
        actions, self._actions = self._actions, []
        return actions

    # --- crash and recovery ----------------------------------------------------------

    def resend(self, to: int, votes: bool = True) -> list[Output]:
        """Return what this replica has said that still counts, for one who missed it: the decision, and until it halts
        what else it said, in the order of the protocol. votes: include what belongs to its view; whoever needs that
        enters a view, and asks anew there.
        """
        state = self.state
        said: list[Output] = []
        if state.decided is not None:
            said.append(Output(FrameKind.DECIDE, state.decided.view, state.decided.value, to))
        if state.halted:
            return said
        if state.asked_view > max(state.view, 0):
            said.append(Output(FrameKind.VIEW_CHANGE, state.asked_view, None, to))
        if not votes:
            return said
        view = state.view
        for kind, evidence in ((FrameKind.PROOF, state.proofs), (FrameKind.SUGGEST, state.own_suggest)):
            mine = evidence.get(view, {}).get(self.index)
            if mine is not None and (kind == FrameKind.PROOF or self._leader(view) == to):
                said.append(Output(kind, view, mine, to))
        if view in state.proposed:
            said.append(Output(FrameKind.PROPOSAL, view, state.proposals[view], to))
        for phase, vote in enumerate(state.votes):
            if phase > 0 and vote.view == view >= 0:
                said.append(Output(_VOTES[phase], view, vote.value, to))
        return said

    def persistent(self) -> Any:
        """Return what must be on disk before a message leaves, in plain values: all state. This replica must never
        contradict what it said, and what others said comes in no second frame, once its key slot is used here.
        """
        return self.snapshot()

    def recover(self, persisted: Any) -> list[Action]:
        """Go on after a crash from what was persisted, in the same view."""
        self.restore(persisted)
        return self.go_on()

    def go_on(self) -> list[Action]:
        """Restart the timer of the view, which a crash has lost."""
        state = self.state
        return [] if state.view < 0 or state.halted else [ArmTimer(state.view)]
