"""Every type of message with anything in it, from whomever: to an honest replica it is silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.frames import Channel, FrameKind
from tests.consensus.committee import DELTA, OPENS, PLENTY, ROUND, Network
from tests.messages.garbage import BODIES, BYZANTINE, MESSAGES

AT = st.integers(1, OPENS + 60 * DELTA)
TAGGED = st.tuples(
    st.sampled_from(list(FrameKind)), st.sampled_from([0, 1, 2, 10**6, 2**62]), BODIES,
    st.sampled_from([0, 0, 1, 2, 5, 100, 2**62]), AT,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(BYZANTINE, MESSAGES, AT), max_size=10), st.lists(TAGGED, max_size=14))
def test_two_rounds_are_decided_as_without_whatever_one_member_and_strangers_send(said: Any, tagged: Any) -> None:
    network = Network(4, rounds=2, silent=frozenset({3}))
    for sender, payload, at in said:
        for receiver in (0, 1, 2):
            network.push(at, receiver, sender, payload)
    for receiver in (0, 1, 2):
        liar = Channel("replica/3", f"replica/{receiver}", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
        liar.add_key_bits(PLENTY, PLENTY)
        for kind, round_index, body, view, at in tagged:
            frame = liar.seal(kind, round_index=round_index, view=view, now=at, body=body)
            network.push(at + (ROUND if round_index == 1 else 0), receiver, "replica/3", frame)
    network.run()
    assert len(network.states()) == 1
    found: dict[tuple[int, int], RoundDecided] = network.decided
    assert set(found) == {(j, t) for j in (0, 1, 2) for t in (0, 1)}
    assert not any(decided.skipped for decided in found.values())
