"""The cluster of a run: hosts with all of the world's actors, on the runtime that settings choose."""

from __future__ import annotations

import os

import pytest

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import RoundEnd
from ceas_ray.runs.cluster import cluster_of, host_counts
from ceas_ray.runtime.placement import HOST_BYTES, Machine
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL, small_world

TINY = (*SMALL, "training.rounds=1")


def ends(*overrides: str) -> list[RoundEnd]:
    settings, world = build(RunSettings, composed_once([*TINY, *overrides])), small_world(*TINY, *overrides)
    with cluster_of(settings, world) as cluster:
        assert cluster.hosts >= 1
        assert cluster.machines
        return list(cluster.simulation(lambda fault: pytest.fail(fault.cause)).rounds())


def test_a_local_cluster_is_this_process_and_cannot_be_lost() -> None:
    settings, world = build(RunSettings, composed_once([*TINY])), small_world(*TINY)
    with cluster_of(settings, world) as cluster:
        assert (cluster.hosts, cluster.machines, cluster.rebuild) == (1, [os.uname().nodename], None)


def test_events_are_recorded_only_for_a_timeline() -> None:
    assert all(end.events for end in ends("timeline=true"))
    assert not any(end.events for end in ends())


def test_hosts_of_links_are_chosen_where_settings_leave_it() -> None:
    machines = [Machine("id", "m", 8, 100 * HOST_BYTES)]
    world = small_world(*TINY)

    def counts(*overrides: str) -> tuple[int, int]:
        return host_counts(build(RunSettings, composed_once([*TINY, "runtime=ray", *overrides])), world, machines)

    of_processors, of_links = counts()
    assert of_processors == min(8, len(world.processors))
    assert of_links == 1, "links of a small world compute too little"
    assert counts("runtime.processor_hosts=3", "runtime.link_hosts=2") == (3, 2)


@pytest.mark.ray
def test_a_cluster_on_ray_has_the_hosts_asked_for_and_gives_the_same_rounds() -> None:
    on_ray = ends("runtime=ray", "runtime.processor_hosts=2")
    assert [end.digest for end in on_ray] == [end.digest for end in ends()]
