"""The ledger of keys: what every two parties have, and what they need for the next round. Ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.plan import REPLICA_FRAMES, VIEW_CHANGE_FRAMES, Demand
from ceas_ray.messages.payloads import RoundDecided, processor_name, replica_name

RESERVED_ROUNDS, RESERVED_VIEWS = 2, 2
"""What a link's reserve is for when a round begins: good rounds (this one, and one in which the keys for more are
distilled) and changes of view."""


class KeyLedger:
    """Bits by ordered pair of parties, as the replicas report them; distils to need.

    Before round t a link has keys for `RESERVED_ROUNDS` good rounds, or for those that are left, and for
    `RESERVED_VIEWS` changes of view. A plan runs while its round spends keys: it makes up for a good round and for
    whatever the reserve lacks, and the plan of the last round distils nothing.
    """

    def __init__(self, demand: Demand, processors: int, replicas: int, rounds: int) -> None:
        self._demand, self._rounds = demand, rounds
        self._processors = [processor_name(k) for k in range(processors)]
        self._replicas = [replica_name(j) for j in range(replicas)]
        self._new: dict[tuple[str, str], float] = {}
        """Distilled and not handed out, by path: half of it for each direction."""
        self._left: dict[tuple[str, str], int] = {}
        """To send with, from the first to the second."""
        self._acceptable: dict[tuple[str, str], int] = {}
        """To send with between replicas, as the receiver sees it: not less than what is left."""
        self._reporters: set[str] = set()
        self.distilled = 0.0
        """All bits up to now."""

    def store(self, owner: str, peer: str, bits: float) -> None:
        """Newly distilled bits of a path."""
        self._new[owner, peer] = self._new.get((owner, peer), 0.0) + bits
        self.distilled += bits

    def between(self, sender: str, receiver: str) -> float:
        """Bits that a party can send with as soon as everything is handed out."""
        return self._left.get((sender, receiver), 0) + self._waiting(sender, receiver) / 2

    def _waiting(self, one: str, other: str) -> float:
        return self._new.get((one, other), self._new.get((other, one), 0.0))

    def hand_out(self, name: str, peers: Sequence[str]) -> NDArray[np.int64]:
        """New bits of a party with each of its peers, int64 (peers,), half of them for each direction."""
        bits = [self._waiting(name, peer) for peer in peers]
        return np.floor(np.array(bits) / 2).astype(np.int64) * 2

    def forget_handed_out(self) -> None:
        """What was handed out is with its owners; less than two bits of each pair of parties stay for the next time."""
        for (a, b), bits in self._new.items():
            given = int(bits // 2) * 2
            self._new[a, b] = bits - given
            for ends in ((a, b), (b, a)):
                self._left[ends] = self._left.get(ends, 0) + given // 2
                if ends in self._acceptable:
                    self._acceptable[ends] += given // 2

    def begin_round(self) -> None:
        """Nobody has reported this round yet."""
        self._reporters = set()

    def end_round(self, views: int) -> None:
        """A replica that did not report may have spent what others did: a good round and this many changes of view."""
        for name in self._replicas:
            if name in self._reporters:
                continue
            for peer in self._processors:
                self._spend(name, peer, self._good(name, peer))
                self._spend(peer, name, self._good(peer, name))
            for peer in self._replicas:
                if peer != name:
                    self._left[name, peer] = min(
                        self._left.get((name, peer), 0), self._acceptable.get((name, peer), 2**62)
                    )
                    self._spend(name, peer, self._good(name, peer) + views * self._change(name, peer))

    def _spend(self, sender: str, receiver: str, bits: int) -> None:
        self._left[sender, receiver] = max(0, self._left.get((sender, receiver), 0) - bits)

    def report(self, replica: str, decided: RoundDecided) -> None:
        """What a replica says that it has left, to send with and to receive with."""
        self._reporters.add(replica)
        names = [*self._processors, *self._replicas]
        for name, sends, receives in zip(names, *decided.key_bits, strict=True):
            if name == replica:
                continue
            self._left[replica, name] = int(sends)
            if name in self._replicas:
                self._acceptable[name, replica] = int(receives)
            else:
                self._left[name, replica] = int(receives)

    # --- need ----------------------------------------------------------

    def _good(self, one: str, other: str) -> int:
        both = one.startswith("replica/") and other.startswith("replica/")
        return self._demand.bits(REPLICA_FRAMES if both else 1)

    def _change(self, one: str, other: str) -> int:
        both = one.startswith("replica/") and other.startswith("replica/")
        return self._demand.bits(VIEW_CHANGE_FRAMES) if both else 0

    def reserve(self, one: str, other: str, round_index: int) -> int:
        """Bits to send with that a party has when a round begins."""
        rounds = min(RESERVED_ROUNDS, self._rounds - max(0, round_index))
        return rounds * self._good(one, other) + RESERVED_VIEWS * self._change(one, other)

    def good_round(self, owner: str, peer: str) -> float:
        """Bits of a path, both directions, that a good round spends at most."""
        return 2.0 * self._good(owner, peer)

    def wanted(self, owner: str, peer: str, round_index: int) -> float:
        """Bits that a path is to distil in the plan of a round; before the first, and in a refill, a whole reserve."""
        if round_index < 0:
            return 2.0 * self.reserve(owner, peer, round_index)
        if round_index + 1 >= self._rounds:
            return 0.0
        good = self._good(owner, peer)
        target = self.reserve(owner, peer, round_index + 1)
        poorest = min(self.between(owner, peer), self.between(peer, owner))
        need = min(target, max(0.0, target - max(0.0, poorest - good)))
        if self._demand.finite_keys:  # a block has a price of its own: whole rounds' worth
            need = float(np.ceil(need / good) * good)
        return 2.0 * need

    # --- state ----------------------------------------------------------

    def snapshot(self) -> Any:
        """All state, in plain values."""
        return (
            sorted(self._new.items()), sorted(self._left.items()), sorted(self._acceptable.items()),
            sorted(self._reporters), self.distilled,
        )  # fmt: skip

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self._new, self._left, self._acceptable = dict(state[0]), dict(state[1]), dict(state[2])
        self._reporters, self.distilled = set(state[3]), state[4]
