"""What an adversary that runs no protocol sees and says, whichever way it attacks."""

from __future__ import annotations

from typing import Protocol

from ceas_ray.consensus.chain_head import AgreedModel
from ceas_ray.consensus.echoes import Item
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind


class SendAsLiar(Protocol):
    """Callback that lets a liar say something to one replica, after this many Delta."""

    def __call__(self, after: float, *, liar: int, target: int, kind: FrameKind, view: int, body: bytes) -> None: ...


class ScenarioAdversary(Protocol):
    """All Byzantine replicas of a scenario as one. agreed: the model after the last round that honest ones decided."""

    agreed: AgreedModel

    def begin(self, round_index: int) -> None:
        """Begin a round."""

    def learn(self, item: Item, content: bytes) -> None:
        """Learn an input that anybody was told."""

    def overhear(self, replica: int, frame: Frame) -> None:
        """Learn what an honest replica says to anyone."""

    def act(self, view: int) -> None:
        """Say things about a view that an honest replica has entered."""
