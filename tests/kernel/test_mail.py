"""Envelopes as plain values and bytes."""

from __future__ import annotations

from ceas_ray.kernel.codec import decode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.mail import Mail, envelope_of, record_of
from tests.kernel.random_actors import Token


def envelope(receiver: str, deliver_at: int, serial: int = 0) -> Envelope:
    return Envelope(
        deliver_at=deliver_at, sender="a", serial=serial, receiver=receiver, payload=Token(serial, [0.5])
    )  # fmt: skip


def test_mail_has_every_envelope_and_the_earliest_delivery_to_each_receiver() -> None:
    mail = Mail.of([envelope("b", 7, 1), envelope("c", 9, 2), envelope("b", 5, 3)])
    assert mail.earliest == {"b": 5, "c": 9}
    found = [envelope_of(record) for record in decode(mail.envelopes)]
    assert [one.order for one in found] == [(7, "a", 1), (9, "a", 2), (5, "a", 3)]
    assert [(one.receiver, one.payload.left) for one in found] == [("b", 1), ("c", 2), ("b", 3)]


def test_an_envelope_of_plain_values_is_not_encoded_again() -> None:
    record = record_of(envelope("b", 7))
    assert envelope_of(record).payload_bytes is record[-1]
