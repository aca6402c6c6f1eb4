"""A search guided by abstract states finds what is rare, is repeatable, and breaks nothing that is right."""

from __future__ import annotations

from ceas_ray.consensus.exploration.abstract_views import Conflict, SeenReplicas, SeenVoting, voting_view
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
    assert first.invariant == "agreement"


def test_the_right_code_passes_a_guided_search() -> None:
    assert search(lambda tape: SeenVoting(tape, 4), 1, 300, guided=True, tape_of=EventTape).invariant is None
    assert search(lambda tape: SeenReplicas(tape, 4), 1, 20, guided=True).invariant is None


def test_states_of_the_voting_say_how_near_replicas_are_to_two_decisions() -> None:
    none, one, other, locked = (VotingState() for _ in range(4))
    one.votes = [NO_VOTE, Vote(2, b"a"), Vote(2, b"a"), Vote(1, b"a"), NO_VOTE]
    other.votes = [NO_VOTE, Vote(3, b"b"), Vote(3, b"b"), NO_VOTE, NO_VOTE]
    locked.votes[1], locked.decided = Vote(3, b"b"), Decision(b"a", 1)
    assert voting_view([none, none]) == Conflict(0, 0, 0)
    assert voting_view([one, none]) == Conflict(3, 0, 0)
    assert voting_view([one, other]) == voting_view([other, one]) == Conflict(3, 2, 1)
    assert voting_view([locked, other]) == Conflict(5, 2, 1)
    assert voting_view([locked, none]) == Conflict(5, 1, 1)


def test_replicas_have_abstract_states() -> None:
    assert search(lambda tape: SeenReplicas(tape, 4), 1, 3, guided=True).states > 10
