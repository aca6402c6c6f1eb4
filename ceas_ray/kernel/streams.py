"""Random streams: counter-based generators, each keyed by what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike, NDArray

from ceas_ray.kernel.codec import encode


@dataclass(frozen=True)
class Streams:
    """The randomness of a run. A stream depends on its key alone, so adding or moving an actor disturbs no other."""

    seed: int

    def key(self, kind: str, name: str, purpose: str, round_index: int) -> bytes:
        """Return the key of the stream (seed, kind, name, purpose, round): two little-endian words."""
        return blake2b(encode([self.seed, kind, name, purpose, round_index]), digest_size=16).digest()

    def generator(self, kind: str, name: str, purpose: str, round_index: int) -> np.random.Generator:
        """Return a fresh Philox generator at the beginning of the stream (seed, kind, name, purpose, round)."""
        key = np.frombuffer(self.key(kind, name, purpose, round_index), dtype="<u8")
        return np.random.Generator(np.random.Philox(_Key(key)))  # type: ignore[arg-type]


class _Key(ISeedSequence):
    """Gives a Philox generator its key. Where the key is passed by its name, numpy also asks the system for entropy
    that nothing uses, which takes longer than all the rest."""

    def __init__(self, key: NDArray[np.uint64]) -> None:
        self._key = key

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint32) -> NDArray[Any]:
        """Return the key: a Philox generator asks for its two words alone."""
        assert n_words == len(self._key) and np.dtype(dtype) == self._key.dtype, "Philox has a key of two words"
        return self._key
