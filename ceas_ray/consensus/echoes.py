"""Echoes: which replicas say that they have an update or the report, accuse a processor, or lack what a round needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.quorum import Quorums

Item = tuple[int, int, bytes]
"""What an Echo names: its kind, a processor (0 for the report and SKIP) and a digest (empty for accusations and
SKIP).
"""
Topic = tuple[int, int]
"""Kind and processor."""


class ItemKind(IntEnum):
    """What an item stands for."""

    UPDATE = 0
    REPORT = 1
    ACCUSATION = 2
    SKIP = 3


SKIP: Item = (int(ItemKind.SKIP), 0, b"")


def update_item(processor: int, digest: bytes) -> Item:
    """Return the item that names the update of a processor."""
    return (int(ItemKind.UPDATE), processor, digest)


def report_item(digest: bytes) -> Item:
    """Return the item that names the hub's report."""
    return (int(ItemKind.REPORT), 0, digest)


def accusation_item(processor: int) -> Item:
    """Return the item that accuses a processor of saying different things to different replicas."""
    return (int(ItemKind.ACCUSATION), processor, b"")


def items_of(content: Any, processors: int) -> tuple[Item, ...]:
    """Return the items of another replica's Echo. Raises ValueError for malformed ones."""
    if not isinstance(content, tuple):
        raise ValueError("an Echo must be a sequence of items")
    for item in content:
        if not (isinstance(item, tuple) and [*map(type, item)] == [int, int, bytes]):
            raise ValueError("an item must hold a kind, a processor and a digest")
        kind, processor, digest = item
        has_digest = kind in (ItemKind.UPDATE, ItemKind.REPORT)
        of_processor = kind in (ItemKind.UPDATE, ItemKind.ACCUSATION)
        if not (0 <= kind <= ItemKind.SKIP and 0 <= processor < (processors if of_processor else 1)):
            raise ValueError("an item must be of a known kind and name a processor")
        if has_digest != bool(digest):
            raise ValueError("updates and reports are named by their digests, accusations and SKIP by none")
    return content


@dataclass(slots=True)
class EchoesState:
    """What is known of the echoes.

    echoers: by topic and digest, the replicas that echo it, as bits (1 << j for replica j). heard: the replicas of
    which an Echo came, in the same form. fresh: items that have become acceptable since `take_acceptable` was called
    last.
    """

    echoers: dict[Topic, dict[bytes, int]] = field(default_factory=dict)
    heard: int = 0
    fresh: list[Item] = field(default_factory=list)


class Echoes(Stateful):
    """Unites all Echoes of each replica. With B echoes (one's own included) an item is acceptable, because one of their
    senders is honest. With Q it may be proposed, because then B honest ones make every honest replica accept it.

    What one replica says of one processor counts for at most n - f digests, since no more can have B echoes.
    """

    def __init__(self, quorums: Quorums) -> None:
        self._quorum, self.blocking, self._max_digests = quorums.quorum, quorums.blocking, quorums.quorum
        self.state = EchoesState()

    def take(self, replica: int, items: Iterable[Item]) -> list[Item]:
        """Take what a replica echoes besides what it echoed before. Return the items that have become acceptable."""
        bit, fresh, echoers_of = 1 << replica, [], self.state.echoers
        self.state.heard |= bit
        for item in items:
            kind, processor, digest = item
            of_topic = echoers_of.get((kind, processor))
            if of_topic is None:
                of_topic = echoers_of[kind, processor] = {}
            before = of_topic.get(digest, 0)
            if before & bit or not self._may_say_more(of_topic, bit):
                continue
            after = of_topic[digest] = before | bit
            if after.bit_count() == self.blocking:
                fresh.append(item)
        self.state.fresh += fresh
        return fresh

    def take_acceptable(self) -> list[Item]:
        """Return the items that have become acceptable since the last call."""
        fresh, self.state.fresh = self.state.fresh, []
        return fresh

    def _may_say_more(self, of_topic: dict[bytes, int], bit: int) -> bool:
        return len(of_topic) < self._max_digests or sum(
            1 for echoers in of_topic.values() if echoers & bit
        ) < self._max_digests  # fmt: skip

    @property
    def heard(self) -> int:
        """Number of replicas of which an Echo came, this one included."""
        return self.state.heard.bit_count()

    def is_acceptable(self, item: Item) -> bool:
        """Return whether B replicas echo the item."""
        return self._count(item) >= self.blocking

    def is_proposable(self, item: Item) -> bool:
        """Return whether Q replicas echo the item."""
        return self._count(item) >= self._quorum

    def _count(self, item: Item) -> int:
        return self.state.echoers.get(item[:2], {}).get(item[2], 0).bit_count()

    def may_be_lost(self) -> bool:
        """Return whether a replica echoes an item and fewer than Q do here, so that others may go by echoes that this
        replica has lost.
        """
        return any(
            echoers.bit_count() < self._quorum
            for of_topic in self.state.echoers.values() for echoers in of_topic.values()
        )  # fmt: skip

    def acceptable(self) -> list[Item]:
        """Return all items with B echoes, in their order."""
        return [item for item in self._items() if self.is_acceptable(item)]

    def _items(self) -> list[Item]:
        return [
            (*topic, digest) for topic in sorted(self.state.echoers) for digest in sorted(self.state.echoers[topic])
        ]

    def digests(self, kind: ItemKind, processor: int, min_echoes: int) -> list[bytes]:
        """Return the digests of an update (or of the report) with at least `min_echoes` echoes, in increasing order."""
        of_topic = self.state.echoers.get((kind, processor), {})
        return sorted(digest for digest, echoers in of_topic.items() if echoers.bit_count() >= min_echoes)

    def count_acceptable(self, kind: ItemKind, processor: int) -> int:
        """Return the number of digests of an update that have B echoes."""
        of_topic = self.state.echoers.get((kind, processor))
        if of_topic is None:
            return 0
        return sum(1 for echoers in of_topic.values() if echoers.bit_count() >= self.blocking)
