"""Pairs behind key bits that nobody has spent yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ceas_ray.kernel.state import Stateful

Path = tuple[str, str]


@dataclass
class Batch:
    """What is unspent of a batch of key: its bits, and its share of the pairs that gave them."""

    bits: float
    pairs: float


@dataclass
class UnspentState:
    """By two parties: the batches that have unspent bits, and the bits spent up to now."""

    batches: dict[Path, list[Batch]] = field(default_factory=dict)
    spent: dict[Path, int] = field(default_factory=dict)


class UnspentPairs(Stateful):
    """Of every two parties the batches of key that they distilled, spent first in, first out.

    A pair counts as used when its share of the bits of its batch was spent, in whichever direction; until then it is
    stock.
    """

    def __init__(self) -> None:
        self.state = UnspentState()

    def store(self, batches: Iterable[tuple[str, str, int, float]]) -> None:
        """Newly distilled: two parties, the pairs (on all links of their path), and the bits that they gave."""
        for one, other, pairs, bits in batches:
            self.state.batches.setdefault(_path(one, other), []).append(Batch(float(bits), float(pairs)))

    def spend(self, accounts: Mapping[str, Mapping[str, int]]) -> None:
        """What every sender has spent up to now on frames to each peer, in bits.

        A party that is down forgets its total until it recovers; what was spent stays spent.
        """
        totals: dict[Path, int] = {}
        for sender, by_peer in accounts.items():
            for peer, bits in by_peer.items():
                totals[_path(sender, peer)] = totals.get(_path(sender, peer), 0) + bits
        for path, total in totals.items():
            left = float(max(0, total - self.state.spent.get(path, 0)))
            self.state.spent[path] = max(total, self.state.spent.get(path, 0))
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

    @property
    def bits_spent(self) -> int:
        """By all parties up to now."""
        return sum(self.state.spent.values())


def _path(one: str, other: str) -> Path:
    return (one, other) if one < other else (other, one)
