"""A committee that is cut in two, or has no keys: nobody forks, and when it heals everybody decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of
from ceas_ray.messages.payloads import HUB, replica_name
from ceas_ray.messages.quorum import Quorums
from tests.consensus.committee import DELTA, OPENS, Network, up_to_f


class CutNetwork(Network):
    """Cut in two, again and again: nothing passes between a set of replicas and the others until it is some Delta after
    the inputs could close; then the next set is apart."""

    def __init__(self, replicas: int, cuts: list[tuple[set[int], int]], silent: frozenset[int] = frozenset()) -> None:
        self._cuts = [({*map(replica_name, apart)}, OPENS + heals * DELTA) for apart, heals in cuts]
        super().__init__(replicas, silent=silent)

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        apart: set[str] = next((apart for apart, heals in self._cuts if self.now < heals), set())
        from_a_replica = isinstance(payload, Frame) and sender.startswith("replica/")
        if not (from_a_replica and (sender in apart) != (replica_name(replica) in apart)):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("heals", [0, 5, 20, 38, 60, 200])
@pytest.mark.parametrize("apart", [{0}, {3}, {0, 1}])
def test_whoever_was_cut_off_decides_soon_after_the_network_heals_however_long_that_took(
    apart: set[int], heals: int
) -> None:
    """A question that nobody heard must be asked again: its key is spent, so it is the same frame."""
    network = CutNetwork(4, [(apart, heals)])
    network.run()
    assert {j for j, _ in network.decided} == {0, 1, 2, 3}
    assert len(network.states()) == 1
    if heals and len(apart) == 1:
        connected = {network.decided[j, 0].view for j in set(range(4)) - apart}
        assert connected == {1 if apart == {0} else 0}, "the larger part did not wait"
    network.assert_nobody_contradicted_itself()


def test_who_asked_before_there_was_an_answer_asks_again_later() -> None:
    """Each of the others hears its questions while none of them knows the decision; then it is alone for a while."""
    network = CutNetwork(5, [({1, 3, 4}, 100), ({0, 3, 4}, 190), ({3}, 230)])
    network.run()
    assert {j for j, _ in network.decided} == {0, 1, 2, 3, 4}
    assert 190 < max(at for j, at in network.decide_times().items() if j != 3) < 230 < network.decide_times()[3]
    assert len(network.states()) == 1


@given(
    replicas=st.sampled_from([4, 5, 7]), lasting=st.lists(st.integers(0, 60), min_size=1, max_size=3),
    seed=st.integers(0, 10**6),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_in_whatever_parts_the_committee_falls_it_decides_one_value_soon_after_healing(
    replicas: int, lasting: list[int], seed: int
) -> None:
    draw = np.random.default_rng(seed)
    silent = up_to_f(draw, replicas)
    parts = [set(draw.permutation(replicas)[: draw.integers(1, replicas)].tolist()) for _ in lasting]
    cuts = [(apart, sum(lasting[: k + 1])) for k, apart in enumerate(parts)]
    network = CutNetwork(replicas, cuts, silent)
    network.run()
    assert {j for j, _ in network.decided} == set(range(replicas)) - silent
    assert len({decided.digest for decided in network.decided.values()}) == len(network.states()) == 1
    network.assert_nobody_contradicted_itself()


class DeafNetwork(Network):
    """What other replicas say to some does not reach them until some Delta after the inputs could close; what they say
    does."""

    def __init__(self, replicas: int, deaf: set[int], heals: int, silent: frozenset[int] = frozenset()) -> None:
        self._deaf, self._heals = deaf, OPENS + heals * DELTA
        super().__init__(replicas, silent=silent)

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        others = isinstance(payload, Frame) and sender.startswith("replica/") and sender != replica_name(replica)
        if not (others and replica in self._deaf and self.now < self._heals):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("heals", [5, 38, 100, 300])
@pytest.mark.parametrize(("replicas", "deaf", "silent"), [(4, {3}, set()), (4, {3}, {0}), (7, {5, 6}, {0})])
def test_one_whose_answers_were_lost_is_answered_again_however_often_it_asked(
    replicas: int, deaf: set[int], silent: set[int], heals: int
) -> None:
    """After three answers, all lost, nobody answered in that round again: not even those who had halted."""
    network = DeafNetwork(replicas, deaf, heals, frozenset(silent))
    network.run()
    assert {j for j, _ in network.decided} == set(range(replicas)) - silent
    assert len(network.states()) == 1


@pytest.mark.parametrize("heals", [20, 50, 100, 200, 300])
@pytest.mark.parametrize(("replicas", "silent"), [(4, {0}), (7, {0, 1}), (10, {0, 1, 2})])
def test_one_that_was_deaf_costs_the_others_at_most_one_view_of_an_honest_leader_when_it_hears_again(
    replicas: int, silent: set[int], heals: int
) -> None:
    """It asked ever more rarely: after 1,500 Delta of deafness 61 honest leaders proposed in vain."""
    deaf = replicas - 1
    network = DeafNetwork(replicas, {deaf}, heals, frozenset(silent))
    network.run()
    calm = OPENS + heals * DELTA
    led = {(f.view, f.sender) for f in network.sent if f.kind == FrameKind.PROPOSAL and f.sent_at >= calm}
    assert {j for j, _ in network.decided} == set(range(replicas)) - silent
    assert len(led) <= 2


SOON = 2 * VIEW_TIMER_DELTAS
"""Within so many Delta of the calm a replica has asked again, and been answered."""


class DeafRing(Network):
    """f replicas are silent, and each of the others is deaf to the next one until the network heals: nobody has Echoes
    of Q replicas. Each hears what is asked, and its answers are lost."""

    def __init__(self, replicas: int, heals: int) -> None:
        self._ring, self._heals = Quorums(replicas).quorum, OPENS + heals * DELTA
        super().__init__(replicas, silent=frozenset(range(self._ring, replicas)))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        of_a_replica = isinstance(payload, Frame) and sender.startswith("replica/")
        if not (of_a_replica and sender == replica_name((replica + 1) % self._ring) and self.now < self._heals):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("heals", [50, 100, 250])
@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_those_whose_answers_were_lost_begin_soon_after_the_network_heals_however_long_that_took(
    replicas: int, heals: int
) -> None:
    """A question that had been heard was not answered again, and asked anew ever more rarely: after 1,500 Delta nobody
    entered view 0 for 1,300 more."""
    network = DeafRing(replicas, heals)
    network.run()
    times = network.decide_times()
    assert {*times} == set(range(Quorums(replicas).quorum))
    assert max(times.values()) <= heals + SOON
    network.assert_nobody_contradicted_itself()
    network.assert_the_books_of_keys_are_exact()


class HaltedWithoutOne(DeafNetwork):
    """f liars vote with all honest replicas but one, so that these halt, and are silent from then on."""

    def __init__(self, replicas: int, heals: int) -> None:
        faults = Quorums(replicas).faults
        self.victim, self._helpers, self._told = replicas - faults - 1, range(replicas - faults, replicas), set[int]()
        super().__init__(replicas, {self.victim}, heals, frozenset(self._helpers))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if isinstance(payload, Frame) and payload.kind in (FrameKind.ECHO, FrameKind.PROPOSAL, FrameKind.DECIDE):
            self._help(at, payload)
        super().push(at, replica, sender, payload)

    def _help(self, at: int, frame: Frame) -> None:
        if frame.kind in self._told:
            return
        self._told.add(frame.kind)
        for liar in self._helpers:
            for to in range(self.victim):
                if frame.kind != FrameKind.PROPOSAL:
                    self.hear(at, liar, to, FrameKind(frame.kind), frame.view, frame.body)
                    continue
                for after, kind in enumerate((FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4)):
                    self.hear(at + after * DELTA, liar, to, kind, frame.view, encode(digest_of(decode(frame.body))))


def assert_that_it_learns_soon(network: HaltedWithoutOne, heals: int) -> None:
    """All others decide at once, and the deaf one soon after it hears again."""
    network.run()
    times = network.decide_times()
    assert max(at for j, at in times.items() if j != network.victim) < 10
    assert times[network.victim] <= heals + SOON
    assert len(network.states()) == 1


@pytest.mark.parametrize("heals", [50, 100, 250])
@pytest.mark.parametrize("replicas", [4, 7])
def test_those_who_have_halted_tell_the_last_one_soon_after_it_hears_again(replicas: int, heals: int) -> None:
    network = HaltedWithoutOne(replicas, heals)
    assert_that_it_learns_soon(network, heals)


class QuestionsOutOfOrder(HaltedWithoutOne):
    """Of the new questions of the deaf one, to each of the others, every second comes only after the one that follows
    it, and its repetitions are lost."""

    def __init__(self, replicas: int, heals: int) -> None:
        self._asked: dict[int, list[Frame]] = {}
        super().__init__(replicas, heals)

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        of_victim = isinstance(payload, Frame) and sender == replica_name(self.victim)
        if not (of_victim and payload.kind == FrameKind.CATCH_UP):
            super().push(at, replica, sender, payload)
            return
        asked = self._asked.setdefault(replica, [])
        is_new = payload not in asked
        if is_new:
            asked.append(payload)
        if asked.index(payload) % 2 == 1 or self.now >= self._heals:
            super().push(at, replica, sender, payload)
            if is_new and self.now < self._heals:
                super().push(at + 1, replica, sender, asked[-2])


@pytest.mark.parametrize("heals", [50, 100, 200])
@pytest.mark.parametrize("replicas", [4, 7])
def test_a_question_that_comes_after_a_later_one_does_not_keep_that_from_being_answered_again(
    replicas: int, heals: int
) -> None:
    """The last question to arrive counted as the last one, so that the one that was repeated was no question any more:
    after 200 Delta of deafness the others were silent for 150 more."""
    network = QuestionsOutOfOrder(replicas, heals)
    assert_that_it_learns_soon(network, heals)


class LateEchoLost(Network):
    """The report comes late to all but one, and what they echo then is lost on the way to that one. f liars echo it to
    the others, and are silent otherwise. All later leaders are honest; without that one nothing has Q votes."""

    def __init__(self, replicas: int) -> None:
        faults = Quorums(replicas).faults
        self.victim, self._echoers, self._closes = replicas - faults - 1, range(replicas - faults, replicas), 2 * OPENS
        self.calm, self._told = self._closes + 4 * DELTA, False
        super().__init__(replicas, silent=frozenset(self._echoers))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if sender == HUB:
            at = self._closes + 3 * DELTA // 2
        is_echo = isinstance(payload, Frame) and payload.kind == FrameKind.ECHO and sender.startswith("replica/")
        is_late = is_echo and self._closes + DELTA < self.now < self.calm
        if is_late and not self._told:
            self._told = True
            for liar in self._echoers:
                for to in range(self.victim):
                    self.hear(at, liar, to, FrameKind.ECHO, 0, payload.body)
        if not (replica == self.victim and (sender == HUB or is_late)):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_one_that_cannot_vote_for_what_is_proposed_asks_for_what_it_missed(replicas: int) -> None:
    """It asked only when more views had ended than f Byzantine leaders account for: f honest leaders in a row proposed
    in vain in a calm network."""
    network = LateEchoLost(replicas)
    network.run()
    assert {j: decided.view for (j, _), decided in network.decided.items()} == dict.fromkeys(
        range(Quorums(replicas).quorum), 1
    )
    assert len(network.states()) == 1
