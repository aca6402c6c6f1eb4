"""Rounds of a local run, with their CPU time by part."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.actor import Actor, SharingActor, WrappedActor
from ceas_ray.kernel.envelope import Answer, Envelope, SharedCall
from ceas_ray.kernel.windows import RoundEnd, Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.builder import build_world
from ceas_ray.world.world import World

PARTS = ("gradients", "processors", "links", "replicas", "manager_and_hub", "framework")


class _Part:
    """Adds the CPU seconds of what actors of a part do to those of the part."""

    def __init__(self, name: str, seconds: dict[str, float]) -> None:
        self._name, self._seconds = name, seconds
        self.timed_call = cache(self.timed)
        """The same function each time, so that actors of the part share their calls."""

    def timed(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a function that is timed."""

        def measured(argument: Any) -> Any:
            started = time.process_time()
            found = function(argument)
            self._seconds[self._name] += time.process_time() - started
            return found

        return measured


class TimedActor(SharingActor, WrappedActor):
    """An actor whose CPU seconds are added to those of its part."""

    def __init__(self, actor: Actor, part: _Part) -> None:
        super().__init__(actor)
        self._part, self._begin = part, part.timed(actor.begin)

    def begin(self, envelope: Envelope) -> Answer:
        """See `Actor`."""
        answer: Answer = self._begin(envelope)
        if not isinstance(answer, SharedCall):
            return answer
        return replace(answer, function=self._part.timed_call(answer.function), then=self._part.timed(answer.then))


class LocalRounds:
    """A simulation on one host of this process, round by round."""

    def __init__(self, settings: RunSettings) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        world = _timed(build_world(settings), self.seconds)
        hosts = world.one_host()
        for host in hosts:
            host.measure_work_with(time.process_time)
        self._rounds = Simulation(LocalCluster(hosts)).rounds()

    def next(self) -> tuple[RoundEnd, dict[str, float]]:
        """Run a round. Return its end, and CPU milliseconds by part (`framework`: all that no actor does)."""
        self.seconds.update(dict.fromkeys(PARTS, 0.0))
        started = time.process_time()
        end = next(self._rounds)
        total = time.process_time() - started
        parts = self.seconds | {"gradients": end.work_seconds}
        parts["framework"] = total - sum(parts.values())
        return end, {name: seconds * 1e3 for name, seconds in parts.items()}


def _timed(world: World, seconds: dict[str, float]) -> World:
    def timed(actors: tuple[Actor, ...], name: str) -> tuple[Actor, ...]:
        part = _Part(name, seconds)
        return tuple(TimedActor(actor, part) for actor in actors)

    return replace(
        world, processors=timed(world.processors, "processors"), links=timed(world.links, "links"),
        replicas=timed(world.replicas, "replicas"), control=timed(world.control, "manager_and_hub"),
    )  # fmt: skip
