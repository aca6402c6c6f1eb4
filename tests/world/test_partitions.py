"""Partitions `circuit` and `layer`: groups of processors share a circuit, and pay for it in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.actor import Actor, ChangedActor
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Answer, Effect, Envelope, Send
from ceas_ray.kernel.windows import Simulation
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.messages.payloads import PlanFinished, ShotsDelivered
from ceas_ray.network.group import ProcessorGroup
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.training.centralized import CentralizedTraining, Momentum, accuracy_on_test
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.world.builder import build_world
from tests.composed_settings import composed_once
from tests.small_worlds import small_world
from tests.world.test_simulation import ROUTED, assert_link_books_are_exact, ends, rounds_of

PERFECT = (
    "links.min_fidelity=1", "links.mean_fidelity=1", "links.max_fidelity=1", "links.replica_fidelity=1",
    "links.coherence_milliseconds=1e12", "links.swap_werner=1", "processors=noiseless", "aggregation=mean",
    "training.estimator=exact", "training.rounds=2", "training.layers=2", "training.qubits=4",
)  # fmt: skip
CUTS: list[tuple[str, ...]] = [
    ("training.partition=circuit", "scheduling=two_level"),
    (
        "training.partition=circuit",
        "training.inputs=local",
        "training.processors_per_group=3",
        "processors.count=12",
        "scheduling=oblivious",
    ),
    ("training.partition=layer", "training.layers=2", "attacks=alie", "scheduling=two_level"),
    ("training.partition=layer", "training.layers=2", "training.inputs=local", "links.swap_success=0.9"),
]


@pytest.mark.slow
@pytest.mark.parametrize("overrides", CUTS)
def test_any_number_of_hosts_and_a_cut_in_time_give_the_same(overrides: tuple[str, ...]) -> None:
    overrides = (*overrides, "training.rounds=2")
    one = ends(Simulation(LocalCluster(small_world(*overrides).one_host())))
    assert len(one) == 2
    hosts = small_world(*overrides).hosts(4, 3)
    assert ends(Simulation(LocalCluster(hosts))) == one
    first = Simulation(LocalCluster(small_world(*overrides).hosts(2, 1)))
    before = [(end.digest, np.asarray(end.mark.model).tobytes()) for end in first.run_until(4 * 10**11)]
    second = Simulation(LocalCluster(small_world(*overrides).hosts(1, 2)))
    second.restore(decode(encode(first.snapshot())))
    assert before + ends(second) == one


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [*CUTS, ("training.partition=circuit", "network=line", *ROUTED[:1], *ROUTED[2:])])
def test_every_pair_of_every_link_is_accounted_for(overrides: tuple[str, ...]) -> None:
    found, _ = rounds_of(*overrides)
    assert_link_books_are_exact(found)
    assert found[-1]["shots_on_time"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "pairs"),
    [
        (("training.partition=circuit", "training.layers=3"), 2 * 3),
        (("training.partition=circuit", "training.qubits=4", "training.ansatz=hardware_efficient"), 1),
        (("training.partition=layer", "training.layers=3"), 3),
        (("training.partition=layer", "training.layers=2", "training.qubits=5"), 5),
    ],
)
def test_a_shot_spends_a_pair_per_remote_gate_or_per_qubit_and_boundary(overrides: Any, pairs: int) -> None:
    """In a star each of them is two link pairs; with one route a shot in time spends all of its pairs, others none."""
    found, _ = rounds_of(*overrides, "training.inputs=local", "training.rounds=1", "entanglement=scarce_supply")
    observed = found[-1]
    counts = np.asarray(observed["counts"])
    assert counts[[0, 2], 1].sum() == 2 * pairs * observed["shots_on_time"]
    assert 0 < observed["shots_on_time"] < observed["shots"] == 4 * 66
    assert counts[:, 2].sum() == 0


class WatchedLink(ChangedActor):
    """A link manager, what it was asked, and what it told others."""

    def __init__(self, manager: Actor) -> None:
        super().__init__(manager)
        self.asked: list[Any] = []
        self.told: list[Any] = []

    def begin(self, envelope: Envelope) -> Answer:
        self.asked.append(envelope.payload)
        return super().begin(envelope)

    def change(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        self.told += [effect.payload for effect in effects if isinstance(effect, Send)]
        return effects


def group_manager(*overrides: str) -> tuple[LinkManager, ProcessorGroup, Any, Any]:
    """The manager of the first group's routes, what it was asked in round 0, and what it told the leader."""
    world = small_world("training.rounds=1", *overrides)
    (manager,) = (link for link in world.links if link.name == "link/processor/0")
    assert isinstance(manager, LinkManager)
    watched = WatchedLink(manager)
    links = tuple(watched if link is manager else link for link in world.links)
    list(Simulation(LocalCluster(replace(world, links=links).one_host())).rounds())
    group = manager._group
    assert group is not None
    return manager, group, watched.asked[-1], watched.told


def test_a_shot_is_on_time_if_all_of_its_routes_are_and_spends_late_pairs_otherwise() -> None:
    overrides = ("training.partition=circuit", "training.processors_per_group=3", "processors.count=12",
                 "training.inputs=local", "training.layers=2", "training.circuits_per_round=400")  # fmt: skip
    _, group, plan, told = group_manager(*overrides)
    (delivered,) = (payload for payload in told if isinstance(payload, ShotsDelivered))
    finished = told[-1]
    assert plan.pairs_per_shot == (2, 2, 2)
    assert [part.places for part in group.routes] == [(0, 3), (2, 5), (1, 4)]
    on_time = int(np.count_nonzero(delivered.on_time))
    training = np.asarray(finished.link_counts)[:, 0]
    legs = {link: sum(2 * (link in part.route.links) for part in group.routes) for link in finished.links}
    assert 0 < on_time < len(delivered.on_time) == 400
    for link, row in zip(finished.links, training, strict=True):
        assert row[1] == on_time * legs[link]
    assert training[:, 2].sum() > 0, "some shots have pairs of one route and not of another"
    assert delivered.coefficients.sum() == pytest.approx(1.0)
    assert delivered.werner.shape == (27, 6)
    assert len(delivered.attenuation) == 0


@pytest.mark.parametrize("inputs", ["local", "teleported"])
@pytest.mark.parametrize("partition", ["circuit", "layer"])
def test_on_perfect_hardware_a_shared_circuit_trains_as_one_processor_does(partition: str, inputs: str) -> None:
    alone, _ = rounds_of(*PERFECT, "processors.count=4", f"training.inputs={inputs}")
    shared, _ = rounds_of(
        *PERFECT, "processors.count=8", f"training.inputs={inputs}", f"training.partition={partition}"
    )
    np.testing.assert_allclose(shared[-1]["model"], alone[-1]["model"], atol=1e-12)
    assert np.abs(np.asarray(shared[-1]["model"]) - small_world(*PERFECT).initial_parameters).max() > 1e-3


@pytest.mark.slow
def test_both_engines_train_shared_circuits_alike() -> None:
    overrides = ("training.partition=circuit", "training.inputs=local", "training.rounds=1")
    models = [rounds_of(*overrides, f"processors={engine}")[0][-1]["model"] for engine in ("pauli", "aer")]
    np.testing.assert_allclose(models[0], models[1], atol=1e-9)


def test_colluders_own_whole_groups() -> None:
    world = small_world("attacks=alie", "attacks.fraction=0.5", "training.partition=circuit")
    assert len(world.processors) == 4
    assert len(world.byzantine) == 2
    assert world.byzantine_processors == [p for k in world.byzantine for p in (2 * k, 2 * k + 1)]


def shots_on_time_of_links(attack: str) -> dict[str, int]:
    """Shots on time in round 0, by link; half of the groups collude."""
    world = small_world(
        "training.partition=circuit", "training.inputs=local", "attacks.fraction=0.5", "training.rounds=1",
        f"attacks={attack}",
    )  # fmt: skip
    watched = tuple(map(WatchedLink, world.links))
    assert len(ends(Simulation(LocalCluster(replace(world, links=watched).one_host())))) == 1
    finished = [told for link in watched for told in link.told if isinstance(told, PlanFinished) and told.shots]
    return {told.link: told.shots_on_time for told in finished if told.round_index == 0}


def test_jammed_groups_lose_shots_and_the_others_none() -> None:
    """Half of the attempts fail, so a supply of 1.6 times the demand is one of .8: a fifth of the shots lack pairs."""
    free, jammed = shots_on_time_of_links("alie"), shots_on_time_of_links("jamming")
    lost = {link: 1 - jammed[link] / free[link] for link in free}
    assert sorted(lost) == [f"link/processor/{k}" for k in range(4)]
    assert lost["link/processor/2"] == lost["link/processor/3"] == 0, "they collude"
    for link in ("link/processor/0", "link/processor/1"):
        assert 0.1 < lost[link] < 0.3


def test_members_have_their_own_noise() -> None:
    world = small_world("training.partition=layer", "training.layers=3", "training.inputs=local")
    noise = world.processors[0]._noise  # type: ignore[attr-defined]
    assert noise.shape == (3, 3, 7)
    np.testing.assert_array_equal(noise[0], noise[1])
    assert (noise[0] != noise[2]).any()
    cut = small_world("training.partition=circuit")
    assert set(cut.shared_circuit.parts) == {0, 1}
    assert cut.processors[1]._noise.shape == (3, 7)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("processors.count=9",),
            r"processors\.count must be divisible by training\.processors_per_group \(2\), got 9",
        ),
        (
            ("training.processors_per_group=4",),
            r"training\.processors_per_group: the circuit has 3 qubits to share, got 4 processors",
        ),
        (
            ("training.error_mitigation=probabilistic_error_cancellation",),
            r"training\.error_mitigation must be none, rescale or bounded_rescale for training\.partition=circuit",
        ),
        (("processors=aer_sampled",), r"processors\.engine must be pauli or aer for training\.partition=circuit"),
        (("network=complete",), r"network: processors that share a circuit need pairs swapped"),
        (
            ("network=line", "network.nodes=3", "training.processors_per_group=3", "processors.count=9"),
            r"network: processors that share a circuit must sit on different nodes",
        ),
        (("entanglement.slots=2", "training.layers=2"), r"entanglement\.slots must be at least the 4 pairs of a shot"),
        (("entanglement.hub_channels=8",), r"entanglement\.hub_channels must exceed the 7 legs of the committee by"),
        (
            ("links.coherence_milliseconds=0.4", "entanglement.key_useful_age_milliseconds=1e-3"),
            "a shared shot needs 2",
        ),
    ],
)
def test_what_cannot_be_shared_is_refused_in_one_line(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as refused:
        small_world("training.partition=circuit", *overrides)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("partition", ["circuit", "layer"])
def test_on_perfect_hardware_shared_circuits_learn_digits_as_one_process_does(partition: str) -> None:
    """Within two points of the same model and optimiser, without noise, on all data."""
    config = composed_once([
        *PERFECT[:6], "processors=noiseless", "aggregation=mean", "attacks=none", f"training.partition={partition}",
        "processors.count=20", "runtime=local", "tracking=folder",
    ])  # fmt: skip
    world = build_world(build(RunSettings, config))
    chosen = config["training"]
    rate = LearningRate(
        chosen["learning_rate"], chosen["final_learning_rate"], chosen["learning_rate_schedule"], chosen["rounds"]
    )
    central = CentralizedTraining(world.circuit, world.work.loss, Momentum(chosen["momentum"]), rate)
    reference = central(world.data, world.initial_parameters, np.random.default_rng(1))
    *_, last = Simulation(LocalCluster(world.one_host())).rounds()
    accuracies = [
        accuracy_on_test(world.circuit, parameters, world.data)
        for parameters in (reference, np.asarray(last.mark.model), world.initial_parameters)
    ]
    assert accuracies[1] > accuracies[0] - 0.02
    assert accuracies[0] > 0.9 > accuracies[2] + 0.1
