"""Channels of whole-replica scenarios: one without tags, one with a liar behind it, and one with a ledger of all
frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.authentication import KeyPool
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FRAME_KINDS, Channel, FrameKind

Falsify = Callable[[str, FrameKind, int, bytes], tuple[FrameKind, int, bytes] | None]
"""Function from receiver, kind, view and body as meant to kind, view and body as sent, or None to withhold the
frame.
"""
Said = Callable[[int, FrameKind, int, bytes], None]
"""Callback that receives a frame's round, kind, view and body."""


@dataclass(slots=True)
class NullState:
    """sent: number of frames sent. opened: counters of the frames that came."""

    sent: int = 0
    opened: set[int] = field(default_factory=set)


class NullChannel(Channel):
    """A link that gives what tags give, without tags: frames come from the peer, for this party, and each
    counts once.
    """

    def __init__(self, name: str, peer: str, chain: bytes) -> None:
        self._name, self.peer, self._chain = name, peer, chain
        self.outgoing, self.incoming = KeyPool(b"", False), KeyPool(b"", False)
        self.state = NullState()

    def seal(self, kind: FrameKind, *, round_index: int, view: int, now: int, body: bytes) -> Frame:
        """Return a frame with the next counter and no tag."""
        self.state.sent += 1
        return Frame(
            kind=int(kind), chain=self._chain, round_index=round_index, view=view, sender=self._name,
            receiver=self.peer, counter=self.state.sent, sent_at=now, body=body, tag=0,
        )  # fmt: skip

    def verify(self, frame: Frame) -> bytes | None:
        """Return the body of a frame that was not accepted before; else None."""
        if frame.receiver != self._name or frame.sender != self.peer or frame.counter in self.state.opened:
            return None
        return frame.body

    def accept(self, frame: Frame) -> None:
        """See `Channel`."""
        self.state.opened.add(frame.counter)


class ChannelWrapper(Channel):
    """A channel around another one."""

    def __init__(self, channel: Channel) -> None:
        self.peer, self._inner = channel.peer, channel
        self.outgoing, self.incoming = channel.outgoing, channel.incoming

    def seal(self, kind: FrameKind, *, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        """See `Channel`."""
        return self._inner.seal(kind, round_index=round_index, view=view, now=now, body=body)

    def verify(self, frame: Frame) -> bytes | None:
        """See `Channel`."""
        return self._inner.verify(frame)

    def accept(self, frame: Frame) -> None:
        """See `Channel`."""
        self._inner.accept(frame)

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"inner": self._inner}


class LyingChannel(ChannelWrapper):
    """A Byzantine replica's channel: what the replica says passes through a liar, who has the keys."""

    def __init__(self, channel: Channel, falsify: Falsify) -> None:
        super().__init__(channel)
        self._falsify = falsify

    def seal(self, kind: FrameKind, *, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        """See `Channel`."""
        falsified = self._falsify(self.peer, kind, view, body)
        if falsified is None:
            return None
        kind, view, body = falsified
        return self._inner.seal(kind, round_index=round_index, view=view, now=now, body=body)


class Ledger:
    """All frames that honest parties sealed, and which of them were opened. Raises `Violation`."""

    def __init__(self) -> None:
        self.sealed: dict[tuple[str, str, int], Frame] = {}
        self._opened: set[tuple[str, str, int]] = set()

    def seal(self, frame: Frame) -> None:
        """Record a frame that leaves an honest party. Its key slot must be new, unless it is the same frame again."""
        key = (frame.sender, frame.receiver, frame.counter)
        if self.sealed.setdefault(key, frame) != frame:
            raise Violation("a key slot tags at most one message", f"{key[0]} to {key[1]}, slot {key[2]}")

    def open(self, name: str, frame: Frame) -> None:
        """Record a frame that an honest party accepted. From an honest sender it must be one that was sent to
        it, once.
        """
        key = (frame.sender, name, frame.counter)
        if self.sealed.get(key) != frame:
            raise Violation("no altered honest input", f"{name} accepted a frame that {frame.sender} never sent to it")
        if key in self._opened:
            raise Violation("no altered honest input", f"{name} accepted a replay of {frame.sender}, slot {key[2]}")
        self._opened.add(key)

    def refuse(self, name: str, frame: Frame) -> None:
        """Record a frame that an honest party refused. It must not be an honest one's, sent to it and not accepted
        before.
        """
        key = (frame.sender, name, frame.counter)
        if self.sealed.get(key) == frame and key not in self._opened:
            raise Violation("an honest frame is accepted", f"{name} refused slot {key[2]} of {frame.sender}")


class WatchedChannel(ChannelWrapper):
    """An honest party's channel, which writes to the ledger and tells an observer what is sent and heard."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        *,
        ledger: Ledger,
        peer_is_honest: bool,
        sent: Said,
        heard: Said,
        has_keys: bool = True,
    ) -> None:
        """Watch `channel`; has_keys: there are this many keys that none is ever missing."""
        super().__init__(channel)
        self._has_keys = has_keys
        self._name, self._ledger, self._peer_is_honest = name, ledger, peer_is_honest
        self._sent, self._heard = sent, heard

    def seal(self, kind: FrameKind, *, round_index: int, view: int, now: int, body: bytes) -> Frame | None:
        """See `Channel`."""
        frame = self._inner.seal(kind, round_index=round_index, view=view, now=now, body=body)
        if frame is not None:
            self._ledger.seal(frame)
        self._sent(round_index, kind, view, body)
        return frame

    def verify(self, frame: Frame) -> bytes | None:
        """See `Channel`."""
        body = self._inner.verify(frame)
        if body is not None:
            self._heard(frame.round_index, FRAME_KINDS[frame.kind], frame.view, body)
        elif self._peer_is_honest and self._has_keys:
            self._ledger.refuse(self._name, frame)
        return body

    def accept(self, frame: Frame) -> None:
        """See `Channel`."""
        self._inner.accept(frame)
        if self._peer_is_honest:
            self._ledger.open(self._name, frame)
