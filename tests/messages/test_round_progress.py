"""When a round is over, when it waits, and when it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.payloads import replica_name
from ceas_ray.messages.quorum import Quorums
from ceas_ray.messages.round_progress import OnStall, ReportVerdict, RoundProgress, Stage
from tests.messages.decisions import a_decision

PROCESSORS = 3


def report(replicas: int, digest: bytes = b"value", view: int = 0) -> RoundDecided:
    return a_decision(PROCESSORS + replicas, digest=digest, view=view)


def running(replicas: int, way: Literal["wait", "skip", "stop"] = "stop", max_waits: int = 0) -> RoundProgress:
    progress = RoundProgress(Quorums(replicas), PROCESSORS, OnStall(way, max_waits))
    progress.plan(0)
    progress.begin()
    return progress


@given(st.integers(4, 40), st.data())
def test_a_round_is_over_with_2f_plus_1_equal_reports_whatever_f_liars_say(replicas: int, data: st.DataObject) -> None:
    progress, faults = running(replicas), Quorums(replicas).faults
    order = data.draw(st.permutations(range(replicas)))
    liars = set(order[data.draw(st.integers(0, replicas - faults)) :][:faults])
    honest = 0
    for j in order:
        lie = data.draw(st.sampled_from([b"value", b"a lie", b"another lie"])) if j in liars else b"value"
        heard = progress.hear(replica_name(j), report(replicas, lie))
        honest += lie == b"value"
        decisive = honest == 2 * faults + 1 and lie == b"value"
        assert heard is (ReportVerdict.DECISIVE if decisive else ReportVerdict.COUNTED)
    assert progress.state.stage is Stage.OVER
    assert progress.state.decided is not None
    assert progress.state.decided.digest == b"value"


@given(st.integers(4, 40), st.data())
def test_the_view_that_is_believed_is_between_those_of_honest_replicas(replicas: int, data: st.DataObject) -> None:
    progress, faults = running(replicas), Quorums(replicas).faults
    views = data.draw(st.lists(st.integers(0, 3), min_size=faults + 1, max_size=faults + 1))
    for j in range(faults):
        progress.hear(replica_name(j), report(replicas, view=10**9))
    for j, view in enumerate(views, faults):
        progress.hear(replica_name(j), report(replicas, view=view))
    assert min(views) <= progress.state.view <= max(views)


def test_a_replica_that_reports_twice_counts_once_and_by_its_first_report() -> None:
    progress = running(4)
    for _ in range(5):
        assert progress.hear("replica/0", report(4)) is ReportVerdict.COUNTED
    assert progress.hear("replica/1", report(4)) is ReportVerdict.COUNTED
    assert progress.hear("replica/2", report(4, b"other")) is ReportVerdict.COUNTED
    assert progress.hear("replica/2", report(4)) is ReportVerdict.COUNTED
    assert progress.hear("replica/3", report(4)) is ReportVerdict.DECISIVE


@pytest.mark.parametrize("changes", [
    {"round_index": 1}, {"round_index": False}, {"view": -1}, {"view": 0.0}, {"key_bits": None},
    {"key_bits": np.full((2, 7), -1)}, {"key_bits": np.zeros((2, 6), np.int64)}, {"model": object()},
])  # fmt: skip
def test_a_report_that_makes_no_sense_is_not_counted(changes: dict[str, Any]) -> None:
    progress = running(4)
    for j in range(4):
        assert progress.hear(f"replica/{j}", replace(report(4), **changes)) is ReportVerdict.INVALID
    assert progress.hear("replica/4", report(4)) is ReportVerdict.INVALID
    assert not progress.state.reports


def test_reports_before_the_round_begins_and_after_it_is_over_end_nothing() -> None:
    progress = RoundProgress(Quorums(4), PROCESSORS, OnStall())
    progress.plan(0)
    assert [progress.hear(f"replica/{j}", report(4)) for j in range(4)] == [ReportVerdict.COUNTED] * 4
    progress.begin()
    heard = [progress.hear(f"replica/{j}", report(4)) for j in range(4)]
    assert heard == [ReportVerdict.COUNTED, ReportVerdict.COUNTED, ReportVerdict.DECISIVE, ReportVerdict.COUNTED]


def test_a_stalled_round_waits_as_often_as_it_may_and_old_timers_are_void() -> None:
    progress = running(4, "wait", 2)
    assert progress.is_stalled(0, 0)
    assert not progress.is_stalled(1, 0)
    assert progress.waits_on()
    assert not progress.is_stalled(0, 0), "the timer of before it waited"
    assert progress.waits_on()
    assert not progress.waits_on()
    assert progress.is_stalled(0, 2)
    progress.end()
    assert not progress.is_stalled(0, 2)
    progress.plan(1)
    assert progress.waits_on(), "a new round may wait anew"


@pytest.mark.parametrize(("way", "waits", "gives_up"), [("stop", 0, False), ("wait", 3, False), ("skip", 3, True)])
def test_what_is_done_about_a_stall_is_as_chosen(
    way: Literal["wait", "skip", "stop"], waits: int, gives_up: bool
) -> None:
    progress = running(4, way, 3)
    assert sum(progress.waits_on() for _ in range(5)) == waits
    assert progress.gives_up is gives_up


def test_a_round_half_reported_goes_on_from_a_snapshot() -> None:
    one, other = running(4, "wait", 3), RoundProgress(Quorums(4), PROCESSORS, OnStall("wait", 3))
    one.waits_on()
    one.hear("replica/0", report(4))
    one.hear("replica/1", report(4, view=1))
    other.restore(decode(encode(one.snapshot())))
    assert [progress.hear("replica/3", report(4)) for progress in (one, other)] == [ReportVerdict.DECISIVE] * 2
    assert encode(one.snapshot()) == encode(other.snapshot())
