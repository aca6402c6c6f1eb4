"""A search guided by abstract states finds what is rare, is repeatable, and breaks nothing that is right."""

from __future__ import annotations

from ceas_ray.consensus.exploration.abstract_views import (
    Conflict,
    SeenReplicas,
    SeenVoting,
    VotingView,
    conflict_of,
    voting_view,
)
from ceas_ray.consensus.exploration.guided_search import Found, search
from ceas_ray.consensus.exploration.planted.comparison import SOUGHT
from ceas_ray.consensus.exploration.tapes import EventTape, Tape
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.safety_rule import NO_VOTE, Vote
from ceas_ray.consensus.voting_state import Decision, VotingState


class Lock:
    """A scenario of digits, which breaks where the first ones are all zeros; its states are how many of them are."""

    def __init__(self, tape: Tape) -> None:
        self._read, self.notice = tape.reader("digits"), lambda state: None

    def run(self) -> None:
        for place in range(6):
            if int(8 * self._read()):
                return
            self.notice(place)
        raise Violation("the lock is closed", "")


def test_what_takes_a_quarter_of_a_million_scenarios_at_random_is_found_step_by_step() -> None:
    found = search(Lock, 1, 5000, guided=True)
    assert found.invariant == "the lock is closed"
    assert search(Lock, 1, 5000, guided=False) == Found(5000, None, 0)


def test_a_search_is_told_by_its_seed_alone() -> None:
    sought = SOUGHT["Decide on 1"]
    first, again = (search(sought.make, 3, 300, guided=True, tape_of=sought.tape_of) for _ in range(2))
    assert first == again
    assert first.invariant == "external validity"


def test_the_right_code_passes_a_guided_search() -> None:
    assert search(lambda tape: SeenVoting(tape, 4), 1, 300, guided=True, tape_of=EventTape).invariant is None
    assert search(lambda tape: SeenReplicas(tape, 4), 1, 20, guided=True).invariant is None


def test_states_of_the_voting_say_how_near_replicas_are_to_two_decisions() -> None:
    none, one, other, locked = (VotingState() for _ in range(4))
    one.votes = [NO_VOTE, Vote(2, b"a"), Vote(2, b"a"), Vote(1, b"a"), NO_VOTE]
    other.votes = [NO_VOTE, Vote(3, b"b"), Vote(3, b"b"), NO_VOTE, NO_VOTE]
    locked.votes[1], locked.decided = Vote(3, b"b"), Decision(b"a", 1)
    assert conflict_of([none, none]) == Conflict(0, 0, 0)
    assert conflict_of([one, none]) == Conflict(3, 0, 0)
    assert conflict_of([one, other]) == conflict_of([other, one]) == Conflict(3, 2, 1)
    assert conflict_of([locked, other]) == Conflict(5, 2, 1)
    assert conflict_of([locked, none]) == Conflict(5, 1, 1)


def test_states_of_the_voting_tell_who_has_decided_whether_votes_were_split_and_whether_the_calm_has_begun() -> None:
    decided, locked, split = (VotingState() for _ in range(3))
    decided.votes[1:] = [Vote(1, b"a")] * 4
    decided.decided = Decision(b"a", 1)
    locked.votes[1:4] = [Vote(1, b"a")] * 3
    split.votes[1] = Vote(1, b"b")
    conflict = Conflict(5, 0, 0)
    assert voting_view([decided, locked], is_calm=False) == VotingView(conflict, 1, is_split=False, is_calm=False)
    assert voting_view([decided, split], is_calm=True) == VotingView(conflict, 1, is_split=True, is_calm=True)
    assert voting_view([split], is_calm=True).is_split is False, "nobody is locked"


def test_a_guided_search_finds_a_second_decision_soon() -> None:
    sought = SOUGHT["no safe check"]
    found = search(sought.make, 501, 1000, guided=True, tape_of=sought.tape_of)
    assert found.invariant == "agreement"


def test_replicas_have_abstract_states() -> None:
    assert search(lambda tape: SeenReplicas(tape, 4), 1, 3, guided=True).states > 10
