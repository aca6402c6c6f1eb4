"""A tape follows the stream of its seed, and others from where it was varied on."""

from __future__ import annotations

from itertools import islice

from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.tapes import Tape, uniform_numbers
from ceas_ray.consensus.exploration.voting_scenario import VotingScenario


def numbers(tape: Tape, purpose: str = "voting", count: int = 2000) -> list[float]:
    read = tape.reader(purpose)
    return [read() for _ in range(count)]


def stream(seed: int, count: int = 2000) -> list[float]:
    return list(islice(uniform_numbers(seed, "voting"), count))


def test_a_scenario_with_the_tape_of_a_seed_is_that_of_the_seed() -> None:
    told = []
    for source in (5, Tape(5)):
        scenario = VotingScenario(source, 4)
        scenario.run()
        told.append((scenario.events, scenario.decided))
    assert told[0] == told[1]


def test_a_varied_tape_parts_where_it_was_varied() -> None:
    tape = Tape(1).varied("voting", 2, 700)
    assert numbers(tape) == stream(1)[:700] + stream(2)[700:]
    assert numbers(tape, "attacks") == numbers(Tape(1), "attacks")


def test_a_window_comes_back_to_what_was_there_before() -> None:
    tape = Tape(1).varied("voting", 2, 700).varied("voting", 3, 600, 800)
    assert numbers(tape) == stream(1)[:600] + stream(3)[600:800] + stream(2)[800:]
    tape = Tape(1).varied("voting", 2, 700).varied("voting", 3, 100, 110)
    assert numbers(tape) == stream(1)[:100] + stream(3)[100:110] + stream(1)[110:700] + stream(2)[700:]
    tape = Tape(1).varied("voting", 2, 700).varied("voting", 3, 100)
    assert numbers(tape) == stream(1)[:100] + stream(3)[100:]


def test_a_tape_knows_how_many_numbers_were_taken() -> None:
    tape = Tape(1)
    Draws(tape, "voting").sample(10, 3)
    assert tape.taken == {"voting": 3}
