"""Contents by their digests: what a replica asks of all others, and what others ask of it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.chain_head import AgreedModel
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import replica_name

CONTENT, BODY, MODEL = "content", "body", "model"
"""What is wanted under a digest: an update or a report, the body of a value, or a model."""


@dataclass
class FetchingState:
    """What has been asked for.

    open: by digest, what was asked for and has not come; a liar may name one digest as several things. pending: what is
    yet to be asked for. waiting: by digest, who waits for it, and the round that each of them is in.
    """

    open: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    pending: dict[bytes, None] = field(default_factory=dict)
    waiting: dict[bytes, dict[int, int]] = field(default_factory=dict)


class Fetching(Stateful):
    """Asks for all that is lacking in one Fetch, and answers those of others. What cannot be answered yet waits until
    it is here.
    """

    def __init__(
        self, links: AuthenticatedLinks, pacing: Pacing, max_waiting: int, *, find: Callable[[bytes], bytes | None],
        has: Callable[[bytes, str], bool],
    ) -> None:  # fmt: skip
        """Serve one round; max_waiting: most digests that one replica may wait for. find: returns anything that is
        here, by its digest. has: whether it is here as what it is wanted for: bytes that came as the body of a value
        are no update.
        """
        self._links, self._pacing, self._max_waiting, self._find, self._has = links, pacing, max_waiting, find, has
        self.state = FetchingState()

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"pacing": self._pacing}

    # --- one that lacks something ----------------------------------------------------------

    def want(self, digest: bytes, what: str) -> None:
        """Ask for a digest, once until it comes or `ask_again` is called."""
        wanted = self.state.open.get(digest, ())
        if what not in wanted and not self._has(digest, what):
            self.state.open[digest] = (*wanted, what)
            self.state.pending[digest] = None

    def arm(self, now: int, view: int) -> int | None:
        """Return when to call `fires`, if anything is to be asked for and that is not arranged already."""
        return self._pacing.arm(now, view) if self.state.pending else None

    def fires(self, now: int, view: int) -> list[Effect]:
        """Ask for all that is pending, if the pace allows."""
        if not self._pacing.fires(now, view) or not self.state.pending:
            return []
        digests, self.state.pending = tuple(self.state.pending), {}
        self._pacing.left(now, view)
        return self._links.broadcast(FrameKind.FETCH, view=0, body=encode(digests), now=now)

    def take(self, digest: bytes) -> tuple[str, ...]:
        """Return what an arrived content was wanted for, and stop asking for it; nothing if nobody asked."""
        self.state.pending.pop(digest, None)
        return self.state.open.pop(digest, ())

    def stop(self, digest: bytes, what: str) -> bool:
        """Stop asking for a digest as this alone. Return whether it was asked for as this."""
        wanted = self.state.open.get(digest, ())
        if what not in wanted:
            return False
        others = tuple(other for other in wanted if other != what)
        if others:
            self.state.open[digest] = others
        else:
            self.take(digest)
        return True

    def renew(self) -> None:
        """See `Pacing`."""
        self._pacing.renew()

    def ask_again(self) -> None:
        """Ask again for all that is open: no answer came, or a crash may have lost it."""
        self.state.pending |= dict.fromkeys(self.state.open)

    def forget_bodies(self, but: Container[bytes | None]) -> None:
        """Stop asking for bodies except these, at the start of a view: its Suggests say which ones its leader lacks."""
        for digest in [digest for digest in self.state.open if digest not in but]:
            self.stop(digest, BODY)

    # --- one that is asked ----------------------------------------------------------

    def answer(self, sender: int, round_index: int, digests: Any, now: int) -> list[Effect]:
        """Answer another replica's Fetch; round_index: where it is. Raises ValueError for anything but digests."""
        if not (isinstance(digests, tuple) and all(isinstance(digest, bytes) for digest in digests)):
            raise ValueError("a Fetch must name digests")
        asked = dict.fromkeys(digests)
        for digest in asked:
            if self._find(digest) is None:
                self._wait(digest, sender, round_index)
        return self._send(sender, round_index, asked, now)

    def _wait(self, digest: bytes, sender: int, round_index: int) -> None:
        """Let a replica wait for a digest. If it waits for too many, give up the oldest, which perhaps nobody has."""
        self.state.waiting.setdefault(digest, {})[sender] = round_index
        waits_for = [other for other, senders in self.state.waiting.items() if sender in senders]
        if len(waits_for) > self._max_waiting:
            oldest = self.state.waiting[waits_for[0]]
            del oldest[sender]
            if not oldest:
                del self.state.waiting[waits_for[0]]

    def _send(self, sender: int, round_index: int, digests: Iterable[bytes], now: int) -> list[Effect]:
        found = tuple(data for digest in digests if (data := self._find(digest)) is not None)
        if not found:
            return []
        return self._links.send(
            FrameKind.CONTENT,
            view=0,
            receiver=replica_name(sender),
            body=encode(found),
            now=now,
            round_index=round_index,
        )

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
        """Ask for all that is still open, after a crash."""
        self._pacing.recover()
        self.ask_again()


def decoded_model(data: bytes) -> AgreedModel:
    """Return a model that was fetched by its digest."""
    return AgreedModel(*decode(data))
