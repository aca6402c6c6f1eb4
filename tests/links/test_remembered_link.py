"""Links that remember: the same run, bit for bit, without simulating a plan twice."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import Simulation
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.links.remembered_link import LinkMemory, remembered
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.builder import build_world
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL


def digest(words: list[str], memory: LinkMemory | None = None) -> bytes:
    settings = build(RunSettings, composed_once([*SMALL, "training.rounds=3", *words]))
    world = build_world(settings)
    if memory is not None:
        memory = memory.of_seed(settings.seed)
        world = replace(world, links=tuple(remembered(link, memory) for link in world.links))
    *_, end = Simulation(LocalCluster(world.one_host())).rounds()
    return end.digest


@cache
def digest_of_seed_3() -> bytes:
    return digest(["seed=3"])


@pytest.mark.slow
@pytest.mark.parametrize("words", [
    ["aggregation=mean"], ["aggregation=nnm_trimmed_mean", "attacks=alie"], ["attacks=false_fidelity"],
    ["attacks=jamming"], ["attacks=optimising", "training.learning_rate=2"], ["links.max_km=3"],
])  # fmt: skip
def test_a_run_is_the_same_whatever_runs_are_remembered(words: list[str]) -> None:
    memory = LinkMemory()
    digest(["attacks=inner_product"], memory)
    alone = digest(words)
    assert digest(words, memory) == alone
    assert digest(["seed=3"], memory) == digest_of_seed_3()
    assert digest(words, memory) == alone


def test_a_plan_is_not_carried_out_twice_by_runs_that_differ_in_rule_and_attack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory, carried_out, begin = LinkMemory(), [], LinkManager.begin

    def counted(self: LinkManager, envelope):  # type: ignore[no-untyped-def]
        carried_out.append(self.name)
        return begin(self, envelope)

    monkeypatch.setattr(LinkManager, "begin", counted)
    digest(["aggregation=mean"], memory)
    first = len(carried_out)
    digest(["aggregation=nnm_trimmed_mean", "attacks=alie", "training.learning_rate=2"], memory)
    assert first > 0
    assert len(carried_out) == first
