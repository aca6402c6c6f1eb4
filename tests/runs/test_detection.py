"""How well a run tells Byzantine rows from honest ones."""

from __future__ import annotations

from functools import reduce
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.config import policies
from ceas_ray.runs.detection import Detection
from tests.runs.test_results import run_of

SENDERS = st.frozensets(st.integers(0, 9))


@given(entered=st.dictionaries(st.integers(0, 9), st.sampled_from([0.0, 0.1])), quarantined=SENDERS, byzantine=SENDERS)
def test_flagged_are_rows_without_weight_and_processors_in_quarantine(
    entered: dict[int, float], quarantined: frozenset[int], byzantine: frozenset[int]
) -> None:
    found = Detection.of_round(entered, quarantined, byzantine)
    judged = [
        (k in byzantine, k in quarantined or entered[k] == 0) for k in range(10) if k in entered or k in quarantined
    ]
    assert found.rows == len(judged)
    assert found.byzantine_rows == sum(bad for bad, _ in judged)
    assert found.flagged == sum(flagged for _, flagged in judged)
    right = sum(bad and flagged for bad, flagged in judged)
    assert found.precision == (right / found.flagged if found.flagged else None)
    assert found.recall == (right / found.byzantine_rows if found.byzantine_rows else None)


def test_a_run_counts_rows_and_is_no_mean_of_its_rounds() -> None:
    rounds = [Detection.of_round({0: 0.0, 1: 1.0}, (), (0, 1)), Detection.of_round({0: 0.0, 2: 0.0, 3: 1.0}, (), (0,))]
    whole = reduce(add, rounds, Detection())
    assert whole.recall == pytest.approx(2 / 3) and whole.precision == pytest.approx(2 / 3)
    assert whole.summary()["effective_weight_byzantine"] == 0.5


FAR = ("attacks=gaussian", "attacks.fraction=0.25", "attacks.strength=1000", "aggregation.byzantine_fraction=0.25")


def test_a_rule_that_leaves_rows_out_finds_those_that_stand_out() -> None:
    lines, summary, _ = run_of(*FAR, "aggregation=multi_krum", "training.rounds=2")
    found = summary["detection"]
    assert found["precision"] == found["recall"] == 1 and found["effective_weight_byzantine"] == 0
    assert found["flagged"] == sum(line["flagged"] for line in lines) == 2 * len(summary["byzantine_processors"])
    assert all(line["detection_recall"] == line["detection_precision"] == 1 for line in lines)


def test_a_mean_finds_nobody() -> None:
    lines, summary, _ = run_of(*FAR, "aggregation=mean", "training.rounds=2")
    assert summary["detection"]["recall"] == 0 and summary["detection"]["precision"] is None
    assert summary["detection"]["effective_weight_byzantine"] == pytest.approx(0.25)
    assert all("detection_precision" not in line for line in lines)


def test_who_tells_two_stories_is_found_from_then_on() -> None:
    words = ("attacks=equivocation", "attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25")
    lines, summary, _ = run_of(*words, "aggregation=mean", "training.rounds=3")
    caught = summary["quarantined_processors"]
    assert caught and set(caught) <= set(summary["byzantine_processors"])
    assert summary["detection"]["precision"] == 1
    assert lines[-1]["flagged"] == len(caught) and summary["detection"]["recall"] > 0


def test_a_rule_that_gives_no_weights_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "registered_packages", lambda: ("ceas_ray", "tests"))
    rule = ("aggregation=mean", "aggregation.rule._target_=tests.runs.own_policies.OwnRule")
    lines, summary, _ = run_of(*FAR, *rule, "+aggregation.rule.wrong=nothing", "training.rounds=1")
    assert summary["detection"]["rounds"] == 0 and summary["detection"]["recall"] is None
    assert "flagged" not in lines[0]
