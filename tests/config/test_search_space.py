"""What a search looks through: Hydra's grammar of sweeps, read as dimensions."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.search_space import Choices, Numbers, SearchSpace, search_space


def space_of(*words: str) -> SearchSpace:
    return search_space(OverridesParser.create().parse_overrides(list(words)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1,2", Choices(("1", "2"))),
        ("mdp,oblivious", Choices(("mdp", "oblivious"))),
        ("choice(true,false)", Choices(("True", "False"))),
        ("[1,2],[3]", Choices(("[1,2]", "[3]"))),
        ("interval(1,5)", Numbers(1.0, 5.0)),
        ("int(interval(1,5))", Numbers(1, 5)),
        ("tag(log,interval(0.001,1))", Numbers(0.001, 1.0, log=True)),
        ("tag(log,int(interval(1,64)))", Numbers(1, 64, log=True)),
        ("range(1,10,3)", Numbers(1, 7, 3)),
        ("range(1,11,3)", Numbers(1, 10, 3)),
        ("range(5,1,-2)", Numbers(3, 5, 2)),
        ("range(0,1,0.25)", Numbers(0.0, 0.75, 0.25)),
    ],
)
def test_sweeps_become_dimensions(value: str, expected: Choices | Numbers) -> None:
    assert space_of("a=3", f"x={value}") == SearchSpace(("a=3",), {"x": expected})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("x=tag(lgo,interval(1,2))", "x must be tagged by nothing but log, .*, got 'tag\\(lgo,interval\\(1,2\\)\\)'"),
        ("x=tag(log,interval(0,2))", "x must be an interval or a range above 0 where it is tagged log"),
        ("x=tag(log,choice(1,2))", "x must be an interval or a range where it is tagged log"),
        ("x=tag(log,range(1,9,2))", "x must be a range of step 1 where it is tagged log"),
        ("x=interval(5,1)", "x must be an interval or a range whose end lies above its start"),
        ("x=range(3,3)", "x must be an interval or a range whose end lies above its start"),
        ("x=1", "command line must be overrides with values to search among"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_line(word: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        space_of(word)


def test_the_ends_of_a_space_show_every_choice_and_both_ends_of_every_interval() -> None:
    space = space_of("a=3", "x=u,v,w", "y=interval(0,1)")
    ends = list(space.ends())
    assert {end["x"] for end in ends} == {"u", "v", "w"} and {end["y"] for end in ends} == {"0.0", "1.0"}
    assert space.overrides(ends[0]) == ["a=3", "x=u", "y=0.0"]
