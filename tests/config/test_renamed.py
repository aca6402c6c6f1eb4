"""Former names of settings, choices and policies are refused with the present ones."""

from __future__ import annotations

import re
from functools import reduce
from operator import getitem

import pytest

from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import instantiate
from ceas_ray.config.renamed import CHOICES, KEYS, TARGETS, VALUES
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import known_keys
from tests.config.test_schema import refusal

WITH_WEIGHTS = composed(["aggregation=ceas"])


@pytest.mark.parametrize(
    ("former", "present"),
    [(former, present) for former, present in sorted(KEYS.items()) if not former.startswith("attacks.")],
)
def test_a_former_name_is_refused_with_the_present_one(former: str, present: str) -> None:
    def has(key: str) -> bool:
        *path, name = key.split(".")
        return name in reduce(getitem, path, WITH_WEIGHTS)

    assert has(present)
    assert not has(former)
    values = f" ({VALUES[former]})" if former in VALUES else ""
    expected = f"{former} must be named {present}{values}, got"
    policy, _, name = former.rpartition(".")
    if policy in ("scheduling", "aggregation.weights"):
        with pytest.raises(SettingsError, match=re.escape(expected)):
            instantiate(reduce(getitem, policy.split("."), WITH_WEIGHTS) | {name: 1}, policy)
    else:
        assert refusal(former, 3) == f"{expected} 3"
    with pytest.raises(SettingsError, match=re.escape(expected)):
        composed([f"{former}=3"])


@pytest.mark.parametrize(("group", "former"), sorted(CHOICES))
def test_a_former_name_of_a_choice_is_refused_with_the_present_one(group: str, former: str) -> None:
    present = CHOICES[group, former]
    with pytest.raises(SettingsError, match=re.escape(f"{group} must be {present} (the new name), got '{former}'")):
        composed([f"{group}={former}"])
    assert composed([f"{group}={present}"])


@pytest.mark.parametrize(("former", "present"), sorted(TARGETS.items()))
def test_a_former_policy_is_refused_with_what_does_the_same_now(former: str, present: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"attacks.attack._target_ must be {present}, got '{former}'")):
        instantiate({"_target_": former}, "attacks.attack")


def test_a_rule_of_one_s_own_that_states_its_share_by_the_former_name_is_refused() -> None:
    """It would be ignored, and the rule trusted with more Byzantine rows than it stands."""
    target = "tests.config.former_policies.FormerRule"
    message = f"aggregation.rule._target_: {target} states MOST_FAULTY_SHARE, which must be named MAX_FAULTY_SHARE"
    with pytest.raises(SettingsError, match=re.escape(message)):
        instantiate({"_target_": target}, "aggregation.rule")


def test_no_present_key_is_among_the_former_ones() -> None:
    assert not set(KEYS) & set(known_keys(RunSettings))
    assert not set(KEYS) & set(KEYS.values())
