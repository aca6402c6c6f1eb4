"""Whatever a Byzantine member says with a right tag, an honest replica stands it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.echoes import items_of, update_item
from ceas_ray.consensus.safety_rule import vote_history_of
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import Channel, FrameKind
from tests.consensus.committee import DELTA, OPENS, Network, make_replica
from tests.consensus.test_value_store import values_of

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.binary(max_size=20) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.integers(0, 3), inner, max_size=2),
    max_leaves=8,
)
VOTES = st.tuples(st.integers(-1, 3) | st.booleans(), st.binary(max_size=3))
BODIES = st.binary(max_size=30) | VALUES.map(encode) | st.tuples(VOTES, VOTES, VOTES).map(encode)
SAID = st.tuples(st.sampled_from(list(FrameKind)), st.integers(-2, 9), BODIES, st.integers(-79, 60))
ROWS = st.lists(st.tuples(st.integers(-1, 3) | st.booleans(), st.binary(max_size=3)) | VALUES, max_size=4).map(tuple)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(SAID, min_size=1, max_size=12))
def test_garbage_with_a_right_tag_is_as_good_as_silence(said: list[tuple[FrameKind, int, bytes, int]]) -> None:
    network = Network(4, silent=frozenset({1}))
    liar = Channel("replica/1", "replica/0", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
    liar.add_key_bits(10**6, 10**6)
    for kind, view, body, at in said:
        frame = liar.seal(kind, round_index=0, view=view, now=at, body=body)
        network.push(max(2, OPENS + at * DELTA // 4), 0, "replica/1", frame)
    network.run()
    assert len(network.states()) == 1
    assert {j for j, _ in network.decided} == {0, 2, 3}
    make_replica(0, 4).recover(decode(encode(network.replicas[0].persistent())), network.now)


@pytest.mark.slow
@settings(max_examples=300)
@given(entries=ROWS | VALUES, quarantined=ROWS | VALUES)
def test_a_leader_who_proposes_garbage_loses_its_turn(entries: Any, quarantined: Any) -> None:
    network = Network(4, silent=frozenset({0}))
    for receiver in (1, 2, 3):
        liar = Channel("replica/0", f"replica/{receiver}", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
        liar.add_key_bits(10**6, 10**6)
        body = encode((b"chain", 0, b"model", entries, b"", b"", (), quarantined, b"sum", b"", b""))
        frame = liar.seal(FrameKind.PROPOSAL, round_index=0, view=0, now=OPENS, body=encode(body))
        network.push(OPENS + 2 * DELTA, receiver, "replica/0", frame)
    network.run()
    assert {j: decided.view for (j, _), decided in network.decided.items()} == {1: 1, 2: 1, 3: 1}


def test_a_malformed_request_that_comes_before_the_inputs_close_is_ignored() -> None:
    """It was kept until they closed, and then made an honest replica fail."""
    network = Network(4, silent=frozenset({1}))
    liar = Channel("replica/1", "replica/0", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
    liar.add_key_bits(10**6, 10**6)
    network.push(OPENS // 2, 0, "replica/1", liar.seal(FrameKind.FETCH, round_index=0, view=0, now=5, body=encode(7)))
    network.run()
    assert len(network.decided) == 3


def test_an_entry_that_stands_for_a_number_without_being_one_is_refused() -> None:
    """True equals 1 and encodes differently: a second form of the same value."""
    values, candidate = values_of()
    good = candidate.of_view(1)
    assert good is not None
    parts = list(decode(values.body_of(good)))
    parts[3] = tuple((True if k == 1 else k, digest) for k, digest in parts[3])
    other = values.learn(encode(tuple(parts)))
    assert values.is_valid(good)
    assert not values.is_valid(other)


@pytest.mark.parametrize(
    "item",
    [(0, True, b"x"), (0, 3, b"x"), (0, -1, b"x"), (1, 1, b"x"), (0, 0, b""), (2, 0, b"x"), (2, 3, b""), (3, 1, b""),
     (4, 0, b""), (-1, 0, b""), (0, 0), (0, 0, "x"), (), 7, None],
)  # fmt: skip
def test_an_echo_with_one_odd_item_is_silence(item: Any) -> None:
    with pytest.raises(ValueError, match=r"item|digests"):
        items_of((update_item(0, b"x"), item), 3)


def test_an_unknown_kind_is_ignored() -> None:
    network = Network(4, silent=frozenset({1}))
    liar = Channel("replica/1", "replica/0", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
    liar.add_key_bits(10**6, 10**6)
    frame = liar.seal(FrameKind.VOTE1, round_index=0, view=0, now=1, body=encode(b"x"))
    assert frame is not None
    strange = liar.forge(frame, kind=99)
    assert (
        network.replicas[0].handle(
            Envelope(deliver_at=5, sender="replica/1", serial=0, receiver="replica/0", payload=strange)
        )
        == []
    )
    network.run()
    assert len(network.decided) == 3


@pytest.mark.parametrize("view", [True, False, 1.0, None, b"1"])
def test_a_vote_in_a_view_that_is_no_integer_is_refused(view: Any) -> None:
    """True was kept, and then the replica could not be restored from what it had persisted."""
    with pytest.raises(ValueError, match="a vote must hold a view"):
        vote_history_of(((view, b"x"), (-1, b""), (-1, b"")))
