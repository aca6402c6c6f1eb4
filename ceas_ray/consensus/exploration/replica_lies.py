"""The lies in a Byzantine replica's frames: bodies of every kind, poisoned, contradictory or malformed."""

from __future__ import annotations

from typing import Any

import msgpack

from ceas_ray.consensus.echoes import SKIP, accusation_item
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.tetrabft import FUTURE_VIEWS
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import FrameKind, digest_of

MALFORMED = (
    b"", b"\xff", b"\xc1", encode(None), encode(7), encode((1, 2, 3)), encode({"a": 1}), encode((-1, 5)),
    encode((9, b"")), encode(((0, b"", 1), (0, b""), (0, b""))), encode((b"", b"")), encode(((), ())),
    msgpack.packb(msgpack.ExtType(2, b"Nobody")), msgpack.packb([msgpack.ExtType(2, b"Timer"), 1]),
    msgpack.packb([msgpack.ExtType(1, b""), "no type", [1], b""]),
)  # fmt: skip
_POISON = 0.2
"""Share of frames between replicas in whose place a content is sent as a proposal."""
_KEPT = frozenset({FrameKind.PROPOSAL, FrameKind.MODEL})
_VOTES = frozenset({FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4})


class ReplicaLies:
    """Makes the lies of all Byzantine replicas of a scenario, which share what they know: the digests of values, and
    which are poisoned.
    """

    def __init__(
        self, draws: Draws, probability: float, deaf: frozenset[str], *, poisoned: set[bytes], poisons: bool
    ) -> None:
        """Lie with this probability; poisoned: the digests of false values are added to it. poisons: contents are sent
        as proposals, too.
        """
        self._draws, self._probability, self._deaf = draws, probability, deaf
        self.poisoned, self._poisons = poisoned, poisons
        self._known: list[bytes] = []
        self._contents: list[bytes] = []

    def learn_content(self, content: bytes) -> None:
        """Learn an update or the report, which anybody was told."""
        if self._poisons and content not in self._contents:
            self._contents.append(content)

    def falsified(self, receiver: str, kind: FrameKind, view: int, body: bytes) -> tuple[FrameKind, int, bytes] | None:
        """Return kind, view and body as they are sent instead; None to send nothing. See `channels.Falsify`."""
        if kind == FrameKind.PROPOSAL:
            self._learn(decode(body))
        if receiver in self._deaf:
            return None
        if self._contents and kind not in _KEPT and self._draws.uniform() < _POISON:
            later = view + self._draws.below(FUTURE_VIEWS + 1)
            return FrameKind.PROPOSAL, later, encode(self._draws.choice(self._contents))
        return (kind, *self._with_lies(kind, view, body))

    def _with_lies(self, kind: FrameKind, view: int, body: bytes) -> tuple[int, bytes]:
        chance = self._draws.uniform()
        if chance >= self._probability:
            return view, body
        if chance < 0.15 * self._probability:
            return view, self._draws.choice(MALFORMED)
        if kind in (FrameKind.SUGGEST, FrameKind.PROOF):
            return view, encode([self._vote(view) for _ in range(3)])
        if kind == FrameKind.PROPOSAL:
            return view, encode(self._poison(decode(body)))
        if kind == FrameKind.ECHO:
            return view, encode(self._false_echo(decode(body)))
        if kind == FrameKind.VIEW_CHANGE:
            return view + self._draws.below(4), body
        if kind == FrameKind.DECIDE or (kind in _VOTES and self._draws.uniform() < 1 / 3):
            return view, encode(self._value())
        return view, body

    def _learn(self, body: bytes) -> None:
        if digest_of(body) not in self._known:
            self._known.append(digest_of(body))

    def _value(self) -> bytes:
        return self._draws.choice([*self._known, digest_of(b"unknown")])

    def _vote(self, view: int) -> tuple[int, bytes]:
        return (-1, b"") if self._draws.uniform() < 0.3 else (self._draws.below(max(1, view)), self._value())

    def _false_echo(self, content: Any) -> Any:
        """Return another digest in one place; somebody is accused, or nobody, or all; and SKIP is echoed, or not."""
        items = [item for item in content if self._draws.uniform() < 0.8]
        updates = [place for place, item in enumerate(items) if item[2]]
        if updates:
            place = self._draws.choice(updates)
            kind, k, digest = items[place]
            items[place] = (kind, k, self._draws.choice((digest_of(b"forged"), digest, items[updates[0]][2])))
        accused = [accusation_item(k) for _, k, _ in items]
        items += self._draws.choice(([], accused[:1], accused))
        return (*items, *self._draws.choice(((), (SKIP,))))

    def _poison(self, body: bytes) -> bytes:
        """Return a value of which one part is false: round, entries, weights, or a digest."""
        parts = list(decode(body))
        place = self._draws.below(len(parts))
        if place == 3 and parts[3]:
            entries = list(parts[3])
            entries[0] = (entries[0][0], digest_of(b"forged"))
            strange = ({1: 1}, {1: 1}, {1: 1})
            parts[3] = self._draws.choice((tuple(entries), parts[3][:1], parts[3][::-1], parts[3] * 2, strange))
        else:
            parts[place] = parts[place] + 1000 if isinstance(parts[place], int) else digest_of(b"forged")
        poisoned = encode(tuple(parts))
        self.poisoned.add(digest_of(poisoned))
        self._learn(poisoned)
        return poisoned
