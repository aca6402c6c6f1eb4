"""Declared state: what is saved comes back as it was, and nothing else is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.state import Stateful, restored, saved
from ceas_ray.messages.payloads import Begin, StopWaiting
from tests.kernel.random_actors import Token


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Inner:
    number: int
    share: float


class Ballot(NamedTuple):
    view: int
    values: tuple[bytes, ...]


@dataclass(slots=True)
class Slotted:
    ballot: Ballot
    of_views: dict[Ballot, Ballot]


@dataclass
class State:
    """One field of every kind that a state may have."""

    flag: bool
    name: str
    content: bytes
    way: Literal["up", "down"]
    colour: Colour
    maybe: int | None
    floats: NDArray[np.float64]
    inner: Inner
    by_pair: dict[tuple[str, str], list[Inner]]
    seen: set[int]
    counts: Counter[int]
    tail: tuple[int, ...]
    pair: tuple[bytes, int]
    told: Token | None
    slotted: Slotted
    ordered: dict[bytes, None] = field(default_factory=dict)
    plain: Any = field(default=())


INNER = st.builds(Inner, st.integers(), st.floats(allow_nan=False))
BALLOTS = st.builds(Ballot, st.integers(), st.lists(st.binary()).map(tuple))
STATES = st.builds(
    State, st.booleans(), st.text(), st.binary(), st.sampled_from(["up", "down"]), st.sampled_from(Colour),
    st.none() | st.integers(), hnp.arrays(np.float64, st.integers(0, 4), elements=st.floats(allow_nan=False)), INNER,
    st.dictionaries(st.tuples(st.text(), st.text()), st.lists(INNER, max_size=2), max_size=3),
    st.sets(st.integers(-9, 9)), st.dictionaries(st.integers(), st.integers()).map(Counter),
    st.lists(st.integers()).map(tuple), st.tuples(st.binary(), st.integers()),
    st.none() | st.builds(Token, st.integers(), st.integers()),
    st.builds(Slotted, BALLOTS, st.dictionaries(BALLOTS, BALLOTS, max_size=3)),
    st.lists(st.binary()).map(dict.fromkeys), st.lists(st.text()).map(tuple),
)  # fmt: skip


def journey(state: Any) -> Any:
    return restored(type(state), decode(encode(saved(state))))


@given(STATES)
def test_every_kind_of_field_survives_the_journey(state: State) -> None:
    back = journey(state)
    assert back.floats.tolist() == state.floats.tolist()
    back.floats = state.floats
    assert back == state
    assert list(back.by_pair) == list(state.by_pair), "a mapping keeps its order"
    assert type(back.counts) is Counter
    assert type(back.colour) is Colour
    assert type(back.slotted.ballot) is Ballot
    assert all(type(ballot) is Ballot for items in back.slotted.of_views.items() for ballot in items)


@given(STATES)
def test_restored_arrays_belong_to_the_new_state_and_can_be_written(state: State) -> None:
    plain = decode(encode(saved(state)))
    first, second = restored(State, plain), restored(State, plain)
    first.floats += 1.0
    assert second.floats.tolist() == state.floats.tolist()


@given(STATES)
def test_what_is_saved_does_not_change_with_the_state(state: State) -> None:
    plain = saved(state)
    before = encode(plain)
    state.floats += 1.0
    state.seen.add(99)
    state.counts[99] = 1
    state.by_pair["new", "one"] = []
    state.slotted.of_views[Ballot(-1, (b"new",))] = state.slotted.ballot
    for items in state.by_pair.values():
        items.append(Inner(0, 0.0))
    state.inner.number += 1
    assert encode(plain) == before


EXAMPLE = State(
    True, "x", b"", "up", Colour.RED, None, np.zeros(2), Inner(1, 2.0), {}, set(), Counter(), (), (b"", 0), None,
    Slotted(Ballot(0, ()), {}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value", "message"), [
    ("flag", 1, r"State\.flag must be bool, got int"),
    ("name", None, r"State\.name must be str, got NoneType"),
    ("way", "left", r"State\.way must be one of \('up', 'down'\), got str"),
    ("colour", "green", r"State\.colour must be a Colour, got str"),
    ("floats", np.zeros(2, np.int64), r"State\.floats must be an array of float64, got ndarray"),
    ("floats", (0.0, 0.0), r"State\.floats must be an array of float64, got tuple"),
    ("inner", {"number": 1}, r"State\.inner must have the fields \['number', 'share'\], got \['number'\]"),
    ("inner", {"number": "1", "share": 0.0}, r"State\.inner\.number must be int, got str"),
    ("seen", {}, r"State\.seen must be a set, got dict"),
    ("by_pair", (), r"State\.by_pair must be a dict, got tuple"),
    ("pair", (b"",), r"State\.pair must be 2 values, got tuple"),
    ("told", 5, r"State\.told must be Token, got int"),
    ("slotted", {"ballot": (1, ()), "of_views": ()}, r"State\.slotted\.ballot must have the fields .*, got tuple"),
    ("slotted", {"ballot": {"view": 1}, "of_views": ()}, r"ballot must have the fields .*, got \['view'\]"),
    ("slotted", {"ballot": {"view": b"", "values": ()}, "of_views": ()}, r"slotted\.ballot\.view must be int, got"),
    ("slotted", {"ballot": {"view": 1, "values": ()}, "of_views": {}}, r"slotted\.of_views must be the items of"),
])  # fmt: skip
def test_a_value_of_another_type_is_refused_with_the_name_of_its_field(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        restored(State, saved(EXAMPLE) | {name: value})


def test_a_state_with_other_fields_is_refused() -> None:
    plain = saved(EXAMPLE)
    with pytest.raises(ValueError, match="State must have the fields"):
        restored(State, plain | {"added": 1})
    del plain["flag"]
    with pytest.raises(ValueError, match="State must have the fields"):
        restored(State, plain)


def test_a_field_may_be_one_of_several_messages() -> None:
    @dataclass
    class Missed:
        control: list[Any]

    Missed.__annotations__["control"] = list[Token | StopWaiting]
    back = journey(Missed([StopWaiting(3), Token(1, 2)]))
    assert back == Missed([StopWaiting(3), Token(1, 2)])
    with pytest.raises(ValueError, match=r"Missed\.control must be one of several messages, got Begin"):
        restored(Missed, {"control": (Begin(),)})


def test_a_field_that_could_be_one_of_several_things_is_no_state() -> None:
    @dataclass
    class Unclear:
        either: Any

    Unclear.__annotations__["either"] = int | str
    with pytest.raises(TypeError, match="one of several types"):
        saved(Unclear(1))


@dataclass
class Cached:
    number: int

    @cached_property
    def double(self) -> int:
        return 2 * self.number


def test_what_is_cached_is_no_state() -> None:
    cached = Cached(3)
    assert cached.double == 6
    assert saved(cached) == {"number": 3}


def test_an_attribute_that_is_not_declared_is_a_mistake() -> None:
    strange: Any = Inner(1, 2.0)
    strange.added = 1
    with pytest.raises(AssertionError, match=r"Inner has attributes that are not declared: \['added'\]"):
        saved(strange)


class Leaf(Stateful):
    def __init__(self) -> None:
        self.state = Inner(0, 0.0)


class Branch(Stateful):
    def __init__(self) -> None:
        self.leaves = {name: Leaf() for name in "ab"}

    def parts(self) -> Mapping[str, Stateful]:
        return self.leaves


def test_the_parts_of_something_are_saved_and_restored_with_it() -> None:
    one, other = Branch(), Branch()
    one.leaves["b"].state.number = 7
    other.restore(decode(encode(one.snapshot())))
    assert [leaf.state.number for leaf in other.leaves.values()] == [0, 7]


class Growing(Stateful):
    """Has a part that is made anew for each number."""

    def __init__(self) -> None:
        self.state = Inner(0, 0.0)
        self.leaf, self.leaf_of = Leaf(), 0

    def parts(self) -> Mapping[str, Stateful]:
        return {"leaf": self.leaf}

    def rebuild(self) -> None:
        self.leaf, self.leaf_of = Leaf(), self.state.number


def test_a_part_that_depends_on_the_state_is_made_before_it_is_restored() -> None:
    one, other = Growing(), Growing()
    one.state.number = 7
    one.rebuild()
    one.leaf.state.number = 5
    other.restore(decode(encode(one.snapshot())))
    assert (other.state.number, other.leaf_of, other.leaf.state.number) == (7, 7, 5)


def test_the_snapshot_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a snapshot of Branch must have its state and its parts \['a', 'b'\]"):
        Branch().restore(Leaf().snapshot())
    with pytest.raises(ValueError, match=r"Inner must have the fields"):
        Leaf().restore({"state": None, "parts": {}})
