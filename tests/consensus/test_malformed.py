"""Whatever a Byzantine member says with a right tag, an honest replica stands it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.committee import Committee, Terms
from ceas_ray.consensus.inputs import NOTHING, Inputs
from ceas_ray.consensus.standing import AgreedModel, Standing
from ceas_ray.consensus.values import Values
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages import payloads
from ceas_ray.messages.frames import Channel, FrameKind, encode_update
from tests.consensus.committee import DELTA, OPENS, Network

VALUES: Any = st.recursive(
    st.none() | st.integers(-3, 9) | st.binary(max_size=20) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.integers(0, 3), inner, max_size=2),
    max_leaves=8,
)
BODIES = st.binary(max_size=30) | VALUES.map(encode)
SAID = st.tuples(st.sampled_from(list(FrameKind)), st.integers(-2, 9), BODIES, st.integers(-79, 60))
ROWS = st.lists(st.tuples(st.integers(-1, 3) | st.booleans(), st.binary(max_size=3)) | VALUES, max_size=4).map(tuple)


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


@settings(max_examples=300)
@given(entries=ROWS | VALUES, quarantined=ROWS | VALUES)
def test_a_leader_who_proposes_garbage_loses_its_turn(entries: Any, quarantined: Any) -> None:
    network = Network(4, silent=frozenset({0}))
    for receiver in (1, 2, 3):
        liar = Channel("replica/0", f"replica/{receiver}", b"chain", Streams(1), True)
        liar.add_key_bits(10**6)
        body = encode((b"chain", 0, b"model", entries, b"", b"", b"", quarantined, b""))
        frame = liar.seal(FrameKind.PROPOSAL, 0, 0, OPENS, encode(body))
        network.push(OPENS + 2 * DELTA, receiver, "replica/0", frame)
    network.run()
    assert {j: decided.view for (j, _), decided in network.decided.items()} == {1: 1, 2: 1, 3: 1}


def test_a_malformed_request_that_comes_before_the_inputs_close_is_ignored() -> None:
    """It was kept until they closed, and then made an honest replica fail."""
    network = Network(4, silent=frozenset({1}))
    liar = Channel("replica/1", "replica/0", b"chain", Streams(1), True)
    liar.add_key_bits(10**6)
    network.push(OPENS // 2, 0, "replica/1", liar.seal(FrameKind.FETCH, 0, 0, 5, encode(7)))
    network.run()
    assert len(network.decided) == 3


def test_an_entry_that_stands_for_a_number_without_being_one_is_refused() -> None:
    """True equals 1 and encodes differently: a second form of the same value."""
    inputs = Inputs(3, 3, 2)
    for k in range(3):
        inputs.take_update(k, encode_update(np.full(2, k), 1, 1))
    inputs.take_report(payloads.TestReport(0, np.ones((3, 3)), np.zeros((3, 3))))
    for replica in range(4):
        inputs.take_echo(replica, inputs.echo())
    inputs.closed = True
    terms = Terms(Committee(4, 3, 1, DELTA), b"chain", lambda state, rows, report: (b"", b"", state), 2)
    values = Values(terms, 0, inputs, Standing(AgreedModel((np.zeros(2), 0), ())))
    good = values.candidate()
    assert good is not None
    parts = list(decode(values.body_of(good)))
    parts[3] = tuple((True if k == 1 else k, digest) for k, digest in parts[3])
    other = values.learn(encode(tuple(parts)))
    assert values.is_valid(good, lambda value: 0)
    assert not values.is_valid(other, lambda value: 0)


def test_nobody_can_make_an_entry_of_what_did_not_come() -> None:
    inputs = Inputs(2, 3, 2)
    for replica in (0, 1):
        inputs.take_echo(replica, (b"x", NOTHING))
    assert inputs.acceptable(0, b"x")
    assert not inputs.acceptable(1, NOTHING)


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
