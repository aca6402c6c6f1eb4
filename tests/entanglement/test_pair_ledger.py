"""The pair ledger: what reports say is booked once, and nothing is lost between two observations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.entanglement.key_paths import KeyPath
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.observations import KeyBatch
from ceas_ray.messages.pair_books import AUTHENTICATION, EXPIRED, GENERATED, TRAINING, USED
from ceas_ray.messages.payloads import PlanFinished
from tests.entanglement.parts import LINE, PROCESSORS, pair_ledger_of, star

PAIRS = st.integers(0, 1000)


def finished(
    used: int = 30, key_pairs: int = 8, bits: float = 5.0, stored: int = 2, round_index: int = 0
) -> PlanFinished:
    """Of processor 1 on a star: `used` pairs in one shot and `stored` in stock; a key path with replica 0."""
    counts = np.zeros((2, 3, 5), np.int64)
    counts[0, TRAINING, [GENERATED, USED]] = used + stored, used
    counts[:, AUTHENTICATION, GENERATED] = counts[:, AUTHENTICATION, USED] = key_pairs
    return PlanFinished(
        round_index=round_index, link="link/processor/1", links=(1, PROCESSORS), link_counts=counts,
        link_stored=np.array([stored, 0]), shots=1, shots_on_time=1, key_peers=("replica/0",),
        key_pairs=np.array([key_pairs]), key_bits=np.array([bits]), attenuation=np.full(7, 0.5), trace=b"",
    )  # fmt: skip


@given(st.lists(st.builds(finished, PAIRS, PAIRS, st.sampled_from([0.0, 3.5]), PAIRS), max_size=5), PAIRS)
def test_every_generated_pair_is_accounted_for(reports: list[PlanFinished], left: int) -> None:
    """generated = used + late + expired + sacrificed + stored, what was in stock before included."""
    ledger = pair_ledger_of(star())
    ledger.book(finished(stored=left))
    ledger.close()
    for report in reports:
        ledger.book(report)
    books = ledger.close()
    counts = books.counts
    assert counts[:, GENERATED].sum() + left == counts[:, USED:].sum() + books.stored
    assert books.shots == books.shots_on_time == len(reports)


def test_pairs_behind_key_bits_are_used_on_both_links_of_a_swapped_path() -> None:
    ledger = pair_ledger_of(star())
    assert ledger.book(finished(key_pairs=8, bits=5.0)) == [(KeyPath("processor/1", 0), 5.0)]
    books = ledger.close()
    assert books.counts[AUTHENTICATION].tolist() == [16, 16, 0, 0, 0]
    assert books.link_books[[1, PROCESSORS], AUTHENTICATION, USED].tolist() == [8, 8]
    assert books.key_batches == (KeyBatch(one="processor/1", other="replica/0", pairs=16, bits=5.0),)
    assert books.key_bits == 5.0


def test_pairs_of_a_block_without_key_have_expired() -> None:
    ledger = pair_ledger_of(star())
    assert ledger.book(finished(key_pairs=8, bits=0.0)) == []
    books = ledger.close()
    assert books.counts[AUTHENTICATION].tolist() == [16, 0, 0, 16, 0]
    assert books.link_books[[1, PROCESSORS], AUTHENTICATION].tolist() == [[8, 0, 0, 8, 0, 0]] * 2
    assert books.key_batches == ()


def test_a_small_block_yields_no_finite_key() -> None:
    ledger = pair_ledger_of(star(), finite_keys=True)
    assert ledger.book(finished(key_pairs=8, bits=5.0)) == []
    ((_, bits),) = ledger.book(finished(key_pairs=200_000, bits=150_000.0))
    assert 0 < bits < 150_000


def test_what_is_left_in_stock_expires_in_the_books_after() -> None:
    ledger = pair_ledger_of(star())
    ledger.book(finished(stored=7))
    assert ledger.close().stored == 7
    after = ledger.close()
    assert after.stored == 0
    assert after.counts.tolist() == [[0, 0, 0, 7, 0], [0] * 5, [0] * 5]


def test_contrast_is_the_mean_over_processors_of_rounds_and_not_of_the_warm_up() -> None:
    ledger = pair_ledger_of(star())
    ledger.book(finished(round_index=-1))
    assert not ledger.close().attenuation.any()
    for _ in range(6):
        ledger.book(finished())
    assert ledger.close().attenuation == pytest.approx(np.full(7, 0.5))


def test_routes_are_booked_on_every_physical_link() -> None:
    network = star(LINE)
    ledger = pair_ledger_of(network)
    links = network.processor_routes[1].links
    counts = np.zeros((len(links), 3, 5), np.int64)
    counts[:, TRAINING, [GENERATED, USED]] = 9, 6
    report = PlanFinished(
        round_index=0, link="link/processor/1", links=links, link_counts=counts, link_stored=np.full(len(links), 3),
        shots=1, shots_on_time=1, key_peers=(), key_pairs=np.zeros(0, np.int64), key_bits=np.zeros(0),
        attenuation=np.full(7, 0.5), trace=b"",
    )  # fmt: skip
    ledger.book(report)
    books = ledger.close()
    assert books.link_books[list(links), TRAINING].tolist() == [[9, 6, 0, 0, 0, 3]] * len(links)
    assert books.link_books.sum() == 18 * len(links)
    assert ledger.close().link_books[list(links), TRAINING, EXPIRED].tolist() == [3] * len(links)


def test_open_books_survive_a_snapshot() -> None:
    one, other = pair_ledger_of(star()), pair_ledger_of(star())
    one.book(finished())
    other.restore(decode(encode(one.snapshot())))
    for ledger in (one, other):
        ledger.book(finished(stored=1))
    assert encode(one.close()) == encode(other.close())
    assert encode(one.snapshot()) == encode(other.snapshot())
