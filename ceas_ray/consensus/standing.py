"""What a replica carries from round to round: the model, the last decision, and whether it missed something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ceas_ray.consensus.quarantine import accused_after
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.state import Stateful
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


@dataclass(slots=True)
class StandingState:
    """accused: processors that this replica accuses and no decided value has named. behind: it missed a round, and may
    neither propose nor judge until it has that round's model."""

    model: AgreedModel
    accused: tuple[int, ...] = ()
    last: LastDecision | None = None
    behind: bool = False


class Standing(Stateful):
    """See `StandingState`. Adoption is what changes it within a round."""

    def __init__(self, model: AgreedModel) -> None:
        self.state = StandingState(model)

    @property
    def model(self) -> AgreedModel:
        """The model after the last decision."""
        return self.state.model

    @property
    def accused(self) -> tuple[int, ...]:
        """Processors that this replica accuses and no decided value has named."""
        return self.state.accused

    @property
    def last(self) -> LastDecision | None:
        """The last round that this replica knows decided."""
        return self.state.last

    @property
    def behind(self) -> bool:
        """Whether it missed a round."""
        return self.state.behind

    def begin_round(self, missed: bool, accused: Sequence[int]) -> None:
        """A round begins; missed: the one before was, or was not decided here. accused: up to then."""
        self.state.behind = self.state.behind or missed
        self.state.accused = accused_after(accused, self.state.model.quarantined)

    def adopt(self, decision: LastDecision, model: AgreedModel) -> None:
        """Go on from a decision, and the model after it."""
        self.state.last, self.state.model, self.state.behind = decision, model, False
