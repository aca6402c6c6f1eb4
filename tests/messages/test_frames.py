from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.kernel.codec import decode, encode, kept_bytes
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, FrameKind, ModelAdoption, decode_update, encode_update, is_well_formed
from tests.messages.garbage import ANYTHING, FRAMES
from tests.messages.pools import but_for_failures

GOOD = Frame(
    kind=int(FrameKind.VOTE1),
    chain=b"chain",
    round_index=3,
    view=1,
    sender="replica/0",
    receiver="replica/1",
    counter=5,
    sent_at=10**12,
    body=b"body",
    tag=2**61 - 2,
)


@given(FRAMES)
def test_what_is_opened_never_fails_and_never_counts_without_a_tag(frame: Frame) -> None:
    channel = Channel("replica/1", "replica/0", chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
    channel.add_key_bits(10**5, 10**5)
    before = but_for_failures(channel.incoming)
    assert channel.open(frame) is None
    assert but_for_failures(channel.incoming) == before


@pytest.mark.parametrize("field", ["kind", "round_index", "view", "counter", "sent_at", "tag"])
@pytest.mark.parametrize("odd", [True, 1.0, float("nan"), "1", b"1", None, -1, 2**63, 10**400, (1,), np.int64(1)])
def test_a_number_in_a_header_is_an_integer_that_is_not_negative_and_has_63_bits(field: str, odd: Any) -> None:
    assert is_well_formed(GOOD)
    assert not is_well_formed(replace(GOOD, **{field: odd}))


@pytest.mark.parametrize("field", ["chain", "sender", "receiver", "body"])
@pytest.mark.parametrize("odd", [None, 1, [b"x"], {b"x"}, np.zeros(2), bytearray(b"chain")])
def test_names_are_text_and_bodies_bytes(field: str, odd: Any) -> None:
    assert not is_well_formed(replace(GOOD, **{field: odd}))
    assert not is_well_formed(replace(GOOD, kind=99))


def model(value: float) -> bytes:
    return encode(np.array([value]))


REPLIES = st.lists(st.tuples(st.integers(0, 5) | st.integers(10**5, 10**6), st.floats(allow_nan=False)), max_size=20)


@given(st.integers(1, 4), st.data())
def test_whatever_f_replicas_reply_every_honest_model_is_adopted_and_nothing_else(faults: int, data: Any) -> None:
    adoption, adopted = ModelAdoption(faults + 1), []
    for round_index in range(5):
        honest = [(f"replica/{j}", round_index, model(float(round_index))) for j in range(2 * faults + 1)]
        lies = [
            (f"replica/{2 * faults + 1 + j}", lie, model(value))
            for j in range(faults)
            for lie, value in data.draw(REPLIES)
        ]
        for reply in data.draw(st.permutations(honest + lies)):
            found = adoption.offer(*reply)
            if found is not None:
                adopted.append(found.tolist())
            adoption.restore(decode(encode(adoption.snapshot())))
    assert adopted == [[float(round_index)] for round_index in range(5)]


@given(st.lists(st.binary(max_size=20) | ANYTHING.filter(lambda x: isinstance(x, bytes)), max_size=5))
def test_more_than_f_may_agree_on_garbage_which_is_no_model(bodies: list[bytes]) -> None:
    for body in [*bodies, model(float("nan")), encode(np.arange(2)), encode((1.0,))]:
        adoption = ModelAdoption(2)
        assert [adoption.offer(f"replica/{j}", 0, body) for j in range(4)] == [None] * 4


def test_an_update_at_the_end_of_64_bits_is_refused() -> None:
    """Its absolute value is negative in 64 bits, and passed for a small one."""
    for extreme in (-(2**63), -(2**62), 2**62):
        with pytest.raises(ValueError, match="fixed point"):
            decode_update(encode_update(np.array([0, extreme]), 1, 1), 2)


@given(
    kind=st.sampled_from(FrameKind), round_index=st.integers(0, 2**40), view=st.integers(0, 300),
    now=st.integers(0, 2**62), body=st.binary(max_size=80),
)  # fmt: skip
def test_a_sealed_frame_knows_its_canonical_bytes_and_one_that_is_made_of_it_does_not(
    kind: FrameKind, round_index: int, view: int, now: int, body: bytes
) -> None:
    one, other = (
        Channel(name, peer, chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
        for name, peer in (("replica/1", "replica/2"), ("replica/2", "replica/1"))
    )
    one.add_key_bits(10**4, 10**4)
    other.add_key_bits(10**4, 10**4)
    frame = one.seal(kind, round_index=round_index, view=view, now=now, body=body)
    assert frame is not None
    assert kept_bytes(frame) == encode(frame)
    changed = replace(frame, body=body + b"!")
    assert kept_bytes(changed) is None
    assert other.verify(changed) is None and other.verify(frame) == other.verify(decode(encode(frame))) == body
