"""Junk in the names of honest members, without their keys: once it is over it might as well never have been."""

from __future__ import annotations

import pytest

from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind
from tests.consensus.committee import OPENS, PLENTY, ROUND, Network

LAST = PLENTY // 2 // TAG_BITS


def flooded(slots: range, rounds: int) -> Network:
    """Sixteen pieces of junk on each slot of every link between honest members, just before the inputs close."""
    network = Network(4, rounds=rounds, silent=frozenset({0}))
    for round_index in range(rounds):
        for sender in (1, 2, 3):
            for receiver in {1, 2, 3} - {sender}:
                for counter in slots:
                    for tag in range(16):
                        junk = Frame(
                            kind=int(FrameKind.ECHO), chain=b"chain", round_index=round_index, view=0,
                            sender=f"replica/{sender}", receiver=f"replica/{receiver}", counter=counter, sent_at=1,
                            body=b"junk", tag=tag,
                        )  # fmt: skip
                        network.push(round_index * ROUND + OPENS - 5, receiver, "replica/0", junk)
    return network


@pytest.mark.parametrize("slots", [range(40), range(LAST - 1, LAST), range(LAST - 20, LAST + 20)])
def test_decisions_come_when_they_would_without_junk_and_cost_the_same_keys(slots: range) -> None:
    rounds = 3
    attacked, calm = flooded(slots, rounds), flooded(range(0), rounds)
    for network in (attacked, calm):
        network.run()
        assert len(network.states()) == 1
        assert {round_index for _, round_index in network.decided} == set(range(rounds))
        network.assert_the_books_of_keys_are_exact()
    assert [attacked.decide_times(t) for t in range(rounds)] == [calm.decide_times(t) for t in range(rounds)]
    for one, other in zip(attacked.replicas[1:], calm.replicas[1:], strict=True):
        for peer in ("replica/1", "replica/2", "replica/3"):
            if peer != one.name:
                for way in ("outgoing", "incoming"):
                    pools = [getattr(replica.channel(peer), way) for replica in (one, other)]
                    assert len({(pool.spent, pool.stored, pool.erased) for pool in pools}) == 1
