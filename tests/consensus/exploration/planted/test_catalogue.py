"""Every planted bug is caught; `scripts/explore --planted` shows by which explorers, after how many scenarios."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.abstract_model import LIVENESS, AbstractModel
from ceas_ray.consensus.exploration.abstract_rules import HARMLESS, Change
from ceas_ray.consensus.exploration.conformance import DrivenWalk
from ceas_ray.consensus.exploration.planted.catalogue import (
    AIMS,
    MAX_WALKS,
    PLANTED_BUGS,
    PlantedBug,
    WalksOfChangedRules,
    aim_of,
)
from ceas_ray.consensus.exploration.planted.corners import PREVIOUS_COUNTS, THE_SAME_VALUE_TWICE
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario

UNSAFE, NOT_LIVE = {"agreement", "a vote 1 is safe"}, {LIVENESS}
BREAKS = {
    Change.NO_SAFE_CHECK: UNSAFE, Change.CLAIM_BY_ONE: UNSAFE | NOT_LIVE, Change.NO_PREVIOUS: NOT_LIVE,
    Change.PREVIOUS_OF_ANY_VALUE: UNSAFE, Change.QUORUM_OF_2F: UNSAFE | NOT_LIVE,
    Change.SUGGEST_SHOWS_VOTES_4_AND_1: NOT_LIVE, Change.NO_TWO_CLAIMS: NOT_LIVE,
    Change.TWO_CLAIMS_OF_THE_SAME_VALUE: UNSAFE, Change.TWO_CLAIMS_BEFORE_R2: UNSAFE,
    Change.TWO_CLAIMS_BY_ONE: UNSAFE, Change.TWO_CLAIMS_WHILE_NOT_OPEN: UNSAFE, Change.TWO_CLAIMS_AFTER_R2: NOT_LIVE,
    Change.TWO_CLAIMS_WITHOUT_PREVIOUS: NOT_LIVE,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("bug", PLANTED_BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: PlantedBug) -> None:
    catch = bug.caught_first()
    assert catch is not None
    explorer = bug.explorers[0]
    if isinstance(explorer, WalksOfChangedRules):
        assert catch.invariant in BREAKS[explorer.change]


@pytest.mark.slow
@pytest.mark.parametrize("name", AIMS)
def test_the_right_code_passes_where_a_bug_is_hunted(name: str) -> None:
    """Else a catch might be of another fault than the planted one."""
    replicas, changes = AIMS[name]
    for seed in range(100 if replicas == 4 else 40):
        ReplicaScenario(seed, replicas=replicas, aim=aim_of(changes)).run()


def test_the_right_rules_pass_the_corners() -> None:
    for corner in (PREVIOUS_COUNTS, THE_SAME_VALUE_TWICE):
        DrivenWalk(0, AbstractModel(4, 4)).run_script(corner)


@pytest.mark.slow
@pytest.mark.parametrize("change", HARMLESS)
def test_a_harmless_change_of_the_abstract_rules_is_not_reported(change: Change) -> None:
    assert {*BREAKS, *HARMLESS, Change.NONE} == {*Change}
    found = AbstractModel(4, 4, change=change).search(0, MAX_WALKS)
    assert (found.walks, found.broken) == (MAX_WALKS, None)
