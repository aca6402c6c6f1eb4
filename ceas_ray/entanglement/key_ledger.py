"""The ledger of keys: the bits that every two parties have, and those that they need for the next round. Ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.plan import REPLICA_FRAMES, VIEW_CHANGE_FRAMES, Demand
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.frames import RESERVE_FRAMES
from ceas_ray.messages.payloads import processor_name, replica_name

RESERVED_ROUNDS, RESERVED_VIEWS = 2, 1
"""What a link's reserve is for when a round begins: good rounds (this one, and one in which the keys for more are
distilled) and changes of view: one with all the echoes and fetches that a view allows, or two with few."""


@dataclass
class KeyBooks:
    """Key bits of ordered pairs of parties.

    new: distilled and not handed out, by path: half of it for each direction. left: to send with, from the first to the
    second. acceptable: to send with between replicas, as the receiver sees it: not less than what is left. reporters:
    replicas that reported this round. distilled: all bits up to now.
    """

    new: dict[tuple[str, str], float] = field(default_factory=dict)
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    acceptable: dict[tuple[str, str], int] = field(default_factory=dict)
    reporters: set[str] = field(default_factory=set)
    distilled: float = 0.0


class KeyLedger(Stateful):
    """Key bits by ordered pair of parties, as the replicas report them; says what is to be distilled.

    Before round t a link has keys for `RESERVED_ROUNDS` good rounds, or for those that are left, and for
    `RESERVED_VIEWS` changes of view. A plan runs while its round spends keys: it makes up for a good round and for
    whatever the reserve lacks, and the plan of the last round distils nothing.
    """

    def __init__(self, demand: Demand, processors: int, replicas: int, rounds: int) -> None:
        self._demand, self._rounds = demand, rounds
        self.processors = [processor_name(k) for k in range(processors)]
        self.replicas = [replica_name(j) for j in range(replicas)]
        self.state = KeyBooks()

    def store(self, owner: str, peer: str, bits: float) -> None:
        """Add the newly distilled bits of a path."""
        self.state.new[owner, peer] = self.state.new.get((owner, peer), 0.0) + bits
        self.state.distilled += bits

    def between(self, sender: str, receiver: str) -> float:
        """Return the bits that a party can send with as soon as everything is handed out."""
        return self.state.left.get((sender, receiver), 0) + self._waiting(sender, receiver) / 2

    def _waiting(self, one: str, other: str) -> float:
        return self.state.new.get((one, other), self.state.new.get((other, one), 0.0))

    def keyed_replicas(self, frames: int = RESERVE_FRAMES) -> int:
        """Count the replicas that have keys for this many frames with each other, both ways, old and new ones together.

        frames: by default an echo and a view: with less no echo leaves, and nothing could be agreed on but to skip the
        round. Whoever lacks most goes first, so it may count too few, never too many. A liar spoils its own links
        alone.
        """
        reserve = self._demand.bits(frames)
        names = list(self.replicas)
        good = {(a, b) for a in names for b in names if a != b and self.between(a, b) >= reserve}
        linked = {(a, b) for a, b in good if (b, a) in good}
        while names:
            lacking = {a: sum(1 for b in names if b != a and (a, b) not in linked) for a in names}
            worst = max(names, key=lambda a: (lacking[a], a))
            if not lacking[worst]:
                break
            names.remove(worst)
        return len(names)

    def hand_out_all(self) -> list[tuple[str, NDArray[np.int64]]]:
        """Hand out all new bits: to every processor those with each replica, to every replica those with everybody.

        Half of them are for each direction, int64 (peers,). Less than two bits of each two parties stay for the next
        time.
        """
        everybody = [*self.processors, *self.replicas]
        handed = [(name, self._new_bits(name, self.replicas)) for name in self.processors]
        handed += [(name, self._new_bits(name, everybody)) for name in self.replicas]
        for (a, b), bits in self.state.new.items():
            given = int(bits // 2) * 2
            self.state.new[a, b] = bits - given
            for ends in ((a, b), (b, a)):
                self.state.left[ends] = self.state.left.get(ends, 0) + given // 2
                if ends in self.state.acceptable:
                    self.state.acceptable[ends] += given // 2
        return handed

    def _new_bits(self, name: str, peers: Sequence[str]) -> NDArray[np.int64]:
        bits = [self._waiting(name, peer) for peer in peers]
        return np.floor(np.array(bits) / 2).astype(np.int64) * 2

    def begin_round(self) -> None:
        """Begin a round, in which nobody has reported yet."""
        self.state.reporters = set()

    def end_round(self, views: int) -> None:
        """End a round. A replica that did not report may have spent what others did: a good round and this many changes
        of view.
        """
        for name in self.replicas:
            if name in self.state.reporters:
                continue
            for peer in self.processors:
                self._spend(name, peer, self._good(name, peer))
                self._spend(peer, name, self._good(peer, name))
            for peer in self.replicas:
                if peer != name:
                    self.state.left[name, peer] = min(
                        self.state.left.get((name, peer), 0), self.state.acceptable.get((name, peer), 2**62)
                    )
                    self._spend(name, peer, self._good(name, peer) + views * self._change(name, peer))

    def _spend(self, sender: str, receiver: str, bits: int) -> None:
        self.state.left[sender, receiver] = max(0, self.state.left.get((sender, receiver), 0) - bits)

    def report(self, replica: str, decided: RoundDecided) -> None:
        """Return what a replica says that it has left, to send with and to receive with."""
        self.state.reporters.add(replica)
        names = [*self.processors, *self.replicas]
        for name, sends, receives in zip(names, *decided.key_bits, strict=True):
            if name == replica:
                continue
            self.state.left[replica, name] = int(sends)
            if name in self.replicas:
                self.state.acceptable[name, replica] = int(receives)
            else:
                self.state.left[name, replica] = int(receives)

    # --- need ----------------------------------------------------------

    def _good(self, one: str, other: str) -> int:
        both = one.startswith("replica/") and other.startswith("replica/")
        return self._demand.bits(REPLICA_FRAMES if both else 1)

    def _change(self, one: str, other: str) -> int:
        both = one.startswith("replica/") and other.startswith("replica/")
        return self._demand.bits(VIEW_CHANGE_FRAMES) if both else 0

    def reserve(self, one: str, other: str, round_index: int) -> int:
        """Return the bits to send with that a party has when a round begins."""
        rounds = min(RESERVED_ROUNDS, self._rounds - max(0, round_index))
        return rounds * self._good(one, other) + RESERVED_VIEWS * self._change(one, other)

    def good_round(self, owner: str, peer: str) -> float:
        """Return the bits of a path, both directions, that a good round spends at most."""
        return 2.0 * self._good(owner, peer)

    def wanted(self, owner: str, peer: str, round_index: int) -> float:
        """Return the bits that a path is to distil in the plan of a round; before the first, and in a refill, a whole
        reserve.
        """
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
