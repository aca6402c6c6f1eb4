"""Planted bugs of links: tags, key slots, replies to processors, and when the manager goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from ceas_ray.consensus.agreement import Agreement
from ceas_ray.consensus.committee import ProtocolParameters
from ceas_ray.consensus.model_replies import ModelReplies
from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.envelope import Effect
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.authentication import TAG_BITS, KeyPool
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, FrameKind, ModelAdoption
from ceas_ray.messages.quorum import Quorums


class SlotReused(Channel):
    def seal(self, kind: FrameKind, *, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        self.outgoing.state.next_slot = 0
        return super().seal(kind, round_index=round_index, view=view, now=now, body=body)


class TagWithoutReceiver(Channel):
    """Makes tags and keys that do not depend on the receiver of a frame."""

    def __init__(self, name: str, peer: str, *, chain: bytes, streams: Streams, fresh_hash_keys: bool) -> None:
        super().__init__(name, peer, chain=chain, streams=streams, fresh_hash_keys=fresh_hash_keys)
        self.outgoing = KeyPool(name.ljust(16).encode(), fresh_hash_keys)
        self.incoming = KeyPool(peer.ljust(16).encode(), fresh_hash_keys)

    def seal(self, kind: FrameKind, *, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        peer, self.peer = self.peer, ""
        frame = super().seal(kind, round_index=round_index, view=view, now=now, body=body)
        self.peer = peer
        return None if frame is None else replace(frame, receiver=peer)

    def verify(self, frame: Frame) -> bytes | None:
        name, self._name = self._name, ""
        body = super().verify(replace(frame, receiver=""))
        self._name = name
        return body


class ErasingPool(KeyPool):
    def verifies(self, content: bytes, tag: int, slot: int, round_index: int) -> bool:
        right = super().verifies(content, tag, slot, round_index)
        if not right and self.state.floor <= slot < self.distilled // TAG_BITS:
            self.state.used.add(slot)
        return right


class FailureErases(Channel):
    """Lets junk use up the slot that an honest frame needs."""

    def __init__(self, name: str, peer: str, *, chain: bytes, streams: Streams, fresh_hash_keys: bool) -> None:
        super().__init__(name, peer, chain=chain, streams=streams, fresh_hash_keys=fresh_hash_keys)
        self.incoming.__class__ = ErasingPool


class FollowsAnyRound(ModelAdoption):
    """Takes the round that any reply names for the latest from then on."""

    _latest = -1

    def offer(self, replica: str, round_index: int, body: bytes) -> NDArray[Any] | None:
        self._latest = max(self._latest, round_index)
        return None if round_index < self._latest else super().offer(replica, round_index, body)


class AnswersNoProcessor(ModelReplies):
    """Tells processors the model unasked alone."""

    def answer(self, processor: int, round_index: int, now: int) -> list[Effect]:
        return []


class SilentAgreement(Agreement):
    def __init__(self, index: int, protocol: ProtocolParameters, **parts: Any) -> None:
        super().__init__(index, protocol, **parts)
        self.replies.__class__ = AnswersNoProcessor


class DeafToProcessors(Replica):
    agreement_type = SilentAgreement


class HastyManager(Quorums):
    """Begins the next round when B replicas have decided."""

    @property
    def reports_needed(self) -> int:
        return self.blocking
