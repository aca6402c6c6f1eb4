"""Laws of the kernel: windows give what one heap gives, and a cut anywhere changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.kernel.random_actors import Token, cluster, encoded, world

SEEDS = st.integers(0, 10**6)


def outcome(simulation: Simulation) -> tuple[dict[str, bytes], list[bytes]]:
    """Every actor's digest and each round's, at the end."""
    rounds = [end.digest for end in simulation.rounds()]
    parts = simulation.snapshot()["actors"]
    return {name: part["digest"] for name, part in parts.items()}, rounds


@settings(max_examples=300)
@given(seed=SEEDS, hosts=st.integers(2, 6), marks=st.booleans())
def test_windows_over_many_hosts_give_what_one_heap_gives(seed: int, hosts: int, marks: bool) -> None:
    one = outcome(Simulation(cluster(seed, 1, marks)))
    many = outcome(Simulation(cluster(seed, hosts, marks)))
    assert many == one


@settings(max_examples=150)
@given(seed=SEEDS, hosts=st.integers(1, 4), marks=st.booleans())
def test_answers_that_share_a_call_are_what_each_is_alone(seed: int, hosts: int, marks: bool) -> None:
    together = outcome(Simulation(cluster(seed, hosts, marks)))
    with patch("ceas_ray.kernel.host.WORK_BLOCK", 1):
        alone = outcome(Simulation(cluster(seed, hosts, marks)))
    assert together == alone


@settings(max_examples=150)
@given(seed=SEEDS, hosts=st.integers(1, 4), later_hosts=st.integers(1, 4), cut=st.integers(1, 250))
def test_a_snapshot_anywhere_restored_on_any_hosts_gives_what_no_interruption_gives(
    seed: int, hosts: int, later_hosts: int, cut: int
) -> None:
    undisturbed = outcome(Simulation(cluster(seed, 1, marks=True)))

    first = Simulation(cluster(seed, hosts, marks=True))
    rounds = [end.digest for end in first.run_until(cut)]
    snapshot = encoded(first.snapshot())

    second = Simulation(cluster(seed, later_hosts, marks=True, posted=False))
    second.restore(snapshot)
    digests, later_rounds = outcome(second)
    assert (digests, rounds + later_rounds) == undisturbed


class Enough(Exception):
    """Raised between two windows."""


def after(windows: int) -> Callable[[Simulation], None]:
    """Return what raises `Enough` after so many windows, once."""
    left = [windows]

    def count(_: Simulation) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Enough

    return count


@settings(max_examples=150)
@given(
    seed=SEEDS, hosts=st.integers(1, 4), later_hosts=st.integers(1, 4), cut=st.integers(1, 40), most=st.integers(1, 9)
)
def test_a_snapshot_between_any_two_windows_gives_what_no_interruption_gives(
    seed: int, hosts: int, later_hosts: int, cut: int, most: int
) -> None:
    undisturbed = outcome(Simulation(cluster(seed, 1, marks=True)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ceas_ray.kernel.host.WINDOW_ENVELOPES", most)
        first, rounds = Simulation(cluster(seed, hosts, marks=True), after(cut)), []
        with suppress(Enough):
            for end in first.rounds():
                rounds.append(end.digest)
        snapshot = encoded(first.snapshot())
    second = Simulation(cluster(seed, later_hosts, marks=True, posted=False))
    second.restore(snapshot)
    digests, later_rounds = outcome(second)
    assert (digests, rounds + later_rounds) == undisturbed
    digests, later_rounds = outcome(first)
    assert (digests, rounds + later_rounds) == undisturbed


@settings(max_examples=50)
@given(seed=SEEDS, hosts=st.integers(1, 4), cut=st.integers(1, 250))
def test_taking_a_snapshot_disturbs_nothing(seed: int, hosts: int, cut: int) -> None:
    disturbed = Simulation(cluster(seed, hosts))
    list(disturbed.run_until(cut))
    disturbed.snapshot()
    assert outcome(disturbed) == outcome(Simulation(cluster(seed, 1)))


def digest_of(envelopes: list[Envelope], seed: int = 3) -> bytes:
    actors, _ = world(seed)
    host = Host("host", actors, {})
    host.post(envelopes)
    simulation = Simulation(LocalCluster([host]))
    list(simulation.run_until(1000))
    return encode({name: part["digest"] for name, part in simulation.snapshot()["actors"].items()})


@given(bit=st.integers(0, 63), delay=st.integers(1, 10))
def test_one_bit_or_one_picosecond_changes_the_digest(bit: int, delay: int) -> None:
    receiver = world(3)[0][0].name

    def envelopes(at: int, value: int) -> list[Envelope]:
        return [Envelope(deliver_at=at, sender="driver", serial=0, receiver=receiver, payload=Token(0, value))]

    base = digest_of(envelopes(5, 0))
    assert digest_of(envelopes(5, 0)) == base
    assert digest_of(envelopes(5, 1 << bit)) != base
    assert digest_of(envelopes(5 + delay, 0)) != base


def test_one_other_draw_changes_the_digest() -> None:
    results = {encode(list(outcome(Simulation(cluster(seed, 1)))[0].values())) for seed in range(20)}
    assert len(results) == 20
