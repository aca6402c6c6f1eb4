"""Trap circuits: what the hub asks, and how often the answers are wrong."""

from __future__ import annotations

import numpy as np

from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.trap_circuit_draws import TrapCircuits
from tests.processors.gradient_items import items_of, noise
from tests.small_worlds import small_world


def test_what_came_late_is_not_asked_and_an_answer_is_wrong_as_often_as_its_contrast_says() -> None:
    world = small_world()
    ask = TrapCircuits(world.circuit, Streams(2), 0.5, 0.25)
    usable = np.arange(400) % 2 == 0
    found = ask(items_of(world, [noise(3, 0.02)], usable, rounds=50))
    assert all(each.asked == np.count_nonzero(each.circuits & usable) for each in found)
    asked, wrong = sum(each.asked for each in found), sum(each.wrong for each in found)
    assert 0.4 * 50 * 200 < asked < 0.6 * 50 * 200
    perfect = ask(items_of(world, [noise(3, 0.0)], usable))
    assert 0.03 < wrong / asked < 0.25
    assert perfect[0].wrong < perfect[0].asked / 5


def test_each_answer_depends_on_its_own_processor_alone() -> None:
    world = small_world()
    ask = TrapCircuits(world.circuit, Streams(3), 0.1, 0.25)
    items = items_of(world, [noise(3, p) for p in (0.0, 0.1, 0.3)], np.ones(300, bool))
    together = [(each.asked, each.wrong) for each in ask(items)]
    alone = [(each.asked, each.wrong) for item in items for each in ask([item])]
    assert together == alone
