"""Abstract states of running scenarios: what honest replicas have in common, without names, times and values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ceas_ray.consensus.exploration.explored_code import TRAINING, ExploredCode
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.exploration.tapes import Tape
from ceas_ray.consensus.exploration.voting_scenario import Event, Voting, VotingScenario
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import VotingState
from ceas_ray.kernel.envelope import Envelope

MAX_LAG = 3
"""Views and rounds by which one thing is behind another are counted up to this."""
Notice = Callable[[int], None]
"""Hears of the abstract state (its hash) after an event."""


def voting_view(states: Sequence[VotingState]) -> int:
    """Return the abstract state of the voting of honest replicas, whose order does not count.

    Of each: whether it has decided, and for which values it last voted in phases 1, 3 and 4; values are told apart by
    the order in which they are met. Views are left out: with them nearly every scenario would meet new states.
    """
    numbers: dict[bytes, int] = {}
    return hash(tuple(sorted(_votes_of(state, numbers) for state in states)))


def _votes_of(state: VotingState, numbers: dict[bytes, int]) -> tuple[int, ...]:
    values = (numbers.setdefault(state.votes[phase].value, len(numbers)) for phase in (4, 3, 1))
    return (state.decided is not None, *values)


class SeenVoting(VotingScenario):
    """A scenario of the voting whose abstract states are told to somebody."""

    def __init__(self, tape: Tape, replicas: int, voting: Voting = TetraBFT) -> None:
        super().__init__(tape, replicas, voting)
        self.notice: Notice = lambda state: None

    def _happens(self, event: Event) -> None:
        super()._happens(event)
        if self._honest[event[2]]:
            honest = (node.state for node, right in zip(self._nodes, self._honest, strict=True) if right)
            self.notice(voting_view(list(honest)))


class SeenReplicas(ReplicaScenario):
    """A scenario of whole replicas whose abstract states are told to somebody.

    An abstract state is that of one replica at a time, with its voting: the states of all together are too many.
    """

    def __init__(self, tape: Tape, replicas: int, *, rounds: int = 1, code: ExploredCode = TRAINING) -> None:
        super().__init__(tape, replicas, rounds=rounds, code=code)
        self.notice: Notice = lambda state: None

    def _happens(self, entity: int, envelope: Envelope) -> None:
        super()._happens(entity, envelope)
        if entity in self.nodes and self._participants.is_honest[entity]:
            self.notice(self._view_of_replica(entity))

    def _view_of_replica(self, entity: int) -> int:
        agreement = self.nodes[entity]._agreement
        rounds = [self.nodes[j]._agreement.round_index for j in self.honest if j in self.nodes]
        inputs, past, fetching = agreement.phase.state, agreement.catching_up.state, agreement.fetching.state
        voting = agreement.voting.state
        return hash((
            min(max(rounds) - agreement.round_index, MAX_LAG), agreement.finished, entity in self.disks,
            inputs.closed, inputs.heard_quorum, inputs.given_up, inputs.skip_judged, len(inputs.pending) > 0,
            min(past.asked, MAX_LAG), past.past is not None, len(past.past_decides), min(len(fetching.open), MAX_LAG),
            len(fetching.waiting) > 0, min(voting.view, MAX_LAG), len(voting.wanted) > 0, len(voting.decides),
            _votes_of(voting, {}),
        ))  # fmt: skip
