"""The ledger of keys: what honest parties have is known or underestimated, whatever liars claim; reserves are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ceas_ray.entanglement.key_ledger import RESERVED_REQUESTS, RESERVED_VIEWS, ROUNDS_PER_REQUEST, KeyLedger
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.frames import RESERVE_FRAMES
from ceas_ray.messages.payloads import processor_name, replica_name
from tests.entanglement.demands import demand
from tests.messages.decisions import a_decision

PROCESSORS, REPLICAS, ROUNDS = 2, 4, 4
NAMES = [*map(processor_name, range(PROCESSORS)), *map(replica_name, range(REPLICAS))]
PATHS = [(processor_name(k), replica_name(j)) for k in range(PROCESSORS) for j in range(REPLICAS)] + [
    (replica_name(i), replica_name(j)) for j in range(REPLICAS) for i in range(j)
]
DIRECTIONS = [*PATHS, *((b, a) for a, b in PATHS)]
LIAR = replica_name(3)
HONEST = [replica_name(j) for j in range(3)]


def ledger_of(rounds: int = ROUNDS, **changes: Any) -> KeyLedger:
    return KeyLedger(demand(**changes), range(PROCESSORS), REPLICAS, rounds)


def report_of(sends: NDArray[np.int64], receives: NDArray[np.int64]) -> RoundDecided:
    return a_decision(0, key_bits=np.stack([sends, receives]))


@dataclass
class Parties:
    """What the parties hold, counted apart from the ledger: bits to send with, by sender and receiver."""

    bits: dict[tuple[str, str], int] = field(default_factory=lambda: dict.fromkeys(DIRECTIONS, 0))
    handed: int = 0

    def take(self, handed: list[tuple[str, NDArray[np.int64]]]) -> None:
        """Take what the ledger hands out; what one end may send with, the other may receive with."""
        sends: dict[tuple[str, str], int] = {}
        receives: dict[tuple[str, str], int] = {}
        for name, bits in handed:
            peers = NAMES[PROCESSORS:] if name.startswith("processor") else NAMES
            for peer, sent, received in zip(peers, *bits.tolist(), strict=True):
                sends[name, peer], receives[peer, name] = sent, received
        for ends in DIRECTIONS:
            assert sends[ends] == receives[ends] >= 0
            self.bits[ends] += sends[ends]
            self.handed += sends[ends]

    def report(self, replica: str) -> RoundDecided:
        """What an honest replica says that it has left."""
        sends = [self.bits.get((replica, name), 0) for name in NAMES]
        receives = [self.bits.get((name, replica), 0) for name in NAMES]
        return report_of(np.array(sends), np.array(receives))


@dataclass(frozen=True)
class Round:
    """Of every path how much of what is wanted it distils; of every direction the share of its allowance that it
    spends; who reports; views that passed; what the liar claims; whether a refill comes in between."""

    yields: list[float]
    shares: list[float]
    reporters: set[str]
    views: int
    claims: list[int] | None
    refill: bool


rounds = st.lists(
    st.builds(
        Round,
        yields=st.lists(st.sampled_from([0.0, 0.3, 1.0, 1.07, 1.9]), min_size=len(PATHS), max_size=len(PATHS)),
        shares=st.lists(st.floats(0, 1), min_size=len(DIRECTIONS), max_size=len(DIRECTIONS)),
        reporters=st.sets(st.sampled_from(HONEST)), views=st.integers(0, 3),
        claims=st.none() | st.lists(st.integers(0, 2**62), min_size=len(NAMES), max_size=len(NAMES)),
        refill=st.booleans(),
    ), min_size=1, max_size=ROUNDS,
)  # fmt: skip


def allowance(ledger: KeyLedger, ends: tuple[str, str], round_index: int, views: int) -> int:
    """Bits that a good round and so many changes of view cost at most, or after one a request or its answer."""
    change = (ledger.reserve(*ends, ROUNDS)) // RESERVED_VIEWS
    asked = 0 if change or views == 0 else demand().bits(1)
    return ledger.good_round(*ends, round_index) + asked + views * change


def distil(ledger: KeyLedger, round_index: int, yields: list[float]) -> float:
    stored = 0.0
    for (a, b), share in zip(PATHS, yields, strict=True):
        bits = ledger.wanted(a, b, round_index) * share
        ledger.store(a, b, bits)
        stored += bits
    return stored


def play(ledger: KeyLedger, parties: Parties, played: list[Round]) -> float:
    """Run the rounds against the ledger; returns all bits that were distilled."""
    distilled = distil(ledger, -1, [1.0] * len(PATHS))
    ledger.begin_round(0)
    for index, now in enumerate(played):
        parties.take(ledger.hand_out_all())
        for ends, share in zip(DIRECTIONS, now.shares, strict=True):
            parties.bits[ends] -= min(parties.bits[ends], int(share * allowance(ledger, ends, index, now.views)))
        distilled += distil(ledger, index, now.yields)
        if now.refill:
            distilled += distil(ledger, -2, now.yields)
            parties.take(ledger.hand_out_all())
        for name in sorted(now.reporters):
            ledger.report(name, parties.report(name))
        if now.claims is not None:
            ledger.report(LIAR, report_of(np.array(now.claims), np.array(now.claims[::-1])))
        ledger.end_round(index, now.views)
        ledger.begin_round(index + 1)
    return distilled


@given(played=rounds)
def test_every_bit_is_distilled_once_and_handed_out_once(played: list[Round]) -> None:
    ledger, parties = ledger_of(), Parties()
    distilled = play(ledger, parties, played)
    assert np.isclose(ledger.state.distilled, distilled, rtol=1e-12)
    assert np.isclose(parties.handed + sum(ledger.state.new.values()), distilled, rtol=1e-12)


@given(played=rounds)
def test_honest_parties_have_at_least_what_the_ledger_counts_on(played: list[Round]) -> None:
    ledger, parties = ledger_of(), Parties()
    play(ledger, parties, played)
    counted = {ends: ledger.between(*ends) for ends in DIRECTIONS}
    parties.take(ledger.hand_out_all())
    for a, b in DIRECTIONS:
        if LIAR not in (a, b):
            assert 0 <= counted[a, b] <= parties.bits[a, b]
            if a in played[-1].reporters:
                assert counted[a, b] == parties.bits[a, b]


@given(played=rounds, other=st.integers(0, 2**62))
def test_a_liar_moves_the_books_of_its_own_paths_alone(played: list[Round], other: int) -> None:
    one, two = ledger_of(), ledger_of()
    play(one, Parties(), played)
    lies = [
        Round(r.yields, r.shares, r.reporters, r.views, None if r.claims else [other] * len(NAMES), r.refill)
        for r in played
    ]
    play(two, Parties(), lies)
    for a, b in DIRECTIONS:
        if LIAR not in (a, b):
            assert one.between(a, b) == two.between(a, b)
            assert one.wanted(a, b, 1) == two.wanted(a, b, 1)


@given(played=rounds, index=st.integers(0, ROUNDS - 1))
def test_nobody_gets_more_than_a_reserve_distilled_and_nothing_for_rounds_that_do_not_come(
    played: list[Round], index: int
) -> None:
    ledger = ledger_of()
    play(ledger, Parties(), played)
    for a, b in PATHS:
        assert 0 <= ledger.wanted(a, b, index) <= ledger.reserve(a, b, index + 1) + ledger.reserve(b, a, index + 1)
        assert ledger.wanted(a, b, ROUNDS - 1) == 0


@given(shares=st.lists(st.floats(0, 1), min_size=len(DIRECTIONS), max_size=len(DIRECTIONS)), finite=st.booleans())
def test_who_distils_what_is_wanted_begins_every_round_with_its_reserve(shares: list[float], finite: bool) -> None:
    ledger, parties = ledger_of(finite_keys=finite), Parties()
    good = Round([1.0] * len(PATHS), shares, set(HONEST), 0, None, refill=False)
    play(ledger, parties, [good] * (ROUNDS - 1))
    parties.take(ledger.hand_out_all())
    for a, b in DIRECTIONS:
        if LIAR not in (a, b):
            assert parties.bits[a, b] >= ledger.reserve(a, b, ROUNDS - 1) - 1, "a part of a bit may wait for the rest"


def good_rounds(ledger: KeyLedger, rounds: range, spent: set[tuple[str, str]]) -> list[dict[tuple[str, str], float]]:
    """Play rounds in which every direction spends what a good one does, but these all they have; all that is wanted is
    distilled. Return what paths wanted in each."""
    parties, found = Parties(), []
    for ends in DIRECTIONS:
        parties.bits[ends] = int(ledger.state.left.get(ends, 0))
    for index in rounds:
        ledger.begin_round(index)
        parties.take(ledger.hand_out_all())
        wanted = {(a, b): ledger.wanted(a, b, index) for a, b in PATHS}
        distil(ledger, index, [1.0] * len(PATHS))
        for ends in DIRECTIONS:
            parties.bits[ends] -= parties.bits[ends] if ends in spent else ledger.good_round(*ends, index)
        for name in NAMES[PROCESSORS:]:
            ledger.report(name, parties.report(name))
        ledger.end_round(index, 0)
        found.append(wanted)
    return found


@given(finite=st.booleans(), fresh=st.booleans(), of_replica=st.booleans())
def test_who_spends_all_its_keys_in_every_round_lengthens_no_slot_by_more_than_two_fifths(
    finite: bool, fresh: bool, of_replica: bool
) -> None:
    insatiable = replica_name(3) if of_replica else processor_name(0)
    ledger = ledger_of(30, finite_keys=finite, fresh_hash_keys=fresh)
    distil(ledger, -1, [1.0] * len(PATHS))
    spent = {ends for ends in DIRECTIONS if insatiable in ends and "processor" in "".join(ends)}
    block = 2 * demand(fresh_hash_keys=fresh).bits(1)
    for index, wanted in enumerate(good_rounds(ledger, range(28), spent)):
        for a, b in PATHS[: PROCESSORS * REPLICAS]:
            good = ledger.good_round(a, b, index) + ledger.good_round(b, a, index)
            assert wanted[a, b] <= (block if finite else 1.4 * good + 1e-9)


def test_a_processor_that_needed_answers_has_its_whole_reserve_again_after_some_good_rounds() -> None:
    ledger, rounds_needed = ledger_of(60), RESERVED_REQUESTS * ROUNDS_PER_REQUEST
    distil(ledger, -1, [1.0] * len(PATHS))
    good_rounds(ledger, range(3), {ends for ends in DIRECTIONS if processor_name(0) in ends})
    good_rounds(ledger, range(3, 4 + 2 * rounds_needed), set())
    for a, b in PATHS:
        for ends in ((a, b), (b, a)):
            assert ledger.between(*ends) >= ledger.reserve(*ends, 20) - 1, "a part of a bit may wait for the rest"


@given(claims=st.lists(st.integers(0, 2**62), min_size=len(NAMES), max_size=len(NAMES)), spoilt=st.booleans())
def test_a_liar_talks_nobody_else_out_of_its_keys(claims: list[int], spoilt: bool) -> None:
    ledger, parties = ledger_of(), Parties()
    distil(ledger, -1, [1.0] * len(PATHS))
    parties.take(ledger.hand_out_all())
    assert ledger.keyed_replicas() == REPLICAS
    ledger.report(LIAR, report_of(np.array(claims), np.array(claims)))
    assert ledger.keyed_replicas() >= REPLICAS - 1
    if spoilt:  # an honest replica that has spent all is not counted, whatever the liar says of it
        poor = HONEST[0]
        for name in NAMES:
            parties.bits[poor, name] = 0
        ledger.report(poor, parties.report(poor))
        ledger.report(LIAR, report_of(np.full(len(NAMES), 2**62), np.full(len(NAMES), 2**62)))
        assert ledger.keyed_replicas() == REPLICAS - 1
        assert ledger.between(poor, HONEST[1]) < demand().bits(RESERVE_FRAMES)


@given(played=rounds)
def test_a_restored_ledger_goes_on_as_if_nothing_had_been(played: list[Round]) -> None:
    ledger, again = ledger_of(), ledger_of()
    play(ledger, Parties(), played)
    again.restore(decode(encode(ledger.snapshot())))
    assert [again.between(*ends) for ends in DIRECTIONS] == [ledger.between(*ends) for ends in DIRECTIONS]
    assert encode(again.snapshot()) == encode(ledger.snapshot())
