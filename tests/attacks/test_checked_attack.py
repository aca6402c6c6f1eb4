"""What an attack of the user's own must keep to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.attacks.attack import AttackContext
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.attacks.inner_product import InnerProductManipulation
from ceas_ray.attacks.sign_flip import SignFlip
from ceas_ray.kernel.policy_calls import PolicyError
from tests.attacks.contexts import context, generator


def test_a_memory_that_is_not_numbers_is_named() -> None:
    class Forgetful(InnerProductManipulation):
        def remembered(self, seen: AttackContext) -> Any:
            return {"rounds": 3}

    with pytest.raises(PolicyError, match="remembered must return finite numbers"):
        CheckedAttack(Forgetful(1.0, "omniscient")).remembered(context(1))


class Sending:
    """An attack of the user's own: it derives from nothing, and sends what it was made with."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Any:
        return self.rows


@pytest.mark.parametrize("rows", [None, np.zeros((4, 11)), np.zeros((5, 12)), np.full((4, 12), "x"), [[0.0] * 12] * 3])
def test_rows_of_another_shape_or_kind_are_refused_with_the_attack_s_name(rows: Any) -> None:
    with pytest.raises(PolicyError, match=r"Sending\.__call__ must return"):
        CheckedAttack(Sending(rows))(context(1), generator())


@pytest.mark.parametrize("shape", [(4, 12), (4, 1, 12), (4, 7, 12)])
def test_rows_may_come_in_one_version_or_in_several(shape: tuple[int, ...]) -> None:
    assert CheckedAttack(Sending(np.ones(shape)))(context(1), generator()).shape == shape


def test_an_attack_that_says_nothing_of_its_knowledge_sees_what_colluders_see() -> None:
    assert CheckedAttack(Sending(None)).knowledge == "colluders"


def test_an_unknown_knowledge_is_refused() -> None:
    with pytest.raises(PolicyError, match="knowledge must return one of colluders, omniscient, got 'everything'"):
        CheckedAttack(SignFlip(1.0, "everything"))  # type: ignore[arg-type]


def test_an_attack_cannot_change_what_it_is_shown() -> None:
    class Meddling(InnerProductManipulation):
        def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Any:
            seen.honest[0] = 0.0
            return seen.own

    with pytest.raises(PolicyError, match="read-only"):
        CheckedAttack(Meddling(1.0, "omniscient"))(context(1), generator())
