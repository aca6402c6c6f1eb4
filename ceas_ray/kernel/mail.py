"""Envelopes on their way to another process, or into a snapshot: as plain values, and as bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.time import FOREVER


@dataclass(frozen=True, slots=True)
class Mail:
    """Envelopes for one host: their canonical bytes, and for each receiver the earliest delivery from another actor."""

    envelopes: bytes
    earliest: Mapping[str, int]

    @classmethod
    def of(cls, envelopes: Sequence[Envelope]) -> Mail:
        """Return these envelopes as mail."""
        earliest: dict[str, int] = {}
        for envelope in envelopes:
            earliest[envelope.receiver] = min(earliest.get(envelope.receiver, FOREVER), envelope.deliver_at)
        return cls(encode([record_of(envelope) for envelope in envelopes]), earliest)


def record_of(envelope: Envelope) -> list[Any]:
    """Return an envelope in plain values."""
    return [envelope.deliver_at, envelope.sender, envelope.serial, envelope.receiver, envelope.payload_bytes]


def envelope_of(record: Sequence[Any]) -> Envelope:
    """Return the envelope of these plain values."""
    deliver_at, sender, serial, receiver, payload = record
    return Envelope(
        deliver_at=deliver_at, sender=sender, serial=serial, receiver=receiver, payload=decode(payload),
        payload_bytes=payload,
    )  # fmt: skip
