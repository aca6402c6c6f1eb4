"""Pairs behind key bits that nobody has spent yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.observations import KeyBatch

Path = tuple[str, str]


@dataclass
class Batch:
    """The unspent part of a batch of key: its bits, and its share of the pairs that gave them."""

    bits: float
    pairs: float


@dataclass
class UnspentState:
    """The batches that have unspent bits by two parties, and the bits spent up to now by sender and receiver."""

    batches: dict[Path, list[Batch]] = field(default_factory=dict)
    spent: dict[tuple[str, str], int] = field(default_factory=dict)


class UnspentPairs(Stateful):
    """The batches of key that every two parties distilled, spent first in, first out.

    A pair counts as used when its share of the bits of its batch was spent, in whichever direction; until then it is
    stock.
    """

    def __init__(self) -> None:
        self.state = UnspentState()

    def store(self, batches: Iterable[KeyBatch]) -> None:
        """Store what parties have newly distilled."""
        for of in batches:
            self.state.batches.setdefault(_path(of.one, of.other), []).append(Batch(float(of.bits), float(of.pairs)))

    def spend(self, accounts: Mapping[str, Mapping[str, int]]) -> None:
        """Book what every sender has spent up to now on frames to each peer, in bits.

        A party that is down forgets its total until it recovers; what was spent stays spent.
        """
        for sender, by_peer in accounts.items():
            for peer, total in by_peer.items():
                before = self.state.spent.get((sender, peer), 0)
                if total > before:
                    self.state.spent[sender, peer] = total
                    self._take(_path(sender, peer), float(total - before))

    def _take(self, path: Path, left: float) -> None:
        """Take this many bits from the oldest batches of a path; bits that were never distilled take nothing."""
        batches = self.state.batches.get(path, [])
        while left > 0 and batches:
            oldest = batches[0]
            taken = min(left, oldest.bits)
            oldest.pairs -= oldest.pairs * taken / oldest.bits
            oldest.bits -= taken
            left -= taken
            if oldest.bits <= 0:
                batches.pop(0)

    @property
    def pairs(self) -> int:
        """Pairs whose bits are unspent."""
        return round(sum(batch.pairs for batches in self.state.batches.values() for batch in batches))

    def pairs_by_path(self) -> dict[Path, float]:
        """Return the pairs whose bits are unspent, on all links of each path, by its two parties."""
        return {path: sum(batch.pairs for batch in batches) for path, batches in self.state.batches.items()}

    @property
    def bits_spent(self) -> int:
        """Key bits that all parties have spent up to now."""
        return sum(self.state.spent.values())


def _path(one: str, other: str) -> Path:
    return (one, other) if one < other else (other, one)
