"""What a replica carries from round to round: the model, the last decision, and whether it missed something."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ceas_ray.kernel.codec import encode
from ceas_ray.messages.frames import digest_of


@dataclass(frozen=True)
class AgreedModel:
    """The model after a round, and the processors that no later round includes: one digest names both."""

    state: Any
    quarantined: tuple[int, ...]

    @cached_property
    def encoded(self) -> bytes:
        """What others fetch by the digest."""
        return encode((self.state, self.quarantined))

    @cached_property
    def digest(self) -> bytes:
        """Stands for it in every value."""
        return digest_of(self.encoded)


class LastDecision(NamedTuple):
    """The last round that this replica knows decided: the digest of its value, and the value itself."""

    round_index: int
    value: bytes
    body: bytes


@dataclass
class Standing:
    """accused: processors that this replica accuses and no decided value has named. behind: it missed a round, and may
    neither propose nor judge until it has that round's model."""

    model: AgreedModel
    accused: tuple[int, ...] = ()
    last: LastDecision | None = None
    behind: bool = False

    def persistent(self) -> dict[str, Any]:
        """What must outlive a crash, in plain values."""
        return {
            "state": self.model.state, "quarantined": self.model.quarantined, "behind": self.behind,
            "accused": self.accused, "last": self.last,
        }  # fmt: skip

    def recover(self, persisted: Any) -> None:
        """Go on from what was persisted."""
        self.model = AgreedModel(persisted["state"], tuple(persisted["quarantined"]))
        self.behind, self.accused = persisted["behind"], tuple(persisted["accused"])
        self.last = None if persisted["last"] is None else LastDecision(*persisted["last"])
