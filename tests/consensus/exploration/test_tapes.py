"""A tape follows the stream of its seed, and others from where it was varied on."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np

from ceas_ray.consensus.exploration.abstract_views import SeenVoting
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.network import CALM_AT
from ceas_ray.consensus.exploration.tapes import EventTape, Piece, Tape, uniform_numbers
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


def by_event(tape: EventTape, *events: int) -> list[list[float]]:
    """Three numbers of the setting, and three of each event."""
    read = tape.reader("voting")
    found = [[read() for _ in range(3)]]
    for event in events:
        tape.begin(event)
        found.append([read() for _ in range(3)])
    return found


def test_numbers_of_events_do_not_depend_on_what_else_happens() -> None:
    setting, first, second, again = by_event(EventTape(1), 7, 8, 7)
    assert by_event(EventTape(1), 8, 7, 9)[:3] == [setting, second, first]
    assert again != first, "the same event once more has numbers of its own"
    assert by_event(EventTape(2), 7)[1] != first
    assert all(0 <= number < 1 for number in (*setting, *first))


def test_a_tape_of_events_parts_from_an_event_on_or_in_single_numbers_and_events() -> None:
    setting, *events = by_event(EventTape(1), 7, 8, 9)
    parted = by_event(EventTape(1, pieces=(Piece(1, 2),)), 7, 8, 9)
    assert parted[:2] == [setting, events[0]] and parted[3] != events[2]
    assert parted[2:] == by_event(EventTape(2), 7, 8, 9)[2:]
    changed = by_event(EventTape(1, events={hash(((8,), 1)): 2}), 7, 8, 9)
    assert [changed[k] == (setting, *events)[k] for k in range(4)] == [True, True, False, True]
    one = by_event(EventTape(1, setting={1: 2}), 7)
    assert [a == b for a, b in zip(one[0], setting, strict=True)] == [True, False, True] and one[1] == events[0]


def test_a_long_stream_of_an_event_goes_on() -> None:
    tape = EventTape(1)
    tape.begin(3)
    assert len(set(numbers(tape, count=1000))) > 990


def test_a_scenario_of_a_tape_of_events_is_told_by_it() -> None:
    told = []
    for _ in range(2):
        scenario = VotingScenario(EventTape(5), 4)
        scenario.run()
        told.append((scenario.events, scenario.decided))
    assert told[0] == told[1]


def test_followed_tapes_of_voting_often_draw_anew_when_the_calm_begins_and_keep_the_rest_of_the_setting() -> None:
    tape, generator, found = EventTape(5), np.random.default_rng(1), set()
    before = SeenVoting(tape, 4).setting
    for seed in range(200):
        follows = tape.parted(0, seed, generator)
        after = SeenVoting(follows, 4).setting
        if replace(after, calm_at=before.calm_at) == before:
            found.add(after.calm_at)
    assert found == set(CALM_AT)
