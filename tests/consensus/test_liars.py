"""Liars who once stopped, or tried to mislead, whole replicas: with real keys, tags, echoes and values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from ceas_ray.consensus.chain_head import AgreedModel, ChainHead
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.echoes import SKIP, Echoes, report_item, update_item
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.value_store import NamedInputs, ValueStore
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages import payloads
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import Channel, FrameKind, digest_of, encode_update
from ceas_ray.messages.payloads import processor_name, replica_name
from ceas_ray.messages.quorum import Quorums
from tests.consensus.committee import DELTA, OPENS, PLENTY, PROCESSORS, Network, make_replica

STARTS, VIEW = OPENS + DELTA, (VIEW_TIMER_DELTAS + 1) * DELTA
"""View 0 begins one Delta after the Echoes; each view without a decision lasts so long."""
REPORT = payloads.TestReport(round_index=0, tested=np.ones((PROCESSORS, 3)), errors=np.zeros((PROCESSORS, 3)))
NOTHING = ((-1, b""), (-1, b""), (-1, b""))
VOTE1, VOTE2, VOTE3 = FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3
Early = Callable[[int, int, FrameKind, int], bool]
Lost = Callable[[int, int, Frame], bool]


PRIVATE = encode_update(np.full(2, 77), 1, 1)


def update_of(processor: int) -> bytes:
    """As processors of a `Network` send it in round 0."""
    return encode_update(np.full(2, 1 + processor), 1, 1)


def values_over(inputs: Inputs) -> ValueStore:
    """What anybody can make of these inputs in round 0."""
    head = ChainHead(AgreedModel((np.zeros(2), 0), ()))
    return ValueStore(make_replica(0, 4)._protocol, 0, inputs=inputs, echoes=Echoes(Quorums(4)), head=head)


def body_of(*contents: tuple[int, bytes]) -> bytes:
    """The value of round 0 that these updates make, as everybody computes it."""
    inputs = Inputs(PROCESSORS, 2, ())
    for _, content in contents:
        inputs.keep(content)
    inputs.take_report(REPORT)
    values = values_over(inputs)
    entries = tuple((k, digest_of(content)) for k, content in contents)
    body = values.body_of(values.value_of(NamedInputs(entries, digest_of(encode(REPORT)), ())))
    assert body is not None
    return body


def skip_body() -> bytes:
    """SKIP in round 0."""
    values = values_over(Inputs(PROCESSORS, 2, ()))
    body = values.body_of(values.skip())
    assert body is not None
    return body


def of_processors(*processors: int) -> bytes:
    return body_of(*((k, update_of(k)) for k in processors))


class HeldNetwork(Network):
    """Replica 0 lies. Until the calm only Echoes, what serves catching up, requests for views and what `early` names
    reach the others; everything else comes one Delta after the calm."""

    def __init__(self, early: Early, calm: int) -> None:
        self._early, self._calm = early, calm
        super().__init__(4, silent=frozenset({0}))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if isinstance(payload, Frame) and sender.startswith("replica/") and self.now < self._calm:
            who, kind = int(sender.rpartition("/")[2]), FrameKind(payload.kind)
            voting = kind in (FrameKind.PROPOSAL, FrameKind.SUGGEST, FrameKind.PROOF, *VOTES)
            if who and voting and not self._early(who, replica, kind, payload.view):
                at = self._calm + DELTA
        super().push(at, replica, sender, payload)


VOTES = (VOTE1, VOTE2, VOTE3, FrameKind.VOTE4)


def suggest(network: Network, leader: int, view: int, value: bytes) -> None:
    """A lie that calls the value safe: locked in view 0, voted for since."""
    evidence = ((8, value), (-1, b""), (0, value))
    network.hear(STARTS + view * VIEW - 2 * DELTA, 0, leader, FrameKind.SUGGEST, view, encode(evidence))


def three_locks(sender: int, to: int, kind: FrameKind, view: int) -> bool:
    if view == 0:
        both = {sender, to} == {1, 2} and kind in (VOTE1, VOTE2)
        return both or ((sender, to) == (2, 1) and kind == VOTE3)
    if view == 4:
        return ({sender, to} == {2, 3} and kind == FrameKind.PROOF) or ((sender, to) == (2, 3) and kind == VOTE1)
    shown = to in (1, 3) and kind == FrameKind.PROOF
    return view == 8 and (shown or ((sender, to) == (1, 3) and kind == VOTE1))


def propose(network: Network, view: int, body: bytes, to: tuple[int, ...], shown: bool) -> None:
    at = STARTS + view * VIEW + DELTA // 2
    for receiver in to:
        if shown:
            network.hear(at, 0, receiver, FrameKind.PROOF, view, encode(NOTHING))
        network.hear(at, 0, receiver, FrameKind.PROPOSAL, view, encode(body))


def vote(network: Network, kind: FrameKind, view: int, body: bytes, to: tuple[int, ...], delay: float) -> None:
    for receiver in to:
        at = STARTS + view * VIEW + round(delay * DELTA)
        network.hear(at, 0, receiver, kind, view, encode(digest_of(body)))


@pytest.mark.parametrize("lies", [True, False])
def test_three_values_locked_by_one_liar_cost_no_view_after_the_calm(lies: bool) -> None:
    """112 views passed without one vote 1 where Proofs had one alternative only."""
    full, w, a, b = (of_processors(*these) for these in ((0, 1, 2), (1, 2), (0, 2), (0, 1)))
    network = HeldNetwork(three_locks, STARTS + 8 * VIEW + 8 * DELTA)
    propose(network, 0, w, (1, 2), False)
    vote(network, VOTE1, 0, w, (1, 2), 2)
    vote(network, VOTE2, 0, w, (1, 2), 3)
    vote(network, VOTE3, 0, w, (1,), 4)
    propose(network, 4, a, (2, 3), True)
    vote(network, VOTE1, 4, a, (3,), 2)
    propose(network, 8, b, (1, 3), True)
    vote(network, VOTE1, 8, b, (3,), 2)
    for view in range(9, 30) if lies else ():
        if view % 4:
            suggest(network, view % 4, view, digest_of(full))
    network.run()
    voting = [replica._agreement.voting for replica in network.replicas]
    assert {decided.view for decided in network.decided.values()} == {9}
    assert {j for j, _ in network.decided} == {1, 2, 3}
    assert len(network.states()) == 1
    assert voting[1].state.votes[4].view in (0, 9), "the lock of view 0 was there"


def two_locks(sender: int, to: int, kind: FrameKind, view: int) -> bool:
    if view == 0:
        return ({sender, to} == {1, 2} and kind == VOTE1) or ((sender, to) == (2, 1) and kind == VOTE2)
    return view in (4, 8) and (
        ({sender, to} == {2, 3} and kind == FrameKind.PROOF) or ((sender, to) == (3, 2) and kind == VOTE1)
    )


class PrivateUpdate(HeldNetwork):
    """Processor 2 tells one replica something else, and the liar echoes that to it alone."""

    def __init__(self, whom: int, calm: int) -> None:
        self._whom = whom
        super().__init__(two_locks, calm)
        self.hear(OPENS + 1, 0, whom, FrameKind.ECHO, 0, encode((update_item(2, digest_of(PRIVATE)),)))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        is_update = isinstance(payload, Frame) and payload.kind == FrameKind.UPDATE
        if is_update and sender == processor_name(2) and replica == self._whom:
            liar = Channel(sender, replica_name(replica), chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
            liar.add_key_bits(PLENTY, PLENTY)
            payload = liar.seal(FrameKind.UPDATE, round_index=0, view=0, now=at, body=PRIVATE)
        super().push(at, replica, sender, payload)


@pytest.mark.parametrize("leader", [1, 2, 3])
def test_a_value_that_only_its_leader_finds_valid_costs_no_view_after_the_calm(leader: int) -> None:
    """B echoes, its own and a liar's, make it valid there, but Q propose. It lured every leader, for ever."""
    view = 8 + leader
    network = PrivateUpdate(leader, STARTS + (view - 1) * VIEW + 8 * DELTA)
    w, x, y = (of_processors(*these) for these in ((1, 2), (0, 2), (0, 1)))
    private = body_of((0, update_of(0)), (1, update_of(1)), (2, PRIVATE))
    propose(network, 0, w, (1, 2), False)
    vote(network, VOTE1, 0, w, (1, 2), 2)
    vote(network, VOTE2, 0, w, (1,), 3)
    for locked, body in ((4, x), (8, y)):
        propose(network, locked, body, (2, 3), True)
        vote(network, VOTE1, locked, body, (2,), 2)
    suggest(network, leader, view, digest_of(private))
    network.hear(STARTS + 7 * VIEW, 0, leader, FrameKind.PROPOSAL, 12, encode(private))
    network.run()
    valid_at = {j for j in (1, 2, 3) if digest_of(private) in network.replicas[j]._agreement.values.state.outcomes}
    assert valid_at == {leader}, "the lure was there"
    assert {decided.view for decided in network.decided.values()} == {view}
    assert {decided.digest for decided in network.decided.values()} < {*map(digest_of, (w, x, y))}
    assert {j for j, _ in network.decided} == {1, 2, 3}


@pytest.mark.parametrize("replicas", [4, 7])
def test_no_honest_replica_votes_for_a_wrong_aggregate_that_f_liars_push(replicas: int) -> None:
    """The leader of view 0 changes the aggregate's digest; all liars vote for its value in every phase."""
    faults = Quorums(replicas).faults
    liars = frozenset({0, *range(replicas - faults + 1, replicas)})
    network = Network(replicas, silent=liars)
    parts = list(decode(of_processors(0, 1, 2)))
    parts[-2] = digest_of(b"another aggregate")
    wrong = encode(tuple(parts))
    for to in set(range(replicas)) - liars:
        network.hear(STARTS + 1, 0, to, FrameKind.PROPOSAL, 0, encode(wrong))
        for liar in liars:
            for kind in VOTES:
                network.hear(STARTS + 2, liar, to, kind, 0, encode(digest_of(wrong)))
    network.run()
    assert {decided.view for decided in network.decided.values()} == {1}
    assert {j for j, _ in network.decided} == set(range(replicas)) - liars
    assert not [frame for frame in network.sent if frame.kind in VOTES and decode(frame.body) == digest_of(wrong)]


@pytest.mark.parametrize("replicas", [4, 7])
def test_a_good_round_costs_the_frames_of_the_specification(replicas: int) -> None:
    """N n updates, 6 n (n - 1) + (n - 1) between replicas, N B models."""
    network = Network(replicas)
    network.run()
    among = 6 * replicas * (replicas - 1) + replicas - 1
    assert len(network.sent) == among + Quorums(replicas).blocking * PROCESSORS


def test_a_round_without_keys_between_two_replicas_is_decided_after_the_refill_not_skipped() -> None:
    keys = np.full((4, 4), 30_000)
    for one, other in combinations((1, 2, 3), 2):
        if other == 3:
            keys[one, other] = keys[other, one] = 0
    for refilled in (False, True):
        network = Network(4, silent=frozenset({0}), key_bits=keys)
        if refilled:
            network.refill(300 * DELTA, 0, 30_000)
        network.run()
        assert {j for j, _ in network.decided} == ({1, 2, 3} if refilled else set())
        assert not any(decided.skipped for decided in network.decided.values())
        assert len(network.states()) == 1


def test_bodies_that_a_liar_proposes_out_of_turn_or_twice_are_not_kept() -> None:
    """Each costs a key of the liar's own links, and cost memory for the round at everybody else's."""
    network, bodies = Network(4, silent=frozenset({1})), [b"junk %d" % k for k in range(6)]
    for view, body in zip((0, 2, 3, 1, 1, 5), bodies, strict=True):
        network.hear(OPENS + 10 + bodies.index(body), 1, 0, FrameKind.PROPOSAL, view, encode(body))
    network.run()
    kept = [network.replicas[0].body_of(digest_of(body)) for body in bodies]
    assert kept == [None, None, None, bodies[3], None, bodies[5]]
    assert len(network.decided) == 3


def test_later_echoes_of_a_replica_add_to_its_first_one() -> None:
    echoes = Echoes(Quorums(4))
    first, second = update_item(0, b"a"), report_item(b"r")
    assert echoes.take(1, [first]) == echoes.take(2, [second]) == []
    assert echoes.take(1, [second]) == [second]
    assert echoes.take(2, [first]) == [first]


def test_a_view_change_of_a_liar_and_one_other_ends_no_view_while_inputs_are_open() -> None:
    """Two of four ask for view 1 before replica 2 and 3 close; the view is entered by those alone who have closed."""
    network = Network(4, silent=frozenset({0}))
    for to in (1, 2, 3):
        network.hear(OPENS // 2, 0, to, FrameKind.VIEW_CHANGE, 1, encode(None))
    network.run()
    times = network.decide_times()
    assert set(times) == {1, 2, 3}
    assert {decided.view for decided in network.decided.values()} == {1}
    assert max(times.values()) <= 12 + 7


class LossyNetwork(Network):
    """Replica 0 lies. Until the network heals, the frames that `is_lost` names by sender and receiver are lost."""

    def __init__(self, is_lost: Lost, heals: int, without_update: int | None = None) -> None:
        """without_update: a replica that processor 2 tells nothing."""
        self._is_lost, self._heals, self._without = is_lost, heals, without_update
        super().__init__(4, silent=frozenset({0}))
        for to in (1, 2, 3):
            self.hear(OPENS + 1, 0, to, FrameKind.ECHO, 0, encode(()))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if not (isinstance(payload, Frame) and self._drops(sender, replica, payload)):
            super().push(at, replica, sender, payload)

    def _drops(self, sender: str, replica: int, frame: Frame) -> bool:
        kind, _, number = sender.partition("/")
        if kind == "processor":
            return (int(number), replica) == (2, self._without)
        return self.now < self._heals and self._is_lost(int(number), replica, frame)

    def let_decide_alone(self, alone: int, at: int, body: bytes, believers: tuple[int, int]) -> None:
        """The liar proposes a value to two replicas, votes for it, and lets one replica alone have Q votes 4."""
        for to in believers:
            self.hear(at, 0, to, FrameKind.PROPOSAL, 0, encode(body))
            for kind in (VOTE1, VOTE2, VOTE3):
                self.hear(at, 0, to, kind, 0, encode(digest_of(body)))
        self.hear(at, 0, alone, FrameKind.VOTE4, 0, encode(digest_of(body)))

    def assert_all_decide_after_the_one(self, alone: int, body: bytes) -> None:
        self.run()
        times = self.decide_times()
        assert {j for j, _ in self.decided} == {*times} == {1, 2, 3}
        assert {decided.digest for decided in self.decided.values()} == {digest_of(body)}
        assert times.pop(alone) < VIEW / DELTA < (self._heals - OPENS) / DELTA < min(times.values())


@pytest.mark.parametrize("heals", [OPENS + 20 * DELTA, OPENS + 70 * DELTA])
def test_one_that_a_liar_lets_decide_alone_says_its_echoes_again_to_who_lost_them(heals: int) -> None:
    """Only replicas 1 and 3 have an update, and the decision rests on it: without the echo of 1, which was lost, 2 can
    never find it valid. A decision was all that 1 still told, and nobody else ever decided."""
    network = LossyNetwork(lambda sender, receiver, frame: (sender, receiver) == (1, 2), heals, without_update=2)
    body = of_processors(0, 1, 2)
    network.let_decide_alone(1, OPENS + 2 * DELTA, body, (1, 3))
    network.assert_all_decide_after_the_one(1, body)


@pytest.mark.parametrize("heals", [OPENS + 20 * DELTA, OPENS + 70 * DELTA])
def test_one_that_a_liar_lets_decide_alone_asks_for_the_echoes_that_it_lost(heals: int) -> None:
    """Replica 1 has all inputs and decides SKIP, which 2 and 3 echo, but it did not hear that: nobody can propose SKIP
    before 1 echoes it, too. It asked nobody, since it had decided."""

    def is_lost(sender: int, receiver: int, frame: Frame) -> bool:
        if frame.kind != FrameKind.ECHO:
            return False
        return sender == 1 or (receiver == 1 and SKIP in decode(frame.body))

    network = LossyNetwork(is_lost, heals)
    body = skip_body()
    network.let_decide_alone(1, OPENS + 6 * DELTA, body, (2, 3))
    network.assert_all_decide_after_the_one(1, body)
    assert {decided.skipped for decided in network.decided.values()} == {True}
