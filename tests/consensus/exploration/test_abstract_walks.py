"""Walks of the abstract model."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.abstract_model import LIVENESS, AbstractModel
from ceas_ray.consensus.exploration.abstract_rules import Change


@pytest.mark.parametrize(("replicas", "views", "values"), [(4, 4, 3), (4, 5, 4), (7, 4, 3), (10, 4, 3)])
def test_walks_of_the_right_model_do_not_break(replicas: int, views: int, values: int) -> None:
    found = AbstractModel(replicas, views, values).search(0, 5000)
    assert (found.walks, found.broken) == (5000, None)
    assert found.checked > 5000


def test_two_values_hide_that_proofs_need_a_second_alternative() -> None:
    without = [AbstractModel(4, 4, values, Change.NO_TWO_CLAIMS).search(0, 20_000).broken for values in (2, 3)]
    assert without == [None, LIVENESS]


def test_a_broken_walk_of_a_search_is_the_walk_of_its_seed() -> None:
    model = AbstractModel(4, 4, change=Change.TWO_CLAIMS_BEFORE_R2)
    found = model.search(100, 1000)
    assert found.broken is not None
    assert model.walk(100 + found.walks - 1).broken == found.broken
