"""Wegman-Carter tags and the key pools that feed them.

A tag is a polynomial hash over the prime 2^61 - 1, masked with a one-time pad; the hash key is fresh each round, or
kept under the pad. A forger succeeds with probability at most L / p per attempt, L the number of 7-byte blocks plus
one (Wegman and Carter 1981). Key bits come from Bell pairs; both ends derive the same slots from a common stream, and
what they may use is what was distilled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numba import njit

from ceas_ray.kernel.state import Stateful

PRIME = 2**61 - 1
TAG_BITS = 61
BLOCK_BYTES = 7
MOST_FAILURES = 2**20
"""A forger succeeds with probability at most L / p in each attempt under a hash key: 2^-31 in so many, for L = 2^10."""
KEYED_ROUNDS = 4
"""Of so many rounds, the latest, a pool knows that their hash keys are paid: frames may be of a round or two before. In
an older one it is paid again: more than was used, never less."""


@njit("uint64(uint64, uint64)", cache=True, nogil=True)
def _multiply(a, b):  # type: ignore[no-untyped-def]
    """a b mod 2^61 - 1, for a, b < 2^61, by halves of 32 bits: 2^61 = 1, 2^64 = 8."""
    half = np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> np.uint64(32), a & half, b >> np.uint64(32), b & half
    middle = a1 * b0 + a0 * b1
    low = a0 * b0
    total = (a1 * b1) * np.uint64(8) + (middle >> np.uint64(29)) + ((middle & np.uint64(2**29 - 1)) << np.uint64(32))
    total += (low >> np.uint64(61)) + (low & np.uint64(2**61 - 1))
    total = (total >> np.uint64(61)) + (total & np.uint64(2**61 - 1))
    return total - np.uint64(2**61 - 1) if total >= np.uint64(2**61 - 1) else total


@njit("uint64(uint8[::1], uint64)", cache=True, nogil=True)
def _hash(content, key):  # type: ignore[no-untyped-def]
    prime = np.uint64(2**61 - 1)
    total = _multiply(np.uint64(len(content)) + np.uint64(1), key)
    for start in range(0, len(content), 7):
        block = np.uint64(0)
        for i in range(start, min(start + 7, len(content))):
            block = (block << np.uint64(8)) | np.uint64(content[i])
        total = total + block
        if total >= prime:
            total -= prime
        total = _multiply(total, key)
    return total


def polynomial_hash(content: bytes, key: int) -> int:
    """The polynomial with the blocks of `content` (and its length) as coefficients, at `key`, mod 2^61 - 1."""
    return int(_hash(np.frombuffer(bytearray(content), np.uint8), np.uint64(key)))


def polynomial(blocks: Sequence[int], key: int, prime: int) -> int:
    """The same hash written out for any prime, blocks given: sum of blocks[i] key^(L - i) mod prime."""
    total = 0
    for block in blocks:
        total = (total + block) * key % prime
    return total


@dataclass
class PoolState:
    """distilled, spent, erased: bits up to now. next_slot: of the sender.

    keyed_rounds: the latest rounds whose hash keys are paid. floor: the receiver's slots below it are forgotten;
    later_floor: and below this one, when the round ends. used: slots of accepted frames. failures: wrong tags by hash
    key. alarms: of which nobody was told yet, how often `MOST_FAILURES` more attempts have failed under one hash key.
    """

    distilled: int = 0
    spent: int = 0
    erased: int = 0
    next_slot: int = 0
    keyed_rounds: tuple[int, ...] = ()
    floor: int = 0
    later_floor: int = 0
    used: set[int] = field(default_factory=set)
    failures: dict[int, int] = field(default_factory=dict)
    alarms: int = 0


class KeyPool(Stateful):
    """The key of one direction between two parties, at one of its ends. Slots are indexed by a counter.

    A slot masks one tag at most; using it costs 61 bits, and 61 more for the first one of a round where hash keys are
    fresh. Nothing is ever used that was not distilled: distilled = spent + stored + erased. The sender forgets a slot
    when it has used it; the receiver when it has accepted a frame in it, or when its round is long over.

    A wrong tag changes nothing but a count: it erases no slot, blocks none and moves no bound, for anybody can send one
    without any key.
    """

    def __init__(self, secret: bytes, fresh_hash_keys: bool) -> None:
        """`secret` stands for the common stream of this direction: both ends have the same."""
        self._secret, self._fresh = secret, fresh_hash_keys
        self.state = PoolState()

    @property
    def distilled(self) -> int:
        """Bits up to now."""
        return self.state.distilled

    @property
    def spent(self) -> int:
        """Bits that tags cost up to now."""
        return self.state.spent

    @property
    def erased(self) -> int:
        """Bits of slots that were forgotten before a frame came in them."""
        return self.state.erased

    @property
    def stored(self) -> int:
        """Bits that may still be used."""
        return self.state.distilled - self.state.spent - self.state.erased

    def add(self, bits: int) -> None:
        """Store newly distilled bits."""
        self.state.distilled += bits

    def _cost(self, round_index: int) -> int:
        return TAG_BITS * (2 if self._fresh and round_index not in self.state.keyed_rounds else 1)

    def _number(self, purpose: bytes, index: int) -> int:
        word = blake2b(purpose + index.to_bytes(8, "little"), digest_size=8, key=self._secret).digest()
        return int.from_bytes(word, "little") % PRIME

    def _hash_key_of(self, round_index: int) -> int:
        return round_index if self._fresh else 0

    def tag(self, content: bytes, slot: int, round_index: int) -> int:
        """The tag of a frame in a slot that was reserved for it."""
        hash_key = self._number(b"hash", self._hash_key_of(round_index))
        return (polynomial_hash(content, hash_key) + self._number(b"pad", slot)) % PRIME

    def reserve_slot(self, round_index: int, tags_kept: int = 0) -> int | None:
        """For the sender: take the next slot and pay for it; None if less than `tags_kept` tags would be left."""
        cost = self._cost(round_index)
        if self.stored < cost + tags_kept * TAG_BITS:
            return None
        self._pay(cost, round_index)
        self.state.next_slot += 1
        return self.state.next_slot - 1

    def accepts(self, content: bytes, tag: int, slot: int, round_index: int) -> bool:
        """For the receiver: whether the tag is right; if so, its slot is used up."""
        right = self.verifies(content, tag, slot, round_index)
        if right:
            self.use(slot, round_index)
        return right

    def verifies(self, content: bytes, tag: int, slot: int, round_index: int) -> bool:
        """For the receiver: whether the tag is right, in a slot whose key is stored and that no frame has used yet."""
        within = self.state.floor <= slot < self.state.distilled // TAG_BITS
        if not within or slot in self.state.used or self.stored < self._cost(round_index):
            return False
        right = self.tag(content, slot, round_index) == tag
        if not right:
            self._fail(self._hash_key_of(round_index))
        return right

    def use(self, slot: int, round_index: int) -> None:
        """For the receiver: the frame in this slot is kept; no other frame is accepted in it."""
        self._pay(self._cost(round_index), round_index)
        self.state.used.add(slot)

    def _fail(self, hash_key: int) -> None:
        self.state.failures[hash_key] = self.state.failures.get(hash_key, 0) + 1
        if self.state.failures[hash_key] % MOST_FAILURES == 0:
            self.state.alarms += 1

    def take_alarms(self) -> int:
        """Return how many alarms nobody was told of yet; from now on somebody was."""
        alarms, self.state.alarms = self.state.alarms, 0
        return alarms

    def end_round(self) -> None:
        """For the receiver: forget the slots of the round before the one that ends; what did not come by now is lost.

        The sender counts on, so that every slot below one that was accepted belongs to that round or an earlier one.
        """
        state = self.state
        lost = [slot for slot in range(state.floor, state.later_floor) if slot not in state.used]
        state.erased += min(TAG_BITS * len(lost), self.stored)
        state.floor = state.later_floor
        state.used = {slot for slot in state.used if slot >= state.floor}
        state.failures = dict(sorted(state.failures.items())[-KEYED_ROUNDS:])
        state.later_floor = max([state.floor, *(slot + 1 for slot in state.used)])

    def _pay(self, cost: int, round_index: int) -> None:
        self.state.spent += cost
        if self._fresh:
            self.state.keyed_rounds = tuple(sorted({*self.state.keyed_rounds, round_index}))[-KEYED_ROUNDS:]
