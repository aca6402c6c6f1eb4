"""Echoes: what one replica says is united, and counts replicas, not frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.consensus.echoes import SKIP, Echoes, Item, ItemKind, accusation_item, items_of, report_item, update_item
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.quorum import Quorums

ITEMS = st.sampled_from([update_item(0, b"a"), update_item(0, b"b"), report_item(b"r"), accusation_item(1), SKIP])
SAID = st.lists(st.tuples(st.integers(0, 6), st.lists(ITEMS, max_size=3)), max_size=20)


@given(SAID)
def test_an_item_has_as_many_echoes_as_replicas_that_ever_said_it(said: list[tuple[int, list[Item]]]) -> None:
    quorums, echoes = Quorums(7), Echoes(Quorums(7))
    for replica, items in said:
        echoes.take(replica, items)
    for item in {item for _, items in said for item in items}:
        count = len({replica for replica, items in said if item in items})
        assert echoes.is_acceptable(item) == (count >= quorums.blocking)
        assert echoes.is_proposable(item) == (count >= quorums.quorum)
    assert echoes.heard == len({replica for replica, _ in said})


@given(SAID)
def test_echoes_may_be_lost_where_an_item_is_echoed_and_may_not_be_proposed(
    said: list[tuple[int, list[Item]]],
) -> None:
    echoes = Echoes(Quorums(7))
    for replica, items in said:
        echoes.take(replica, items)
    assert echoes.may_be_lost() == any(not echoes.is_proposable(item) for _, items in said for item in items)


@given(SAID)
def test_every_item_becomes_acceptable_once_and_is_listed(said: list[tuple[int, list[Item]]]) -> None:
    echoes, fresh = Echoes(Quorums(4)), list[Item]()
    for replica, items in said:
        fresh += echoes.take(replica, items)
    assert sorted(fresh) == sorted(echoes.acceptable()) == sorted(echoes.take_acceptable())
    assert echoes.take_acceptable() == []


def test_one_replica_counts_for_at_most_a_quorum_of_digests_of_a_processor() -> None:
    echoes, digests = Echoes(Quorums(4)), [bytes([number]) for number in range(5)]
    for digest in digests:
        echoes.take(0, [update_item(2, digest)])
    assert echoes.take(1, [update_item(2, digest) for digest in digests]) == [
        update_item(2, digest) for digest in digests[:3]
    ]


@given(SAID)
def test_echoes_survive_a_snapshot(said: list[tuple[int, list[Item]]]) -> None:
    one, other = Echoes(Quorums(4)), Echoes(Quorums(4))
    for replica, items in said:
        one.take(replica, items)
    other.restore(decode(encode(one.snapshot())))
    assert other.state == one.state


@pytest.mark.parametrize("content", [
    b"", None, ((0, 0),), ((0, 0, "digest"),), ((True, 0, b"x"),), ((4, 0, b""),), ((-1, 0, b"x"),), ((0, 3, b"x"),),
    ((1, 1, b"x"),), ((0, 0, b""),), ((int(ItemKind.ACCUSATION), 0, b"x"),), ((int(ItemKind.SKIP), 0, b"x"),),
])  # fmt: skip
def test_a_malformed_echo_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match=r"must|named by"):
        items_of(content, 3)
