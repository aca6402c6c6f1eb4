"""A replica's authenticated links, to every processor and to the other replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.committee import Committee
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.messages.payloads import Int64s, processor_name, replica_name

_GIVEN_AGAIN = frozenset({FrameKind.ECHO, FrameKind.DECIDE})
"""Frames of an answer that are kept, to be given again to one that lost them."""


@dataclass
class LinksState:
    """What changes in the links, apart from their keys.

    round_index: of frames that leave. view_changes, questions: by receiver, the last request for a view and the last
    question of this round. When repeated, each is the same frame. heard: by sender, the last of its questions that were
    accepted, in the order in which it asked. answers: by receiver, the frames of the last answer. answered_again: when
    that last left once more, ps.
    """

    round_index: int = -1
    view_changes: dict[str, Frame] = field(default_factory=dict)
    questions: dict[str, Frame] = field(default_factory=dict)
    heard: dict[str, Frame] = field(default_factory=dict)
    answers: dict[str, tuple[Frame, ...]] = field(default_factory=dict)
    answered_again: dict[str, int] = field(default_factory=dict)


class AuthenticatedLinks(Stateful):
    """Seals frames that leave, opens frames that arrive, and counts the keys of every link."""

    def __init__(
        self, index: int, committee: Committee, channels: Sequence[Channel], latencies: Mapping[str, int]
    ) -> None:
        """Connect replica `index`; latencies: to all that it writes to, ps."""
        self._name = replica_name(index)
        self._processors = [processor_name(k) for k in range(committee.processors)]
        self._replicas = [replica_name(j) for j in range(committee.replicas)]
        self._others = [name for name in self._replicas if name != self._name]
        self._channels = {channel.peer: channel for channel in channels}
        self._latencies, self._delta = latencies, committee.delta
        self._again: str | None = None
        self.state = LinksState()

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return self._channels

    def enter_round(self, round_index: int) -> None:
        """Let frames that leave from now on belong to this round."""
        self.state = LinksState(round_index)

    def recover(self) -> None:
        """Go on after a crash: whether the last requests and questions left is not known, so the next ones are new."""
        self.state.view_changes, self.state.questions = {}, {}

    # --- frames ----------------------------------------------------------

    def verify(self, frame: Frame) -> bytes | None:
        """Return the body of an authentic frame; None for any other, and for those of strangers.

        The frame is not accepted yet: `accept` does that, once what it says is kept.
        """
        channel = self._channels.get(frame.sender)
        return None if channel is None else channel.verify(frame)

    def take_alarms(self, sender: str) -> list[Effect]:
        """Return observations for the journal, after a frame in this name that was not authentic; see `Channel`."""
        channel = self._channels.get(sender)
        return [] if channel is None else [*channel.take_alarms()]

    def accept(self, frame: Frame) -> None:
        """Use up the slot of a verified frame. A question that comes after a later one is not the sender's last."""
        self._channels[frame.sender].accept(frame)
        if frame.kind == FrameKind.CATCH_UP and frame.sender in self._others:
            last = self.state.heard.get(frame.sender)
            if last is None or frame.counter > last.counter:
                self.state.heard[frame.sender] = frame

    def send(
        self, kind: FrameKind, *, view: int, receiver: str, body: bytes, now: int, round_index: int | None = None
    ) -> list[Effect]:
        """Return one frame on its way, or nothing if its key is spent (an omission, never an untagged message).

        A repeated request for a view is the same frame again: it costs no key, and whoever has it ignores it.
        """
        if kind is FrameKind.VIEW_CHANGE:
            frame = self._view_change(view, receiver, body, now)
        else:
            in_round = self.state.round_index if round_index is None else round_index
            frame = self._seal(kind, in_round, view=view, receiver=receiver, body=body, now=now)
            if frame is not None and kind is FrameKind.CATCH_UP:
                self.state.questions[receiver] = frame
        return [] if frame is None else [Send(now + self._latencies[receiver], receiver, frame)]

    def _seal(
        self, kind: FrameKind, round_index: int, *, view: int, receiver: str, body: bytes, now: int
    ) -> Frame | None:
        """Return a new frame, or in an answer that is given again the one that said the same the last time."""
        channel = self._channels[receiver]
        if receiver == self._again:
            for last in self.state.answers.get(receiver, ()):
                if (last.kind, last.round_index, last.view, last.body) == (kind, round_index, view, body):
                    return last
            if not channel.good_for_a_view():
                return None
        return channel.seal(kind, round_index=round_index, view=view, now=now, body=body)

    def _view_change(self, view: int, receiver: str, body: bytes, now: int) -> Frame | None:
        frame = self.state.view_changes.get(receiver)
        if frame is None or frame.view != view:
            frame = self._channels[receiver].seal(
                FrameKind.VIEW_CHANGE, round_index=self.state.round_index, view=view, now=now, body=body
            )
            if frame is not None:
                self.state.view_changes[receiver] = frame
        return frame

    def broadcast(
        self, kind: FrameKind, *, view: int, body: bytes, now: int, round_index: int | None = None
    ) -> list[Effect]:
        """Return a frame to each of the other replicas."""
        return [
            e
            for name in self._others
            for e in self.send(kind, view=view, receiver=name, body=body, now=now, round_index=round_index)
        ]

    def ask(self, now: int, *, anew: bool) -> list[Effect]:
        """Return a question to each of the others: a new one where it is asked `anew` and leaves keys for a view.
        Otherwise it is the last one of this round, as the same frame: it costs no key, and whoever has it ignores it.
        """
        effects: list[Effect] = []
        for name in self._others:
            last, new = self.state.questions.get(name), list[Effect]()
            if anew or last is None:
                new = self.send(FrameKind.CATCH_UP, view=0, receiver=name, body=encode(None), now=now)
            again = [] if new or last is None else [Send(now + self._latencies[name], name, last)]
            effects += [*new, *again]
        return effects

    def report(self, receiver: str, payload: Any, now: int) -> Effect:
        """Return a message to trusted control, which needs no key."""
        return Send(now + self._latencies[receiver], receiver, payload)

    def is_asked_again(self, frame: Frame, now: int) -> bool:
        """Return whether this is the sender's last question once more, whose answer it must have lost. It needs no key,
        since anybody may repeat it; so it counts at most once in a Delta.
        """
        again = self.state.answered_again
        if self.state.heard.get(frame.sender) != frame or now < again.get(frame.sender, -self._delta) + self._delta:
            return False
        again[frame.sender] = now
        return True

    @contextmanager
    def answering(self, receiver: str, effects: list[Effect], *, again: bool) -> Iterator[None]:
        """Keep as the answer to `receiver` what is added to `effects` meanwhile. again: frames of the last answer are
        repeated where they say the same, and cost no key.
        """
        self._again = receiver if again else None
        if not again:
            self.forget_view_change(receiver)
        yield
        self._again = None
        frames = (effect.payload for effect in effects if isinstance(effect, Send))
        self.state.answers[receiver] = tuple(frame for frame in frames if frame.kind in _GIVEN_AGAIN)

    def forget_view_change(self, receiver: str) -> None:
        """Forget the last request for a view, which this receiver may have lost: the next one is a new frame."""
        self.state.view_changes.pop(receiver, None)

    # --- keys ----------------------------------------------------------

    def __getitem__(self, peer: str) -> Channel:
        return self._channels[peer]

    def store_key_bits(self, key_bits: Int64s) -> None:
        """Store newly distilled bits with every peer, in the order of `RoundStarted`."""
        for name, sends, receives in zip([*self._processors, *self._replicas], *key_bits.tolist(), strict=True):
            if name != self._name:
                self._channels[name].add_key_bits(sends, receives)

    def forget_lost_slots(self) -> None:
        """End a round: what was sent in the one before it and has not arrived will not arrive."""
        for channel in self._channels.values():
            channel.incoming.end_round()

    def key_bits_spent(self) -> dict[str, int]:
        """Return the bits spent on frames to each peer."""
        return {peer: channel.outgoing.spent for peer, channel in self._channels.items()}

    def keyed_peers(self) -> int:
        """Return the number of other replicas with which the keys suffice for a view, both ways."""
        return sum(map(self.good_for_a_view, self._others))

    def good_for_a_view(self, peer: str) -> bool:
        """Return whether the keys with a peer suffice for a view, both ways."""
        return self._channels[peer].good_for_a_view()

    def key_bits_left(self) -> NDArray[np.int64]:
        """Return the bits left with every peer, as in `RoundDecided.key_bits`."""
        channels = [self._channels.get(name) for name in (*self._processors, *self._replicas)]
        return np.array(
            [
                [0 if channel is None else getattr(channel, way).stored for channel in channels]
                for way in ("outgoing", "incoming")
            ],
            dtype=np.int64,
        )
