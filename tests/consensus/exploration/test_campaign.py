"""Campaigns: many scenarios, one report."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.campaign import CampaignReport, explore, run_batch
from ceas_ray.consensus.exploration.chart import chart_of
from ceas_ray.consensus.exploration.kinds import KINDS, Layer, kind_of, run_scenario
from ceas_ray.consensus.exploration.round_invariants import RoundInvariants
from ceas_ray.consensus.exploration.violation import Violation


def test_a_violation_names_its_seed_and_its_invariant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RoundInvariants, "decides", _refuse)
    report = run_batch(range(128))
    assert report.failures
    assert all("agreement: planted" in str(failure.violation) for failure in report.failures)
    layers = {kind_of(failure.seed).layer for failure in report.failures}
    assert layers <= {Layer.REPLICA, Layer.TAGGED, Layer.ROUNDS}
    assert chart_of(report.failures[0].seed).endswith("VIOLATION: agreement: planted")


@pytest.mark.slow
def test_some_thousand_scenarios_of_the_mix_show_no_violation() -> None:
    report = explore(first=0, processes=2, scenarios=4096)
    assert report.failures == []
    assert (report.total.scenarios, report.next_seed, report.interrupted) == (4096, 4096, False)


@pytest.mark.slow
def test_an_interrupted_campaign_reports_what_was_done_and_where_to_go_on() -> None:
    def interrupt(report: CampaignReport) -> None:
        raise KeyboardInterrupt

    report = explore(first=512, processes=1, scenarios=10**6, progress=interrupt)
    assert report.interrupted
    assert (report.total.scenarios, report.next_seed) == (256, 768)


def test_a_campaign_names_the_outcomes_of_its_scenarios_by_one_digest() -> None:
    first, again, other = (run_batch(range(begin, begin + 16)) for begin in (0, 0, 16))
    assert first.outcomes == again.outcomes != other.outcomes
    digests = {run_scenario(seed).digest for seed in range(32)}
    assert len(digests) == 32


def test_a_campaign_may_keep_to_one_kind() -> None:
    report = explore(first=0, processes=1, scenarios=100, only=KINDS[0])
    assert set(report.by_kind) == {KINDS[0]}
    assert report.total.scenarios >= 100


def _refuse(*_: object) -> None:
    raise Violation("agreement", "planted")
