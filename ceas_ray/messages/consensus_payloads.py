"""Messages of the consensus group: frames on authenticated links, and what replicas report of a round."""

from __future__ import annotations

from ceas_ray.kernel.codec import message
from ceas_ray.messages.payloads import Floats, Int64s


@message(kw_only=True)
class Frame:
    """What travels between processors and replicas. The tag covers everything else.

    kind: the number of the message type; counter: the key slot that masks the tag; body: encoded by the sender's
    layer; tag: Wegman-Carter tag.
    """

    kind: int
    chain: bytes
    round_index: int
    view: int
    sender: str
    receiver: str
    counter: int
    sent_at: int
    body: bytes
    tag: int


@message(kw_only=True)
class RoundDecided:
    """Replica to entanglement manager: the outcome of round `round_index` as this replica decided it.

    digest: of the decided value. skipped: SKIP was decided and the model stays. processors, weights: the rows that
    entered and their weights; model: the parameters after the round, float64 (d,). quarantined: processors that no
    later round includes. key_bits: left with every peer (processors, then replicas; 0 with itself), int64 (2, peers):
    to send with, and to receive with.
    """

    round_index: int
    digest: bytes
    skipped: bool
    view: int
    processors: tuple[int, ...]
    weights: Floats
    model: Floats
    quarantined: tuple[int, ...]
    key_bits: Int64s
