"""Whatever a Byzantine member says with a right tag, an honest replica stands it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import Channel, FrameKind
from tests.consensus.committee import DELTA, OPENS, Network

VALUES: Any = st.recursive(
    st.none() | st.integers(-3, 9) | st.binary(max_size=20) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.integers(0, 3), inner, max_size=2),
    max_leaves=8,
)
BODIES = st.binary(max_size=30) | VALUES.map(encode)
SAID = st.tuples(st.sampled_from(list(FrameKind)), st.integers(-2, 9), BODIES, st.integers(1, 60))


@settings(max_examples=300)
@given(st.lists(SAID, min_size=1, max_size=12))
def test_garbage_with_a_right_tag_is_as_good_as_silence(said: list[tuple[FrameKind, int, bytes, int]]) -> None:
    network = Network(4, silent=frozenset({1}))
    liar = Channel("replica/1", "replica/0", b"chain", Streams(1), True)
    liar.add_key_bits(10**6)
    for kind, view, body, at in said:
        frame = liar.seal(kind, 0, view, at, body)
        network.push(max(2, OPENS + at * DELTA // 4), 0, "replica/1", frame)
    network.run()
    assert len(network.states()) == 1
    assert {j for j, _ in network.decided} == {0, 2, 3}


def test_an_unknown_kind_is_ignored() -> None:
    network = Network(4, silent=frozenset({1}))
    liar = Channel("replica/1", "replica/0", b"chain", Streams(1), True)
    liar.add_key_bits(10**6)
    frame = liar.seal(FrameKind.VOTE1, 0, 0, 1, encode(b"x"))
    assert frame is not None
    strange = liar.forge(frame, kind=99)
    assert network.replicas[0].handle(Envelope(5, "replica/1", 0, "replica/0", strange)) == []
    network.run()
    assert len(network.decided) == 3
