"""Messages of the consensus group: frames on authenticated links, and what replicas report of a round."""

from __future__ import annotations

from ceas_ray.kernel.codec import message
from ceas_ray.messages.payloads import Floats, Int64s


@message(kw_only=True)
class Frame:
    """The message that travels between processors and replicas. The tag covers all other fields.

    kind: number of the message type, see `FrameKind`. view: of the sender; 0 where it does not matter. counter: index
    of the key slot that masks the tag. sent_at: ps. body: encoded by the sender's layer. tag: Wegman-Carter tag, an
    integer below 2^61 - 1.
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

    digest: of the decided value. skipped: SKIP was decided, so the model stays as it was. view: in which it was
    decided. processors, weights: the rows that entered and their weights, (rows,). model: the parameters after the
    round, float64 (d,), in rad. quarantined: processors that no later round includes. key_bits: bits left with every
    peer (processors, then replicas; 0 with itself), int64 (2, peers): to send with, and to receive with.
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
