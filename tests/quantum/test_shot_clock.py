"""Times of the events of a shot: what waits for what, and for how long."""

from __future__ import annotations

import pytest

from ceas_ray.quantum.shot_clock import NO_WAIT, CopyEnded, GateDone, GateSeconds, PairSpent, ShotTimes, shot_times

LATENCY = {(0, 1): 10.0, (1, 0): 10.0, (0, 2): 4.0, (2, 0): 4.0, (1, 2): 6.0, (2, 1): 6.0, (-1, 0): 3.0}


def times(
    *events: PairSpent | GateDone | CopyEnded, places: int = 1, waits: int = 0, qubit_waits: int = 0
) -> ShotTimes:
    return shot_times(
        events, places=places, waits=waits, latency=lambda a, b: LATENCY[a, b], gates=GateSeconds(1.0, 2.0),
        qubit_waits=qubit_waits,
    )  # fmt: skip


def test_a_copy_is_used_when_its_correction_has_arrived() -> None:
    found = times(PairSpent(0, 0, 9, (0, 1)), GateDone((9, 1), (NO_WAIT,) * 2, (False,) * 2))
    assert (found.until_spent[0], found.until_used[0], found.length) == (0, 0, 12)


def test_a_copy_waits_for_the_other_qubit_of_its_first_gate() -> None:
    busy = [GateDone((1,), (NO_WAIT,), (False,))] * 15
    found = times(PairSpent(0, 0, 9, (0, 1)), *busy, GateDone((9, 1), (NO_WAIT,) * 2, (False,) * 2))
    assert (found.until_used[0], found.length) == (5, 17)


def test_a_copy_waits_between_its_uses_and_not_while_it_is_used() -> None:
    gates = GateDone((9, 1), (NO_WAIT,) * 2, (False,) * 2), GateDone((9, 2), (0, NO_WAIT), (False,) * 2)
    busy = [GateDone((2,), (NO_WAIT,), (False,))] * 20
    found = times(PairSpent(0, 0, 9, (0, 1)), *busy, *gates, waits=1)
    assert (found.waits[0], found.length) == (20 - 12, 22)


def test_a_pair_waits_until_the_qubit_that_it_copies_is_ready() -> None:
    found = times(
        PairSpent(0, 0, 0, (-1, 0)), GateDone((0,), (NO_WAIT,), (False,)), PairSpent(1, 0, 9, (0, 2)), places=2
    )
    assert found.until_spent.tolist() == [0, 4]
    assert found.length == 4 + 4


@pytest.mark.parametrize(("corrected", "begins"), [(False, 12), (True, 22)])
def test_only_a_gate_that_does_not_commute_waits_for_the_outcome_of_a_copy_that_ended(
    corrected: bool, begins: int
) -> None:
    found = times(
        PairSpent(0, 0, 9, (0, 1)), GateDone((9, 1), (NO_WAIT,) * 2, (False,) * 2), CopyEnded(9, 0, (1, 0)),
        GateDone((0,), (NO_WAIT,), (corrected,)), PairSpent(1, 0, 8, (0, 2)), places=2,
    )  # fmt: skip
    assert found.until_spent[1] == (begins + 1 if corrected else 1)


def test_a_qubit_that_moves_takes_its_corrections_along() -> None:
    """The copy at 1 ends at 12, the qubit moves to 2 at once; what does not commute waits for both outcomes."""
    found = times(
        PairSpent(0, 0, 9, (0, 1)), GateDone((9, 1), (NO_WAIT,) * 2, (False,) * 2), CopyEnded(9, 0, (1, 0)),
        PairSpent(1, 0, 8, (0, 2)), CopyEnded(0, 8, (0, 2)), GateDone((8,), (NO_WAIT,), (True,)), places=2,
    )  # fmt: skip
    assert found.length == 22 + 1
    assert found.until_used[1] == 0


def test_a_data_qubit_waits_from_the_end_of_a_gate_for_the_other_qubit_of_the_next() -> None:
    alone, busy = GateDone((0,), (NO_WAIT,), (False,)), [GateDone((1,), (NO_WAIT,), (False,))] * 20
    found = times(alone, *busy, GateDone((0, 1), (NO_WAIT,) * 2, (False,) * 2, (0, 1)), qubit_waits=2)
    assert found.qubit_waits.tolist() == [20 - 1, 0]


def test_a_data_qubit_without_gates_so_far_does_not_wait_but_one_that_was_teleported_does() -> None:
    busy, both = [GateDone((1,), (NO_WAIT,), (False,))] * 20, GateDone((0, 1), (NO_WAIT,) * 2, (False,) * 2, (0, 1))
    assert times(*busy, both, qubit_waits=2).qubit_waits.tolist() == [0, 0]
    assert times(PairSpent(0, 0, 0, (-1, 0)), *busy, both, qubit_waits=2).qubit_waits.tolist() == [20 - 3, 0]


def test_a_data_qubit_waits_for_an_outcome_from_its_last_use_on_not_from_the_end_of_its_copy() -> None:
    found = times(
        PairSpent(0, 0, 9, (0, 1)), GateDone((9, 1), (NO_WAIT,) * 2, (False,) * 2), CopyEnded(9, 0, (1, 0)),
        GateDone((0,), (NO_WAIT,), (True,), (0,)), qubit_waits=1,
    )  # fmt: skip
    assert found.qubit_waits[0] == 22


def test_a_qubit_that_has_moved_waits_from_its_move_on() -> None:
    """It is copied at 0, moves at 10 when its copy is good, and waits until 15 for the other side of a gate."""
    found = times(
        PairSpent(0, 0, 9, (0, 1)), CopyEnded(0, 9, (0, 1)), *[GateDone((1,), (NO_WAIT,), (False,))] * 15,
        GateDone((9, 1), (NO_WAIT,) * 2, (False,) * 2, (0, NO_WAIT)), qubit_waits=1,
    )  # fmt: skip
    assert (found.until_used[0], found.qubit_waits[0]) == (0, 5)
