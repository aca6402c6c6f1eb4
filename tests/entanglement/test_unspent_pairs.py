"""Pairs behind unspent key bits: every pair is stock until its share of its batch is spent, whatever the order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.entanglement.unspent_pairs import UnspentPairs
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.observations import KeyBatch

PARTIES = ("processor/0", "processor/1", "replica/0", "replica/1")
PATHS = [("processor/0", "replica/0"), ("processor/1", "replica/0"), ("replica/1", "replica/0")]

batches = st.lists(
    st.tuples(st.sampled_from(PATHS), st.integers(0, 5000), st.floats(0.01, 1000)).map(
        lambda b: KeyBatch(one=b[0][0], other=b[0][1], pairs=b[1], bits=b[2])
    ),
    max_size=4,
)
frames = st.lists(st.tuples(st.sampled_from(PATHS), st.booleans(), st.integers(0, 700)), max_size=6)


def spent_pairs(stored: Iterable[KeyBatch], path: tuple[str, str], bits: float) -> float:
    """Count again: how many pairs of a path are used when so many of its bits are spent, the oldest first."""
    used = 0.0
    for batch in stored:
        if (batch.one, batch.other) == path:
            used += batch.pairs * min(1.0, bits / batch.bits)
            bits = max(0.0, bits - batch.bits)
    return used


@given(steps=st.lists(st.tuples(batches, frames, st.sets(st.sampled_from(PARTIES))), max_size=6))
def test_what_is_generated_for_keys_is_used_or_stored(
    steps: list[tuple[list[KeyBatch], list[tuple[tuple[str, str], bool, int]], set[str]]],
) -> None:
    """Parties in the third part of a step are down: the driver sees no totals of theirs."""
    ledger, stored = UnspentPairs(), list[KeyBatch]()
    totals = {party: dict[str, int]() for party in PARTIES}
    seen = dict[tuple[str, str], int]()
    for made, sent, down in steps:
        ledger.store(made)
        stored += made
        for (one, other), forth, bits in sent:
            sender, receiver = (one, other) if forth else (other, one)
            have = sum(batch.bits for batch in stored if (batch.one, batch.other) == (one, other))
            have -= totals[one].get(other, 0) + totals[other].get(one, 0)
            bits = min(bits, int(have))  # nobody spends what was not distilled
            totals[sender][receiver] = totals[sender].get(receiver, 0) + bits
        told = {party: dict(by_peer) for party, by_peer in totals.items() if party not in down}
        ledger.spend(told)
        seen |= {(sender, peer): bits for sender, by_peer in told.items() for peer, bits in by_peer.items()}
        used = [spent_pairs(stored, (a, b), seen.get((a, b), 0) + seen.get((b, a), 0)) for a, b in PATHS]
        assert ledger.pairs == pytest.approx(sum(batch.pairs for batch in stored) - sum(used), abs=0.5 + 1e-6)
        assert ledger.bits_spent == sum(seen.values())


@given(made=batches, sent=frames)
def test_a_snapshot_holds_the_whole_ledger(
    made: list[KeyBatch], sent: Sequence[tuple[tuple[str, str], bool, int]]
) -> None:
    ledger, again = UnspentPairs(), UnspentPairs()
    ledger.store(made)
    again.restore(decode(encode(ledger.snapshot())))
    for one in (ledger, again):
        for path, _, bits in sent:
            one.spend({path[0]: {path[1]: bits}})
    assert (again.pairs, again.bits_spent) == (ledger.pairs, ledger.bits_spent)


def test_bits_spent_beyond_what_was_distilled_take_no_pairs_of_another_path() -> None:
    ledger = UnspentPairs()
    ledger.store(
        [
            KeyBatch(one="processor/0", other="replica/0", pairs=10, bits=100.0),
            KeyBatch(one="processor/1", other="replica/0", pairs=10, bits=100.0),
        ]
    )
    ledger.spend({"processor/0": {"replica/0": 10**9}})
    assert ledger.pairs == 10


def test_what_one_party_spends_counts_while_the_other_is_down() -> None:
    ledger = UnspentPairs()
    ledger.store([KeyBatch(one="replica/0", other="replica/1", pairs=100, bits=100.0)])
    ledger.spend({"replica/0": {"replica/1": 40}, "replica/1": {"replica/0": 10}})
    assert ledger.pairs == 50
    ledger.spend({"replica/0": {"replica/1": 0}, "replica/1": {"replica/0": 30}})
    assert (ledger.pairs, ledger.bits_spent) == (30, 70)
    ledger.spend({"replica/0": {"replica/1": 45}, "replica/1": {"replica/0": 30}})
    assert (ledger.pairs, ledger.bits_spent) == (25, 75)


@given(totals=st.lists(st.integers(0, 50), min_size=1, max_size=8))
def test_used_pairs_never_become_stock_again(totals: list[int]) -> None:
    ledger, before = UnspentPairs(), 200
    ledger.store([KeyBatch(one="replica/0", other="replica/1", pairs=200, bits=130.0)])
    for total in totals:
        ledger.spend({"replica/0": {"replica/1": total}})
        assert ledger.pairs <= before
        before = ledger.pairs
