"""Keys of whole runs, from pairs on fibres to tags: what they yield, and what becomes of every bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.streams import Streams
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.messages.pair_books import AUTHENTICATION, EXPIRED, USED
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, PlanFinished, replica_name
from ceas_ray.quantum.bell_pairs import key_rate
from tests.small_worlds import small_world
from tests.world.committees import SMALL_COMMITTEE, channels, inner, key_bits_spent, names, run

TROUBLES = (
    "consensus.loss_probability=0.3",
    "consensus.crash={replicas:[1],round:1,after_milliseconds:0.1,down_milliseconds:2.0}",
    "consensus.jamming={replicas:[0,1,2],first_round:0,last_round:1,refills:1}",
)


def leg_of(end_to_end: float) -> float:
    """The fidelity of each of two equal links whose perfect swap gives this one: w = w_leg^2."""
    return float((1 + 3 * np.sqrt((4 * end_to_end - 1) / 3)) / 4)


def alike(end_to_end: float) -> tuple[str, ...]:
    """All links alike, memories that keep for ever, perfect swaps: every key path has this fidelity."""
    fidelities = ("min_fidelity", "mean_fidelity", "max_fidelity", "replica_fidelity")
    legs = [f"links.{name}={leg_of(end_to_end)}" for name in fidelities]
    return (*legs, "links.coherence_milliseconds=1e9", "links.swap_werner=1.0", "consensus.committee_size=4",
            "processors.count=4", "training.circuits_per_round=32", "training.rounds=3")  # fmt: skip


def test_a_run_on_pairs_of_fidelity_84_distils_a_fiftieth_of_a_bit_per_pair_and_stores_it() -> None:
    """What a path distils beyond its demand, less than a pair's worth, is not kept."""
    rate, paths = float(key_rate(0.84)), 4 * 4 + 6
    assert rate == pytest.approx(0.020442, abs=5e-7)
    found, simulation, world = run(*alike(0.84))
    assert names(found) == ["warm_up"] + ["round"] * 3
    for observed in found[:2]:  # the last plans distil what the reserve lacks for the last rounds
        pairs = int(np.asarray(observed["counts"])[AUTHENTICATION, USED]) / 2  # both links of a path use one
        assert pairs > 10_000 * paths
        assert pairs * rate * (1 - 1e-6) - paths * rate <= observed["key_bits"] <= pairs * rate * (1 + 1e-6)
    ends = channels(world)
    stored = sum(end.outgoing.distilled + end.incoming.distilled for end in ends.values()) / 2
    assert 0 <= sum(observed["key_bits"] for observed in found) - stored < 2 * paths, "less than 2 bits a path wait"
    assert found[-1]["key_bits"] == 0.0, "nobody would spend them"
    assert 0 < key_bits_spent(simulation) <= stored


@pytest.mark.parametrize("end_to_end", [0.83, 0.8349])
def test_pairs_below_the_threshold_are_refused_in_one_line(end_to_end: float) -> None:
    with pytest.raises(SettingsError, match=r"links: end-to-end pairs must yield a key .* above") as e:
        small_world(*alike(end_to_end))
    assert f"{end_to_end:.3f}" in str(e.value)
    assert "\n" not in str(e.value)


def test_a_link_manager_that_gets_pairs_of_fidelity_83_has_no_key_and_its_pairs_expire() -> None:
    """A plan as a run makes it, but for what the fibres deliver."""
    world = small_world(*alike(0.84))
    name, plan = world.manager.plan(-1, 10**9).plans[0]
    found = inner(next(link for link in world.links if link.name == name))
    assert isinstance(found, LinkManager)
    for end_to_end, yields in ((0.84, True), (0.83, False)):
        routes = {}
        for peer, route in found.key_routes.items():
            legs = tuple(replace(leg, weights=None, fidelity=leg_of(end_to_end)) for leg in route.legs)
            routes[peer] = replace(route, legs=legs)
        manager = LinkManager(
            name, routes[plan.key_peers[0]], key_routes=routes, processor=None, report_delay=10**8, streams=Streams(1)
        )
        effects = manager.handle(
            Envelope(deliver_at=1, sender=ENTANGLEMENT_MANAGER, serial=0, receiver=name, payload=plan)
        )
        (finished,) = [e.payload for e in effects if isinstance(e.payload, PlanFinished)]  # type: ignore[union-attr]
        books = finished.link_counts[:, AUTHENTICATION]
        assert (books[:, USED if yields else EXPIRED] > 1000).all()
        assert yields or not books[:, USED].any()
        assert ((finished.key_bits > 0) == yields).all()


@pytest.mark.parametrize("troubles", [(), *((trouble,) for trouble in TROUBLES), TROUBLES], ids=str)
def test_every_key_bit_is_handed_out_to_both_ends_and_spent_stored_or_erased(troubles: tuple[str, ...]) -> None:
    """Rounds, losses, crashes, exhaustion and refills: the books of manager, senders and receivers agree to the bit."""
    found, simulation, world = run(*SMALL_COMMITTEE, *troubles, "training.rounds=3")
    assert names(found) == ["warm_up"] + ["round"] * 3
    ends, manager = channels(world), inner(world.manager)
    assert len(ends) == 4 * (5 + 3) + 5 * 4
    for (owner, peer), end in ends.items():
        sender, receiver = end.outgoing, ends[peer, owner].incoming
        assert sender.distilled == receiver.distilled == sender.spent + sender.stored
        assert receiver.distilled == receiver.spent + receiver.stored + receiver.erased
        assert min(sender.stored, receiver.stored, receiver.erased) >= sender.erased == 0
        assert receiver.spent <= sender.spent
    handed_out = sum(end.outgoing.distilled for end in ends.values())
    waiting = sum(manager.keys.state.new.values())
    assert manager.keys.state.distilled == pytest.approx(handed_out + waiting, rel=1e-12)
    assert sum(observed["key_bits"] for observed in found) == pytest.approx(handed_out + waiting, rel=1e-12)
    spent = sum(end.outgoing.spent for end in ends.values())
    assert 0 < spent == key_bits_spent(simulation)


@pytest.mark.parametrize(("hash_keys", "least"), [("kept", 10), ("fresh", 11)])
def test_a_round_begins_only_with_keys_for_echoes_and_a_view_among_a_quorum(hash_keys: str, least: int) -> None:
    """With less no replica could echo what it received, and the committee could only agree to skip the round."""
    world = small_world(*SMALL_COMMITTEE, f"consensus.hash_keys={hash_keys}")
    keys, replicas = world.manager.keys, [replica_name(j) for j in range(4)]
    for tags in range(16):
        channel = Channel(*replicas[:2], chain=b"chain", streams=Streams(1), fresh_hash_keys=hash_keys == "fresh")
        channel.outgoing.add(TAG_BITS * tags)
        keys.state.left = {(a, b): TAG_BITS * tags for a in replicas for b in replicas if a != b}
        can_echo = channel.seal(FrameKind.ECHO, round_index=0, view=0, now=0, body=b"") is not None
        assert world.manager.progress.has_quorum(keys.keyed_replicas()) == can_echo == (tags >= least)
    for enough, poor in ((4, ()), (3, (0,)), (2, (0, 3))):
        for a, b in keys.state.left:
            short = any(replica_name(j) in (a, b) for j in poor)
            keys.state.left[a, b] = TAG_BITS * (least - 1 if short else least)
        assert keys.keyed_replicas() == enough
