"""When committees decide, to the Delta: of real replicas, which need one more for the echoes before view 0, and of the
voting alone. With leaders 0 to k - 1 silent and links of d <= Delta, 11 k Delta + (k + 6) d (5 d for k = 0)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.quorum import Quorums
from tests.consensus.committee import DELTA, OPENS, Network, up_to_f
from tests.consensus.voting import decide

SIZES = [4, 5, 6, 7, 10, 13]
CASES = [(replicas, silent) for replicas in SIZES for silent in range(Quorums(replicas).faults + 1)]
seeds = st.integers(0, 10**6)


def whole(leader: int) -> int:
    """When real replicas decide whose first leader that speaks is this one: an Echo comes before view 0 begins."""
    return 12 * leader + (7 if leader else 6)


def first_not_in(silent: frozenset[int], replicas: int) -> int:
    """The first leader that speaks."""
    return min(set(range(replicas)) - silent)


@pytest.mark.parametrize("delay", [1.0, 0.5, 0.125])
@pytest.mark.parametrize(("replicas", "silent"), CASES)
def test_a_silent_leader_costs_eleven_delta_and_one_actual_delay(replicas: int, silent: int, delay: float) -> None:
    """The protocol is responsive: nothing but the view timer waits for Delta. At d = Delta: (12 k + 6) Delta."""
    off, honest = frozenset(range(silent)), set(range(silent, replicas))
    voting = 11 * silent + (silent + 6 if silent else 5) * delay
    expected = voting + delay
    network = Network(replicas, silent=off, delay=lambda sender, receiver: round(delay * DELTA))
    network.run()
    assert network.decide_times() == dict.fromkeys(honest, expected)
    assert {(d.view, d.skipped) for d in network.decided.values()} == {(silent, False)}
    assert len({d.digest for d in network.decided.values()}) == len(network.states()) == 1
    _, times, _ = decide(replicas, off, delay=lambda sender, receiver: delay)
    assert times == dict.fromkeys(honest, voting)


@given(replicas=st.sampled_from(SIZES), seed=seeds)
@settings(max_examples=40, deadline=None)
def test_only_silent_leaders_before_the_first_one_that_speaks_cost_time(replicas: int, seed: int) -> None:
    """Any up to f replicas are silent, wherever they are: 5 Delta, or (12 k + 6) Delta with leader k the first."""
    draw = np.random.default_rng(seed)
    silent = up_to_f(draw, replicas)
    first = first_not_in(silent, replicas)
    decisions, times, _ = decide(replicas, silent)
    assert set(decisions) == set(range(replicas)) - silent
    assert {(d.view, d.value) for d in decisions.values()} == {(first, decisions[max(decisions)].value)}
    assert set(times.values()) == {12.0 * first + 6 if first else 5.0}


@given(replicas=st.sampled_from(SIZES), seed=seeds)
@settings(max_examples=25, deadline=None)
def test_whoever_is_silent_the_others_decide_when_the_first_leader_that_speaks_lets_them(
    replicas: int, seed: int
) -> None:
    """Inputs close 20 Delta after the round began; then as the voting alone, the echo being in time for later views."""
    draw = np.random.default_rng(seed)
    silent = up_to_f(draw, replicas)
    first = first_not_in(silent, replicas)
    network = Network(replicas, silent=silent)
    network.run()
    assert {j for j, _ in network.decided} == set(range(replicas)) - silent
    assert {(d.view, d.skipped, d.processors) for d in network.decided.values()} == {(first, False, (0, 1, 2))}
    assert {f.sent_at - OPENS for f in network.sent if f.kind == FrameKind.DECIDE} == {whole(first) * DELTA}
    assert len(network.states()) == 1


@pytest.mark.parametrize("replicas", SIZES)
@pytest.mark.parametrize("leaders", [True, False])
def test_one_more_than_f_silent_and_nobody_decides_or_forks(replicas: int, leaders: bool) -> None:
    count = Quorums(replicas).faults + 1
    silent = frozenset(range(count) if leaders else range(replicas - count, replicas))
    network = Network(replicas, silent=silent)
    network.run()
    assert not network.decided
    assert len(network.states()) == 1
    network.assert_nobody_contradicted_itself()


@pytest.mark.slow
def test_sixteen_silent_leaders_of_fifty_real_replicas() -> None:
    network = Network(50, silent=frozenset(range(16)))
    network.run()
    assert network.decide_times() == dict.fromkeys(range(16, 50), 199.0)
    assert len(network.states()) == 1


@given(replicas=st.sampled_from([4, 7]), seed=seeds)
@settings(max_examples=20)
def test_leaders_take_turns_over_rounds_and_each_round_pays_for_its_own_silent_ones(replicas: int, seed: int) -> None:
    silent = up_to_f(np.random.default_rng(seed), replicas)
    network = Network(replicas, rounds=replicas, silent=silent)
    network.run()
    honest = set(range(replicas)) - silent
    for t in range(replicas):
        view = next(view for view in range(replicas) if (t + view) % replicas in honest)
        assert network.decide_times(t) == dict.fromkeys(honest, whole(view))
        assert {network.decided[j, t].view for j in honest} == {view}
    assert len(network.states()) == 1


@given(replicas=st.sampled_from(SIZES), seed=seeds)
@settings(max_examples=30)
def test_delays_anywhere_within_delta_never_make_it_later(replicas: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    silent = up_to_f(draw, replicas)
    first = first_not_in(silent, replicas)
    delays = draw.integers(1, DELTA + 1, (replicas, replicas))
    network = Network(replicas, silent=silent, delay=lambda a, b: int(delays[a, b]))
    network.run()
    assert set(network.decide_times()) == set(range(replicas)) - silent
    assert max(network.decide_times().values()) <= whole(first)
    assert len(network.states()) == 1
    _, times, _ = decide(replicas, silent, delay=lambda a, b: delays[a, b] / DELTA)
    assert max(times.values()) <= (12 * first + 6 if first else 5)


@pytest.mark.parametrize("late", [0.5, 3.5, 6.5, 7.5, 11.0, 60.0])
@pytest.mark.parametrize("replicas", [4, 7])
def test_slow_members_cost_nothing_unless_they_lead_and_a_slow_leader_its_lateness_at_most(
    replicas: int, late: float
) -> None:
    """So late that its proposal needs more than a view (8 Delta and more), a leader is as good as silent."""
    faults = Quorums(replicas).faults
    for slow in (set(range(replicas - faults, replicas)), {1}, {0}, set(range(faults))):

        def delay(sender: int, receiver: int, slow: set[int] = slow) -> int:
            return DELTA + (round(late * DELTA) if sender in slow else 0)

        first = min(set(range(replicas)) - slow)
        expected = 6.0 if not first else 6.0 + late if late < 8 else whole(first)
        network = Network(replicas, delay=delay)
        network.run()
        assert network.decide_times() == dict.fromkeys(range(replicas), expected)
        assert len(network.states()) == 1


@given(replicas=st.sampled_from([4, 5, 7, 10]), seed=seeds)
@settings(max_examples=30)
def test_members_slow_towards_some_are_never_worse_than_silent_ones(replicas: int, seed: int) -> None:
    """Each link of up to f members has a delay of its own, up to 30 Delta; all others are within Delta."""
    draw = np.random.default_rng(seed)
    slow = up_to_f(draw, replicas)
    first = first_not_in(slow, replicas)
    delays = draw.integers(1, DELTA + 1, (replicas, replicas))
    delays[sorted(slow)] += draw.integers(0, draw.choice([11, 30]) * DELTA, (len(slow), replicas))
    network = Network(replicas, delay=lambda a, b: int(delays[a, b]))
    network.run()
    times = network.decide_times()
    assert set(times) == set(range(replicas))
    assert max(times[j] for j in times if j not in slow) <= whole(first)
    assert len(network.states()) == 1
    network.assert_nobody_contradicted_itself()


@given(replicas=st.sampled_from([4, 7]), seed=seeds)
@settings(max_examples=40)
def test_members_that_fall_silent_in_the_midst_are_never_worse_than_silent_ones(replicas: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    falling = up_to_f(draw, replicas)
    first = first_not_in(falling, replicas)
    last_step = {j: int(draw.integers(20 * replicas)) for j in falling}
    network = Network(replicas, last_step=last_step)
    network.run()
    times = network.decide_times()
    assert set(times) >= set(range(replicas)) - falling
    assert max(times.values()) <= whole(first)
    assert len(network.states()) == 1
    network.assert_nobody_contradicted_itself()


@given(replicas=st.sampled_from([4, 7]), seed=seeds)
@settings(max_examples=25)
def test_one_too_many_that_falls_silent_may_end_the_round_but_never_splits_it(replicas: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    falling = draw.permutation(replicas)[: Quorums(replicas).faults + 1].tolist()
    network = Network(replicas, last_step={j: int(draw.integers(20 * replicas)) for j in falling})
    network.run()
    assert len({d.digest for d in network.decided.values()}) <= 1
    assert len(network.states()) == 1
    network.assert_nobody_contradicted_itself()
