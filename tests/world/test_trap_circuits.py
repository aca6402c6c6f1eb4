"""Runs in which the hub asks what it knows: gates count too, and nothing depends on where actors live."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages import payloads
from ceas_ray.messages.observations import RoundObserved
from ceas_ray.processors.gradient_records import GradientInputs
from ceas_ray.processors.trap_circuit_draws import TrapCircuits
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.mixed_pairs import NO_PAIRS
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.small_worlds import small_world
from tests.world.committees import inner


def items_of(world: Any, noises: list[Any], usable: Any, rounds: int = 1) -> list[GradientInputs]:
    """What processors with these gates and equal pairs are given."""
    attenuation, shard = 0.93 ** np.arange(world.circuit.qubits + 1), world.shards[0]
    return [
        GradientInputs(
            name=f"processor/{k}", round_index=r, angles=shard.angles, targets=shard.targets,
            parameters=world.initial_parameters, noise=noise, attenuation=attenuation, werner=NO_PAIRS.werner,
            coefficients=NO_PAIRS.coefficients, usable=usable, certified_werner=None,
        )
        for r in range(rounds) for k, noise in enumerate(noises)
    ]  # fmt: skip


def noise(qubits: int, two_qubit: float) -> Any:
    figures = np.zeros((qubits, len(Noise)))
    figures[:, Noise.TWO_QUBIT_DEPOLARIZING] = two_qubit
    return figures


def test_bad_gates_behind_good_pairs_lose_weight() -> None:
    """The tests of pairs are the same for all; only trap circuits show which gates are bad."""
    world = small_world("training.trap_circuit_share=0.2", "aggregation=ceas", "aggregation.weights.min_tests=10")
    ask = TrapCircuits(world.circuit, Streams(1), 0.2, 0.25)
    everything = np.ones(4000, bool)
    answers = ask(items_of(world, [noise(3, 0.001)] * 7 + [noise(3, 0.2)], everything))
    given = np.array([(found.asked, found.wrong) for found in answers], float)
    pairs = np.full((8, 3), 1000.0)
    rows = [(k, np.full(world.circuit.parameter_count, k, np.int64)) for k in range(8)]
    next_state = inner(world.replicas[0])._protocol.next_state
    state = (world.initial_parameters, 0)
    blind, _, _ = next_state(state, rows, payloads.TestReport(round_index=1, tested=pairs, errors=0.05 * pairs))
    asked, wrong = np.column_stack([pairs, given[:, 0]]), np.column_stack([0.05 * pairs, given[:, 1]])
    weights, _, _ = next_state(state, rows, payloads.TestReport(round_index=1, tested=asked, errors=wrong))
    np.testing.assert_allclose(blind, blind[0])
    assert weights[7] < 0.8 * weights[:7].min()
    asked[:, 3], wrong[:, 3] = 3, [0, 1, 2, 3, 0, 1, 2, 3]  # 9 qubits each; 10 are waited for
    early, _, _ = next_state(state, rows, payloads.TestReport(round_index=1, tested=asked, errors=wrong))
    np.testing.assert_allclose(early, 1 / 8)


def test_the_answers_of_a_round_count_in_the_next() -> None:
    words = (
        "training.trap_circuit_share=0.25",
        "aggregation=ceas",
        "aggregation.weights.min_tests=10",
        "training.rounds=2",
    )
    first, second = (
        observation.payload.weights
        for end in Simulation(LocalCluster(small_world(*words).one_host())).rounds()
        for observation in end.observations
        if isinstance(observation.payload, RoundObserved)
    )
    assert np.ptp(first) == 0 < np.ptp(second)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_only_where_asked_does_the_work_speak_of_answers(share: float) -> None:
    """Else its output, and with it every digest, would differ from that of a run that knows of no such circuits."""
    world = small_world(f"training.trap_circuit_share={share}", "aggregation=ceas", "aggregation.weights.min_tests=10")
    (output,) = world.work(items_of(world, [noise(3, 0.01)], np.ones(64, bool)))
    answered = {"asked", "wrong"} if share else set()
    assert set(output) == {"gradient", "variance", "contrast"} | answered
    assert not share or output["asked"] == 16


def test_what_came_late_is_not_asked_and_an_answer_is_wrong_as_often_as_its_contrast_says() -> None:
    world = small_world()
    ask = TrapCircuits(world.circuit, Streams(2), 0.5, 0.25)
    usable = np.arange(400) % 2 == 0
    found = ask(items_of(world, [noise(3, 0.02)], usable, rounds=50))
    assert all(each.asked == np.count_nonzero(each.circuits & usable) for each in found)
    asked, wrong = sum(each.asked for each in found), sum(each.wrong for each in found)
    assert 0.4 * 50 * 200 < asked < 0.6 * 50 * 200
    perfect = ask(items_of(world, [noise(3, 0.0)], usable))
    assert 0.03 < wrong / asked < 0.25
    assert perfect[0].wrong < perfect[0].asked / 5


def test_each_answer_depends_on_its_own_processor_alone() -> None:
    world = small_world()
    ask = TrapCircuits(world.circuit, Streams(3), 0.1, 0.25)
    items = items_of(world, [noise(3, p) for p in (0.0, 0.1, 0.3)], np.ones(300, bool))
    together = [(each.asked, each.wrong) for each in ask(items)]
    alone = [(each.asked, each.wrong) for item in items for each in ask([item])]
    assert together == alone


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["training.trap_circuit_share=0.6"], "training.trap_circuit_share must be a number in [0, 0.5], got 0.6"),
        (["training.trap_circuit_share=0.1", "training.inputs=local"], "0 unless partition is data"),
        (
            ["training.trap_circuit_share=0.1", "training.error_mitigation=probabilistic_error_cancellation"],
            "0 for training.error_mitigation=probabilistic_error_cancellation",
        ),
        (["training.trap_circuit_share=0.1", "aggregation=ceas_uniform"], "0 with flat weights"),
        (
            ["training.trap_circuit_share=0.1", "aggregation=ceas", "aggregation.weights.min_tests=300"],
            "must be 0 or at least 0.203, or",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        small_world(*words)
    assert "training.trap_circuit_share" in str(refused.value)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_was_answered_outlives_a_cut() -> None:
    words = (
        "training.trap_circuit_share=0.25",
        "attacks=alie",
        "aggregation=ceas",
        "aggregation.weights.min_tests=10",
    )
    whole = list(Simulation(LocalCluster(small_world(*words).one_host())).rounds())
    first = Simulation(LocalCluster(small_world(*words).hosts(2, 1)))
    begun = [next(iterator) for iterator in [first.rounds()] for _ in range(2)]
    second = Simulation(LocalCluster(small_world(*words).hosts(1, 2)))
    second.restore(decode(encode(first.snapshot())))
    assert [end.digest for end in [*begun, *second.rounds()]] == [end.digest for end in whole]
    plain = list(Simulation(LocalCluster(small_world("attacks=alie").one_host())).rounds())
    assert plain[0].digest != whole[0].digest
