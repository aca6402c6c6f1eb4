"""A search guided by abstract states finds what is rare, is repeatable, and breaks nothing that is right."""

from __future__ import annotations

from ceas_ray.consensus.exploration.abstract_views import SeenReplicas, SeenVoting
from ceas_ray.consensus.exploration.guided_search import Found, search
from ceas_ray.consensus.exploration.planted.comparison import SOUGHT
from ceas_ray.consensus.exploration.tapes import Tape
from ceas_ray.consensus.exploration.violation import Violation


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
    first, again = (search(SOUGHT["Decide on 1"], 3, 300, guided=True) for _ in range(2))
    assert first == again
    assert first.invariant == "agreement"


def test_the_right_code_passes_a_guided_search() -> None:
    assert search(lambda tape: SeenVoting(tape, 4), 1, 300, guided=True).invariant is None
    assert search(lambda tape: SeenReplicas(tape, 4), 1, 20, guided=True).invariant is None


def test_replicas_have_abstract_states() -> None:
    assert search(lambda tape: SeenReplicas(tape, 4), 1, 3, guided=True).states > 10
