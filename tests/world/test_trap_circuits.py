"""Runs in which the hub asks what it knows: gates count too, and nothing depends on where actors live."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages import payloads
from ceas_ray.messages.observations import RoundObserved
from ceas_ray.processors.trap_circuit_draws import TrapCircuits
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.processors.gradient_items import items_of, noise
from tests.small_worlds import small_world
from tests.world.committees import inner


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


@pytest.mark.slow
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
