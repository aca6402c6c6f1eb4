"""Quarantine: only echoes convict, and liars alone convict nobody."""

from __future__ import annotations

from ceas_ray.consensus.echoes import Echoes, accusation_item, update_item
from ceas_ray.consensus.quarantine import accusations_to_propose, accused_after, are_acceptable, is_convicted
from ceas_ray.messages.quorum import Quorums


def test_b_replicas_for_each_of_two_digests_convict_a_processor() -> None:
    echoes = Echoes(Quorums(4))
    for replica, digest in enumerate((b"a", b"a", b"b")):
        echoes.take(replica, [update_item(1, digest)])
    assert not is_convicted(1, echoes)
    echoes.take(3, [update_item(1, b"b")])
    assert is_convicted(1, echoes)
    assert not is_convicted(0, echoes)


def test_f_liars_frame_nobody() -> None:
    echoes = Echoes(Quorums(7))
    for honest in range(2, 7):
        echoes.take(honest, [update_item(1, b"true")])
    for liar in (0, 1):
        echoes.take(liar, [update_item(1, b"forged"), accusation_item(1)])
    assert not is_convicted(1, echoes)
    assert not are_acceptable((1,), (), echoes)


def test_an_accusation_needs_q_echoes_to_be_proposed_and_b_to_be_accepted() -> None:
    echoes = Echoes(Quorums(4))
    for replica in (0, 1):
        echoes.take(replica, [accusation_item(2)])
    assert are_acceptable((2,), (), echoes)
    assert accusations_to_propose(3, (), echoes) == ()
    echoes.take(2, [accusation_item(2)])
    assert accusations_to_propose(3, (), echoes) == (2,)


def test_nobody_in_quarantine_is_accused_again() -> None:
    echoes = Echoes(Quorums(4))
    for replica in range(4):
        echoes.take(replica, [accusation_item(2)])
    assert accusations_to_propose(3, (2,), echoes) == ()
    assert not are_acceptable((2,), (2,), echoes)
    assert accused_after((2, 1, 0), (2,)) == (0, 1)
