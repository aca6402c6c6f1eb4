"""Rule 3: what Suggests and Proofs show to be safe, against the definition, and the hole that only (b2) closes."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.safety_rule import NO_VOTE, Vote, VoteHistory
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import Action, ArmTimer, Decision, Output
from ceas_ray.messages.frames import FrameKind

A, B, C, W = b"a", b"b", b"c", b"w"
VIEW = 5
VOTES = st.just(NO_VOTE) | st.builds(Vote, st.integers(0, VIEW), st.sampled_from([A, B, C]))
SHOWN = st.lists(st.builds(VoteHistory, VOTES, VOTES, VOTES), min_size=2, max_size=4)


def claims(shown: VoteHistory, value: bytes, earlier: int) -> bool:
    """Rule 2 as it is written."""
    low, previous = shown.low, shown.previous
    if earlier == 0:
        return True
    return low.view < VIEW and ((low.view >= earlier and low.value == value) or earlier <= previous.view < low.view)


def is_safe_by_definition(shown: list[VoteHistory], value: bytes, proofs: bool) -> bool:
    """Rule 3 as it is written, at n = 4: Q = 3, B = 2."""
    if len(shown) < 3:
        return False
    if sum(e.high.view < 0 for e in shown) >= 3:
        return True
    values = {vote.value for e in shown for vote in (e.low, e.previous) if vote.view >= 0}

    def claimed(of: bytes, earlier: int) -> bool:
        return sum(claims(e, of, earlier) for e in shown) >= 2

    def two_values(earlier: int) -> bool:
        return any(
            x != y and claimed(x, at_x) and claimed(y, at_y)
            for x in values for y in values for at_x in range(earlier, VIEW) for at_y in range(at_x + 1, VIEW)
        )  # fmt: skip

    for earlier in range(VIEW):
        is_open = sum(e.high.view < earlier or (e.high.view == earlier and e.high.value == value) for e in shown) >= 3
        if is_open and (claimed(value, earlier) or (proofs and two_values(earlier))):
            return True
    return False


@pytest.mark.slow
@settings(max_examples=1500)
@given(shown=SHOWN, value=st.sampled_from([A, B, C]))
def test_the_rule_is_its_definition(shown: list[VoteHistory], value: bytes) -> None:
    for kind, proofs in ((FrameKind.SUGGEST, False), (FrameKind.PROOF, True)):
        node = TetraBFT(0, 4, leader=lambda view: 0, is_valid=lambda value: True)
        node.state.view = VIEW
        received = node.state.proofs if proofs else node.state.suggests
        received[VIEW] = dict(enumerate(shown))
        found = node._is_safe_to_vote_for(value) if proofs else node._is_safe_to_propose(value)
        assert found == is_safe_by_definition(shown, value, proofs), kind


class ScriptedNetwork:
    """Honest replicas 1, 2, 3 of 4; Byzantine 0 says what the script says. Until the calm only what `early` names is
    delivered, and requests for views; afterwards every message takes one Delta."""

    def __init__(self, early: Callable[[int, int, FrameKind, int], bool], voting: type[TetraBFT] = TetraBFT) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._serial, self._early, self._calm, self._now = count(), early, False, 0.0
        self._held: list[tuple[int, int, FrameKind, int, Any]] = []
        self.decided: dict[int, tuple[float, bytes, int]] = {}
        self.nodes = {i: voting(i, 4, lambda view: view % 4, lambda value: value in (A, B, C, W)) for i in (1, 2, 3)}
        for i, node in self.nodes.items():
            self.at(0.0, lambda i=i, node=node: self._act(i, node.start(C)))  # type: ignore[misc]

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (when, next(self._serial), what))

    def say(self, when: float, to: int, kind: FrameKind, view: int, content: Any) -> None:
        """Byzantine 0 says this."""
        self.at(when, lambda: self._deliver(0, to, kind, view, content))

    def calm_down(self) -> None:
        self._calm = True
        for held in self._held:
            self.at(self._now + 1, lambda held=held: self._deliver(*held))  # type: ignore[misc]

    def _act(self, node: int, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Output):
                for to in (1, 2, 3) if action.to is None else (action.to,):
                    if to not in (0, node):
                        self._send(node, to, action.kind, action.view, action.content)
            elif isinstance(action, ArmTimer):
                view = action.view
                self.at(
                    self._now + VIEW_TIMER_DELTAS,
                    lambda view=view: self._act(node, self.nodes[node].timeout(view)),  # type: ignore[misc]
                )
            elif isinstance(action, Decision):
                self.decided.setdefault(node, (self._now, action.value, action.view))

    def _send(self, sender: int, to: int, kind: FrameKind, view: int, content: Any) -> None:
        if self._calm or kind == FrameKind.VIEW_CHANGE or self._early(sender, to, kind, view):
            self.at(self._now + 1, lambda: self._deliver(sender, to, kind, view, content))
        else:
            self._held.append((sender, to, kind, view, content))

    def _deliver(self, sender: int, to: int, kind: FrameKind, view: int, content: Any) -> None:
        self._act(to, self.nodes[to].receive(sender, kind, view, content))

    def run(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            self._now, _, what = heapq.heappop(self._heap)
            what()


def _early(sender: int, to: int, kind: FrameKind, view: int) -> bool:
    if view == 0:
        both = {sender, to} == {1, 2} and kind in (FrameKind.VOTE1, FrameKind.VOTE2)
        return both or ((sender, to) == (2, 1) and kind == FrameKind.VOTE3)
    if view == 4:
        shown = {sender, to} == {2, 3} and kind == FrameKind.PROOF
        return shown or ((sender, to) == (2, 3) and kind == FrameKind.VOTE1)
    shown = to in (1, 3) and kind == FrameKind.PROOF
    return view == 8 and (shown or ((sender, to) == (1, 3) and kind == FrameKind.VOTE1))


@pytest.mark.parametrize("lies", [True, False])
def test_a_lying_suggest_never_lures_honest_leaders_to_what_honest_proofs_do_not_call_safe(lies: bool) -> None:
    """Three locked values: w by a vote 4 in view 0, a by a vote 2 in view 4, b in view 8; the network is calm then.

    Without (b2) 112 views of honest leaders pass without one vote 1. With it the first one decides.
    """
    network, each = ScriptedNetwork(_early), VIEW_TIMER_DELTAS + 1
    for to in (1, 2):
        network.say(1, to, FrameKind.PROPOSAL, 0, W)
        network.say(2, to, FrameKind.VOTE1, 0, W)
        network.say(3, to, FrameKind.VOTE2, 0, W)
    network.say(4, 1, FrameKind.VOTE3, 0, W)
    nothing = VoteHistory(NO_VOTE, NO_VOTE, NO_VOTE)
    for view, value, receivers in ((4, A, (2, 3)), (8, B, (1, 3))):
        for to in receivers:
            network.say(each * view + 1, to, FrameKind.PROOF, view, nothing)
            network.say(each * view + 1, to, FrameKind.PROPOSAL, view, value)
        network.say(each * view + 2, 3, FrameKind.VOTE1, view, value)
    network.at(each * 8 + 8, network.calm_down)
    for view in range(9, 40) if lies else ():
        if view % 4:
            lie = VoteHistory(Vote(8, C), NO_VOTE, Vote(0, C))
            network.say(each * view + 0.1, view % 4, FrameKind.SUGGEST, view, lie)
    network.run(until=each * 8 + 7)
    assert network.nodes[1].state.votes[4] == (0, W)
    assert (network.nodes[3].state.votes[1], network.nodes[3].state.previous[1]) == ((8, B), (4, A))
    network.run(until=1000)
    assert {view for _, _, view in network.decided.values()} == {9}
    assert len(network.decided) == 3
    assert len({value for _, value, _ in network.decided.values()}) == 1
