"""The life of a link's pairs: the reference regime, exact books, closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.links.key_path_loop import run_key_path
from ceas_ray.links.link_loop import ShotBooks, ShotDemand, failures_before_success, link_model, run_shots, stock_rule
from ceas_ray.messages.pair_books import AUTHENTICATION, EXPIRED, GENERATED, LATE, SACRIFICED, TESTING, TRAINING, USED
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.link_parameters import LinkHardware, LinkParameters
from ceas_ray.quantum.bell_pairs import key_rate, swapped_fidelity

HARDWARE = LinkHardware(10, 10, 16, 0.012, 0.2, 0.06, 0.98)


def regime_r0(policy: tuple[int, int, bool], seed: int, length_km: float = 1.0, bursts: int = 2000) -> dict[str, Any]:
    link = HARDWARE.link(length_km, 0.97)
    period = round(1.6 * 6 / link.rate * 1e12)
    draw = np.random.default_rng(seed)
    gaps = draw.exponential(8 * period, bursts).astype(np.int64)
    starts = np.cumsum(gaps) + np.arange(bursts) * 8 * period
    releases = (starts[:, None] + np.arange(8) * period).ravel()
    return shots(link, releases, policy, seed, period, draw.random(len(releases)) < 0.03)


def shots(link: Any, releases: Any, policy: Any, seed: int, period: int, is_test: Any) -> dict[str, Any]:
    count = len(releases)
    books = ShotBooks(
        np.zeros((3, 5), np.int64), np.zeros(count, bool), np.zeros((count, 6)), np.zeros(3, np.int64),
        np.zeros(3, np.int64), np.zeros((count, 2)),
    )  # fmt: skip
    demand = ShotDemand(0, releases, is_test, 6, period, 3 * period, period, 8)
    stored = run_shots(
        np.random.Generator(np.random.Philox(seed)), link_model(link, 0.98), demand,
        stock_rule(StockPolicy(*policy), 24), books,
    )  # fmt: skip
    return books._asdict() | {"stored": stored}


@pytest.mark.parametrize("length_km", [0.5, 1.0, 4.5])
@pytest.mark.parametrize(
    ("policy", "utilization", "on_time"), [((24, 24, False), 0.402, 1.0), ((1, 14, True), 0.952, 0.993)]
)
def test_regime_r0_is_as_measured_independently(
    policy: tuple[int, int, bool], utilization: float, on_time: float, length_km: float
) -> None:
    for seed in range(3):
        book = regime_r0(policy, seed, length_km)
        assert book["counts"][:, USED].sum() / book["counts"][:, GENERATED].sum() == pytest.approx(
            utilization, abs=0.03
        )
        assert book["on_time"].mean() == pytest.approx(on_time, abs=0.03)


@settings(max_examples=60)
@given(
    gap=st.integers(0, 20), burst=st.integers(1, 24), driven=st.booleans(), seed=st.integers(0, 10**6),
    length=st.floats(0.1, 60), gaps=st.lists(st.integers(1, 10**11), min_size=1, max_size=30),
)  # fmt: skip
def test_every_pair_is_accounted_for_and_none_is_used_when_too_old(
    gap: int, burst: int, driven: bool, seed: int, length: float, gaps: list[int]
) -> None:
    link = HARDWARE.link(length, 0.95)
    period = round(1.6 * 6 / link.rate * 1e12)
    releases = np.cumsum(np.array(gaps, dtype=np.int64)) + np.arange(len(gaps)) * period
    book = shots(
        link, releases, (gap, burst, driven), seed, period, np.random.default_rng(seed).random(len(gaps)) < 0.3
    )
    counts = book["counts"]
    assert (counts >= 0).all()
    spent = counts[:, [USED, LATE, EXPIRED, SACRIFICED]].sum()
    assert counts[:, GENERATED].sum() == spent + book["stored"]
    for use in (TRAINING, TESTING):
        in_stock = book["stored"] if use == TRAINING else 0
        assert counts[use, GENERATED] == counts[use, [USED, LATE, EXPIRED, SACRIFICED]].sum() + in_stock
    executed = book["werner"][book["on_time"]]
    oldest = 0.98 * (4 * 0.95 - 1) / 3 * np.exp(-2 * 3 * period * 1e-12 / 0.06)
    assert (executed >= oldest - 1e-12).all()
    assert counts[[TRAINING, TESTING], USED].sum() == 6 * book["on_time"].sum()
    assert book["stored"] <= min(24, max(gap, burst) + 15), "an attempt may herald a pair in each of its 16 modes"


def test_tests_find_the_error_rate_of_the_pairs_at_use() -> None:
    book = regime_r0((1, 14, True), 5, bursts=8000)
    expected = (1 - book["werner"][book["on_time"]].mean()) / 2
    tested, errors = book["tested"].sum(), book["errors"].sum()
    assert abs(errors / tested - expected) < 4 * np.sqrt(expected * (1 - expected) / tested)


def test_failures_before_success_are_geometric() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    tries = np.array([failures_before_success(rng, 0.1) + 1 for _ in range(40000)])
    assert abs(tries.mean() - 10) < 4 * np.sqrt(0.9) / 0.1 / 200
    assert (tries <= 20).mean() == pytest.approx(0.878423345, abs=4 * np.sqrt(0.88 * 0.12 / 40000))


@pytest.mark.parametrize(("fidelity", "bits_per_pair"), [(0.83, 0.0), (0.84, 0.020442), (1.0, 1.0)])
@pytest.mark.parametrize("legs", [1, 2])
def test_pairs_of_an_end_to_end_fidelity_yield_exactly_their_key(
    fidelity: float, bits_per_pair: float, legs: int
) -> None:
    """Memories that keep for ever, and a perfect swap of two equal links."""
    werner = ((4 * fidelity - 1) / 3) ** (1 / legs)
    row = HARDWARE.link(2.0, 0.96).row()
    row[3], row[4] = (1 + 3 * werner) / 4, 1e30
    counts, leg_counts = np.zeros(5, np.int64), np.zeros(5, np.int64)
    bits = run_key_path(
        np.random.Generator(np.random.Philox(3)), np.stack([row] * legs), 1.0, 0, 10**11, 1e12, 8,
        np.full(2, 10**12), False, counts, leg_counts, np.zeros(2),
    )  # fmt: skip
    column = USED if bits_per_pair else EXPIRED
    assert counts[column] > 500
    assert counts[GENERATED] == counts[USED] + counts[EXPIRED]
    assert bits == pytest.approx(counts[USED] * bits_per_pair, rel=3e-5, abs=1e-9)


@settings(max_examples=40)
@given(
    legs=st.integers(1, 2), driven=st.booleans(), seed=st.integers(0, 10**6), wanted=st.floats(0, 400),
    slots=st.integers(1, 24), age=st.integers(10**7, 10**10),
)  # fmt: skip
def test_a_key_path_accounts_for_every_pair_of_its_links(
    legs: int, driven: bool, seed: int, wanted: float, slots: int, age: int
) -> None:
    rows = np.stack([HARDWARE.link(2.0, 0.96).row(), HARDWARE.link(0.5, 0.98).row()])[:legs]
    counts, leg_counts = np.zeros((3, 5), np.int64), np.zeros(5, np.int64)
    bits = run_key_path(
        np.random.Generator(np.random.Philox(seed)), rows, 0.98, 0, 5 * 10**10, wanted, slots, np.full(2, age), driven,
        counts[AUTHENTICATION], leg_counts, np.zeros(2),
    )  # fmt: skip
    for row in (counts[AUTHENTICATION], leg_counts):
        assert row[GENERATED] == row[USED] + row[EXPIRED]
    if legs == 2:
        assert counts[AUTHENTICATION, USED] == leg_counts[USED]
    best = float(key_rate(0.96 if legs == 1 else float(swapped_fidelity(0.96, 0.98))))
    assert bits <= counts[AUTHENTICATION, USED] * best + 1e-9
    if driven:
        assert bits < wanted + 1


def certain(modes: int) -> LinkParameters:
    """A link whose every attempt heralds a pair in each of its modes."""
    return LinkParameters(1.0, 10**7, modes, 1.0, 0.97, 0.06)


@settings(max_examples=40)
@given(
    modes=st.integers(1, 16), slots=st.integers(6, 24), burst=st.integers(1, 24), seed=st.integers(0, 10**6),
    age=st.integers(2 * 10**7, 10**9),
)  # fmt: skip
def test_every_pair_that_a_made_attempt_heralds_is_generated(
    modes: int, slots: int, burst: int, seed: int, age: int
) -> None:
    releases = np.cumsum(np.random.default_rng(seed).integers(10**8, 3 * 10**8, 20))
    books = ShotBooks(
        np.zeros((3, 5), np.int64), np.zeros(20, bool), np.zeros((20, 6)), np.zeros(3, np.int64),
        np.zeros(3, np.int64), np.zeros((20, 2)),
    )  # fmt: skip
    stored = run_shots(
        np.random.Generator(np.random.Philox(seed)), link_model(certain(modes), 0.98),
        ShotDemand(0, releases, np.zeros(20, bool), 6, 10**8, age, 10**8, 1),
        stock_rule(StockPolicy(0, min(burst, slots), True), slots), books,
    )  # fmt: skip
    row = books.counts[TRAINING]
    assert row[GENERATED] > 0 and row[GENERATED] % modes == 0
    assert row[GENERATED] == row[USED] + row[EXPIRED] + stored


@settings(max_examples=40)
@given(
    modes=st.integers(1, 16), legs=st.integers(1, 2), slots=st.integers(1, 12), driven=st.booleans(),
    wanted=st.floats(0, 50),
)  # fmt: skip
def test_every_pair_that_a_key_path_heralds_is_generated(
    modes: int, legs: int, slots: int, driven: bool, wanted: float
) -> None:
    rows = np.stack([certain(modes).row()] * legs)
    counts, leg_counts = np.zeros(5, np.int64), np.zeros(5, np.int64)
    run_key_path(
        np.random.Generator(np.random.Philox(1)), rows, 0.98, 0, 10**9, wanted, slots, np.full(2, 10**8), driven,
        counts, leg_counts, np.zeros(2),
    )  # fmt: skip
    for row in (counts, leg_counts):
        assert row[GENERATED] % modes == 0
        assert row[GENERATED] == row[USED] + row[EXPIRED]
    assert (counts[GENERATED] > 0) == (wanted > 0 or not driven)
