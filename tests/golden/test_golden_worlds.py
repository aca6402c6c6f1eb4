"""A change of structure keeps every result: see `worlds.py`."""

from __future__ import annotations

from functools import lru_cache

import pytest

from tests.golden.worlds import WORLDS, behaviour, machine, pinned

here = lru_cache(machine)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_a_small_world_behaves_as_pinned_and_to_the_bit_on_known_machines(name: str) -> None:
    entry = pinned()[name]
    everywhere, bits = behaviour(WORLDS[name])
    assert everywhere == entry["everywhere"]
    assert bits == entry["bits"].get(here(), bits)


def test_every_pinned_world_is_still_run() -> None:
    assert sorted(pinned()) == sorted(WORLDS)
