"""Content by its digest: what a replica asks of all others, and what others ask of it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.consensus.standing import AgreedModel
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import replica_name

CONTENT, BODY, MODEL = "content", "body", "model"
"""What a digest stands for: an update or a report, a value, a model."""


@dataclass
class FetchingState:
    """open: what was asked for and has not come, by digest. pending: what is to be asked for. waiting: by digest, who
    waits for it, and the round that each of them is in."""

    open: dict[bytes, str] = field(default_factory=dict)
    pending: dict[bytes, None] = field(default_factory=dict)
    waiting: dict[bytes, dict[int, int]] = field(default_factory=dict)


class Fetching(Stateful):
    """One Fetch names all that is lacking. What cannot be answered yet waits until it is here."""

    def __init__(
        self, links: AuthenticatedLinks, pacing: Pacing, most_waiting: int, find: Callable[[bytes], bytes | None]
    ) -> None:
        """most_waiting: digests that one replica may wait for. find: anything that is here, by its digest."""
        self._links, self._pacing, self._most_waiting, self._find = links, pacing, most_waiting, find
        self.state = FetchingState()

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"pacing": self._pacing}

    # --- one that lacks something ----------------------------------------------------------

    def want(self, digest: bytes, what: str) -> None:
        """Ask for it, once until it comes or `ask_again`."""
        if digest not in self.state.open and self._find(digest) is None:
            self.state.open[digest] = what
            self.state.pending[digest] = None

    def arm(self, now: int, view: int) -> int | None:
        """When `fires` must be called, if anything is to be asked and that is not arranged already."""
        return self._pacing.arm(now, view) if self.state.pending else None

    def fires(self, now: int, view: int) -> list[Effect]:
        """Ask for all that is pending, if the pace allows."""
        if not self._pacing.fires(now, view) or not self.state.pending:
            return []
        digests, self.state.pending = tuple(self.state.pending), {}
        self._pacing.left(now, view)
        return self._links.broadcast(FrameKind.FETCH, 0, encode(digests), now)

    def take(self, digest: bytes) -> str | None:
        """What came is what was asked for: what it stands for, or None if nobody asked."""
        self.state.pending.pop(digest, None)
        return self.state.open.pop(digest, None)

    def renew(self) -> None:
        """See `Pacing`."""
        self._pacing.renew()

    def ask_again(self) -> None:
        """No answer came, or a crash may have lost it."""
        self.state.pending |= dict.fromkeys(self.state.open)

    def forget_bodies(self, but: Container[bytes | None]) -> None:
        """A new view: its Suggests say which bodies its leader lacks; those, and the decided one, are still wanted."""
        for digest in [d for d, what in self.state.open.items() if what == BODY and d not in but]:
            self.take(digest)

    # --- one that is asked ----------------------------------------------------------

    def answer(self, sender: int, round_index: int, digests: Any, now: int) -> list[Effect]:
        """round_index: where the asker is. ValueError for anything but digests."""
        if not (isinstance(digests, tuple) and all(isinstance(digest, bytes) for digest in digests)):
            raise ValueError("a Fetch must name digests")
        asked = dict.fromkeys(digests)
        for digest in asked:
            if self._find(digest) is None:
                self._wait(digest, sender, round_index)
        return self._send(sender, round_index, asked, now)

    def _wait(self, digest: bytes, sender: int, round_index: int) -> None:
        """Of too many that one replica waits for, the oldest is given up: it may be one that nobody has."""
        self.state.waiting.setdefault(digest, {})[sender] = round_index
        waits_for = [other for other, senders in self.state.waiting.items() if sender in senders]
        if len(waits_for) > self._most_waiting:
            oldest = self.state.waiting[waits_for[0]]
            del oldest[sender]
            if not oldest:
                del self.state.waiting[waits_for[0]]

    def _send(self, sender: int, round_index: int, digests: Iterable[bytes], now: int) -> list[Effect]:
        found = tuple(data for digest in digests if (data := self._find(digest)) is not None)
        if not found:
            return []
        return self._links.send(FrameKind.CONTENT, 0, replica_name(sender), encode(found), now, round_index)

    def answer_waiting(self, now: int) -> list[Effect]:
        """Answer those who waited for what is here now."""
        if not self.state.waiting:
            return []
        here = [digest for digest in self.state.waiting if self._find(digest) is not None]
        wanted: dict[tuple[int, int], list[bytes]] = {}
        for digest in here:
            for asked in self.state.waiting.pop(digest).items():
                wanted.setdefault(asked, []).append(digest)
        return [e for asked in sorted(wanted) for e in self._send(*asked, wanted[asked], now)]

    # --- state ----------------------------------------------------------

    def recover(self) -> None:
        """After a crash: ask for all that is still open."""
        self._pacing.recover()
        self.ask_again()


def decoded_model(data: bytes) -> AgreedModel:
    """A model that was fetched by its digest."""
    return AgreedModel(*decode(data))
