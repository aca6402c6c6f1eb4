"""The archive of decided rounds, by digest: a replica that missed something can still ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import digest_of

ROUNDS_KEPT = 2
"""Number of rounds whose bodies, contents and models are kept."""


@dataclass
class ArchiveState:
    """rounds: by round, what was decided, by digest."""

    rounds: dict[int, dict[bytes, bytes]] = field(default_factory=dict)


class Archive(Stateful):
    """Keeps the bodies, contents and models of the rounds decided last."""

    def __init__(self) -> None:
        self.state = ArchiveState()

    def keep(self, round_index: int, contents: Iterable[bytes]) -> None:
        """Keep what belongs to a decided round, and forget what is older than the round before it."""
        self.state.rounds[round_index] = {digest_of(content): content for content in contents}
        for old in [t for t in self.state.rounds if t <= round_index - ROUNDS_KEPT]:
            del self.state.rounds[old]

    def find(self, digest: bytes) -> bytes | None:
        """Return the content with this digest, if it is kept."""
        return next((of_round[digest] for of_round in self.state.rounds.values() if digest in of_round), None)
