"""The head of a replica's chain of decisions: the model and the last decision, which outlive a round."""

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
    """The model after a round, and the processors that no later round includes. One digest names both."""

    state: Any
    quarantined: tuple[int, ...]

    @cached_property
    def encoded(self) -> bytes:
        """The bytes that others fetch by the digest."""
        return encode((self.state, self.quarantined))

    @cached_property
    def digest(self) -> bytes:
        """The digest that stands for the model in every value."""
        return digest_of(self.encoded)


class LastDecision(NamedTuple):
    """The last round that this replica knows decided: the digest of its value, and the value itself."""

    round_index: int
    value: bytes
    body: bytes


@dataclass(slots=True)
class ChainHeadState:
    """What a replica carries from round to round.

    model: after the last decision. accused: processors that this replica accuses and no decided value has named. last:
    the last decision. before: the one before it, which others may still lack. behind: the replica missed a round, and
    may neither propose nor judge until it has that round's model.
    """

    model: AgreedModel
    accused: tuple[int, ...] = ()
    last: LastDecision | None = None
    before: LastDecision | None = None
    behind: bool = False


class ChainHead(Stateful):
    """The head of the chain; only adoption moves it within a round."""

    def __init__(self, model: AgreedModel) -> None:
        self.state = ChainHeadState(model)

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

    def decision_of(self, round_index: int) -> LastDecision | None:
        """Return the decision of a round, if it is one of the last two that this replica knows."""
        known = [decision for decision in (self.state.last, self.state.before) if decision is not None]
        return next((decision for decision in known if decision.round_index == round_index), None)

    @property
    def behind(self) -> bool:
        """Whether this replica missed a round."""
        return self.state.behind

    def begin_round(self, missed: bool, accused: Sequence[int]) -> None:
        """Begin a round; missed: whether the one before was missed, or not decided here. accused: processors accused so
        far.
        """
        self.state.behind = self.state.behind or missed
        self.state.accused = accused_after(accused, self.state.model.quarantined)

    def adopt(self, decision: LastDecision, model: AgreedModel) -> None:
        """Move on to a later decision and the model after it."""
        self.state.before = self.state.last
        self.state.last, self.state.model, self.state.behind = decision, model, False
