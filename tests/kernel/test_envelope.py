"""Envelopes: their total order and their canonical bytes."""

from __future__ import annotations

from itertools import permutations

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope, Send, SharedCall, changed, effects_of


def envelope(deliver_at: int, sender: str, serial: int) -> Envelope:
    return Envelope(deliver_at=deliver_at, sender=sender, serial=serial, receiver="hub", payload=b"x")


def test_envelopes_are_ordered_by_delivery_then_sender_then_serial() -> None:
    right = [envelope(1, "b", 9), envelope(2, "a", 3), envelope(2, "a", 4), envelope(2, "b", 0)]
    for mixed in permutations(right):
        assert sorted(mixed, key=lambda found: found.order) == right


def test_an_envelope_to_oneself_is_one_s_own() -> None:
    assert envelope(1, "hub", 0).own
    assert not envelope(1, "replica/0", 0).own


def test_the_canonical_bytes_are_those_of_the_payload_or_those_that_it_came_with() -> None:
    assert envelope(1, "a", 0).payload_bytes == encode(b"x")
    arrived = Envelope(deliver_at=1, sender="a", serial=0, receiver="b", payload=b"x", payload_bytes=b"as it came")
    assert arrived.payload_bytes == b"as it came"


def test_an_envelope_is_shown_by_its_message_its_way_and_its_time() -> None:
    assert repr(envelope(7, "a", 0)) == "bytes a -> hub at 7 ps"


def test_an_answer_that_lacks_a_call_makes_it_alone_or_is_changed_before_it_is_made() -> None:
    sent, other = Send(1, "hub", 5), Send(2, "hub", 6)
    lacking = SharedCall(lambda inputs: [number + 1 for number in inputs], 4, lambda output: [Send(1, "hub", output)])
    assert effects_of(lacking) == effects_of([sent]) == [sent]
    assert effects_of(changed(lacking, lambda effects: [*effects, other])) == [sent, other]
    assert changed([sent], lambda effects: [*effects, other]) == [sent, other]
