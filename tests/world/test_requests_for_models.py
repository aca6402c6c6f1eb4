"""Requests for models: they are heard in time, and whoever makes too many hardly lengthens the rounds of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ceas_ray.kernel.actor import Actor, WrappedActor
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.observations import RoundObserved
from ceas_ray.messages.payloads import RoundStarted, ShotsDelivered
from ceas_ray.messages.quorum import Quorums
from ceas_ray.processors.processor import Processor
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.times import asking_time
from ceas_ray.world.world import World
from tests.small_worlds import small_world
from tests.world.committees import inner

ROUNDS = 10
MANY_ROUNDS = ("attacks=none", "consensus.committee_size=4", f"training.rounds={ROUNDS}")
FEW_SHOTS = (
    "attacks=none", "consensus.committee_size=4", "processors.count=5", "training.circuits_per_round=8",
    "training.forward_circuits=4",
)  # fmt: skip


class InsatiableProcessor(WrappedActor):
    """Asks all replicas for the last round's model when a round begins, and for this one's as soon as one tells it."""

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now, effects = envelope.deliver_at, self.actor.handle(envelope)
        match envelope.payload:
            case RoundStarted(round_index=round_index) if round_index > 0:
                return [*effects, *self._ask_all(round_index - 1, now)]
            case Frame(kind=FrameKind.MODEL, round_index=round_index):
                return [*effects, *self._ask_all(round_index, now)]
        return effects

    def _ask_all(self, round_index: int, now: int) -> list[Effect]:
        leaves = now + self.actor.learning.update_time
        frames = [
            channel.seal(FrameKind.MODEL_WANTED, round_index=round_index, view=0, now=leaves, body=b"")
            for channel in self.actor._channels.values()
        ]
        latencies = self.actor.latencies
        return [Send(leaves + latencies[frame.receiver], frame.receiver, frame) for frame in frames if frame]

    def promise(self, now: int) -> int:
        """See `Actor`: it may ask at any time."""
        return 0


class ObservedProcessor(WrappedActor):
    """Notes of every round whether the model of the one before was there when a gradient began."""

    def __init__(self, processor: Processor) -> None:
        super().__init__(processor)
        self.in_time: list[bool] = []

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        match envelope.payload:
            case ShotsDelivered(round_index=round_index) if round_index >= 0:
                self.in_time.append(self.actor._adoption.has_adopted(round_index - 1))
        return self.actor.handle(envelope)


def with_processors(world: World, made: Callable[[Processor], Actor], which: Sequence[int]) -> World:
    """Return the world in which these processors are inside of others."""
    actors = (made(inner(actor)) if k in which else actor for k, actor in enumerate(world.processors))
    return replace(world, processors=tuple(actors))


def rounds_of(world: World) -> list[RoundObserved]:
    """Return what is observed of every round."""
    observed = [o.payload for end in Simulation(LocalCluster(world.one_host())).rounds() for o in end.observations]
    return [o for o in observed if isinstance(o, RoundObserved)]


@pytest.mark.slow
def test_who_ask_everybody_in_every_round_lengthen_key_slots_by_less_than_a_quarter() -> None:
    calm = rounds_of(small_world(*MANY_ROUNDS))
    asked = rounds_of(with_processors(small_world(*MANY_ROUNDS), InsatiableProcessor, (0, 3, 5)))
    assert len(asked) == len(calm) == ROUNDS
    keys_when_calm, keys_when_asked = (sum(o.seconds_by_cause.keys for o in of) for of in (calm, asked))
    assert keys_when_calm < keys_when_asked < 1.25 * keys_when_calm
    assert [(o.skipped, o.view, o.processors) for o in asked] == [(o.skipped, o.view, o.processors) for o in calm]


@pytest.mark.slow
@pytest.mark.parametrize("changes", [
    (), ("processors.update_milliseconds=5",), ("processors.update_milliseconds=200",),
    ("consensus.delta_microseconds=20000", "entanglement.control_delay_microseconds=20000"),
])  # fmt: skip
@pytest.mark.parametrize("shots", [(), FEW_SHOTS, ("entanglement=rotation_two_shots",)])
def test_requests_are_heard_in_the_first_half_of_the_shortest_plan_or_need_not_be_made(
    shots: tuple[str, ...], changes: tuple[str, ...]
) -> None:
    world = small_world(*shots, *changes)
    settings, demand = world.outline.blueprint.settings, world.outline.demand
    last = settings.training.rounds - 1
    half = world.manager.plan(last, 0).ends_at / 2
    time = asking_time(settings, Quorums(len(world.replicas)))
    assert demand.all_reply or half >= time


@pytest.mark.parametrize("update", [1, 50])
def test_every_gradient_begins_with_the_model_of_the_last_round_though_a_replica_is_silent(update: int) -> None:
    silent = ("attacks.replicas=1", "attacks.replica_faults=[silent]", f"processors.update_milliseconds={update}")
    world = small_world(*FEW_SHOTS, *silent)
    world = with_processors(world, ObservedProcessor, range(len(world.processors)))
    assert len(rounds_of(world)) == 3
    assert [processor.in_time for processor in world.processors] == [[True] * 3] * 5  # type: ignore[attr-defined]
