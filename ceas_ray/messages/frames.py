"""Frames, which processors and replicas put on authenticated links, and the two ends of such a link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.codec import beginning_of, decode, encode, keep_bytes, kept_bytes
from ceas_ray.kernel.envelope import Observation
from ceas_ray.kernel.state import Stateful
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.authentication import FAILURES_PER_ALARM, TAG_BITS, KeyPool
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.observations import ForgeriesObserved


class FrameKind(IntEnum):
    """The types of frames."""

    UPDATE = 0
    ECHO = 1
    PROPOSAL = 2
    VOTE1 = 3
    VOTE2 = 4
    VOTE3 = 5
    VOTE4 = 6
    SUGGEST = 7
    PROOF = 8
    VIEW_CHANGE = 9
    DECIDE = 10
    FETCH = 11
    CONTENT = 12
    MODEL = 13
    CATCH_UP = 14
    MODEL_WANTED = 15


PACED_FRAMES = 4
"""Number of Echoes, and of Fetches, that may leave on a link in one view. This suffices for what a view needs in a calm
network: one at the close, one for late inputs, one for what others echo, and one to spare.
"""
_TAGS_KEPT = {FrameKind.ECHO: 9, FrameKind.FETCH: 10, FrameKind.CONTENT: 10, FrameKind.CATCH_UP: 10}
"""Number of tags that a pool keeps back from frames of lower priority. The frames of one view (view change, proof,
suggest, proposal, four votes, decide) may use up everything; an Echo comes next, then the rest. A processor's
request keeps back what its next update needs.
"""
RESERVE_FRAMES = 1 + _TAGS_KEPT[FrameKind.ECHO]
"""Number of frames for which a link between replicas needs keys before a round: an Echo, and the view that it leaves
keys for.
"""


def digest_of(content: bytes) -> bytes:
    """Return the 16-byte digest that names a content."""
    return blake2b(content, digest_size=16).digest()


def decode_foreign(body: bytes) -> Any:
    """Return the values that another party encoded. Raises ValueError for malformed bytes."""
    try:
        return decode(body)
    except Exception as error:
        raise ValueError("a body must be encoded values") from error


_FIELDS_UNDER_TAG = attrgetter(*(of.name for of in fields(Frame) if of.name != "tag"))
_FRAME_BEGINS = beginning_of(Frame)
_CONTENT_BEGINS = encode((0,) * (len(fields(Frame)) - 1))[:1]
"""The content of a tag and a frame hold the same fields in the same order, behind these bytes; then the tag follows."""
FRAME_KINDS = {int(kind): kind for kind in FrameKind}
"""Frame kinds by the number in a frame's header."""


def is_well_formed(frame: Frame) -> bool:
    """Return whether every field of the header has its type and range, and the body is bytes.

    Ask this before anything else: a frame may come from anybody, and one that is not well formed counts as silence. A
    boolean or 1.0 equals an integer but is not accepted as one. Names are ASCII: other texts may have no encoding.
    """
    return (
        type(frame.kind) is int and frame.kind in FRAME_KINDS and type(frame.chain) is bytes
        and type(frame.body) is bytes
        and _is_count(frame.round_index) and _is_count(frame.view) and _is_count(frame.counter)
        and _is_count(frame.sent_at) and _is_count(frame.tag)
        and type(frame.sender) is str and frame.sender.isascii()
        and type(frame.receiver) is str and frame.receiver.isascii()
    )  # fmt: skip


def _is_count(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**63


def _content(*fields: Any) -> bytes:
    """Return the bytes that a tag covers: all fields of a frame but the tag, in their order."""
    return encode(fields)


def _content_of(frame: Frame) -> bytes:
    kept = kept_bytes(frame)
    if kept is None:
        return _content(*_FIELDS_UNDER_TAG(frame))
    return _CONTENT_BEGINS + kept[len(_FRAME_BEGINS) : -len(encode(frame.tag))]


class Channel(Stateful):
    """One party's end of the authenticated link to `peer`, with a key pool for each direction."""

    def __init__(self, name: str, peer: str, *, chain: bytes, streams: Streams, fresh_hash_keys: bool) -> None:
        self._name, self.peer, self._chain = name, peer, chain
        self.outgoing = KeyPool(_secret(streams, name, peer), fresh_hash_keys)
        self.incoming = KeyPool(_secret(streams, peer, name), fresh_hash_keys)

    def add_key_bits(self, sends: int, receives: int) -> None:
        """Store newly distilled bits, to send with and to receive with."""
        self.outgoing.add(sends)
        self.incoming.add(receives)

    def take_alarms(self) -> list[Observation]:
        """Return an observation for the journal for each alarm about forgeries that was not yet reported."""
        alarms = self.incoming.take_alarms()
        if not alarms:
            return []
        observed = ForgeriesObserved(sender=self.peer, receiver=self._name, failed_attempts=FAILURES_PER_ALARM)
        return [Observation(observed)] * alarms

    def good_for_a_view(self) -> bool:
        """Return whether the keys suffice, both ways, for all frames of one view with a fresh hash key."""
        return min(self.outgoing.stored, self.incoming.stored) >= TAG_BITS * RESERVE_FRAMES

    def seal(self, kind: FrameKind, *, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        """Return a tagged frame, or None if the key does not suffice; then the message is omitted."""
        kept = self.outgoing.tags_of_a_frame if kind is FrameKind.MODEL_WANTED else _TAGS_KEPT.get(kind, 0)
        slot = self.outgoing.reserve_slot(round_index, kept)
        if slot is None:
            return None
        number = int(kind)
        content = _content(number, self._chain, round_index, view, self._name, self.peer, slot, now, body)
        frame = Frame(
            kind=number, chain=self._chain, round_index=round_index, view=view, sender=self._name,
            receiver=self.peer, counter=slot, sent_at=now, body=body,
            tag=self.outgoing.tag(content, slot, round_index),
        )  # fmt: skip
        keep_bytes(frame, _FRAME_BEGINS + content[1:] + encode(frame.tag))
        return frame

    def forge(self, frame: Frame, **changes: Any) -> Frame:
        """Return a Byzantine party's variant of its own frame, with other contents and a right tag, in the same
        slot.
        """
        bare = replace(frame, **changes)
        return replace(bare, tag=self.outgoing.tag(_content_of(bare), bare.counter, bare.round_index))

    def open(self, frame: Frame) -> bytes | None:
        """Return the body of an authentic frame and accept the frame at once, or None; for callers that keep all that
        they open.
        """
        body = self.verify(frame)
        if body is not None:
            self.accept(frame)
        return body

    def verify(self, frame: Frame) -> bytes | None:
        """Return the body of a frame from the peer; None if it is not authentic, was accepted before, or has no key.

        Only the count of failures changes, so the same frame can be verified again until it is accepted.
        """
        if not is_well_formed(frame):
            return None
        if frame.receiver != self._name or frame.sender != self.peer or frame.chain != self._chain:
            return None
        if not self.incoming.verifies(_content_of(frame), frame.tag, frame.counter, frame.round_index):
            return None
        return frame.body

    def accept(self, frame: Frame) -> None:
        """Use up the slot of a verified frame, in the same step that keeps what it says."""
        self.incoming.use(frame.counter, frame.round_index)

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"outgoing": self.outgoing, "incoming": self.incoming}


def _secret(streams: Streams, sender: str, receiver: str) -> bytes:
    return streams.generator("key", f"{sender}>{receiver}", "bits", 0).bytes(16)


def encode_update(row: NDArray[np.int64], shots: int, samples: int) -> bytes:
    """Return the body of an update: a row (d,) in fixed point, the shots that served it, and the samples behind it."""
    return encode((row, shots, samples))


@lru_cache(maxsize=4096)
def decode_update(body: bytes, length: int) -> NDArray[np.int64]:
    """Return the row of an update, read-only, int64 (length,). All replicas of a host read the same bytes, hence the
    cache.

    Raises ValueError for malformed bytes.
    """
    try:
        row, shots, samples = decode(body)
    except Exception as error:
        raise ValueError("an update must be three encoded values") from error
    if not (isinstance(row, np.ndarray) and row.dtype == np.dtype("<i8") and row.shape == (length,)):
        raise ValueError(f"an update must hold {length} integers of 64 bits")
    if not (type(shots) is int and type(samples) is int) or np.any((row >= 2**62) | (row <= -(2**62))):
        raise ValueError("an update must lie within the range of fixed point and count shots and samples")
    return row


@dataclass
class AdoptionState:
    """adopted_round: the latest round whose model was adopted. replies: of every replica, the latest round that it
    replied for, and its reply.
    """

    adopted_round: int = -1
    replies: dict[str, tuple[int, bytes]] = field(default_factory=dict)


class ModelAdoption(Stateful):
    """Adopts a model at a processor when `needed` replicas (f_replicas + 1) give the same reply for the same round.

    Of each replica the reply for the latest round counts, and of that round the first one. So a Byzantine replica that
    names a wrong round only forfeits its own reply.
    """

    def __init__(self, needed: int) -> None:
        self._needed = needed
        self.state = AdoptionState()

    def has_adopted(self, round_index: int) -> bool:
        """Return whether the model of this round, or of a later one, is adopted."""
        return self.state.adopted_round >= round_index

    def has_replied(self, replica: str, round_index: int) -> bool:
        """Return whether a replica has replied for this round, or for a later one."""
        return self.state.replies.get(replica, (-1, b""))[0] >= round_index

    def missing(self, round_index: int) -> int:
        """Return how many more replicas must give the reply that most have given for a round."""
        given = Counter(body for of_round, body in self.state.replies.values() if of_round == round_index)
        return self._needed - max(given.values(), default=0)

    def offer(self, replica: str, round_index: int, body: bytes) -> NDArray[np.float64] | None:
        """Take a reply. Return the parameters (d,), in rad, if it completes the matching replies for a round after the
        last adopted one; else None.
        """
        state = self.state
        if round_index <= max(state.adopted_round, state.replies.get(replica, (-1, b""))[0]):
            return None
        reply = state.replies[replica] = (round_index, body)
        if sum(1 for other in state.replies.values() if other == reply) < self._needed:
            return None
        state.adopted_round = round_index
        return _parameters(body)


def _parameters(body: bytes) -> NDArray[np.float64] | None:
    """Return the model in a reply; None for anything else, on which more than f Byzantine replicas may agree."""
    try:
        parameters = decode_foreign(body)
    except ValueError:
        return None
    is_model = isinstance(parameters, np.ndarray) and parameters.dtype == np.dtype("<f8")
    return parameters if is_model and bool(np.isfinite(parameters).all()) else None
