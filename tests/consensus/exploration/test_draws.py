"""The random numbers of a scenario."""

from __future__ import annotations

from ceas_ray.consensus.exploration.draws import Draws


def test_draws_depend_on_the_seed_and_the_purpose_alone() -> None:
    one, same, other, for_lies = (Draws(*key) for key in ((3, "calm"), (3, "calm"), (4, "calm"), (3, "lies")))
    first = [one.uniform() for _ in range(1000)]
    assert first == [same.uniform() for _ in range(1000)], "the next block goes on where the last one ended"
    assert first[0] not in (other.uniform(), for_lies.uniform())
    assert all(0 <= number < 1 for number in first)


def test_every_number_below_a_limit_and_every_option_is_drawn() -> None:
    draws = Draws(1, "test")
    assert {draws.below(4) for _ in range(200)} == {0, 1, 2, 3}
    assert {draws.choice("abc") for _ in range(200)} == set("abc")


def test_a_sample_has_different_numbers_in_increasing_order() -> None:
    draws = Draws(1, "test")
    found = {draws.sample(4, 2) for _ in range(200)}
    assert found == {(i, j) for i in range(4) for j in range(i + 1, 4)}
