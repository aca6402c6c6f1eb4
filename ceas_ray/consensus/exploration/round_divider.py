"""An adversary that keeps honest replicas a round apart: by its votes some decide what others miss."""

from __future__ import annotations

from ceas_ray.consensus.chain_head import AgreedModel
from ceas_ray.consensus.echoes import Item
from ceas_ray.consensus.exploration.adversary import SendAsLiar
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.replica_setting import ReplicaSetting
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of

_VOTES = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4)
_REPEATED = frozenset({FrameKind.ECHO, FrameKind.VIEW_CHANGE, FrameKind.DECIDE})
_NOTHING = encode([(-1, b"")] * 3)
"""The votes of one that has not voted."""


class RoundDivider:
    """All Byzantine replicas of a scenario as one adversary. Times are in Delta.

    It says to f + 1 honest replicas, the quick ones, whatever lets them decide without the f others, which hear little
    of the quick ones until late. One of the others may hear what is decided. From the second round on the adversary may
    let only one of the quick replicas decide, and is silent from then on.
    """

    def __init__(self, draws: Draws, setting: ReplicaSetting, *, initial: AgreedModel, say: SendAsLiar) -> None:
        self._draws, self._say, self.agreed = draws, say, initial
        self._liars = sorted(setting.byzantine)
        self._quick = [j for j in setting.honest if j not in setting.apart]
        self._confidant = draws.choice([None, *sorted(setting.apart)])
        self._silent = False
        self._begin(-1)

    def _begin(self, round_index: int) -> None:
        self._round, self._alone = round_index, None if round_index < 1 else self._one_alone()
        self._heard: set[tuple[int, int, bytes]] = set()

    def _one_alone(self) -> int | None:
        return self._draws.choice(self._quick) if self._draws.uniform() < 0.7 else None

    def begin(self, round_index: int) -> None:
        """See `ScenarioAdversary`."""
        self._begin(round_index)

    def learn(self, item: Item, content: bytes) -> None:
        """See `ScenarioAdversary`; inputs are of no interest."""

    def act(self, view: int) -> None:
        """See `ScenarioAdversary`; it speaks only when it hears something."""

    def overhear(self, replica: int, frame: Frame) -> None:
        """Help the quick replicas on: repeat what they echo and ask for, have voted for nothing before, and vote for
        what is proposed.
        """
        if self._silent or replica not in self._quick or frame.round_index != self._round:
            return
        said = (frame.kind, frame.view, frame.body if frame.kind in _REPEATED else b"")
        if said in self._heard:
            return
        self._heard.add(said)
        if frame.kind in _REPEATED:
            self._tell(FrameKind(frame.kind), frame.view, frame.body)
            if frame.kind == FrameKind.DECIDE and self._confidant is not None:
                self._tell(FrameKind.DECIDE, frame.view, frame.body, only=self._confidant)
        elif frame.kind == FrameKind.PROOF:
            self._tell(FrameKind.PROOF, frame.view, _NOTHING)
            self._tell(FrameKind.SUGGEST, frame.view, _NOTHING)
        elif frame.kind == FrameKind.PROPOSAL:
            self._vote(frame.view, encode(digest_of(decode(frame.body))))

    def _vote(self, view: int, value: bytes) -> None:
        for kind in _VOTES[:3]:
            self._tell(kind, view, value)
        self._tell(FrameKind.VOTE4, view, value, only=self._alone)
        self._silent = self._alone is not None

    def _tell(self, kind: FrameKind, view: int, body: bytes, only: int | None = None) -> None:
        """Let all liars say it to the quick replicas, or to one replica, each at a time of its own."""
        for target in self._quick if only is None else [only]:
            for liar in self._liars:
                self._say(self._draws.uniform(), liar=liar, target=target, kind=kind, view=view, body=body)
