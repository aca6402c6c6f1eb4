"""What a decision costs."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.decision_cost import decision_cost


@pytest.mark.parametrize(("replicas", "tags"), [(4, 87), (7, 300), (10, 639), (50, 17_199)])
def test_a_decision_costs_what_the_specification_counts(replicas: int, tags: int) -> None:
    cost = decision_cost(replicas)
    assert (cost["tags"], cost["latency_deltas"]) == (tags, 5.0)


def test_a_dedicated_committee_of_seven_for_fifty_processors_costs_758_tags() -> None:
    """Of 350 updates, 42 echoes, 216 messages of the voting and 150 models, since three replicas reply unasked."""
    assert decision_cost(7, 50)["tags"] == 758
