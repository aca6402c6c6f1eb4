"""Tags and key pools."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.authentication import PRIME, TAG_BITS, polynomial, polynomial_hash
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.fixed_point import from_fixed_point, to_fixed_point
from ceas_ray.messages.frames import Channel, FrameKind, ModelAdoption, decode_update, encode_update
from tests.messages.pools import but_for_failures


def channels(bits: int, fresh: bool = True) -> tuple[Channel, Channel]:
    names = ("processor/0", "replica/1")
    ends = [
        Channel(name, peer, chain=b"chain", streams=Streams(1), fresh_hash_keys=fresh)
        for name, peer in (names, names[::-1])
    ]
    for end in ends:
        end.add_key_bits(bits, bits)
    return ends[0], ends[1]


@given(st.binary(max_size=400), st.integers(0, PRIME - 1))
def test_the_compiled_hash_is_the_polynomial(content: bytes, key: int) -> None:
    blocks = [len(content) + 1] + [int.from_bytes(content[i : i + 7], "big") for i in range(0, len(content), 7)]
    assert polynomial_hash(content, key) == polynomial(blocks, key, PRIME)


def test_a_forger_succeeds_with_l_over_p_exactly() -> None:
    prime, best = 101, 0
    for difference in [(1, a, b) for a, b in product(range(prime), repeat=2)]:
        roots = sum(1 for key in range(prime) if polynomial(difference, key, prime) == 0)
        best = max(best, roots)
    assert best == 3


@given(st.integers(0, 1000), st.booleans(), st.lists(st.integers(0, 5), max_size=30))
def test_no_slot_tags_twice_and_nothing_is_spent_that_was_not_distilled(
    bits: int, fresh: bool, rounds: list[int]
) -> None:
    sender, receiver = channels(bits, fresh)
    slots = set()
    for place, round_index in enumerate(sorted(rounds)):
        frame = sender.seal(FrameKind.UPDATE, round_index=round_index, view=0, now=place, body=b"body")
        if frame is None:
            assert sender.outgoing.distilled - sender.outgoing.spent < 2 * TAG_BITS
            continue
        assert frame.counter not in slots
        slots.add(frame.counter)
        assert receiver.open(frame) == b"body"
        assert receiver.open(frame) is None, "a replay was accepted"
    assert sender.outgoing.spent == receiver.incoming.spent <= bits


def test_a_frame_is_neither_altered_nor_reflected_and_opened_after_any_number_of_failures() -> None:
    sender, receiver = channels(10_000)
    frame = sender.seal(FrameKind.UPDATE, round_index=1, view=0, now=5, body=b"body")
    assert frame is not None
    fields = {name: getattr(frame, name) for name in Frame.__dataclass_fields__}
    assert sender.open(frame) is None
    for change in ({"body": b"bodx"}, {"kind": 2}, {"round_index": 2}, {"view": 1}, {"sent_at": 6}):
        assert receiver.open(Frame(**(fields | change))) is None
    before = but_for_failures(receiver.incoming)
    for guess in range(100):
        assert receiver.open(Frame(**(fields | {"tag": guess}))) is None
    assert but_for_failures(receiver.incoming) == before, "a failed attempt changed more than a count"
    assert receiver.open(frame) == b"body"


@given(st.lists(st.floats(-4e6, 4e6), min_size=1, max_size=5))
def test_fixed_point_keeps_what_it_can_and_malformed_updates_are_refused(row: list[float]) -> None:
    fixed = to_fixed_point(np.array(row))
    assert np.abs(from_fixed_point(fixed) - row).max() <= 2**-41 + 2**-30
    assert np.array_equal(decode_update(encode_update(fixed, 3, 4), len(row)), fixed)
    for bad in (b"", b"\xff", encode_update(fixed[:-1], 3, 4)):
        with pytest.raises(ValueError, match="an update must"):
            decode_update(bad, len(row))
    with pytest.raises(ValueError, match="finite"):
        to_fixed_point(np.array([np.nan]))


def test_a_model_is_adopted_on_enough_matching_replies_once() -> None:
    from ceas_ray.kernel.codec import encode

    good, bad = encode(np.ones(2)), encode(np.zeros(2))
    adoption = ModelAdoption(3)
    replies = [adoption.offer(f"replica/{k}", 0, body) for k, body in enumerate((good, bad, good, bad, good, good))]
    assert [reply is not None for reply in replies] == [False, False, False, False, True, False]
