"""Pairs behind key bits that nobody has spent yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Path = tuple[str, str]


class UnspentPairs:
    """Of every two parties the batches of key that they distilled, spent first in, first out.

    A pair counts as used when its share of the bits of its batch was spent, in whichever direction; until then it is
    stock. Batches are [bits, pairs], as far as they are unspent.
    """

    def __init__(self) -> None:
        self._batches: dict[Path, list[list[float]]] = {}
        self._spent: dict[Path, int] = {}

    def store(self, batches: Iterable[tuple[str, str, int, float]]) -> None:
        """Newly distilled: two parties, the pairs (on all links of their path), and the bits that they gave."""
        for one, other, pairs, bits in batches:
            self._batches.setdefault(_path(one, other), []).append([float(bits), float(pairs)])

    def spend(self, accounts: Mapping[str, Mapping[str, int]]) -> None:
        """What every sender has spent up to now on frames to each peer, in bits.

        A party that is down forgets its total until it recovers; what was spent stays spent.
        """
        totals: dict[Path, int] = {}
        for sender, by_peer in accounts.items():
            for peer, bits in by_peer.items():
                totals[_path(sender, peer)] = totals.get(_path(sender, peer), 0) + bits
        for path, total in totals.items():
            left = float(max(0, total - self._spent.get(path, 0)))
            self._spent[path] = max(total, self._spent.get(path, 0))
            batches = self._batches.get(path, [])
            while left > 0 and batches:
                taken = min(left, batches[0][0])
                batches[0][1] -= batches[0][1] * taken / batches[0][0]
                batches[0][0] -= taken
                left -= taken
                if batches[0][0] <= 0:
                    batches.pop(0)

    @property
    def pairs(self) -> int:
        """Pairs whose bits are unspent."""
        return round(sum(pairs for batches in self._batches.values() for _, pairs in batches))

    @property
    def bits_spent(self) -> int:
        """By all parties up to now."""
        return sum(self._spent.values())

    def snapshot(self) -> list[Any]:
        """All state, in plain values."""
        paths = sorted({*self._batches, *self._spent})
        return [[*path, self._spent.get(path, 0), self._batches.get(path, [])] for path in paths]

    def restore(self, state: Iterable[Any]) -> None:
        """Go back to a snapshot."""
        self._batches, self._spent = {}, {}
        for one, other, spent, batches in state:
            self._spent[one, other] = int(spent)
            self._batches[one, other] = [list(batch) for batch in batches]


def _path(one: str, other: str) -> Path:
    return (one, other) if one < other else (other, one)
