"""What hosts ask the machines of a cluster for: it fits wherever they go, and is what they keep busy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.placement import (
    HOST_BYTES,
    HOST_SECONDS,
    LIGHT_CPUS,
    Machine,
    automatic_hosts,
    automatic_link_hosts,
    busy_shares,
    requests_of,
)


def machine(name: str, processors: float, hosts: int = 100) -> Machine:
    return Machine(f"id of {name}", name, processors, hosts * HOST_BYTES)


@given(
    sizes=st.lists(st.tuples(st.integers(1, 64), st.integers(1, 50)), min_size=1, max_size=8),
    hosts=st.integers(1, 60),
    data=st.data(),
)  # fmt: skip
def test_requests_fit_on_the_cluster_wherever_each_of_them_goes(
    sizes: list[tuple[int, int]], hosts: int, data: st.DataObject
) -> None:
    machines = [machine(f"m{number}", cpus, room) for number, (cpus, room) in enumerate(sizes)]
    drawn = data.draw(st.lists(st.sampled_from((1.0, 0.9, 0.3, 0.05)), min_size=hosts, max_size=hosts))
    shares = {f"processors/{number}": share for number, share in enumerate(drawn)}
    if hosts > sum(room for _, room in sizes):
        with pytest.raises(RuntimeFailure, match=f"got {hosts} hosts"):
            requests_of(shares, machines)
        return
    requests = requests_of(shares, machines)
    assert requests == requests_of(shares, machines[::-1]), "the order in which machines are listed does not matter"
    free = [(m.processors, m.memory_bytes) for m in machines]
    for name in data.draw(st.permutations(list(shares))):
        cpus, memory = requests[name].cpus, requests[name].memory_bytes
        assert 0 < cpus <= shares[name]
        roomy = [k for k, (of_cpu, of_memory) in enumerate(free) if of_cpu >= cpus - 1e-9 and of_memory >= memory]
        assert roomy, "a request that no machine has room for"
        k = data.draw(st.sampled_from(roomy))
        free[k] = free[k][0] - cpus, free[k][1] - memory


HOSTS = ["processors/0", "processors/1", "links/0", "replicas", "entanglement_manager"]
SECONDS = {"processors": 2.0, "links": 0.5, "replicas": 0.5, "entanglement_manager": 0.0}


def test_hosts_ask_for_what_they_keep_busy_and_for_less_on_fewer_machines() -> None:
    shares = busy_shares(SECONDS, HOSTS)
    assert list(shares.values()) == [1.0, 1.0, 0.25, 0.25, LIGHT_CPUS]
    whole = requests_of(shares, [machine("a", 4), machine("b", 4)])
    assert [request.cpus for request in whole.values()] == list(shares.values())
    left = requests_of(shares, [machine("a", 2)])
    assert sum(request.cpus for request in left.values()) == pytest.approx(2.0, abs=1e-3)
    assert left["links/0"].cpus == pytest.approx(0.25 * left["processors/0"].cpus, abs=1e-4)


@given(
    seconds=st.fixed_dictionaries(dict.fromkeys(SECONDS, st.floats(0.0, 1e3))),
    counts=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_hosts_that_wait_for_each_other_ask_for_little_more_than_one_cpu_and_that_of_each_host_of_processors(
    seconds: dict[str, float], counts: tuple[int, int]
) -> None:
    names = [f"processors/{k}" for k in range(counts[0])] + [f"links/{k}" for k in range(counts[1])]
    shares = busy_shares(seconds, [*names, "replicas", "entanglement_manager"])
    assert all(LIGHT_CPUS <= share <= 1.0 for share in shares.values())
    assert all(shares[name] == 1.0 for name in names[: counts[0]])
    assert sum(shares.values()) <= counts[0] + counts[1] * max(shares["links/0"], LIGHT_CPUS) + 1 + 2 * LIGHT_CPUS


def test_links_have_the_hosts_that_make_a_round_shortest() -> None:
    two, many = [machine("a", 2)], [machine("head", 0), machine("a", 64), machine("b", 64)]
    assert automatic_link_hosts(two, 0.0, 4) == 1, "a host that saves nothing only costs"
    assert automatic_link_hosts(two, 1.9 * HOST_SECONDS, 4) == 1
    assert automatic_link_hosts(two, 2.1 * HOST_SECONDS, 4) == 2
    assert automatic_link_hosts(two, 1e6, 4) == 2, "there are no more CPUs"
    assert automatic_link_hosts(many, 100 * HOST_SECONDS, 4) == 10
    assert automatic_link_hosts(many, 1e6, 4) == 32
    assert automatic_link_hosts([machine("a", 64, hosts=7)], 1e6, 4) == 3, "memory holds no more beside the others"
    assert automatic_link_hosts([machine("a", 64, hosts=2)], 1e6, 4) == 1


def test_a_head_node_without_cpus_gets_no_host() -> None:
    machines = [machine("head", 0), machine("m2", 2), machine("m3", 4)]
    assert automatic_hosts(machines, 50) == 6
    assert automatic_hosts(machines, 4) == 4
    assert automatic_hosts([machine("m", 500)], 2000) == 32
    assert requests_of({"processors/0": 1.0}, machines)["processors/0"].cpus == 1.0
    assert requests_of({"processors/0": 1.0}, machines[:1])["processors/0"].cpus == 0.0
    with pytest.raises(RuntimeFailure, match="a living machine"):
        requests_of({"processors/0": 1.0}, [])
