"""The slot of a frame and what the frame said are one write: a crash in the midst of a step loses neither."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.messages.consensus_payloads import Frame
from tests.consensus.committee import OPENS, Network


class PowerCut(Exception):
    """With what was on disk by then."""


class WatchedNetwork(Network):
    """Remembers the steps in which a slot was used up before everything that its frame changed was there."""

    def __init__(self, replicas: int, **rest: Any) -> None:
        super().__init__(replicas, **rest)
        self.accepted, self.unlike = 0, list[Frame]()

    def handled(self, j: int, envelope: Envelope) -> Any:
        replica, frame = self.replicas[j], envelope.payload
        accept, written = replica._links.accept, list[bytes]()

        def accept_and_write(accepted: Frame) -> None:
            accept(accepted)
            written.append(encode(replica.persistent()))

        replica._links.accept = accept_and_write  # type: ignore[method-assign]
        effects = super().handled(j, envelope)
        replica._links.accept = accept  # type: ignore[method-assign]
        self.accepted += len(written)
        if written and written[-1] != encode(replica.persistent()):
            self.unlike.append(frame)
        return effects


class CutInAStep(Network):
    """In one step of one replica the power fails, before or after the slot of its frame is used up. Nothing of that
    step leaves, and the frame comes again."""

    def __init__(self, replicas: int, who: int, step: int, after: bool, **rest: Any) -> None:
        super().__init__(replicas, **rest)
        self._at, self._after, self.cut = (who, step), after, False

    def handled(self, j: int, envelope: Envelope) -> Any:
        if (j, self._steps[j] - 1) != self._at or self.cut:
            return super().handled(j, envelope)
        replica = self.replicas[j]
        accept = replica._links.accept

        def fail(frame: Frame) -> None:
            if self._after:
                accept(frame)
            raise PowerCut(encode(replica.persistent()))

        replica._links.accept = fail  # type: ignore[method-assign]
        try:
            effects = super().handled(j, envelope)
        except PowerCut as cut:
            self.cut = True
            self.goes_down(j, cut.args[0])
            self.push(self.now + self._down + 1, j, envelope.sender, envelope.payload)
            return []
        replica._links.accept = accept  # type: ignore[method-assign]
        return effects


@pytest.mark.parametrize("silent", [frozenset(), frozenset({0})])
def test_when_a_slot_is_used_up_all_that_its_frame_changed_is_there(silent: frozenset[int]) -> None:
    """A slot that was used up before lost an echo for good where the crash came in between."""
    network = WatchedNetwork(4, rounds=2, silent=silent)
    network.run()
    assert network.unlike == []
    assert network.accepted > 100


@pytest.mark.parametrize("after", [False, True], ids=["before the slot is used up", "after"])
@pytest.mark.parametrize("replicas", [4, 7])
def test_a_power_cut_within_any_step_costs_no_frame_and_no_slot_tags_twice(replicas: int, after: bool) -> None:
    """With f silent replicas every other one is needed."""
    faults, cuts = (replicas - 1) // 3, 0
    for step in range(3, 70, 1 if replicas == 4 else 9):
        network = CutInAStep(replicas, faults + step % 2, step, after, silent=frozenset(range(faults)))
        network.run()
        network.assert_nobody_contradicted_itself()
        assert {j for j, _ in network.decided} == set(range(faults, replicas)), step
        assert len(network.states()) == 1
        cuts += network.cut
    assert cuts >= (15 if replicas == 4 else 3)
    assert network.now > OPENS
