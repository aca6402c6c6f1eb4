"""Wegman-Carter tags and the key pools that feed them.

A tag is a polynomial hash over the prime p = 2^61 - 1, masked with a one-time pad. The hash key is either fresh in
each round or kept for the whole run. A forger succeeds with probability at most L / p in each attempt, where L is the
number of 7-byte blocks plus one (Wegman and Carter, J. Comput. Syst. Sci. 22, 1981).

A hash key may be kept, because every pad is uniform and masks one tag: tags are uniform whatever the hash key is, and
tell nothing of it. All that a forger learns is that an attempt failed, which rules out at most L hash keys. So of q
attempts one succeeds with probability at most q L / (p - (q - 1) L): a fresh hash key restarts this count, and an alarm
is raised long before it matters (`FAILURES_PER_ALARM`).

Key bits come from Bell pairs. Both ends derive the same slots from a common stream, and may use as many of them as bits
were distilled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numba import types

from ceas_ray.kernel.compiled_code import njit
from ceas_ray.kernel.state import Stateful

PRIME = 2**61 - 1
TAG_BITS = 61
BLOCK_BYTES = 7
FAILURES_PER_ALARM = 2**20
"""Failed attempts under one hash key after which an alarm is raised. A forger succeeds in one of them with probability
at most 2^-31 if L = 2^10.
"""
KEYED_ROUNDS = 4
"""Number of latest rounds of which a pool remembers that their hash keys are paid. Frames may belong to the current
round or to the one or two before. For an older round the hash key is paid again, so that the count of spent bits errs
on the safe side.
"""


@njit("uint64(uint64, uint64)", cache=True, nogil=True)
def _multiply(a, b):  # type: ignore[no-untyped-def]
    """Return a b mod 2^61 - 1 for a, b < 2^61, computed by halves of 32 bits with 2^61 = 1 and 2^64 = 8."""
    half = np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> np.uint64(32), a & half, b >> np.uint64(32), b & half
    middle = a1 * b0 + a0 * b1
    low = a0 * b0
    total = (a1 * b1) * np.uint64(8) + (middle >> np.uint64(29)) + ((middle & np.uint64(2**29 - 1)) << np.uint64(32))
    total += (low >> np.uint64(61)) + (low & np.uint64(2**61 - 1))
    total = (total >> np.uint64(61)) + (total & np.uint64(2**61 - 1))
    return total - np.uint64(2**61 - 1) if total >= np.uint64(2**61 - 1) else total


@njit(types.uint64(types.Bytes(types.uint8, 1, "C", readonly=True), types.uint64), cache=True, nogil=True)
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
    """Evaluate at `key`, mod 2^61 - 1, the polynomial whose coefficients are the 7-byte blocks of `content` and its
    length.
    """
    number: int = _hash(content, key)
    return number


def polynomial(blocks: Sequence[int], key: int, prime: int) -> int:
    """Evaluate the same hash for any prime and given blocks: the sum of blocks[i] key^(L - i) mod prime."""
    total = 0
    for block in blocks:
        total = (total + block) * key % prime
    return total


@dataclass
class PoolState:
    """What changes in a key pool.

    distilled, spent, erased: bits so far. next_slot: index of the sender's next slot. keyed_rounds: the latest rounds
    whose hash keys are paid. floor: the receiver has forgotten the slots below it. later_floor: it forgets those below
    this one when the round ends. used: slots of accepted frames. failures: number of wrong tags by hash key. alarms:
    how many have been raised and not yet reported.
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
    """The key of one direction between two parties, as one of its ends holds it. Slots are indexed by a counter.

    A slot masks at most one tag. Using it costs 61 bits, plus 61 for the first one of a round if hash keys are fresh.
    Nothing is used that was not distilled: distilled = spent + stored + erased. The sender forgets a slot when it has
    used it; the receiver, when it has accepted a frame in it or when its round is long over.

    A wrong tag changes nothing but a count. It erases no slot, blocks none and moves no bound, because anybody can send
    one without any key.
    """

    def __init__(self, secret: bytes, fresh_hash_keys: bool) -> None:
        """Make an empty pool; `secret` stands for the common stream of this direction and is the same at both ends."""
        self._secret, self._fresh = secret, fresh_hash_keys
        self._last_hash_key = -1, 0
        self.state = PoolState()

    @property
    def distilled(self) -> int:
        """Number of bits stored so far."""
        return self.state.distilled

    @property
    def spent(self) -> int:
        """Number of bits that tags have cost so far."""
        return self.state.spent

    @property
    def erased(self) -> int:
        """Number of bits in slots that were forgotten before a frame arrived in them."""
        return self.state.erased

    @property
    def stored(self) -> int:
        """Number of bits that may still be used."""
        return self.state.distilled - self.state.spent - self.state.erased

    @property
    def tags_of_a_frame(self) -> int:
        """Number of tags that the first frame of a round costs at most, its hash key included."""
        return 2 if self._fresh else 1

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

    def _hash_key(self, index: int) -> int:
        """Return a hash key; the last one is kept, since many tags in a row need it."""
        if self._last_hash_key[0] != index:
            self._last_hash_key = index, self._number(b"hash", index)
        return self._last_hash_key[1]

    def tag(self, content: bytes, slot: int, round_index: int) -> int:
        """Return the tag of a frame in a slot that was reserved for it."""
        hash_key = self._hash_key(self._hash_key_of(round_index))
        return (polynomial_hash(content, hash_key) + self._number(b"pad", slot)) % PRIME

    def reserve_slot(self, round_index: int, tags_kept: int = 0) -> int | None:
        """Take the next slot of the sender and pay for it. Return None if fewer than `tags_kept` tags would remain."""
        cost = self._cost(round_index)
        if self.stored < cost + tags_kept * TAG_BITS:
            return None
        self._pay(cost, round_index)
        self.state.next_slot += 1
        return self.state.next_slot - 1

    def accepts(self, content: bytes, tag: int, slot: int, round_index: int) -> bool:
        """Return whether the tag of a received frame is right; if so, its slot is used up."""
        right = self.verifies(content, tag, slot, round_index)
        if right:
            self.use(slot, round_index)
        return right

    def verifies(self, content: bytes, tag: int, slot: int, round_index: int) -> bool:
        """Return whether the tag of a received frame is right, in a slot whose key is stored and that no frame has used
        yet.
        """
        within = self.state.floor <= slot < self.state.distilled // TAG_BITS
        if not within or slot in self.state.used or self.stored < self._cost(round_index):
            return False
        right = self.tag(content, slot, round_index) == tag
        if not right:
            self._fail(self._hash_key_of(round_index))
        return right

    def use(self, slot: int, round_index: int) -> None:
        """Use up the slot of a received frame that is kept; no other frame is accepted in it."""
        self._pay(self._cost(round_index), round_index)
        self.state.used.add(slot)

    def _fail(self, hash_key: int) -> None:
        self.state.failures[hash_key] = self.state.failures.get(hash_key, 0) + 1
        if self.state.failures[hash_key] % FAILURES_PER_ALARM == 0:
            self.state.alarms += 1

    def take_alarms(self) -> int:
        """Return the number of alarms not yet reported, and count them as reported."""
        alarms, self.state.alarms = self.state.alarms, 0
        return alarms

    def end_round(self) -> None:
        """Forget the receiver's slots of the round before the one that ends; what has not arrived by now is lost.

        The sender's counter only grows, so every slot below an accepted one belongs to that round or an earlier one.
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
        if self._fresh and round_index not in self.state.keyed_rounds:
            self.state.keyed_rounds = tuple(sorted({*self.state.keyed_rounds, round_index}))[-KEYED_ROUNDS:]
