"""The ledger of keys: the bits that every two parties have, and those that they need for the next round. Ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.demand import REPLICA_FRAMES, VIEW_CHANGE_FRAMES, Demand
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.frames import RESERVE_FRAMES
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.messages.quorum import quorums_of

RESERVED_ROUNDS, RESERVED_VIEWS, RESERVED_REQUESTS = 2, 1, 2
"""What a link's reserve is for when a round begins: good rounds (this one, and one in which the keys for more are
distilled), changes of view (one with all the echoes and fetches that a view allows, or two with few), and requests of a
processor for a model, with their answers."""
ROUNDS_PER_REQUEST = 5
"""A path makes up for a request and its answer within this many rounds. If f of 3 f + 1 replicas are silent for ever, a
processor needs f (f + 1) / (3 f + 1) answers a round on average; its paths to the others make up for (2 f + 1) / 5,
which is more for every f."""


@dataclass
class KeyBooks:
    """Key bits of ordered pairs of parties.

    new: distilled and not handed out, by path. left: to send with, from the first to the second. acceptable: to send
    with between replicas, as the receiver sees it: not less than what is left. reporters: replicas that reported this
    round. distilled: all bits up to now. owed: the bits of its reserve and of good rounds that a processor's path has
    not distilled yet, whatever its ends spent.
    """

    new: dict[tuple[str, str], float] = field(default_factory=dict)
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    acceptable: dict[tuple[str, str], int] = field(default_factory=dict)
    reporters: set[str] = field(default_factory=set)
    distilled: float = 0.0
    owed: dict[tuple[str, str], float] = field(default_factory=dict)


class KeyLedger(Stateful):
    """Key bits by ordered pair of parties, as the replicas report them; says what is to be distilled.

    Before round t a link has keys for `RESERVED_ROUNDS` good rounds, or for those that are left, and for
    `RESERVED_VIEWS` changes of view. A plan runs while its round spends keys: in each direction it makes up for a good
    round and for whatever the reserve lacks, and the plan of the last round distils nothing. What a path distils is
    handed out such that both directions come equally near to their reserves.

    Paths share key slots, each of which lasts as long as its slowest path needs. So a processor's path that lacks more
    than it is owed, because an end of it asked for models or claims to have lost keys, makes up for that slowly: by one
    request and its answer in `ROUNDS_PER_REQUEST` rounds. So paths of processors lengthen no slot by more than two
    fifths, whoever is Byzantine. Blocks of finite keys are no longer than good rounds ask for. Paths between replicas
    are not held back, because a change of view takes keys that the next one needs at once: a replica that lies about
    its own has them distil a whole reserve.
    """

    def __init__(self, demand: Demand, places: Sequence[int], replicas: int, rounds: int) -> None:
        """places: of all processors, see `Quorums.replies_unasked`."""
        self._demand, self._rounds, self._quorums = demand, rounds, quorums_of(replicas)
        self.processors = [processor_name(k) for k in range(len(places))]
        self._place = dict(zip(self.processors, places, strict=True))
        self._number = {replica_name(j): j for j in range(replicas)}
        self._frame, self._good_round = demand.bits(1), demand.bits(REPLICA_FRAMES)  # of a processor, between replicas
        self._view_change = demand.bits(VIEW_CHANGE_FRAMES)
        self.replicas = [replica_name(j) for j in range(replicas)]
        owed = {(name, peer): self._whole_reserve(name, peer) for name in self.processors for peer in self.replicas}
        self.state = KeyBooks(owed=owed)

    def store(self, owner: str, peer: str, bits: float) -> None:
        """Add the newly distilled bits of a path."""
        self.state.new[owner, peer] = self.state.new.get((owner, peer), 0.0) + bits
        self.state.distilled += bits
        if (owner, peer) in self.state.owed:
            self.state.owed[owner, peer] = max(0.0, self.state.owed[owner, peer] - bits)

    def between(self, sender: str, receiver: str) -> float:
        """Return the bits that a party can send with as soon as everything is handed out."""
        return self.state.left.get((sender, receiver), 0) + self._share(sender, receiver)

    def _share(self, sender: str, receiver: str) -> int:
        """Return how many of a path's whole new bits are for one direction: both then lack equally much of their
        reserves, or have equally much more, as far as the new bits go. An odd one is not the owner's.
        """
        new, left = self.state.new, self.state.left
        is_owner = (sender, receiver) in new
        whole = int(new.get((sender, receiver) if is_owner else (receiver, sender), 0.0))
        more = left.get((receiver, sender), 0) - left.get((sender, receiver), 0)
        more += self._of_requests(sender) - self._of_requests(receiver)
        return min(whole, max(0, (whole + more + (not is_owner)) // 2))

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

        Of each party the bits to send with and those to receive with, int64 (2, peers). Less than one bit of each two
        parties stays for the next time.
        """
        given = {ends: self._share(*ends) for a, b in self.state.new for ends in ((a, b), (b, a))}
        everybody = [*self.processors, *self.replicas]
        handed = [(name, _of_party(name, self.replicas, given)) for name in self.processors]
        handed += [(name, _of_party(name, everybody, given)) for name in self.replicas]
        for a, b in self.state.new:
            self.state.new[a, b] -= given[a, b] + given[b, a]
        for ends, bits in given.items():
            self.state.left[ends] = self.state.left.get(ends, 0) + bits
            if ends in self.state.acceptable:
                self.state.acceptable[ends] += bits
        return handed

    def begin_round(self, round_index: int) -> None:
        """Begin a round, in which nobody has reported yet, and for which every path is owed what a good one spends."""
        self.state.reporters = set()
        for a, b in self.state.owed:
            self.state.owed[a, b] += self.good_round(a, b, round_index) + self.good_round(b, a, round_index)

    def end_round(self, round_index: int, views: int) -> None:
        """End a round. A replica that did not report may have spent what others did: a good round, a request and its
        answer with every processor, and this many changes of view.
        """
        request = RESERVED_REQUESTS * self._frame
        for name in self.replicas:
            if name in self.state.reporters:
                continue
            for peer in self.processors:
                self._spend(name, peer, self.good_round(name, peer, round_index) + request)
                self._spend(peer, name, self.good_round(peer, name, round_index) + request)
            for peer in self.replicas:
                if peer != name:
                    self.state.left[name, peer] = min(
                        self.state.left.get((name, peer), 0), self.state.acceptable.get((name, peer), 2**62)
                    )
                    self._spend(name, peer, self.good_round(name, peer, round_index) + views * self._view_change)

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

    def good_round(self, sender: str, receiver: str, round_index: int) -> int:
        """Return the bits that a good round spends at most in one direction: on what replicas say to each other, on
        updates, and on models that processors are sent unasked.
        """
        number = self._number.get(sender)
        if number is not None and receiver in self._number:
            return self._good_round
        speaks = (
            number is None
            or self._demand.all_reply
            or self._quorums.replies_unasked(number, self._place[receiver], round_index)
        )
        return self._frame if speaks else 0

    def reserve(self, sender: str, receiver: str, round_index: int) -> int:
        """Return the bits to send with that a party has when a round begins."""
        rounds = min(RESERVED_ROUNDS, self._rounds - max(0, round_index))
        if sender in self._number and receiver in self._number:
            return rounds * self._good_round + RESERVED_VIEWS * self._view_change
        return rounds * self._frame + (self._of_requests(sender) if rounds else 0)

    def _of_requests(self, sender: str) -> int:
        """Return the bits that requests cost a processor, whose update has paid for the round's hash key, or answers
        a replica.
        """
        return RESERVED_REQUESTS * (self._frame if sender in self._number else TAG_BITS)

    def wanted(self, owner: str, peer: str, round_index: int) -> float:
        """Return the bits that a path is to distil in the plan of a round; before the first, and in a refill, a whole
        reserve.
        """
        if round_index < 0:
            return self._whole_reserve(owner, peer)
        if round_index + 1 >= self._rounds:
            return 0.0
        need = float(self._need(owner, peer, round_index) + self._need(peer, owner, round_index))
        owed = self.state.owed.get((owner, peer), need)
        if not self._demand.finite_keys:
            request = (self._of_requests(owner) + self._of_requests(peer)) / RESERVED_REQUESTS
            return min(need, owed + request / ROUNDS_PER_REQUEST)
        # A block has a price of its own: whole rounds' worth, of which what is over also makes up for requests.
        good = 2 * (self._good_round if owner in self._number else self._frame)
        return float(np.ceil(min(need, owed) / good) * good)

    def _whole_reserve(self, owner: str, peer: str) -> float:
        """Return the bits of a path's reserve before the first round."""
        return float(self.reserve(owner, peer, -1) + self.reserve(peer, owner, -1))

    def _need(self, sender: str, receiver: str, round_index: int) -> float:
        """Return the bits that a direction lacks of its next reserve when a round has spent what a good one does."""
        target = self.reserve(sender, receiver, round_index + 1)
        left = max(0.0, self.between(sender, receiver) - self.good_round(sender, receiver, round_index))
        return min(target, max(0.0, target - left))


def _of_party(name: str, peers: Sequence[str], given: Mapping[tuple[str, str], int]) -> NDArray[np.int64]:
    """Return what a party gets to send to each peer with, and to receive with, int64 (2, peers)."""
    sends = [given.get((name, peer), 0) for peer in peers]
    receives = [given.get((peer, name), 0) for peer in peers]
    return np.array([sends, receives], dtype=np.int64)
