"""The candidate: what a leader would propose of its own, given its echoes at that moment."""

from __future__ import annotations

import numpy as np

from ceas_ray.consensus.echoes import SKIP, update_item
from ceas_ray.kernel.codec import decode
from ceas_ray.messages.frames import digest_of, encode_update
from tests.consensus.test_value_store import values_of


def test_an_entry_without_its_content_is_left_out_if_enough_remain() -> None:
    values, candidate = values_of(frozenset({1}))
    value = candidate.of_view(1)
    assert value is not None
    assert [k for k, _ in decode(values.body_of(value))[3]] == [0, 2]
    assert values_of(frozenset({0, 1}))[1].of_view(1) is None


def test_of_a_processor_with_two_digests_the_candidate_takes_none_if_enough_remain() -> None:
    values, candidate = values_of()
    other = encode_update(np.full(2, 9), 1, 1)
    for replica in (1, 2, 3):
        values._echoes.take(replica, [update_item(1, digest_of(other))])
    values._inputs.keep(other)
    value = candidate.of_view(1)
    assert value is not None
    assert [k for k, _ in decode(values.body_of(value))[3]] == [0, 2]


def test_in_view_0_a_leader_waits_for_all_inputs_or_until_its_time_is_over() -> None:
    """At a replica that hears of two processors alone, of which a round may consist."""
    _, candidate = values_of(frozenset({2}), items=(0, 1))
    assert candidate.of_view(0) is None
    assert candidate.of_view(1) is not None
    candidate._phase.state.waited = True
    assert candidate.of_view(0) == candidate.of_view(1)


def test_a_replica_that_is_behind_has_no_candidate() -> None:
    values, candidate = values_of()
    values._head.begin_round(missed=True, accused=())
    assert candidate.of_view(1) is None


def test_without_enough_entries_the_candidate_is_skip_once_a_quorum_echoes_it() -> None:
    values, candidate = values_of(items=(0,))
    candidate._phase.state.waited = True
    assert candidate.of_view(0) is None
    for replica in (1, 2, 3):
        values._echoes.take(replica, [SKIP])
    assert candidate.of_view(0) == values.skip()


def test_what_is_on_its_way_is_waited_for_unless_the_round_was_given_up() -> None:
    values, candidate = values_of(frozenset({0, 1}))
    for replica in (1, 2, 3):
        values._echoes.take(replica, [SKIP])
    assert candidate.of_view(1) is None
    candidate._phase.state.given_up = True
    assert candidate.of_view(1) == values.skip()
