"""Random streams: counter-based generators, each keyed by what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from ceas_ray.kernel.codec import encode


@dataclass(frozen=True)
class Streams:
    """The randomness of a run. A stream depends on its key alone, so adding or moving an actor disturbs no other."""

    seed: int

    def generator(self, kind: str, name: str, purpose: str, round_index: int) -> np.random.Generator:
        """A fresh Philox generator at the beginning of the stream (seed, kind, name, purpose, round)."""
        key = blake2b(encode([self.seed, kind, name, purpose, round_index]), digest_size=16).digest()
        return np.random.Generator(np.random.Philox(key=np.frombuffer(key, dtype="<u8")))
