"""The voting: known outcomes, and safety among liars."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import Output
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.quorum import Quorums
from tests.consensus.voting import decide


@pytest.mark.parametrize("replicas", [4, 5, 6, 7, 10, 50])
def test_all_honest_decide_after_five_delays_in_view_0(replicas: int) -> None:
    decisions, times, _ = decide(replicas)
    assert len(decisions) == replicas
    assert {d.view for d in decisions.values()} == {0}
    assert set(times.values()) == {5.0}


@pytest.mark.parametrize(("replicas", "silent", "delays"), [(4, 1, 18), (7, 2, 30), (10, 3, 42)])
def test_silent_leaders_cost_twelve_delays_each_and_one_more(replicas: int, silent: int, delays: int) -> None:
    decisions, times, _ = decide(replicas, frozenset(range(silent)))
    assert len(decisions) == replicas - silent
    assert set(times.values()) == {float(delays)}


@pytest.mark.slow
def test_sixteen_silent_leaders_of_fifty() -> None:
    _, times, _ = decide(50, frozenset(range(16)))
    assert set(times.values()) == {198.0}


@pytest.mark.parametrize("replicas", [4, 5, 6, 7, 10, 13])
def test_more_than_f_silent_decide_nothing(replicas: int) -> None:
    decisions, _, _ = decide(replicas, frozenset(range(Quorums(replicas).faults + 1)), until=200)
    assert decisions == {}


@settings(max_examples=250)
@given(replicas=st.sampled_from([4, 7]), seed=st.integers(0, 10**6))
def test_liars_and_delays_never_break_agreement_and_end_when_the_network_calms(replicas: int, seed: int) -> None:
    faults = Quorums(replicas).faults
    decisions, _, honest = decide(replicas, liars=frozenset(range(seed % replicas, replicas)[:faults]), seed=seed)
    assert len({d.value for d in decisions.values()}) <= 1
    assert len(decisions) == len(honest)
    for node in honest:
        for phase in (2, 3, 4):
            assert (
                node.state.votes[phase].view <= node.state.votes[phase - 1].view
                or node.state.votes[phase - 1].view < node.view
            )


def test_a_request_for_a_view_that_was_heard_before_a_crash_still_counts_after_it() -> None:
    """Found by the explorer: it is sent again as the same frame, whose key slot is used up here."""
    before = TetraBFT(0, 4, leader=lambda view: view % 4, is_valid=lambda value: True)
    before.start(b"a")
    before.receive(3, FrameKind.VIEW_CHANGE, 2, None)
    after = TetraBFT(0, 4, leader=lambda view: view % 4, is_valid=lambda value: True)
    after.recover(decode(encode(before.persistent())))
    asked = [a.view for a in after.receive(2, FrameKind.VIEW_CHANGE, 2, None) if isinstance(a, Output)]
    assert asked == [2, 2, 2]  # its own request; then proof and suggest, for three have asked
    assert after.view == 2


def test_a_committee_needs_more_than_three_times_its_faults() -> None:
    with pytest.raises(ValueError, match="committee_size must be at least 4"):
        TetraBFT(0, 3, leader=lambda view: 0, is_valid=lambda value: True)
    assert [Quorums(n).faults for n in (4, 6, 7, 10, 50)] == [1, 1, 2, 3, 16]


def test_a_suggest_shows_no_vote_of_its_own_view_even_when_votes_pull_the_replica_in() -> None:
    """Found by the explorer: the replica's own proof let it vote before its suggest was written."""
    node = TetraBFT(0, 4, leader=lambda view: 1, is_valid=lambda value: True)
    actions = node.start(b"a")
    for phase in (FrameKind.VOTE1, FrameKind.VOTE2):
        for sender in (1, 2, 3):
            actions += node.receive(sender, phase, 2, b"b")
    assert node.view == 2
    assert node.state.votes[3] == (2, b"b")
    shown = [a.content for a in actions if isinstance(a, Output) and a.kind in (FrameKind.SUGGEST, FrameKind.PROOF)]
    assert len(shown) == 2
    assert all(vote.view < 2 for evidence in shown for vote in evidence)
