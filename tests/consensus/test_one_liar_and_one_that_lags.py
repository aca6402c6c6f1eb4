"""One liar and honest replicas that lack something: all decide, and soon."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of
from ceas_ray.messages.payloads import HUB, replica_name
from ceas_ray.messages.quorum import Quorums
from tests.consensus.committee import DELTA, OPENS, PROCESSORS, ROUND, Network

BALLOTS = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4)


class RoundsApart(Network):
    """f + 1 replicas decide round 0 with f liars; the other f honest ones hear all but one Decide late, in round 1.
    There the liars let one of the f + 1 decide alone, and then fall silent.
    """

    def __init__(self, replicas: int) -> None:
        faults = Quorums(replicas).faults
        self.quick, self.late = range(faults + 1), range(faults + 1, replicas - faults)
        self.liars = range(replicas - faults, replicas)
        self._calm = ROUND + OPENS + 60 * DELTA
        self._said: set[Any] = set()
        super().__init__(replicas, rounds=2, silent=frozenset(self.liars))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if isinstance(payload, Frame) and sender.startswith("replica/"):
            speaker = int(sender.rpartition("/")[2])
            if speaker in self.quick:
                self._lie(at, payload)
            first_decide = (payload.kind, payload.round_index, speaker) == (FrameKind.DECIDE, 0, 0) and self.now < ROUND
            if speaker != replica and (speaker in self.late or replica in self.late) and not first_decide:
                at = max(at, self._calm)
        super().push(at, replica, sender, payload)

    def _lie(self, at: int, frame: Frame) -> None:
        """Echo what honest replicas echo, and vote for the first proposal of a round."""
        said = (frame.kind, frame.round_index)
        if frame.kind not in (FrameKind.ECHO, FrameKind.PROPOSAL) or said in self._said or (1, "over") in self._said:
            return
        self._said.add(said)
        for liar in self.liars:
            for to in self.quick:
                if frame.kind == FrameKind.ECHO:
                    self.hear(at, liar, to, FrameKind.ECHO, 0, frame.body, frame.round_index)
                    continue
                value = encode(digest_of(decode(frame.body)))
                for after, kind in enumerate(BALLOTS):
                    if (frame.round_index, kind) != (1, FrameKind.VOTE4) or to == 0:
                        self.hear(at + after * DELTA, liar, to, kind, frame.view, value, frame.round_index)


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_whoever_missed_a_round_learns_it_even_from_one_that_has_finished_the_next(replicas: int) -> None:
    """Whoever had finished a round told of that one alone, and what was heard in the round before was forgotten."""
    network = RoundsApart(replicas)
    network.run()
    honest = {*network.quick, *network.late}
    assert {j for j, round_index in network.decided if round_index == 0} == {*network.quick}
    assert {j for j, round_index in network.decided if round_index == 1} == honest
    assert len({encode(network.replicas[j].model.state) for j in honest}) == 1


class OneLacks(Network):
    """The last replica lacks the report, or the first updates; replica 0, a liar, sends those bytes as a proposal."""

    def __init__(self, replicas: int, updates: int, report: bool) -> None:
        self._victim, self._updates, self._lacks_report = replicas - 1, updates, report
        self._withheld: list[bytes] = []
        self._lied = False
        super().__init__(replicas, silent=frozenset(range(Quorums(replicas).faults)))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if replica == self._victim and sender in [f"processor/{k}" for k in range(self._updates)]:
            self._withheld.append(payload.body)
            return
        if replica == self._victim and sender == HUB and self._lacks_report:
            self._withheld.append(encode(payload))
            return
        super().push(at, replica, sender, payload)
        if isinstance(payload, Frame) and payload.kind == FrameKind.ECHO and not self._lied:
            self._lied = True
            for after in (0, 2, DELTA // 2, DELTA + 1, DELTA + 20, 2 * DELTA):
                for content in self._withheld:
                    self.hear(at + after, 0, self._victim, FrameKind.PROPOSAL, 0, encode(content))


@pytest.mark.parametrize(("updates", "report"), [(1, False), (2, False), (0, True), (2, True)])
@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_bytes_that_come_as_a_proposal_are_still_asked_for_as_an_update_or_the_report(
    replicas: int, updates: int, report: bool
) -> None:
    """They were taken for the body of a value, so that no value with that update was ever valid to the victim."""
    network = OneLacks(replicas, updates, report)
    network.run()
    faults = Quorums(replicas).faults
    assert {j: decided.view for (j, _), decided in network.decided.items()} == dict.fromkeys(
        range(faults, replicas), faults
    )
    assert replica_name(faults) in {frame.sender for frame in network.sent if frame.kind == FrameKind.PROPOSAL}


class Hurried(Network):
    """f liars ask for a far view at once, so that the fastest timer ends every view. The last replica hears of it later
    than the others, though within Delta and a little sooner in every view: its own timer never runs out. It has no
    report, and until the calm it loses all frames of one kind, both ways.
    """

    NEARBY, SOONER = 10, 30

    def __init__(self, replicas: int, lost: FrameKind) -> None:
        faults = Quorums(replicas).faults
        self._lost, self._victim, self.calm = lost, replicas - 1, OPENS + 15 * DELTA
        super().__init__(replicas, silent=frozenset(range(faults)), delay=self._delay_between)
        for liar in range(faults):
            for to in range(faults, replicas):
                self.hear(OPENS + 10, liar, to, FrameKind.VIEW_CHANGE, 10**6, encode(None))

    def _delay_between(self, sender: int, receiver: int) -> int:
        if receiver == self._victim:
            return DELTA - self.SOONER * ((self.now - OPENS) // (VIEW_TIMER_DELTAS * DELTA))
        return DELTA if sender == self._victim else self.NEARBY

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        from_victim, to_victim = sender == replica_name(self._victim), replica == self._victim
        if to_victim and sender == HUB:
            return
        of_lost_kind = isinstance(payload, Frame) and payload.kind == self._lost
        if not (of_lost_kind and from_victim != to_victim and self.now < self.calm):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("lost", [FrameKind.FETCH, FrameKind.CONTENT])
@pytest.mark.parametrize("replicas", [4, 7])
def test_one_whose_timer_never_runs_out_asks_for_what_it_lacks_in_every_view(replicas: int, lost: FrameKind) -> None:
    """It asked again only when its own timer ran out: others ended each view before, and it never voted."""
    network = Hurried(replicas, lost)
    network.run()
    honest = range(Quorums(replicas).faults, replicas)
    assert {j for j, _ in network.decided} == {*honest}
    assert max(network.decide_times().values()) * DELTA < network.calm - OPENS + 3 * VIEW_TIMER_DELTAS * DELTA
    assert len(network.states()) == 1


class ProposalAfterTheDecisions(Network):
    """The last replica is not told the last update and fetches it. What the leader proposes reaches it within Delta,
    but after the others' decisions, and before it may fetch again.
    """

    def __init__(self, replicas: int, arrives_at: int) -> None:
        self._victim, self._arrives_at = replicas - 1, arrives_at
        super().__init__(replicas, delay=lambda sender, receiver: DELTA // 100)

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if replica == self._victim and sender == f"processor/{PROCESSORS - 1}":
            return
        if replica == self._victim and isinstance(payload, Frame) and payload.kind == FrameKind.PROPOSAL:
            at = self._arrives_at
        super().push(at, replica, sender, payload)


@pytest.mark.parametrize("after", [DELTA // 10, DELTA // 2, DELTA])
@pytest.mark.parametrize("replicas", [4, 7])
def test_one_that_knows_the_decision_adopts_it_when_its_body_comes_as_a_proposal(replicas: int, after: int) -> None:
    """It did so when its view ended: 10 Delta later, for which the others had to wait if f are silent."""
    network = ProposalAfterTheDecisions(replicas, OPENS + after)
    network.run()
    assert {j for j, _ in network.decided} == set(range(replicas))
    assert max(network.adopted_at.values()) == OPENS + after
