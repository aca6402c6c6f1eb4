from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.messages.quorum import Quorums

SIZES = st.integers(4, 200)


@given(SIZES)
def test_any_two_quorums_share_an_honest_replica_and_the_honest_ones_are_a_quorum(replicas: int) -> None:
    of = Quorums(replicas)
    assert 3 * of.faults < replicas <= 3 * of.faults + 3
    assert 2 * of.quorum - replicas > of.faults
    assert of.quorum <= replicas - of.faults


@given(SIZES)
def test_a_blocking_set_has_an_honest_replica_and_meets_every_quorum(replicas: int) -> None:
    of = Quorums(replicas)
    assert of.blocking > of.faults
    assert of.blocking + of.quorum > replicas


@given(SIZES)
def test_b_honest_replicas_know_the_decision_when_the_next_round_begins_and_the_honest_ones_suffice(n: int) -> None:
    of = Quorums(n)
    assert of.reports_needed - of.faults >= of.blocking
    assert of.reports_needed <= of.quorum


@given(SIZES, st.data())
def test_the_next_round_begins_with_the_decision_of_2f_plus_1_replicas(replicas: int, data: st.DataObject) -> None:
    of = Quorums(replicas)
    matching = data.draw(st.integers(0, replicas))
    reports = [b"decided"] * matching + data.draw(st.lists(st.just(b"lie"), max_size=of.faults))
    expected = b"decided" if matching >= 2 * ((replicas - 1) // 3) + 1 else None
    assert of.decided(data.draw(st.permutations(reports))) == expected


@given(SIZES, st.integers(0, 1000), st.integers(0, 1000))
def test_every_replica_leads_one_of_n_views_and_the_next_round_begins_with_the_next_leader(
    n: int, t: int, r: int
) -> None:
    of = Quorums(n)
    assert sorted(of.leader(t, r + k) for k in range(n)) == list(range(n))
    assert of.leader(t + 1, r) == of.leader(t, r + 1)


def test_a_committee_of_fewer_than_four_tolerates_nothing_and_is_refused() -> None:
    for replicas in (-1, 0, 1, 3):
        with pytest.raises(ValueError, match=f"committee_size must be at least 4 .* got {replicas}"):
            Quorums(replicas)


@pytest.mark.parametrize(("replicas", "faults"), [(4, 1), (6, 1), (7, 2), (10, 3), (50, 16)])
def test_voting_and_committee_count_by_the_same_numbers(replicas: int, faults: int) -> None:
    voting = TetraBFT(0, replicas, leader=lambda view: 0, is_valid=lambda value: True)
    for of in (Quorums(replicas), Committee(replicas, 5, 1, 1000), voting):
        assert (of.faults, of.quorum, of.blocking) == (faults, replicas - faults, faults + 1)
