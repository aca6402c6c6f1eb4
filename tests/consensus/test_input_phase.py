"""The input phase of real replicas: what reaches only some, late or twice; who closes when; cuts in its midst."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.consensus.echoes import SKIP, Item, accusation_item, update_item
from ceas_ray.consensus.fetching import Fetching
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages import payloads
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import PACED_FRAMES, Channel, FrameKind, digest_of, encode_update
from ceas_ray.messages.payloads import processor_name, replica_name
from tests.consensus.committee import DELTA, OPENS, PLENTY, PROCESSORS, Network, make_replica, up_to_f

TIMES_OUT = 2 * OPENS
WHEN = (0, OPENS - DELTA, TIMES_OUT, TIMES_OUT + 2 * DELTA)


class PartialNetwork(Network):
    """Updates and reports reach a replica as `arrives(what, replica)` says: a time, or None for never."""

    def __init__(self, replicas: int, arrives: Any, **rest: Any) -> None:
        self._arrives = arrives
        super().__init__(replicas, **rest)

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        what = None
        if isinstance(payload, payloads.TestReport):
            what = "report"
        elif isinstance(payload, Frame) and payload.kind == FrameKind.UPDATE:
            what = sender
        when = at if what is None else self._arrives(what, replica)
        if when is not None:
            super().push(max(at, when), replica, sender, payload)


def echoed(network: Network, replica: int) -> list[tuple[int, tuple[Item, ...]]]:
    """Every Echo of a replica to the next one, with its time in ps after inputs could close."""
    receiver = replica_name((replica + 1) % len(network.replicas))
    return [
        (f.sent_at - OPENS, decode(f.body)) for f in network.sent
        if f.kind == FrameKind.ECHO and f.sender == replica_name(replica) and f.receiver == receiver
    ]  # fmt: skip


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_an_update_that_reaches_b_replicas_is_amplified_fetched_and_decided(replicas: int) -> None:
    """Two of three processors are heard by B replicas only: without amplification they never have Q echoes."""
    heard_by = range((replicas - 1) // 3 + 1)

    def arrives(what: str, replica: int) -> int | None:
        return 0 if what in ("report", processor_name(0)) or replica in heard_by else None

    network = PartialNetwork(replicas, arrives)
    network.run()
    assert {j for j, _ in network.decided} == set(range(replicas))
    assert {(d.skipped, d.processors, d.view) for d in network.decided.values()} == {(False, (0, 1, 2), 0)}
    assert len(network.states()) == 1


@pytest.mark.parametrize("replicas", [4, 7])
def test_what_reaches_too_few_is_skipped_by_all_together(replicas: int) -> None:
    def arrives(what: str, replica: int) -> int | None:
        return 0 if what in ("report", processor_name(0)) or replica == 0 else None

    network = PartialNetwork(replicas, arrives)
    network.run()
    assert {(d.skipped, d.view) for d in network.decided.values()} == {(True, 0)}
    assert len(network.decided) == replicas
    said = {at for at, items in echoed(network, 1) if SKIP in items}
    assert said == {TIMES_OUT - OPENS + 4 * DELTA}, "judged 3 Delta after Echoes of Q replicas, not at the close"


def test_a_late_report_still_makes_the_round() -> None:
    network = PartialNetwork(4, lambda what, replica: TIMES_OUT + DELTA if what == "report" else 0)
    network.run()
    assert {d.skipped for d in network.decided.values()} == {False}
    assert len(network.decided) == 4


@given(replicas=st.sampled_from([4, 7]), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_whatever_inputs_reach_whom_and_when_all_decide_the_same(replicas: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    silent = up_to_f(draw, replicas)
    times = {
        (what, j): None if draw.random() < 0.3 else int(draw.choice(WHEN))
        for what in ("report", *map(processor_name, range(PROCESSORS))) for j in range(replicas)
    }  # fmt: skip
    network = PartialNetwork(replicas, lambda what, j: times[what, j], silent=silent)
    network.run()
    assert {j for j, _ in network.decided} == set(range(replicas)) - silent
    assert len({d.digest for d in network.decided.values()}) == len(network.states()) == 1
    assert max(network.decide_times().values()) < 20 + 12 * (len(silent) + 1) + 12
    network.assert_nobody_contradicted_itself()


class TwoVersions(Network):
    """Processor 0 tells replicas of odd index something else."""

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        is_update = isinstance(payload, Frame) and payload.kind == FrameKind.UPDATE
        if is_update and sender == processor_name(0) and replica % 2 == 1:
            liar = Channel(sender, replica_name(replica), chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
            liar.add_key_bits(PLENTY, PLENTY)
            payload = liar.seal(
                FrameKind.UPDATE,
                round_index=payload.round_index,
                view=0,
                now=at,
                body=encode_update(np.full(2, 99), 1, 1),
            )
        super().push(at, replica, sender, payload)


@pytest.mark.parametrize("replicas", [4, 7])
def test_an_equivocator_is_left_out_accused_by_echoes_and_named_in_the_next_value(replicas: int) -> None:
    network = TwoVersions(replicas)
    network.run()
    assert {(d.processors, d.quarantined, d.view) for d in network.decided.values()} == {((1, 2), (), 0)}
    for replica in network.replicas:
        assert replica._agreement.phase.accused() == (0,)
        assert replica._agreement.phase.echoes.is_proposable(accusation_item(0))


@pytest.mark.parametrize("replicas", [4, 7])
def test_f_liars_frame_nobody(replicas: int) -> None:
    faults = (replicas - 1) // 3
    node = make_replica(0, replicas)._agreement
    digest = digest_of(b"honest")
    node.phase.state.closed = True
    for honest in range(faults + 1, replicas):
        node.phase.echoes.take(honest, [update_item(0, digest)])
    for liar in range(1, faults + 1):
        node.phase.echoes.take(liar, [update_item(0, b"forged"), accusation_item(0)])
    assert 0 in node.phase.honest_so_far()
    assert not node.phase.echoes.is_acceptable(accusation_item(0))


def test_echoes_of_b_replicas_close_the_inputs_before_their_time_is_over() -> None:
    """Replicas 0 and 1 have everything; 2 and 3 lack an update, and would wait 20 Delta longer."""
    network = PartialNetwork(4, lambda what, j: None if what == processor_name(2) and j > 1 else 0)
    network.run()
    assert next(at for at, _ in echoed(network, 2)) == DELTA
    assert {d.processors for d in network.decided.values()} == {(0, 1, 2)}


def test_at_most_four_frames_leave_in_a_view_and_none_within_a_delta() -> None:
    pacing, left = Pacing(DELTA), []
    for now in range(0, 20 * DELTA, DELTA // 4):
        at = pacing.arm(now, view=0)
        if at is not None and pacing.fires(at, view=0):
            pacing.left(at, view=0)
            left.append(at)
    assert len(left) == PACED_FRAMES
    assert min(b - a for a, b in pairwise(left)) >= DELTA
    assert pacing.arm(20 * DELTA, view=1) is not None


def _restored_at(step: int, replicas: int, **rest: Any) -> list[Frame]:
    """All frames, where every replica is replaced by a copy of itself after so many of its steps."""

    class Restoring(PartialNetwork):
        def _take(self, j: int, effects: Any) -> None:
            super()._take(j, effects)
            if self._steps[j] == step:
                state = decode(encode(self.replicas[j].snapshot()))
                self.replicas[j] = make_replica(j, replicas)
                self.replicas[j].restore(state)

    network = Restoring(replicas, lambda what, j: None if what == processor_name(j % 3) and j else 0, **rest)
    network.run()
    return network.sent


@pytest.mark.parametrize("silent", [frozenset(), frozenset({0})])
def test_a_cut_anywhere_in_the_input_phase_or_a_view_changes_nothing(silent: frozenset[int]) -> None:
    whole = _restored_at(-1, 4, silent=silent)
    for step in range(1, 60, 2):
        assert _restored_at(step, 4, silent=silent) == whole, step


@pytest.mark.parametrize("what", ["body", "content", "report", "model"])
def test_a_halted_replica_answers_what_one_who_starves_asks_for_even_a_round_later(what: str) -> None:
    network = Network(4, rounds=2)
    network.run()
    replica = network.replicas[0]
    assert replica._agreement.voting.halted
    value = network.decided[0, 0]
    body = replica._archive.find(value.digest)
    assert body is not None
    parts = decode(body)
    wanted = {"body": value.digest, "content": parts[3][0][1], "report": parts[5], "model": parts[-1]}[what]
    asker = network.replicas[3].channel("replica/0")
    fetch = asker.seal(
        FrameKind.FETCH, round_index=1, view=0, now=network.now, body=encode((wanted, b"nobody has this"))
    )
    sent = replica.handle(
        Envelope(deliver_at=network.now, sender="replica/3", serial=0, receiver="replica/0", payload=fetch)
    )
    answers = [effect.payload for effect in sent if isinstance(effect, Send)]
    assert [(a.receiver, a.kind) for a in answers] == [("replica/3", FrameKind.CONTENT)]
    assert [digest_of(data) for data in decode(answers[0].body)] == [wanted]


def test_what_one_cannot_answer_yet_waits_until_it_comes() -> None:
    have: dict[bytes, bytes] = {}
    fetching = Fetching(
        make_replica(0, 4)._links, Pacing(DELTA), 2, find=have.get, has=lambda digest, what: digest in have
    )
    fetching._links.store_key_bits(np.full((2, PROCESSORS + 4), PLENTY))
    assert fetching.answer(3, 0, (b"x", b"y", b"z"), 1) == []
    have |= {b"x": b"of three the oldest does not wait", b"z": b"content"}
    (answer,) = fetching.answer_waiting(2)
    assert isinstance(answer, Send)
    assert (answer.receiver, decode(answer.payload.body)) == ("replica/3", (b"content",))
    assert fetching.answer_waiting(3) == []
    with pytest.raises(ValueError, match="must name digests"):
        fetching.answer(3, 0, 7, 4)
