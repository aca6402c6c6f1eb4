"""Echoes that were lost before the calm: whoever lacks them asks before it costs a view of its own."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, digest_of
from ceas_ray.messages.payloads import HUB, replica_name
from ceas_ray.messages.quorum import Quorums
from tests.consensus.committee import DELTA, OPENS, PROCESSORS, Network


class LateEchoesLostAroundARing(Network):
    """The report comes late, and of what is echoed then each replica loses what the next one says; f are silent. So
    each of them has one echo too few of the report and of SKIP to propose either.
    """

    def __init__(self, replicas: int) -> None:
        self._ring, self._closes = Quorums(replicas).quorum, 2 * OPENS
        self.calm = self._closes + 5 * DELTA
        super().__init__(replicas, silent=frozenset(range(self._ring, replicas)))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if sender == HUB:
            at = self._closes + 3 * DELTA // 2
        is_echo = isinstance(payload, Frame) and payload.kind == FrameKind.ECHO
        is_late = is_echo and self._closes + DELTA < self.now < self.calm
        if not (is_late and sender == replica_name((replica + 1) % self._ring)):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_those_who_lack_one_echo_each_ask_for_it_before_it_is_their_turn_to_propose(replicas: int) -> None:
    """Each of them found out in its own view only: f honest leaders in a row proposed nothing in a calm network."""
    network = LateEchoesLostAroundARing(replicas)
    network.run()
    assert {j: decided.view for (j, _), decided in network.decided.items()} == dict.fromkeys(
        range(Quorums(replicas).quorum), 1
    )
    assert len(network.states()) == 1


class LockedWithoutTheNextLeaders(Network):
    """An update comes late, and the leaders of the f views after the first lose all that is said of it. With the help
    of f liars, who are silent from then on, the others lock a value with that update.
    """

    def __init__(self, replicas: int) -> None:
        faults = Quorums(replicas).faults
        self.victims, self.liars = range(1, faults + 1), range(replicas - faults, replicas)
        self._lockers = [0, *range(faults + 1, replicas - faults)]
        self._closes, self._told = 2 * OPENS, set[int]()
        self.calm = self._closes + 7 * DELTA
        super().__init__(replicas, silent=frozenset(self.liars))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if sender == f"processor/{PROCESSORS - 1}":
            if replica in self.victims:
                return
            at = self._closes + 3 * DELTA // 2
        of_a_replica = isinstance(payload, Frame) and sender.startswith("replica/")
        is_late = of_a_replica and self._closes + DELTA < self.now < self.calm
        if is_late and payload.kind in (FrameKind.ECHO, FrameKind.PROPOSAL):
            self._help(at, payload)
        if not (is_late and replica in self.victims):
            super().push(at, replica, sender, payload)

    def _help(self, at: int, frame: Frame) -> None:
        """Echo what the others echo late, and vote three times for what is proposed."""
        if frame.kind in self._told:
            return
        self._told.add(frame.kind)
        for liar in self.liars:
            for to in self._lockers:
                if frame.kind == FrameKind.ECHO:
                    self.hear(at, liar, to, FrameKind.ECHO, 0, frame.body)
                    continue
                for after, kind in enumerate((FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3)):
                    self.hear(at + after * DELTA, liar, to, kind, 0, encode(digest_of(decode(frame.body))))


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_those_who_cannot_propose_what_others_have_locked_ask_before_it_is_their_turn(replicas: int) -> None:
    """Each found out in its own view only: f honest leaders in a row proposed nothing in a calm network."""
    network = LockedWithoutTheNextLeaders(replicas)
    network.run()
    assert {j: decided.view for (j, _), decided in network.decided.items()} == dict.fromkeys(
        range(Quorums(replicas).quorum), 2
    )
    assert {decided.processors for decided in network.decided.values()} == {tuple(range(PROCESSORS))}
    assert len(network.states()) == 1


class LateUpdateUnheard(Network):
    """An update comes late to all, and one replica loses what the others echo then. Leader 0 is silent, and so are
    others, f in all.
    """

    def __init__(self, replicas: int) -> None:
        self._victim, self._closes = replicas - Quorums(replicas).faults, 2 * OPENS
        self.calm = self._closes + 4 * DELTA
        super().__init__(replicas, silent=frozenset({0, *range(self._victim + 1, replicas)}))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        if sender == f"processor/{PROCESSORS - 1}":
            at = self._closes + 3 * DELTA // 2
        is_echo = isinstance(payload, Frame) and payload.kind == FrameKind.ECHO
        is_late = is_echo and self._closes + DELTA < self.now < self.calm
        if not (is_late and replica == self._victim):
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_one_that_alone_echoes_an_update_asks_what_others_echo_before_it_is_proposed(replicas: int) -> None:
    """It found out when it could not vote: in a calm network the first honest leader proposed in vain."""
    network = LateUpdateUnheard(replicas)
    network.run()
    assert {j: decided.view for (j, _), decided in network.decided.items()} == dict.fromkeys(
        range(1, Quorums(replicas).quorum + 1), 1
    )
    assert {decided.processors for decided in network.decided.values()} == {tuple(range(PROCESSORS))}
    assert len(network.states()) == 1
