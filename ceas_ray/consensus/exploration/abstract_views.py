"""Abstract states of running scenarios: what honest replicas have in common, without names, times and values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ceas_ray.consensus.exploration.explored_code import TRAINING, ExploredCode
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.exploration.tapes import Tape
from ceas_ray.consensus.exploration.voting_scenario import DRAWN_LEADERS, Event, Voting, VotingScenario
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import VotingState
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.messages.quorum import quorums_of

_DECIDED = 5
MAX_LAG = 3
"""Views and rounds by which one thing is behind another are counted up to this."""
Notice = Callable[[int], None]
"""Hears of the abstract state (its hash) after an event."""


def _nobody(state: int) -> None:
    """Hear of nothing."""


class Conflict(NamedTuple):
    """How near honest replicas have come to two decisions.

    phase: of a vote for one value (5: a decision). against: the highest phase of votes for another value in later
    views. voters: how many votes there are of that phase.
    """

    phase: int
    against: int
    voters: int


class VotingView(NamedTuple):
    """The abstract state of the voting of honest replicas.

    With all that each replica last voted for, there are ten times as many states, most of which lead nowhere.

    decided: how many have decided. is_split: whether they voted for two values in the first view in which one of them
    is locked (has a vote 3 or 4). is_calm: whether the calm has begun, after which little goes wrong.
    """

    conflict: Conflict
    decided: int
    is_split: bool
    is_calm: bool


def voting_view(states: Sequence[VotingState], is_calm: bool) -> VotingView:
    """Return the abstract state of the voting of honest replicas."""
    decided = sum(state.decided is not None for state in states)
    return VotingView(conflict_of(states), decided, _is_split(states), is_calm)


def _is_split(states: Sequence[VotingState]) -> bool:
    locks = [vote.view for state in states for vote in state.votes[3:] if vote.view >= 0]
    if not locks:
        return False
    first = min(locks)
    cast = [vote for state in states for vote in (state.votes[1], state.previous[1], state.votes[2])]
    return len({vote.value for vote in cast if vote.view == first}) > 1


def conflict_of(states: Sequence[VotingState]) -> Conflict:
    """Return the conflict of honest replicas whose phases sum up to the most."""
    votes = [
        (vote.view, phase, vote.value)
        for state in states
        for of in (state.votes, state.previous)
        for phase, vote in enumerate(of)
        if vote.view >= 0
    ]
    votes += [(state.decided.view, _DECIDED, state.decided.value) for state in states if state.decided is not None]
    found = Conflict(0, 0, 0)
    for view, phase, value in votes:
        if phase == 1:
            continue
        later = [other for at, other, against in votes if at > view and against != value]
        highest = max(later, default=0)
        conflict = Conflict(phase, highest, later.count(highest))
        if _order(conflict) > _order(found):
            found = conflict
    return found


def _order(conflict: Conflict) -> tuple[int, int, int]:
    return conflict.phase + conflict.against, conflict.against, conflict.voters


def _votes_of(state: VotingState, numbers: dict[bytes, int]) -> tuple[int, ...]:
    values = (numbers.setdefault(state.votes[phase].value, len(numbers)) for phase in (4, 3, 1))
    return (state.decided is not None, *values)


class SeenVoting(VotingScenario):
    """A scenario of the voting whose abstract states are told to somebody."""

    def __init__(self, tape: Tape, replicas: int, voting: Voting = TetraBFT) -> None:
        tape.weighty = quorums_of(replicas).faults + DRAWN_LEADERS  # the number that says when the calm begins
        super().__init__(tape, replicas, voting)
        self.notice: Notice = _nobody
        self._tape = tape
        self._voted = dict.fromkeys(range(len(self._honest)), (0, False))

    def _happens(self, event: Event) -> None:
        _, _, entity, sender, kind, view, _ = event
        self._tape.begin(entity, sender, int(kind), view)
        super()._happens(event)
        if self.notice is _nobody or not self._honest[entity]:
            return
        state = self._nodes[entity].state
        voted = len(state.voted), state.decided is not None
        if voted != self._voted[entity]:
            self._voted[entity] = voted
            honest = (node.state for node, right in zip(self._nodes, self._honest, strict=True) if right)
            self.notice(hash(voting_view(list(honest), self._now >= self.setting.calm_at)))


class SeenReplicas(ReplicaScenario):
    """A scenario of whole replicas whose abstract states are told to somebody.

    An abstract state is that of one replica at a time, with its voting: the states of all together are too many.
    """

    def __init__(self, tape: Tape, replicas: int, *, rounds: int = 1, code: ExploredCode = TRAINING) -> None:
        super().__init__(tape, replicas, rounds=rounds, code=code)
        self.notice: Notice = _nobody

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
