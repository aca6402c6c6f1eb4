"""What names a rule in decided values."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.aggregation.rule_identity import rule_identity
from ceas_ray.consensus.replica import Replica
from tests.small_worlds import small_world
from tests.world.committees import inner

TABLE = {"rule": {"_target_": "own.Rule", "table": "/here/a.csv"}, "cap": 1.15}


def named(path: str, content: str) -> bytes:
    aggregation: dict[str, Any] = {"cap": 1.15, "rule": {"table": path, "_target_": "own.Rule"}}
    return rule_identity(aggregation, {"aggregation.rule.table": content, "training.data.file": "other"})


def test_a_rule_is_named_by_its_arguments_in_any_order_and_by_what_its_files_hold() -> None:
    assert named("/here/a.csv", "1") == rule_identity(TABLE, {"aggregation.rule.table": "1"})
    assert named("/there/b.csv", "1") == named("/here/a.csv", "1")
    assert named("/here/a.csv", "2") != named("/here/a.csv", "1")


@pytest.mark.slow
@pytest.mark.parametrize("other", ["aggregation.cap=1.3", "aggregation=mean", "aggregation.confidence=0.9"])
def test_the_values_of_runs_with_different_rules_name_different_rules(other: str) -> None:
    rules = []
    for overrides in ((), ("seed=2",), (other,)):
        replica = inner(small_world(*overrides).replicas[0])
        assert isinstance(replica, Replica)
        rules.append(replica._protocol.rule)
    assert rules[0] == rules[1] != rules[2]
