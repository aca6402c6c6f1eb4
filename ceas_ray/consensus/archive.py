"""What was decided, by digest: a replica that missed it can still ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ceas_ray.messages.frames import digest_of

ROUNDS_KEPT = 2
"""Bodies, contents and models are kept until two later rounds are decided."""


class Archive:
    """Bodies, contents and models of the rounds that were decided last."""

    def __init__(self) -> None:
        self._rounds: dict[int, dict[bytes, bytes]] = {}

    def keep(self, round_index: int, contents: Iterable[bytes]) -> None:
        """A round is decided; what is older than the one before it is forgotten."""
        self._rounds[round_index] = {digest_of(content): content for content in contents}
        for old in [t for t in self._rounds if t <= round_index - ROUNDS_KEPT]:
            del self._rounds[old]

    def find(self, digest: bytes) -> bytes | None:
        """What has this digest, if it is kept."""
        return next((of_round[digest] for of_round in self._rounds.values() if digest in of_round), None)

    def snapshot(self) -> Any:
        """All state, in plain values."""
        return [(t, [of_round[digest] for digest in sorted(of_round)]) for t, of_round in sorted(self._rounds.items())]

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self._rounds = {t: {digest_of(content): content for content in contents} for t, contents in state}
