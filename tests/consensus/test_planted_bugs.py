"""Every planted bug is caught; the table at the end of the test run says by which layer, after how many scenarios."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from ceas_ray.consensus.echoes import Echoes, update_item
from ceas_ray.consensus.exploration.abstract_model import LIVENESS, AbstractModel
from ceas_ray.consensus.exploration.abstract_rules import HARMLESS, Change
from ceas_ray.consensus.exploration.calm_scenario import CalmScenario
from ceas_ray.consensus.exploration.conformance import DrivenWalk
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_scenario import VotingScenario
from ceas_ray.consensus.rule_three import Evidence
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.messages.quorum import Quorums
from tests.consensus.corners import PREVIOUS_COUNTS, THE_SAME_VALUE_TWICE
from tests.consensus.planted_bugs import (
    VOTING_BUGS,
    BelievesOneEcho,
    EntryOnOneEcho,
    HastyManager,
    PersistsTooLate,
    SkipNotMonotone,
    SlotReused,
    TagWithoutReceiver,
)

Layer = tuple[str, int, Callable[[int], None]]
"""Name, most scenarios, a scenario by its seed."""
TABLE: list[str] = []


def caught_by(layers: list[Layer]) -> list[str]:
    found = []
    for name, most, run in layers:
        for seed in range(most):
            try:
                run(seed)
            except Violation as violation:
                found.append(f"{name}: scenario {seed + 1} ({violation.invariant})")
                break
    return found


def report(bug: str, found: list[str]) -> None:
    TABLE.append(f"{bug:<32} " + ("; ".join(found) or "NOT CAUGHT"))
    assert found, f"{bug} was not caught"


def voting_layers(voting: type[TetraBFT], voting_4: int, voting_7: int, driven: int) -> list[Layer]:
    corners = (PREVIOUS_COUNTS, THE_SAME_VALUE_TWICE)
    return [
        ("message level, n = 4", voting_4, lambda seed: VotingScenario(seed, 4, voting).run()),
        ("message level, n = 7", voting_7, lambda seed: VotingScenario(seed, 7, voting).run()),
        ("abstract walk", driven, lambda seed: DrivenWalk(seed, AbstractModel(4, 4), voting).run()),
        ("abstract corner", 2, lambda seed: DrivenWalk(0, AbstractModel(4, 4), voting).run_script(corners[seed])),
    ]


def test_the_right_rules_pass_every_layer() -> None:
    assert caught_by(voting_layers(TetraBFT, 200, 50, 200)) == []


@pytest.mark.slow
@pytest.mark.parametrize("bug", VOTING_BUGS)
def test_a_bug_in_the_voting_is_caught(bug: str) -> None:
    report(bug, caught_by(voting_layers(VOTING_BUGS[bug], 1500, 100, 300)))


MOST_WALKS = 200_000
UNSAFE, NOT_LIVE = {"agreement", "a vote 1 is safe"}, {LIVENESS}
CHANGES = {
    Change.NO_SAFE_CHECK: UNSAFE, Change.CLAIM_BY_ONE: UNSAFE | NOT_LIVE, Change.NO_PREVIOUS: NOT_LIVE,
    Change.PREVIOUS_OF_ANY_VALUE: UNSAFE, Change.QUORUM_OF_2F: UNSAFE | NOT_LIVE,
    Change.SUGGEST_SHOWS_VOTES_4_AND_1: NOT_LIVE, Change.NO_TWO_CLAIMS: NOT_LIVE,
    Change.TWO_CLAIMS_OF_THE_SAME_VALUE: UNSAFE, Change.TWO_CLAIMS_BEFORE_R2: UNSAFE,
    Change.TWO_CLAIMS_BY_ONE: UNSAFE, Change.TWO_CLAIMS_WHILE_NOT_OPEN: UNSAFE, Change.TWO_CLAIMS_AFTER_R2: NOT_LIVE,
    Change.TWO_CLAIMS_WITHOUT_PREVIOUS: NOT_LIVE,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_abstract_rules_is_caught(change: Change) -> None:
    found = AbstractModel(4, 4, change=change).search(0, MOST_WALKS)
    caught = [] if found.broken is None else [f"abstract walks: walk {found.walks} ({found.broken})"]
    report(f"rules: {change.name.lower().replace('_', ' ')}", caught)
    assert found.broken in CHANGES[change]


@pytest.mark.slow
@pytest.mark.parametrize("change", HARMLESS)
def test_a_harmless_change_of_the_abstract_rules_is_not_reported(change: Change) -> None:
    assert {*CHANGES, *HARMLESS, Change.NONE} == {*Change}
    found = AbstractModel(4, 4, change=change).search(0, MOST_WALKS)
    assert (found.walks, found.broken) == (MOST_WALKS, None)


class OneAlternativeForProofs(TetraBFT):
    """Without (b2)."""

    def _shown_since(self, shown: Sequence[Evidence], value: bytes, view: int) -> int:
        return self._claimed_since(shown, value, view)


@pytest.mark.slow
def test_proofs_without_their_second_alternative_are_not_live_on_real_replicas() -> None:
    run: Callable[[int], None] = lambda seed: CalmScenario(  # noqa: E731
        seed, AbstractModel(4, 4), OneAlternativeForProofs, hunt=20_000
    ).run()
    found = caught_by([("calm after a walk, n = 4", 100, run)])
    report("no (b2)", found)
    assert LIVENESS in found[0]


@pytest.mark.slow
def test_sending_before_persisting_is_caught() -> None:
    run: Callable[[int], None] = lambda seed: PersistsTooLate(seed, 4).run()  # noqa: E731
    report("no persist before send", caught_by([("message level, n = 4", 3000, run)]))


@pytest.mark.slow
def test_a_skip_that_turns_invalid_is_caught() -> None:
    run: Callable[[int], None] = lambda seed: ReplicaScenario(seed, 4, replica=SkipNotMonotone).run()  # noqa: E731
    report("SKIP non-monotone", caught_by([("whole replica, n = 4", 1500, run)]))


def _one_echo_is_offered(echoes: Echoes) -> None:
    echoes.take(3, [update_item(0, b"forged")])
    if echoes.is_acceptable(update_item(0, b"forged")):
        raise Violation("no altered honest input", "the echo of one replica, maybe a Byzantine one, makes an entry")


@pytest.mark.slow
def test_an_entry_on_one_echo_is_caught() -> None:
    _one_echo_is_offered(Echoes(Quorums(4)))
    rule: Callable[[int], None] = lambda seed: _one_echo_is_offered(EntryOnOneEcho(Quorums(4)))  # noqa: E731
    whole: Callable[[int], None] = lambda seed: ReplicaScenario(seed, 4, replica=BelievesOneEcho).run()  # noqa: E731
    found = caught_by([("rule of inputs", 1, rule), ("whole replica, n = 4", 300, whole)])
    report("entry on 1 echo", found)
    assert len(found) == 2


@pytest.mark.slow
def test_a_manager_that_goes_on_when_b_replicas_have_decided_is_caught() -> None:
    """One of them is honest; whoever missed the round could not tell whether it is."""
    run: Callable[[int], None] = lambda seed: ReplicaScenario(seed, 4, rounds=3, quorums=HastyManager).run()  # noqa: E731
    report("next round on B decisions", caught_by([("rounds, n = 4", 500, run)]))


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "channel"), [("slot reuse", SlotReused), ("tag without receiver", TagWithoutReceiver)])
def test_a_bug_in_the_tags_is_caught(bug: str, channel: type) -> None:
    run: Callable[[int], None] = lambda seed: ReplicaScenario(seed, 4, tagged=True, channel=channel).run()  # noqa: E731
    report(bug, caught_by([("whole replica with tags, n = 4", 300, run)]))
